#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <conductor/event.hpp>
#include <conductor/records.hpp>
#include <conductor/state.hpp>
#include <conductor/time.hpp>

/// A run told again from its events, in numbers that fit on a page whatever the
/// number of its tasks: two bytes a task, and what is under way.
namespace orcon::report {

using namespace conductor;

/// Consecutive keys: the top-level tasks of a run, or the children of a parent.
struct block {
  task_key parent = 0; ///< 0: the top-level tasks
  task_range tasks;
  std::int64_t cells = 0; ///< of its heat map, at most; 0: it has none
};

/// One column of the timeline.
struct slice {
  state_counts leaves;           ///< at its end
  std::int64_t peak_running = 0; ///< most attempts under way at once
  double mean_running = 0;       ///< over its time
};

/// Equal slices from `begin` to `end`.
struct timeline {
  timestamp begin{}, end{};
  std::vector<slice> slices;

  /// Where slice `i` begins; for the number of slices: where the last one ends.
  timestamp at(std::size_t i) const;
  std::int64_t peak() const;
};

enum class ending : std::uint8_t { open, succeeded, failed, lost, cancelled };

/// One attempt, for a drawing of few tasks.
struct attempt {
  task_key task = 0;
  timestamp start{}, end{};
  ending how = ending::open;
};

/// Consecutive leaves in one cell of a heat map.
struct cell {
  state_counts leaves;
  std::int64_t attempts = 0; ///< that have ended
  milliseconds took{0};      ///< by them together
  milliseconds longest{0};

  /// In milliseconds; only if attempts have ended.
  double mean() const {
    return static_cast<double>(took.count()) / static_cast<double>(attempts);
  }
};

struct heat_map {
  block of;
  std::int64_t per_cell = 1;
  std::vector<cell> cells;
};

/// How long attempts took: exact up to 64 ms, then within 3 %.
class durations {
public:
  void add(milliseconds d);
  std::int64_t count() const { return count_; }
  milliseconds longest() const { return longest_; }
  /// The time within which a share (0…1) of the attempts ended.
  milliseconds within(double share) const;
  /// How many took at least `from` and less than `to`.
  std::int64_t between(milliseconds from, milliseconds to) const;

private:
  static std::size_t place(std::int64_t ms);
  static std::int64_t least(std::size_t place);

  std::array<std::int64_t, 2048> counts_{};
  std::int64_t count_ = 0;
  milliseconds longest_{0};
};

/// How often a task was tried.
struct tries {
  task_key task = 0;
  int attempts = 0;
};

/// What the events of a run come to.
struct story {
  timeline time;
  std::vector<heat_map> maps;
  durations attempt_times;
  std::vector<attempt> attempts;         ///< by start; only if they were kept
  std::vector<std::int64_t> by_attempts; ///< leaves tried once, twice, …
  std::vector<tries> most_tried;         ///< tried twice or more, most first
  std::int64_t events = 0;
  bool complete = false; ///< begins with the creation of the run
};

/// What a replay is to keep.
struct frame {
  std::vector<block> blocks;
  std::vector<task_key> parents;
  timestamp begin{}, end{};
  std::size_t slices = 240;
  std::size_t attempts = 0;    ///< kept, at most
  std::size_t most_tried = 20; ///< listed, at most
};

/// Takes the events of a run in order.
class replay {
public:
  explicit replay(frame f);

  void add(const event_span& span);
  story finish();

private:
  struct leaf {
    std::uint8_t state = 0; ///< a `task_state`; 0 = uncreated
    std::uint8_t attempts = 0;
  };
  struct group {
    std::vector<leaf> leaves;
    heat_map map;
  };

  void advance(timestamp at);
  void close_slice();
  void step(event_kind kind, group& g, task_key task, timestamp at);
  void enter(leaf& l, task_state state);
  void end_attempt(group& g, task_key task, timestamp at, ending how);
  void count_leaves(group& g);

  frame frame_;
  std::vector<group> groups_;                       ///< by first key
  std::unordered_map<task_key, timestamp> running_; ///< since when
  state_counts now_;
  timestamp last_{};
  std::size_t current_ = 0;
  double busy_ = 0; ///< of the current slice: attempts × ms
  story story_;
};

} // namespace orcon::report
