#include "apps/orcon/map/map_retention.hpp"

#include <filesystem>

#include <conductor/admin.hpp>
#include <conductor/stored_json.hpp>
#include <fmt/format.h>

#include "apps/orcon/map/command/map_definition.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t page = 1000;

bool is_map(const run_record& run) {
  const auto meta = parse_stored(run.meta);
  return meta.is_object() && meta.contains(line_label);
}

/// Runs of `map` that ended before a moment.
std::vector<run_key> old_maps(store_reader& reader, timestamp before) {
  std::vector<run_key> found;
  for (run_key last = 0;;) {
    const auto runs
      = reader.runs({.newest_first = true, .before = last, .limit = page});
    for (const auto& run : runs)
      if (settled(run.state) && run.finished_at != no_time
          && run.finished_at < before && is_map(run))
        found.push_back(run.key);
    if (runs.size() < page)
      return found;
    last = runs.back().key;
  }
}

} // namespace

error prune_old_maps(const settings& s, const std::string& keep_for) {
  const auto keep = parse_duration(keep_for);
  if (!keep && keep_for != "forever")
    return {errc::invalid, "--keep: \"" + keep_for
                             + "\" is not a duration such as 720h, nor "
                               "\"forever\""};
  std::error_code ignored;
  if (!keep || !s.state_database
      || !std::filesystem::exists(s.database, ignored))
    return {};
  try {
    const auto now = system_now();
    auto reader = open_reader(s);
    if (!reader)
      return {};
    const auto old = old_maps(**reader, now - *keep);
    reader->reset();
    std::int64_t pruned = 0;
    for (const auto run : old)
      if (prune_database(s.database, {.run = run, .now = now}))
        ++pruned;
    if (pruned > 0)
      say_more(s, fmt::format("{} run(s) that ended more than {} ago were "
                              "deleted from {}",
                              pruned, keep_for, s.database));
  } catch (const store_error&) {
    // The command that follows meets the same, and reports it.
  }
  return {};
}

} // namespace orcon
