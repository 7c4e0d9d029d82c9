#include "store/sqlite/verify/task_paths.hpp"

namespace conductor::sqlite {

static_assert(sizeof(task_path) == 32);

task_key task_paths::find_known(task_range tasks) const {
  const auto base = tasks.first - tasks.first % chunk_size;
  for (auto chunk = chunks_.lower_bound(base);
       chunk != chunks_.end() && chunk->first < tasks.end(); ++chunk)
    for (std::size_t i = 0; i < chunk->second.size(); ++i) {
      const auto part = range_of(chunk->first, chunk->second, i);
      if (chunk->second[i].path.state != 0 && part.end() > tasks.first
          && part.first < tasks.end())
        return std::max(part.first, tasks.first);
    }
  return 0;
}

/// Makes a piece begin at `place` and returns its position.
std::size_t task_paths::split(piece_list& pieces, std::uint16_t place) {
  if (place == chunk_size)
    return pieces.size();
  const auto i = find(pieces, place);
  if (pieces[i].first == place)
    return i;
  auto part = pieces[i];
  part.first = place;
  // Growing by doubling would waste up to half of a large history.
  if (pieces.size() == pieces.capacity())
    pieces.reserve(pieces.size() + pieces.size() / 4 + 1);
  pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1, part);
  return i + 1;
}

/// Joins equal neighbours among the pieces that changed and those beside them.
void task_paths::merge(piece_list& pieces, std::size_t begin, std::size_t end) {
  const auto from
    = pieces.begin() + static_cast<std::ptrdiff_t>(begin > 0 ? begin - 1 : 0);
  const auto to
    = pieces.begin()
      + static_cast<std::ptrdiff_t>(std::min(end + 1, pieces.size()));
  const auto kept = std::unique(
    from, to, [](const piece& x, const piece& y) { return x.path == y.path; });
  pieces.erase(kept, to);
}

} // namespace conductor::sqlite
