#include <CLI/CLI.hpp>

#include <conductor/records_json.hpp>
#include <conductor/stored_json.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct show_options {
  std::string task, run;
};

/// The attempts that the events tell of, first one first.
std::vector<ordered_json> attempts_of(const std::vector<event_record>& events) {
  std::vector<ordered_json> attempts;
  std::vector<timestamp> starts;
  for (const auto& e : events) {
    const auto payload = parse_stored(e.payload);
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

int show(const settings& s, const show_options& o) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto task = find_task(**reader, o.task, o.run);
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

void add_options(CLI::App& app, show_options& o) {
  app.add_option("task", o.task, "Id, or name within a run such as hash#12")
    ->required();
  app.add_option("--run", o.run, "The run of the name (default: the newest)");
}

} // namespace

command task_show_command() {
  return {.path = "task show",
          .summary = "One task: input, output, error, events",
          .examples = "orcon task show hash#12            of the newest run\n"
                      "orcon task show 01M8417HQ9HASH000000000001 -o json",
          .exits = {done, not_found, unusable},
          .prepare = with(add_options, show)};
}

} // namespace orcon
