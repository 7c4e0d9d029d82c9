#include <algorithm>

#include <conductor/filters.hpp>
#include <fmt/format.h>

#include "apps/orcon/cli.hpp"

// Runs and tasks as people name them.
namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t page = 1000;
constexpr std::size_t id_length = 26;
/// The first ten characters of an id are a time; with fewer nobody means one.
constexpr std::size_t shortest_prefix = 4;

/// Whether a text may be the beginning of an id.
bool may_begin_id(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return text.size() >= shortest_prefix && text.size() < id_length
         && text.find_first_not_of(digits) == text.npos;
}

error ambiguous(const std::string& prefix, const char* what) {
  return {errc::invalid,
          fmt::format("{} is the beginning of the ids of several {}; give "
                      "more of it",
                      prefix, what)};
}

/// The only run whose id begins so; none if there is none.
result<std::optional<run_record>> run_by_prefix(store_reader& reader,
                                                const std::string& prefix) {
  std::optional<run_record> found;
  if (!may_begin_id(prefix))
    return found;
  for (run_key before = 0;;) {
    auto runs
      = reader.runs({.newest_first = true, .before = before, .limit = page});
    for (auto& run : runs)
      if (run.id.starts_with(prefix)) {
        if (found)
          return tl::unexpected(ambiguous(prefix, "runs"));
        found = run;
      }
    if (runs.size() < page)
      return found;
    before = runs.back().key;
  }
}

result<std::optional<task_key>>
task_by_prefix(store_reader& reader, run_key run, const std::string& prefix) {
  std::optional<task_key> found;
  if (!may_begin_id(prefix))
    return found;
  for (task_key after = 0;;) {
    const auto tasks
      = reader.list_tasks({.run = run, .texts = false}, after, page);
    for (const auto& task : tasks)
      if (task.id.starts_with(prefix)) {
        if (found)
          return tl::unexpected(ambiguous(prefix, "tasks"));
        found = task.key;
      }
    if (tasks.size() < page)
      return found;
    after = tasks.back().key;
  }
}

} // namespace

result<run_record> find_run(store_reader& reader, const std::string& id) {
  if (id.empty() || id == "last") {
    auto newest = reader.runs({.newest_first = true, .limit = 1});
    if (newest.empty())
      return fail(errc::not_found, "the database holds no runs yet; start one "
                                   "with `orcon exec` or `orcon map`");
    return newest.front();
  }
  if (const auto key = parse_ulid(id) ? reader.find_run(id) : std::nullopt)
    return *reader.load_run(*key);
  const auto begun = run_by_prefix(reader, id);
  if (!begun)
    return tl::unexpected(begun.error());
  if (*begun)
    return **begun;
  auto named
    = reader.runs({.name = exactly(id), .newest_first = true, .limit = 1});
  if (!named.empty())
    return named.front();
  return fail(errc::not_found, "no run has the id or the name \"" + id
                                 + "\"; `orcon run list` shows what there is");
}

result<task_record> find_task(store_reader& reader, const std::string& text,
                              const std::string& run_id) {
  std::optional<task_key> key = reader.find_task(text);
  if (!key && !parse_ulid(text)) {
    const auto run = find_run(reader, run_id);
    if (!run)
      return tl::unexpected(run.error());
    key = reader.find_task(run->key, text);
    if (!key) {
      const auto begun = task_by_prefix(reader, run->key, text);
      if (!begun)
        return tl::unexpected(begun.error());
      key = *begun;
    }
    if (!key)
      return fail(errc::not_found, "no task \"" + text + "\" in run " + run->id
                                     + "; `orcon task list` shows them");
  }
  if (!key)
    return fail(errc::not_found, "no task " + text);
  return *reader.load_task(*key);
}

} // namespace orcon
