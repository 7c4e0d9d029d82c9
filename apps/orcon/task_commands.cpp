#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct list_options {
  std::string run, state, name, after;
  std::size_t limit = 50;
  bool all = false;
};

constexpr std::size_t page_size = 1000;

result<std::vector<task_state>> states_of(const std::string& text) {
  if (text.empty())
    return std::vector<task_state>{};
  const auto state = parse_run_state(text);
  if (!state)
    return fail(errc::invalid, "\"" + text + "\" is no state (PENDING, RUNNING, "
                                             "SUCCEEDED, FAILED, CANCELLED)");
  std::vector states{static_cast<task_state>(*state)};
  if (*state == run_state::failed)
    states.push_back(task_state::retrying);
  return states;
}

/// Finds a task by its id, or by name within the newest run.
result<task_record> find_task(store_reader& reader, const std::string& text,
                              const std::string& run_id) {
  std::optional<task_key> key = reader.find_task(text);
  if (!key && !parse_ulid(text)) {
    const auto run = find_run(reader, run_id);
    if (!run)
      return tl::unexpected(run.error());
    key = reader.find_task(run->key, text);
    if (!key)
      return fail(errc::not_found, "no task \"" + text + "\" in run " + run->id
                                     + "; `orcon task list` shows them");
  }
  if (!key)
    return fail(errc::not_found, "no task " + text);
  return *reader.load_task(*key);
}

void add_table_cells(ordered_json& row, const task_record& t) {
  row["tries"] = t.attempt;
  const auto error = json::parse(t.last_error, nullptr, false);
  if (error.is_object())
    row["error"] = error.value("type", "") + ": " + error.value("message", "");
  if (t.state == task_state::retrying)
    row["state"] = "FAILED (retry)";
}

int list(const settings& s, const list_options& o,
         std::vector<task_state> states,
         const std::vector<std::string>& columns) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto run = find_run(**reader, o.run);
  if (!run)
    return report_error(run.error());
  const task_filter filter{
    .run = run->key, .states = std::move(states), .name = o.name};
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
      add_table_cells(rows.back(), t);
    }
    if (page.size() < want)
      break;
    after = page.back().key;
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
    fmt::print(stderr, "orcon: no tasks match\n");
  return done;
}

int show(const settings& s, const std::string& text, const std::string& run) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto task = find_task(**reader, text, run);
  if (!task)
    return report_error(task.error());
  auto object = to_json(*task);
  if (const auto fanout = (*reader)->load_fanout(task->key))
    object["children"] = to_json(fanout->children);
  const auto events
    = (*reader)->list_events({.run = task->run, .task = task->key}, 0, 1000);
  if (s.output != format::table) {
    object["events"] = ordered_json::array();
    for (const auto& e : events)
      object["events"].push_back(to_json(e));
    print_object(s, object);
    return done;
  }
  print_object(s, object);
  fmt::print("\n");
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
  command->add_option("--name", o->name, "Only names that match (* and ?)");
  command->add_option("--limit", o->limit, "At most so many (default 50)");
  command->add_option("--after", o->after,
                      "Only tasks behind this one: the next page");
  command->add_flag("--all", o->all, "All of them, however many");
}

} // namespace

void add_task_commands(CLI::App& app, const commands& c) {
  auto* group = app.add_subcommand("task", "Tasks: list, show, failures");
  group->require_subcommand(1);
  group->fallthrough();

  auto* list_command = group->add_subcommand("list", "Tasks of a run, in order");
  auto o = std::make_shared<list_options>();
  add_filters(list_command, o);
  list_command->add_option("--state", o->state, "Only tasks in this state");
  list_command->callback([c, o] {
    c.chosen = [c, o] {
      auto states = states_of(o->state);
      if (!states)
        return report_error(states.error());
      return list(c.common, *o, std::move(*states),
                  {"id", "name", "state", "tries", "handler", "updated_at"});
    };
  });

  auto* failures = group->add_subcommand("failures", "What failed, and why");
  auto f = std::make_shared<list_options>();
  add_filters(failures, f);
  failures->callback([c, f] {
    c.chosen = [c, f] {
      return list(c.common, *f, {task_state::failed, task_state::retrying},
                  {"name", "state", "tries", "error", "id"});
    };
  });

  auto* show_command = group->add_subcommand(
    "show", "One task: input, output, error, events");
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
}

} // namespace orcon
