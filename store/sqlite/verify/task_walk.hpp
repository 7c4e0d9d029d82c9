#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "store/sqlite/verify/findings.hpp"
#include "store/sqlite/admin/pruned_events.hpp"

namespace conductor::sqlite {

/// Where the events say that a task is. Twelve bytes a task, so that ten
/// million can be walked in one go; hence remainders in place of numbers.
struct task_path {
  std::uint8_t state : 4;               ///< 0 = no event yet
  std::uint8_t aggregated : 1;          ///< a parent that has settled
  std::uint8_t answered : 1;            ///< some attempt ended with an answer
  std::uint8_t retries, lost, attempts; ///< modulo 256
  /// Of the newest move; where a retry follows, when it falls due. Milliseconds
  /// modulo 2^32.
  std::uint32_t at;
  /// Fingerprint of what `last_error` must be; 0 = there was none.
  std::uint32_t error;
};

/// Where the events say that a run is.
struct run_path {
  task_state state{};
  std::uint32_t name = 0; ///< fingerprint
  std::uint64_t chain = 0;
  std::int64_t retries = 0;
  timestamp created{}, updated{}, started{}, finished{};
};

inline std::uint32_t low32(std::int64_t n) {
  return static_cast<std::uint32_t>(n);
}

/// Tells texts apart in 32 bits; never 0, nor `lost_error`.
std::uint32_t fingerprint(std::string_view text);
/// In place of the fingerprint of an error of type `lease_expired`, which no
/// event tells whole.
inline constexpr std::uint32_t lost_error = 1;

/// Replays all events, in order: seq without gaps and hash chains whole (I5),
/// every path legal, one event a move (I3, I4).
class task_walk {
public:
  task_walk(database& db, findings& out);

  void replay(std::int64_t& events,
              const std::function<void(double)>& progress);

  /// The path of a task that events tell of, or nullptr.
  const task_path* find(task_key task) const {
    const auto known = task > 0 && static_cast<std::size_t>(task) < size_
                       && paths_[static_cast<std::size_t>(task)].state != 0;
    return known ? &paths_[static_cast<std::size_t>(task)] : nullptr;
  }
  task_key end() const { return static_cast<task_key>(size_); }
  /// How many tasks events tell of.
  std::int64_t tasks() const { return tasks_; }
  /// How many of them must have a `last_error`.
  std::int64_t errors() const { return errors_; }
  const std::unordered_map<run_key, run_path>& runs() const { return runs_; }

private:
  /// What a payload tells of a move.
  struct news {
    task_state to{};
    std::uint32_t at = 0, error = 0;
    bool by_hand = false, lost = false;
  };

  void span(const event_span& s, std::uint64_t hash);
  void end_of_events();
  void skip_to(event_seq next);
  static news read(const event_span& s);
  void step(const event_span& s, const news& what, task_key task);
  void check_created(const event_span& s);
  void run_step(const event_span& s);
  void complain_of(const event_span& s, task_key task, const std::string& what);

  struct release {
    std::size_t bytes = 0;
    void operator()(task_path* p) const;
  };
  static std::unique_ptr<task_path[], release> make_paths(std::size_t size);

  database& db_;
  findings& out_;
  pruned_events pruned_;
  std::size_t size_;
  /// By task key. Pages of keys that no task has are never touched, so that
  /// they take no memory: a fan-out reserves keys for all of its children.
  std::unique_ptr<task_path[], release> paths_;
  std::int64_t tasks_ = 0, errors_ = 0;
  std::unordered_map<run_key, run_path> runs_;
  event_seq expected_ = 1, missing_ = 0;
};

} // namespace conductor::sqlite
