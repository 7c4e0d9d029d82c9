
#include <CLI/CLI.hpp>

#include <conductor/filters.hpp>
#include <conductor/records_json.hpp>
#include <conductor/stored_json.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/terminal/task_label.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct list_options {
  std::string run, state, name, error, after;
  std::size_t limit = 50;
  bool all = false;
};

constexpr std::size_t page_size = 1000;

void add_error(ordered_json& row, const task_record& t) {
  row["tries"] = t.attempt;
  row["duration_ms"] = duration_or_null(t, system_now());
  const auto error = parse_stored(t.last_error);
  if (error.is_object())
    row["error"] = error.value("type", "") + ": " + error.value("message", "");
  if (t.state == task_state::retrying)
    row["state"] = "FAILED (retry)";
}

void add_table_cells(ordered_json& row, const task_record& t,
                     store_reader& reader) {
  row["item"] = item_text(reader, t.key);
  const auto took = duration_of(t, system_now());
  row["took"] = took ? ordered_json(human_duration(*took)) : nullptr;
}

/// The command for the rows after the last one of a table.
std::string next_page(const char* command, const list_options& o,
                      const std::string& run, const std::string& last) {
  return std::string{"orcon task "} + command + " " + run
         + option("--state", o.state) + option("--name", o.name)
         + option("--error", o.error)
         + (o.limit == list_options{}.limit
              ? ""
              : " --limit " + std::to_string(o.limit))
         + " --after " + last;
}

int list(const settings& s, const char* command, const list_options& o,
         std::vector<task_state> states,
         const std::vector<std::string>& columns) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto run = find_run(**reader, o.run);
  if (!run)
    return report_error(run.error());
  const task_filter filter{.run = run->key,
                           .states = std::move(states),
                           .name = o.name,
                           .error = o.error,
                           .texts = s.output != format::table};
  task_key after = 0;
  if (!o.after.empty()) {
    const auto task = find_task(**reader, o.after, run->id);
    if (!task)
      return report_error(task.error());
    after = task->key;
  }
  std::vector<ordered_json> rows;
  while (o.all || rows.size() < o.limit) {
    const auto want
      = o.all ? page_size : std::min(page_size, o.limit - rows.size());
    const auto page = (*reader)->list_tasks(filter, after, want);
    for (const auto& t : page) {
      rows.push_back(to_json(t));
      add_error(rows.back(), t);
      if (s.output == format::table)
        add_table_cells(rows.back(), t, **reader);
    }
    if (!page.empty())
      after = page.back().key;
    if (page.size() < want)
      break;
    // Lines for programs need not be gathered first.
    if (s.output == format::jsonl) {
      print_rows(s, columns, rows);
      rows.clear();
      if (!o.all)
        break;
    }
  }
  print_rows(s, columns, rows);
  if (rows.empty() && s.output == format::table && !s.quiet)
    tell("orcon: no tasks match\n");
  if (!o.all && !rows.empty()
      && !(*reader)->list_tasks(filter, after, 1).empty())
    say_there_is_more(
      s, next_page(command, o, run->id, rows.back()["id"].get<std::string>()));
  return done;
}

int list_all(const settings& s, const list_options& o) {
  auto states = task_states_of(o.state);
  if (!states)
    return report_error(states.error());
  return list(s, "list", o, std::move(*states),
              {"id", "name", "state", "tries", "item", "took", "started_at",
               "handler", "updated_at"});
}

int list_failures(const settings& s, const list_options& o) {
  return list(s, "failures", o, {task_state::failed, task_state::retrying},
              {"name", "state", "tries", "item", "error", "id"});
}

void add_filters(CLI::App& app, list_options& o) {
  app.add_option("run,--run", o.run, "Id of the run (default: the newest)");
  app.add_option("--name", o.name, "Only names that match (*, ?, [abc])");
  app.add_option("--error", o.error,
                 "Only errors of this type, e.g. exit or timeout");
  app.add_option("--limit", o.limit, "Maximum number of rows (default 50)");
  app
    .add_option("--after", o.after, "Only tasks after this one: the next page")
    ->type_name("TASK");
  app.add_flag("--all", o.all, "All of them, however many");
}

void add_list_options(CLI::App& app, list_options& o) {
  add_filters(app, o);
  app.add_option("--state", o.state, "Only tasks in this state");
}

} // namespace

command task_list_command() {
  return {.path = "task list",
          .summary = "Tasks of a run, in order",
          .examples = "orcon task list --state FAILED\n"
                      "orcon task list last --name 'hash#*' --all -o jsonl",
          .exits = {done, usage, not_found, unusable},
          .prepare = with(add_list_options, list_all)};
}

command task_failures_command() {
  return {.path = "task failures",
          .summary = "What failed, and why",
          .examples = "orcon task failures                of the newest run\n"
                      "orcon task failures last --all -o jsonl",
          .exits = {done, not_found, unusable},
          .prepare = with(add_filters, list_failures)};
}

} // namespace orcon
