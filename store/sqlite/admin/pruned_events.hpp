#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "store/event_hash.hpp"
#include "store/sqlite/verify/findings.hpp"

namespace conductor::sqlite {

/// What a record of a pruned run says.
struct pruning_record {
  run_key run = 0;
  std::string id, name;
  std::int64_t state = 0, tasks = 0, events = 0;
  event_seq first_seq = 0, last_seq = 0;
  task_key end_task = 0;
  timestamp at{};
};

/// The checksum of a record, which nothing else repeats.
inline std::int64_t seal_of_pruning(const pruning_record& p) {
  using event_hash::mix;
  auto hash = mix(event_hash::basis, static_cast<std::uint64_t>(p.run));
  hash = mix(mix(hash, std::string_view{p.id}), std::string_view{p.name});
  for (const auto n : {p.state, p.tasks, p.events, p.first_seq, p.last_seq,
                       p.end_task, to_ms(p.at)})
    hash = mix(hash, static_cast<std::uint64_t>(n));
  return static_cast<std::int64_t>(hash);
}

/// Seqs of events that were pruned: ranges in which some may be gone, and how
/// many are.
class pruned_events {
public:
  explicit pruned_events(database& db) {
    db.prepared("SELECT first_seq, last_seq, events FROM prunings ORDER BY"
                " first_seq")
      .each([&](statement& row) {
        count_ = plus(count_, row.integer(2));
        last_ = std::max(last_, row.integer(1));
        if (!ranges_.empty()
            && minus(row.integer(0), 1) <= ranges_.back().second)
          ranges_.back().second
            = std::max(ranges_.back().second, row.integer(1));
        else
          ranges_.emplace_back(row.integer(0), row.integer(1));
      });
  }
  /// Whether pruning may explain that first … last are missing.
  bool cover(event_seq first, event_seq last) const {
    const auto after = std::upper_bound(
      ranges_.begin(), ranges_.end(), first,
      [](event_seq seq, const auto& range) { return seq < range.first; });
    return after != ranges_.begin() && std::prev(after)->second >= last;
  }
  std::int64_t count() const { return count_; }
  event_seq last() const { return last_; }

private:
  std::vector<std::pair<event_seq, event_seq>> ranges_;
  std::int64_t count_ = 0;
  event_seq last_ = 0;
};

} // namespace conductor::sqlite
