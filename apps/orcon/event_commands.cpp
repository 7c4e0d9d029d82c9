#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct list_options {
  std::string run, task, name;
  event_seq after = 0;
  std::size_t limit = 100;
  bool all = false;
};

result<event_filter> to_filter(store_reader& reader, const list_options& o) {
  event_filter filter{.name = o.name};
  if (!o.run.empty()) {
    const auto run = find_run(reader, o.run);
    if (!run)
      return tl::unexpected(run.error());
    filter.run = run->key;
  }
  if (!o.task.empty()) {
    auto task = reader.find_task(o.task);
    if (!task) {
      const auto run = find_run(reader, o.run);
      if (run)
        task = reader.find_task(run->key, o.task);
    }
    if (!task)
      return fail(errc::not_found, "no task \"" + o.task + "\"");
    filter.task = *task;
  }
  return filter;
}

int list(const settings& s, const list_options& o) {
  constexpr std::size_t page_size = 1000;
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto filter = to_filter(**reader, o);
  if (!filter)
    return report_error(filter.error());
  std::vector<ordered_json> rows;
  auto after = o.after;
  std::size_t left = o.all ? SIZE_MAX : o.limit;
  while (left > 0) {
    const auto want = std::min(page_size, left);
    const auto page = (*reader)->list_events(*filter, after, want);
    for (const auto& e : page)
      rows.push_back(to_json(e));
    left -= page.size();
    if (page.size() < want)
      break;
    after = page.back().seq;
    if (s.output == format::jsonl) {
      print_rows(s, {}, rows);
      rows.clear();
    }
  }
  print_rows(s, {"seq", "at", "name", "task", "payload"}, rows);
  return done;
}

} // namespace

void add_event_commands(CLI::App& app, const commands& c) {
  auto* group = app.add_subcommand("event", "Events: list");
  group->require_subcommand(1);
  group->fallthrough();
  auto* list_command
    = group->add_subcommand("list", "The audit trail, in order");
  list_command->fallthrough();
  auto o = std::make_shared<list_options>();
  list_command->add_option("run,--run", o->run,
                           "Only events of this run (id, or \"last\")");
  list_command->add_option("--task", o->task,
                           "Only events of this task (id, or name with --run)");
  list_command->add_option("--name", o->name,
                           "Only names that begin so, e.g. task.");
  list_command->add_option("--after", o->after, "Only events behind this seq");
  list_command->add_option("--limit", o->limit,
                           "At most so many (default 100)");
  list_command->add_flag("--all", o->all, "All of them, however many");
  list_command->footer("\nExample:\n  orcon event list last --name task.failed "
                       "-o jsonl");
  list_command->callback(
    [c, o] { c.chosen = [c, o] { return list(c.common, *o); }; });
}

} // namespace orcon
