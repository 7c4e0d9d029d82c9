#include <cerrno>
#include <cstring>

#include <glob.h>
#include <unistd.h>

#include <conductor/json_text.hpp>
#include <conductor/submission.hpp>

#include "actors/handlers/input_check.hpp"
#include "actors/intake/source_file.hpp"

namespace conductor {

namespace {

/// Counts the lines and makes sure that each can become a JSON string.
result<void> count_lines(const std::string& path, const std::string& database,
                         task_submission& task) {
  auto reader = line_reader::open(path, 0);
  if (!reader)
    return tl::unexpected(reader.error());
  task.source = reader->file();
  task.source.spooled = is_spool(path, database);
  task.total = 0;
  std::string_view line;
  while (reader->next(line)) {
    ++task.total;
    if (!task.source.spooled && !valid_utf8(line))
      return fail(errc::invalid, path + ":" + std::to_string(task.total)
                                   + ": the line is not valid UTF-8");
  }
  if (reader->trouble())
    return tl::unexpected(reader->trouble());
  return {};
}

/// Resolves a pattern, sorted, to a spool of the names it matches.
result<void> spool_glob(const std::string& pattern, const std::string& database,
                        task_submission& task) {
  auto names = spool::create(database);
  if (!names)
    return tl::unexpected(names.error());
  ::glob_t found{};
  // A folder that is not there has nothing that matches; one that may not be
  // read might have.
  static thread_local int unreadable;
  unreadable = 0;
  const auto note = [](const char*, int why) {
    if (why != ENOENT && why != ENOTDIR)
      unreadable = why;
    return static_cast<int>(unreadable != 0);
  };
  const auto code = ::glob(pattern.c_str(), GLOB_BRACE, note, &found);
  error trouble;
  if (code != 0 && code != GLOB_NOMATCH)
    trouble = {errc::file, "cannot resolve " + pattern + ": "
                             + std::strerror(unreadable ? unreadable : ENOMEM)};
  for (std::size_t i = 0; i < found.gl_pathc && !trouble; ++i) {
    const std::string_view name{found.gl_pathv[i]};
    if (!valid_utf8(name))
      trouble = {errc::invalid,
                 "a name that matches " + pattern + " is not valid UTF-8"};
    else if (!names->add_line(name))
      trouble = {errc::full, "no room for the names that match " + pattern};
  }
  ::globfree(&found);
  if (trouble)
    return tl::unexpected(trouble);
  auto path = names->finish();
  if (!path)
    return tl::unexpected(path.error());
  if (auto counted = count_lines(*path, database, task); !counted)
    return counted;
  names->keep();
  return {};
}

std::string fanout_path(const task_spec& task) {
  return "/tasks" + pointer_step(task.name) + "/input/fanout";
}

result<void> resolve_source(const std::string& database,
                            task_submission& task) {
  const auto& from = task.spec.fanout;
  switch (from.kind) {
  case source_kind::none: task.total = -1; return {};
  case source_kind::lines: return count_lines(from.path, database, task);
  case source_kind::glob: return spool_glob(from.path, database, task);
  default: task.total = from.count; return {};
  }
}

result<void> resolve_task(const task_spec& spec,
                          const definition_context& context,
                          const std::string& database, submission& s) {
  const auto place = fanout_path(spec) + ": ";
  auto& task = s.tasks.emplace_back(task_submission{.spec = spec});
  if (task.spec.directory.empty())
    task.spec.directory = context.directory;
  if (auto resolved = resolve_source(database, task); !resolved)
    return fail(resolved.error().code, place + resolved.error().message);
  if (task.total > context.max_width)
    return fail(errc::invalid, place + std::to_string(task.total)
                                 + " children are more than max_width = "
                                 + std::to_string(context.max_width));
  return {};
}

} // namespace

std::vector<std::string> spools_of(const submission& s) {
  std::vector<std::string> paths;
  for (const auto& task : s.tasks)
    if (task.source.spooled)
      paths.push_back(task.source.path);
  return paths;
}

result<submission> resolve(const run_spec& spec,
                           const definition_context& context,
                           const std::string& database, timestamp now) {
  if (const auto errors = check_spec(spec, context); !errors.empty())
    return fail(errc::invalid, to_string(errors.front()));
  submission s{.name = spec.name,
               .meta = spec.meta,
               .idempotency_key = spec.idempotency_key,
               .retry_budget = spec.retry_budget,
               .at = now};
  for (const auto& t : spec.tasks) {
    auto resolved = resolve_task(t, context, database, s);
    if (resolved)
      continue;
    for (const auto& path : spools_of(s))
      ::unlink(path.c_str());
    return tl::unexpected(resolved.error());
  }
  return s;
}

} // namespace conductor
