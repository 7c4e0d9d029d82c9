#include "store/claim_turns.hpp"

#include <algorithm>
#include <vector>

namespace conductor {

namespace {

/// Of so many leases one goes to the priority that was served longest ago.
constexpr std::int64_t neglected_share = 10;

} // namespace

/// Takes tasks of the runs of one priority, in turn, until `most` are taken or
/// each run has been tried.
std::int64_t claim_turns::serve(const claim_places& places,
                                std::int32_t priority, std::int64_t most,
                                tried_runs& tried, const take_fn& take) {
  const auto p = static_cast<std::size_t>(priority);
  const auto& runs = places[p];
  std::int64_t taken = 0;
  while (taken < most) {
    auto next = runs.upper_bound(last_run_[p]);
    for (auto left = runs.size(); left > 0; --left) {
      if (next == runs.end())
        next = runs.begin();
      if (!tried.contains({priority, next->first}))
        break;
      if (left == 1)
        return taken;
      ++next;
    }
    if (runs.empty())
      return taken;
    const auto run = next->first;
    const auto got = take(priority, run, most - taken);
    if (got < most - taken)
      tried.insert({priority, run});
    if (got > 0) {
      last_run_[p] = run;
      leases_ += static_cast<std::uint64_t>(got);
      served_[p] = leases_;
    }
    taken += got;
  }
  return taken;
}

std::int64_t claim_turns::serve_neglected(const claim_places& places,
                                          std::int64_t wanted,
                                          tried_runs& tried,
                                          const take_fn& take,
                                          const probe_fn& probe) {
  std::vector<std::int32_t> order;
  for (auto p = first_priority; p <= last_priority; ++p)
    if (!places[static_cast<std::size_t>(p)].empty())
      order.push_back(p);
  if (order.size() > 1)
    std::erase_if(order, [&](std::int32_t p) { return !probe(p); });
  if (order.size() < 2) { // none is neglected
    in_order_ = std::min(in_order_, neglected_share - 1);
    return 0;
  }
  const auto owed = in_order_ / (neglected_share - 1);
  std::ranges::stable_sort(order, {}, [&](std::int32_t p) {
    return served_[static_cast<std::size_t>(p)];
  });
  for (const auto priority : order) {
    const auto got
      = serve(places, priority, std::min(owed, wanted), tried, take);
    if (got > 0) {
      in_order_ -= got * (neglected_share - 1);
      return got;
    }
  }
  return 0;
}

std::int64_t claim_turns::claim(const claim_places& places, std::int64_t wanted,
                                const take_fn& take, const probe_fn& probe) {
  tried_runs tried;
  std::int64_t taken = 0;
  if (wanted > 0 && in_order_ >= neglected_share - 1)
    taken = serve_neglected(places, wanted, tried, take, probe);
  for (auto p = first_priority; p <= last_priority && taken < wanted; ++p) {
    const auto got = serve(places, p, wanted - taken, tried, take);
    in_order_ += got;
    taken += got;
  }
  return taken;
}

} // namespace conductor
