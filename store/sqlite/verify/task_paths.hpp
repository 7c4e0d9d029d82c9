#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include <conductor/records.hpp>

namespace conductor::sqlite {

/// Where the events say that a task is. Times are places in a list of times,
/// 0 = none, so that ten million paths fit into memory.
struct task_path {
  std::uint32_t created = 0, started = 0, updated = 0;
  std::uint32_t due = 0; ///< of a retry; 0 = no event tells
  /// Fingerprint of what the last error must be; 0 = there was none.
  std::uint32_t error = 0;
  std::uint32_t attempts = 0;
  std::uint16_t retries = 0, lost = 0;
  std::uint8_t state : 4 = 0;      ///< 0 = no event yet
  std::uint8_t aggregated : 1 = 0; ///< a parent that has settled
  std::uint8_t answered : 1 = 0;   ///< some attempt ended with an answer

  friend bool operator==(const task_path&, const task_path&) = default;
};

/// The paths of the tasks of one run. Consecutive tasks with equal paths share
/// a piece, as they share a segment: a move of many costs as much as one.
class task_paths {
public:
  /// Calls `step(range, path)` for each piece of a range, which it may change.
  template <class Step>
  void change(task_range tasks, Step&& step) {
    each_chunk(tasks, [&](task_key base, std::uint16_t from, std::uint16_t to) {
      auto& pieces = chunks_[base];
      if (pieces.empty())
        pieces.emplace_back();
      const auto begin = split(pieces, from), end = split(pieces, to);
      for (auto i = begin; i < end; ++i)
        step(range_of(base, pieces, i), pieces[i].path);
      merge(pieces, begin, end);
    });
  }

  /// Calls `look(range, path)` for each piece of a range; tasks without events
  /// have a path with state 0. For ranges as long as a segment.
  template <class Look>
  void each(task_range tasks, Look&& look) const {
    each_chunk(tasks, [&](task_key base, std::uint16_t from, std::uint16_t to) {
      const auto found = chunks_.find(base);
      if (found == chunks_.end())
        return look(task_range{base + from, to - from}, task_path{});
      const auto& pieces = found->second;
      for (auto i = find(pieces, from);
           i < pieces.size() && pieces[i].first < to; ++i)
        look(clip(range_of(base, pieces, i), base + from, base + to),
             pieces[i].path);
    });
  }

  /// All pieces that there are.
  template <class Look>
  void each(Look&& look) const {
    for (const auto& [base, pieces] : chunks_)
      for (std::size_t i = 0; i < pieces.size(); ++i)
        look(range_of(base, pieces, i), pieces[i].path);
  }

  /// The first task of a range that events tell of; 0 if there is none. Costs
  /// as much as there are pieces, however long the range claims to be.
  task_key find_known(task_range tasks) const;

  /// The path of one task.
  task_path at(task_key task) const {
    task_path found;
    each({task, 1}, [&](task_range, const task_path& p) { found = p; });
    return found;
  }

private:
  static constexpr task_key chunk_size = 1024;

  struct piece {
    task_path path;
    std::uint16_t first
      = 0; ///< within the chunk; it ends where the next begins
  };
  using piece_list = std::vector<piece>;

  template <class Chunk>
  static void each_chunk(task_range tasks, Chunk&& chunk) {
    for (auto next = tasks.first; next < tasks.end();) {
      const auto base = next - next % chunk_size;
      const auto end = std::min(base + chunk_size, tasks.end());
      chunk(base, static_cast<std::uint16_t>(next - base),
            static_cast<std::uint16_t>(end - base));
      next = end;
    }
  }
  static task_range range_of(task_key base, const piece_list& pieces,
                             std::size_t i) {
    const auto end = i + 1 < pieces.size() ? pieces[i + 1].first : chunk_size;
    return {base + pieces[i].first, end - pieces[i].first};
  }
  static task_range clip(task_range r, task_key from, task_key to) {
    const auto first = std::max(r.first, from);
    return {first, std::min(r.end(), to) - first};
  }
  /// The piece that a task of the chunk is in.
  static std::size_t find(const piece_list& pieces, std::uint16_t place) {
    const auto after = std::upper_bound(
      pieces.begin(), pieces.end(), place,
      [](std::uint16_t p, const piece& x) { return p < x.first; });
    return static_cast<std::size_t>(after - pieces.begin()) - 1;
  }
  static std::size_t split(piece_list& pieces, std::uint16_t place);
  static void merge(piece_list& pieces, std::size_t begin, std::size_t end);

  std::map<task_key, piece_list> chunks_;
};

} // namespace conductor::sqlite
