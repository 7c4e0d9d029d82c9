#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/commands/filters.hpp"
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
  const auto error = json::parse(t.last_error, nullptr, false);
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

/// The command for what comes behind the last row of a table.
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

/// The attempts that the events tell of, first one first.
std::vector<ordered_json> attempts_of(const std::vector<event_record>& events) {
  std::vector<ordered_json> attempts;
  std::vector<timestamp> starts;
  for (const auto& e : events) {
    const auto payload = json::parse(e.payload, nullptr, false);
    if (e.name == "task.started") {
      attempts.push_back({{"attempt", payload.value("attempt", 0)},
                          {"started_at", to_iso(e.at)},
                          {"ended_at", nullptr},
                          {"took", nullptr},
                          {"outcome", "running"},
                          {"error", nullptr}});
      starts.push_back(e.at);
      continue;
    }
    const auto outcome = e.name == "task.succeeded"       ? "succeeded"
                         : e.name == "task.failed"        ? "failed"
                         : e.name == "task.lease_expired" ? "lost"
                         : e.name == "task.cancelled"     ? "cancelled"
                                                          : "";
    if (attempts.empty() || !*outcome
        || attempts.back()["outcome"] != "running")
      continue;
    auto& last = attempts.back();
    last["outcome"] = outcome;
    last["ended_at"] = to_iso(e.at);
    last["took"] = human_duration(e.at - starts.back());
    if (const auto error = payload.find("error"); error != payload.end())
      last["error"]
        = error->value("type", "") + ": " + error->value("message", "");
  }
  return attempts;
}

/// The engine that executes the task; null if none does.
ordered_json lease_of(store_reader& reader, const task_record& task) {
  if (task.state != task_state::running)
    return nullptr;
  return {{"attempt", task.attempt}, {"engine", reader.load_engine().epoch}};
}

int show(const settings& s, const std::string& text, const std::string& run) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto task = find_task(**reader, text, run);
  if (!task)
    return report_error(task.error());
  auto object = to_json(*task);
  if (const auto fanout = (*reader)->load_parent(task->key))
    object["children"] = to_json(fanout->children);
  object["lease"] = lease_of(**reader, *task);
  const auto events
    = (*reader)->list_events({.run = task->run, .task = task->key}, 0, 1000);
  if (s.output != format::table) {
    object["attempts"] = attempts_of(events);
    object["events"] = ordered_json::array();
    for (const auto& e : events)
      object["events"].push_back(to_json(e));
    print_object(s, object);
    return done;
  }
  print_object(s, object);
  const auto attempts = attempts_of(events);
  if (!attempts.empty()) {
    put("\n");
    print_rows(s, {"attempt", "started_at", "took", "outcome", "error"},
               attempts);
  }
  put("\n");
  std::vector<ordered_json> rows;
  for (const auto& e : events)
    rows.push_back(to_json(e));
  print_rows(s, {"at", "name", "payload"}, rows);
  return done;
}

void add_filters(CLI::App* command, const std::shared_ptr<list_options>& o) {
  command->fallthrough();
  command->add_option("run,--run", o->run,
                      "Id of the run (default: the newest)");
  command->add_option("--name", o->name, "Only names that match (*, ?, [abc])");
  command->add_option("--error", o->error,
                      "Only errors of this type, e.g. exit or timeout");
  command->add_option("--limit", o->limit, "At most so many (default 50)");
  command->add_option("--after", o->after,
                      "Only tasks behind this one: the next page");
  command->add_flag("--all", o->all, "All of them, however many");
}

} // namespace

void add_task_commands(CLI::App& app, const commands& c) {
  auto* group
    = app.add_subcommand("task", "Tasks: list, show, failures, retry");
  group->require_subcommand(1);
  group->fallthrough();

  auto* list_command
    = group->add_subcommand("list", "Tasks of a run, in order");
  auto o = std::make_shared<list_options>();
  add_filters(list_command, o);
  list_command->add_option("--state", o->state, "Only tasks in this state");
  list_command->callback([c, o] {
    c.chosen = [c, o] {
      auto states = task_states_of(o->state);
      if (!states)
        return report_error(states.error());
      return list(c.common, "list", *o, std::move(*states),
                  {"id", "name", "state", "tries", "item", "took", "started_at",
                   "handler", "updated_at"});
    };
  });

  auto* failures = group->add_subcommand("failures", "What failed, and why");
  auto f = std::make_shared<list_options>();
  add_filters(failures, f);
  failures->callback([c, f] {
    c.chosen = [c, f] {
      return list(c.common, "failures", *f,
                  {task_state::failed, task_state::retrying},
                  {"name", "state", "tries", "item", "error", "id"});
    };
  });

  auto* show_command
    = group->add_subcommand("show", "One task: input, output, error, events");
  show_command->fallthrough();
  auto id = std::make_shared<std::string>();
  auto run = std::make_shared<std::string>();
  show_command
    ->add_option("task", *id, "Id, or name within a run such as hash#12")
    ->required();
  show_command->add_option("--run", *run,
                           "The run of the name (default: the newest)");
  show_command->callback([c, id, run] {
    c.chosen = [c, id, run] { return show(c.common, *id, *run); };
  });
  add_task_retry_command(*group, c);
}

} // namespace orcon
