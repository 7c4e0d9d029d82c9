#include <algorithm>
#include <chrono>
#include <thread>

#include <CLI/CLI.hpp>
#include <conductor/records_json.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t page_size = 1000;
constexpr std::chrono::milliseconds look_every{100};

struct list_options {
  std::string run, task, name;
  event_seq after = -1; ///< not given
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

/// One event for eyes: the columns of `event list`, without a table's need to
/// know all rows first.
void print_line(const event_record& e) {
  put("{:>8}  {}  {:<26}  {:<20}  {}\n", e.seq, to_iso(e.at), e.name,
      e.task_name.empty() ? "-" : e.task_name, e.payload);
}

int list(const settings& s, const list_options& o) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto filter = to_filter(**reader, o);
  if (!filter)
    return report_error(filter.error());
  std::vector<ordered_json> rows;
  auto after = std::max<event_seq>(o.after, 0);
  std::size_t left = o.all ? SIZE_MAX : o.limit;
  while (left > 0) {
    const auto want = std::min(page_size, left);
    const auto page = (*reader)->list_events(*filter, after, want);
    for (const auto& e : page)
      rows.push_back(to_json(e));
    left -= page.size();
    if (!page.empty())
      after = page.back().seq;
    if (page.size() < want)
      break;
    if (s.output == format::jsonl) {
      print_rows(s, {}, rows);
      rows.clear();
    }
  }
  print_rows(s, {"seq", "at", "name", "task", "payload"}, rows);
  if (left == 0 && s.output == format::table
      && !(*reader)->list_events(*filter, after, 1).empty())
    say_there_is_more(s, "orcon event list" + option("--run", o.run)
                           + option("--task", o.task) + option("--name", o.name)
                           + " --after " + std::to_string(after));
  return done;
}

/// Prints what is new as it comes, until a signal ends it.
int tail(const settings& s, const list_options& o) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto filter = to_filter(**reader, o);
  if (!filter)
    return report_error(filter.error());
  const signal_guard signals;
  // With nothing asked for, only what is new.
  auto after = o.after >= 0 ? o.after : (*reader)->last_event();
  while (!signals.stop_wanted()) {
    const auto newest = (*reader)->last_event();
    const auto page = (*reader)->list_events(*filter, after, page_size);
    for (const auto& e : page) {
      const auto event = to_json(e);
      if (s.output == format::table)
        print_line(e);
      else
        put("{}\n", event.dump(-1, ' ', false, json::error_handler_t::replace));
    }
    if (!flush_output())
      return done; // nobody reads any more: `| head`
    if (page.size() == page_size) {
      after = page.back().seq;
      continue;
    }
    // What did not match need not be looked at again.
    after = std::max(after, newest);
    std::this_thread::sleep_for(look_every);
  }
  return done;
}

void add_filters(CLI::App& app, list_options& o) {
  app.add_option("run,--run", o.run,
                 "Only events of this run (id, or \"last\")");
  app.add_option("--task", o.task,
                 "Only events of this task (id, or name with --run)");
  app
    .add_option("--name", o.name,
                "Only names that begin so, or match: task., *.failed")
    ->type_name("EVENT");
  app.add_option("--after", o.after, "Only events after this seq")
    ->check([](const std::string& text) {
      return text.starts_with('-') ? "a seq is 0 or more" : std::string{};
    })
    ->type_name("SEQ");
}

void add_list_options(CLI::App& app, list_options& o) {
  add_filters(app, o);
  app.add_option("--limit", o.limit, "Maximum number of rows (default 100)");
  app.add_flag("--all", o.all, "All of them, however many");
}

} // namespace

command event_list_command() {
  return {.path = "event list",
          .summary = "The audit trail, in order",
          .examples = "orcon event list last --name task.failed -o jsonl\n"
                      "orcon event list --after 1200 --limit 50",
          .exits = {done, not_found, unusable},
          .prepare = with(add_list_options, list)};
}

command event_tail_command() {
  return {.path = "event tail",
          .summary = "New events as they come, until Ctrl-C",
          .examples = "orcon event tail --name task.failed\n"
                      "orcon event tail last --after 0 -o jsonl",
          .exits = {done, not_found, unusable},
          .prepare = with(add_filters, tail)};
}

} // namespace orcon
