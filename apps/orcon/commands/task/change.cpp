#include <charconv>
#include <thread>

#include <CLI/CLI.hpp>
#include <conductor/engine.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/change.hpp"

// Changes of a task that has not settled: cancel, update.
namespace orcon {

using namespace conductor;

namespace {

struct task_change_options {
  std::string task, run, tolerate;
  std::int64_t max_concurrency = -1;
  std::int32_t priority = 0;
};

/// "3" or "5%".
result<count_or_percent> share_of(const std::string& text) {
  count_or_percent share;
  const auto percent = text.ends_with('%');
  const auto* end = text.data() + text.size() - (percent ? 1 : 0);
  const auto read = percent ? std::from_chars(text.data(), end, share.percent)
                            : std::from_chars(text.data(), end, share.count);
  if (read.ec != std::errc{} || read.ptr != end || share.count < 0
      || share.percent < 0 || share.percent > 100)
    return fail(errc::invalid,
                text + " is neither a number such as 3 nor a share such as 5%");
  return share;
}

/// Until a task has settled: its children end step by step.
error await_end(engine& engine, const std::string& task_id) {
  for (;;) {
    const auto reader = engine.open_reader();
    if (!reader)
      return reader.error();
    const auto key = (*reader)->find_task(task_id);
    const auto task = key ? (*reader)->load_task(*key) : std::nullopt;
    if (!task || settled(task->state))
      return {};
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

int apply(const settings& s, const task_change_options& o, task_change change,
          std::string_view done_text) {
  {
    const auto reader = open_reader(s);
    if (!reader)
      return report_error(reader.error());
    const auto task = find_task(**reader, o.task, o.run);
    if (!task)
      return report_error(task.error());
    change.task_id = task->id;
  }
  auto engine = open_for_change(s, change.cancel);
  if (!engine)
    return report_error(engine.error());
  if (change.cancel)
    engine->start();
  const auto reply = engine->change(change);
  if (!reply)
    return report_error(reply.error());
  if (change.cancel)
    if (const auto why = await_end(*engine, change.task_id))
      return report_error(why);
  return print_change(s, *reply, done_text);
}

int cancel(const settings& s, const task_change_options& o) {
  return apply(s, o, {.cancel = true}, "cancelled");
}

int update(const settings& s, const task_change_options& o) {
  task_change change{.priority = o.priority};
  if (!o.tolerate.empty()) {
    const auto share = share_of(o.tolerate);
    if (!share)
      return report_error(share.error());
    change.tolerate = *share;
  }
  change.max_concurrency = o.max_concurrency;
  if (o.tolerate.empty() && o.max_concurrency < 0 && o.priority == 0)
    return report_error({errc::invalid, "say what to change: --tolerate, "
                                        "--max-concurrency, --priority"});
  return apply(s, o, change, "updated");
}

void add_task(CLI::App& app, task_change_options& o) {
  app.add_option("task", o.task, "Id, or name within a run such as hash#12")
    ->required();
  app.add_option("--run", o.run, "The run of the name (default: the newest)");
}

void add_update(CLI::App& app, task_change_options& o) {
  add_task(app, o);
  app.add_option("--tolerate", o.tolerate,
                 "How many children may fail: a number, or a share such as 5%");
  app
    .add_option("--max-concurrency", o.max_concurrency,
                "How many children work at once; 0 = no bound")
    ->check(CLI::NonNegativeNumber);
  app.add_option("--priority", o.priority, "From 1 (first) to 5 (last)")
    ->check(CLI::Range(1, 5));
}

} // namespace

command task_cancel_command() {
  return {.path = "task cancel",
          .summary = "End a task, with all below it: it becomes CANCELLED",
          .examples = "orcon task cancel hash#12",
          .exits = {done, not_found, conflict, unusable},
          .prepare = with(add_task, cancel)};
}

command task_update_command() {
  return {.path = "task update",
          .summary = "Change what a task and its children go by",
          .examples = "orcon task update hash --tolerate 5%\n"
                      "orcon task update hash --max-concurrency 4",
          .exits = {done, usage, not_found, conflict, unusable},
          .prepare = with(add_update, update)};
}

} // namespace orcon
