#pragma once

#include <unordered_map>
#include <vector>

#include "store/sqlite/verify/findings.hpp"
#include "store/sqlite/verify/task_paths.hpp"

namespace conductor::sqlite {

/// Where the events say that a run is.
struct run_path {
  task_state state{}; ///< none before its creation
  std::string name;
  std::int64_t tasks = 0; ///< top-level ones
  std::uint64_t chain = 0;
  std::int64_t retries = 0;
  timestamp created{}, updated{}, started{}, finished{};
};

/// Tells texts apart in 32 bits; never 0, nor `lost_error`.
std::uint32_t fingerprint(std::string_view text);
/// In place of the fingerprint of an error of type `lease_expired`, which no
/// event tells whole.
inline constexpr std::uint32_t lost_error = 1;

/// Replays the events of one run, in order: its hash chain is whole (I5), every
/// path is legal, with one event for each move (I3, I4).
class run_replay {
public:
  run_replay(database& db, findings& out, run_key run)
    : db_(db), out_(out), run_(run) {}

  void replay();

  const run_path& path() const { return path_; }
  const task_paths& tasks() const { return tasks_; }
  timestamp time(std::uint32_t place) const { return from_ms(times_[place]); }
  std::int64_t spans() const { return spans_; }
  std::int64_t events() const { return events_; }
  /// How many tasks events tell of.
  std::int64_t created() const { return created_; }
  /// How many children existed when a parent's expansion ended; -1 if no event
  /// says that it has.
  std::int64_t expansion_ended_at(task_key parent) const;

private:
  /// What a payload tells of a move.
  struct telling {
    task_state to{};
    std::uint32_t at = 0, due = 0, error = 0;
    std::int64_t attempt = -1, took = -1, retry_count = -1, lost_count = -1;
    bool by_hand = false, lost = false;
  };

  void span(const event_span& s, std::uint64_t hash);
  void run_step(const event_span& s);
  void move_run_to(const event_span& s, bool legal, task_state to);
  telling read(const event_span& s);
  void read_failure(const event_span& s, telling& what);
  void step(const event_span& s, const telling& what, task_range tasks,
            task_path& p);
  void end_attempt(const event_span& s, const telling& what, task_range tasks,
                   task_path& p);
  void return_to_pending(const event_span& s, const telling& what,
                         task_range tasks, task_path& p);
  void lose(const event_span& s, const telling& what, task_range tasks,
            task_path& p);
  void move(const event_span& s, const telling& what, task_range tasks,
            task_path& p, bool legal, task_state to);
  void check_submission(const event_span& s);
  void complain_of(const event_span& s, task_key task, const std::string& what);
  std::uint32_t place_of(timestamp t);

  database& db_;
  findings& out_;
  run_key run_;
  run_path path_;
  task_paths tasks_;
  std::vector<std::int64_t> times_{0};
  std::unordered_map<task_key, std::int64_t> ended_expansions_;
  std::int64_t spans_ = 0, events_ = 0, created_ = 0;
};

} // namespace conductor::sqlite
