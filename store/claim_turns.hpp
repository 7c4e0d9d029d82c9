#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include <conductor/ids.hpp>
#include <conductor/run_spec.hpp>

/// Whose turn it is when tasks of one handler are claimed. Stores keep where
/// claimable tasks are; which are taken first is decided here.
namespace conductor {

/// A block with claimable tasks, and the priority of their own that they have
/// (0 = their run's).
using claim_place = std::pair<task_key, std::int32_t>;

/// By priority and run. A place may turn out to be empty.
using claim_places
  = std::array<std::map<run_key, std::set<claim_place>>, last_priority + 1>;

class claim_turns {
public:
  /// Leases up to `most` tasks of a run at a priority; returns how many.
  using take_fn = std::function<std::int64_t(std::int32_t priority, run_key run,
                                             std::int64_t most)>;
  /// Whether a priority really has claimable tasks; may remove places.
  using probe_fn = std::function<bool(std::int32_t priority)>;

  /// Claims up to `wanted` tasks: of the first priority that has any, but every
  /// tenth of the priority that was served longest ago; of a priority from the
  /// runs in turn. `take` may remove places. Returns how many were taken.
  std::int64_t claim(const claim_places& places, std::int64_t wanted,
                     const take_fn& take, const probe_fn& probe);

private:
  using tried_runs = std::set<std::pair<std::int32_t, run_key>>;

  std::int64_t serve(const claim_places& places, std::int32_t priority,
                     std::int64_t most, tried_runs& tried, const take_fn& take);
  std::int64_t serve_neglected(const claim_places& places, std::int64_t wanted,
                               tried_runs& tried, const take_fn& take,
                               const probe_fn& probe);

  std::array<run_key, last_priority + 1> last_run_{};
  std::array<std::uint64_t, last_priority + 1> served_{}; ///< lease number
  std::uint64_t leases_ = 0;
  std::int64_t in_order_ = 0; ///< leases since the neglected were served
};

} // namespace conductor
