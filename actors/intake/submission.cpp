#include <cerrno>
#include <cstring>

#include <glob.h>

#include <conductor/json_text.hpp>
#include <conductor/submission.hpp>

#include "actors/handlers/input_check.hpp"
#include "actors/intake/line_reader.hpp"
#include "actors/rules/fanout_rules.hpp"

namespace conductor {

namespace {

error at_place(const std::string& place, error why) {
  why.message = place + why.message;
  return why;
}

error read_lines(const std::string& path, item_writer& items) {
  auto reader = line_reader::open(path);
  if (!reader)
    return reader.error();
  std::string_view line;
  while (reader->next(line))
    if (auto why = items.add_text(line))
      return at_place(reader->place() + ": the line ", std::move(why));
  return reader->failed();
}

/// The names that match a pattern, sorted.
error read_glob(const std::string& pattern, item_writer& items) {
  ::glob_t found{};
  // A folder that does not exist has nothing that matches; one that may not be
  // read might have.
  static thread_local int unreadable;
  unreadable = 0;
  const auto note = [](const char*, int why) {
    if (why != ENOENT && why != ENOTDIR)
      unreadable = why;
    return static_cast<int>(unreadable != 0);
  };
  const auto code = ::glob(pattern.c_str(), GLOB_BRACE, note, &found);
  error why;
  if (code != 0 && code != GLOB_NOMATCH)
    why = {errc::file, "cannot resolve " + pattern + ": "
                         + std::strerror(unreadable ? unreadable : ENOMEM)};
  for (std::size_t i = 0; i < found.gl_pathc && !why; ++i)
    if ((why = items.add_text(found.gl_pathv[i])))
      why.message = "a name that matches " + pattern + " " + why.message;
  ::globfree(&found);
  return why;
}

error read_items(const std::vector<std::string>& texts, item_writer& items) {
  for (const auto& text : texts)
    if (auto why = items.add(text))
      return at_place(std::to_string(items.count()) + ": the item ",
                      std::move(why));
  return {};
}

error read_source(const fanout_source& from, item_writer& items) {
  switch (from.kind) {
  case source_kind::lines: return read_lines(from.path, items);
  case source_kind::glob: return read_glob(from.path, items);
  default: return read_items(from.items, items);
  }
}

bool is_read_here(source_kind kind) {
  return kind == source_kind::lines || kind == source_kind::glob
         || kind == source_kind::items;
}

/// Writes the list of a source, if it has one, and counts its children.
error resolve_source(const definition_context& context, const commit_fn& commit,
                     task_submission& task) {
  auto& from = task.spec.fanout;
  if (!is_read_here(from.kind)) {
    task.total = from.kind == source_kind::none ? -1 : from.count;
    task.items = from.list;
  } else {
    item_writer items{commit, context.max_width};
    if (auto why = read_source(from, items))
      return why;
    const auto list = items.finish();
    if (!list)
      return list.error();
    items.keep();
    task.total = list->count;
    task.items = list->key;
    from.items.clear();
  }
  if (task.total > context.max_width)
    return {errc::invalid, std::to_string(task.total)
                             + " children are more than max_width = "
                             + std::to_string(context.max_width)};
  return {};
}

error resolve_task(const task_spec& spec, const definition_context& context,
                   const commit_fn& commit, submission& s) {
  auto& task = s.tasks.emplace_back(task_submission{.spec = spec});
  if (task.spec.directory.empty())
    task.spec.directory = context.directory;
  if (auto why = resolve_source(context, commit, task))
    return at_place("/tasks" + pointer_step(spec.name) + "/input/fanout: ",
                    std::move(why));
  return {};
}

} // namespace

void drop_lists(const submission& s, const commit_fn& commit) {
  change_set changes;
  for (const auto& task : s.tasks)
    if (task.items != 0 && is_read_here(task.spec.fanout.kind))
      changes.add(drop_items{task.items});
  if (!changes.empty())
    commit(std::move(changes));
}

result<submission> resolve(const run_spec& spec,
                           const definition_context& context,
                           const commit_fn& commit) {
  if (const auto errors = check_spec(spec, context); !errors.empty())
    return fail(errc::invalid, to_string(errors.front()));
  submission s{.name = spec.name,
               .meta = spec.meta,
               .idempotency_key = spec.idempotency_key,
               .retry_budget = spec.retry_budget,
               .deadline = spec.deadline,
               .priority = spec.priority};
  for (const auto& t : spec.tasks)
    if (auto why = resolve_task(t, context, commit, s)) {
      drop_lists(s, commit);
      return tl::unexpected(std::move(why));
    }
  auto after = dependency_places(spec.tasks);
  for (std::size_t i = 0; i < after.size(); ++i)
    s.tasks[i].after = std::move(after[i]);
  return s;
}

result<submitted_run> submit_run(const run_spec& spec,
                                 const definition_context& context,
                                 const commit_fn& commit, std::int64_t expand) {
  auto resolved = resolve(spec, context, commit);
  if (!resolved)
    return tl::unexpected(std::move(resolved.error()));
  change_set changes;
  changes.add(*resolved);
  rules::add_small_fanouts(changes, expand);
  const auto reply = commit(std::move(changes));
  if (!reply.failed && !reply.runs.front().existed)
    return reply.runs.front();
  // A known run has lists of its own. After a failed commit a list that is in
  // use after all stays: the store refuses to remove it.
  drop_lists(*resolved, commit);
  if (reply.failed)
    return tl::unexpected(reply.failed);
  return reply.runs.front();
}

} // namespace conductor
