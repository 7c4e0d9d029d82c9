#include <algorithm>
#include <cstdio>

#include <conductor/records_json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/terminal/run_details.hpp"
#include "apps/orcon/terminal/task_label.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t parents_shown = 20;
constexpr std::size_t tasks_shown = 10;
constexpr std::size_t groups_shown = 10;

std::string counts_text(const state_counts& c) {
  std::string text;
  const auto add = [&](std::int64_t n, const char* what) {
    if (n > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_commas(n),
                          what);
  };
  add(c.succeeded, "succeeded");
  add(c.failed, "failed");
  add(c.cancelled, "cancelled");
  add(c.running, "running");
  add(c.retrying, "waiting for a retry");
  add(c.pending, "pending");
  add(c.not_created, "still to be created");
  return text.empty() ? "no tasks" : text;
}

/// "0.4", "1,234": below ten with one decimal.
std::string rate_text(double rate) {
  return rate < 10 ? fmt::format("{:.1f}", rate)
                   : with_commas(static_cast<std::int64_t>(rate));
}

/// Top-level tasks without children.
ordered_json leaves_of(const run_summary& s, const run_details& d) {
  auto out = ordered_json::array();
  for (const auto& t : d.leaves)
    out.push_back({{"id", t.id},
                   {"name", t.name},
                   {"handler", t.handler},
                   {"state", to_string(t.state)},
                   {"attempt", t.attempt},
                   {"duration_ms", duration_or_null(t, s.at)}});
  return out;
}

void add_items(ordered_json& groups, const std::vector<failure_group>& of,
               const run_details& d) {
  for (std::size_t i = 0; i < of.size(); ++i)
    groups[i]["item"] = d.items.contains(of[i].task)
                          ? ordered_json(d.item_of(of[i].task))
                          : ordered_json(nullptr);
}

ordered_json json_of(const run_summary& s, const run_details& d) {
  auto out = to_json(s);
  out["tasks_per_second"] = d.rate;
  out["eta_ms"] = d.eta ? ordered_json(d.eta->count()) : ordered_json(nullptr);
  out["leaves"] = leaves_of(s, d);
  add_items(out["failures"], s.failures, d);
  add_items(out["retrying"], s.to_retry, d);
  return out;
}

void print_parents(const run_summary& s, bool color) {
  const auto n = std::min(s.parents.size(), parents_shown);
  for (std::size_t i = 0; i < n; ++i)
    put("  {} {} {}\n", padded(shorten(s.parents[i].name, 16), 16),
        paint_state(padded(to_string(s.parents[i].state), 9), color),
        counts_text(s.fanouts[i].children));
  if (s.parents_total > std::ssize(s.parents) || n < s.parents.size())
    put("  … and {} more\n",
        with_commas(s.parents_total - static_cast<std::int64_t>(n)));
}

void print_leaves(const run_summary& s, const run_details& d, bool color) {
  const auto n = std::min(d.leaves.size(), parents_shown);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& t = d.leaves[i];
    const auto took = duration_of(t, s.at);
    put("  {} {} {}{}\n", padded(shorten(t.name, 16), 16),
        paint_state(padded(to_string(t.state), 9), color),
        t.attempt > 0 ? fmt::format("attempt {}", t.attempt) : "",
        took ? ", " + human_duration(*took) : "");
  }
  if (n < d.leaves.size())
    put("  … and {} more\n",
        with_commas(static_cast<std::int64_t>(d.leaves.size() - n)));
}

void print_tasks(const run_summary& s, const char* title,
                 const std::vector<task_record>& tasks) {
  if (tasks.empty())
    return;
  put("{}\n", title);
  const auto n = std::min(tasks.size(), tasks_shown);
  for (std::size_t i = 0; i < n; ++i)
    put("  {}  {} attempt {}, for {} since {}\n",
        padded(shorten(tasks[i].name, 24), 24), tasks[i].handler,
        tasks[i].attempt, human_duration(s.at - tasks[i].started_at),
        time_text(tasks[i].started_at, s.at));
  if (n < tasks.size())
    put("  … and {} more\n", tasks.size() - n);
}

void print_groups(const char* title, const std::vector<failure_group>& groups,
                  const run_summary& s, const run_details& d) {
  if (groups.empty())
    return;
  put("{}\n", title);
  for (std::size_t i = 0; i < groups.size() && i < groups_shown; ++i) {
    const auto& f = groups[i];
    put("  {:>6} x  {}: {}\n            for example {}; first {}, last {}\n",
        f.count, f.type, shorten(f.example, 100),
        labelled(f.task, d.item_of(f.task)), time_text(f.first, s.at),
        time_text(f.last, s.at));
  }
  if (groups.size() > groups_shown)
    put("  … and {} more\n", groups.size() - groups_shown);
}

/// What to do about failures.
void print_advice(const run_summary& s, const settings& options) {
  const auto db = " --db " + shell_quoted(options.database);
  if (!s.failures.empty() || !s.to_retry.empty())
    put("  see them all:    orcon task failures {}{}\n", s.run.id, db);
  if (s.failures.empty()
      || (s.run.state != run_state::failed
          && s.run.state != run_state::cancelled))
    return;
  put("  try them again:  orcon run retry {0}{1} && orcon resume "
      "{0}{1}\n",
      s.run.id, db);
  std::vector<std::string> types;
  for (const auto& f : s.failures)
    if (std::ranges::find(types, f.type) == types.end())
      types.push_back(f.type);
  for (std::size_t i = 0; types.size() > 1 && i < types.size() && i < 10; ++i)
    put("  only some:       orcon run retry {}{}{}\n", s.run.id,
        option("--error", types[i]), db);
}

void print_retries(const run_summary& s) {
  const auto& m = s.retries;
  if (s.run.retries == 0)
    return;
  put("retries   {}; {} tasks retried{}{}\n", with_commas(s.run.retries),
      with_commas(m.retried),
      m.retried_settled > 0 ? fmt::format(
        ", {:.1f}% of those that are settled succeeded", m.success_rate() * 100)
                            : ", none of them is settled yet",
      m.settled > 0
        ? fmt::format(", {} failed for good, {:.2f} attempts per "
                      "task",
                      with_commas(m.exhausted), m.average_attempts())
        : "");
}

void print_for_people(const run_summary& s, const run_details& d,
                      const settings& options) {
  const auto color = use_color(options, STDOUT_FILENO);
  put("run       {}  {}\n", s.run.id, s.run.name);
  put("state     {}\n", paint_state(state_text(s.run), color));
  if (s.run.deadline != no_time && !settled(s.run.state))
    put("deadline  {}\n", to_iso(s.run.deadline));
  if (times_are_local())
    put("began     {}\n", time_text(s.at - s.duration, s.at));
  put("tasks     {}\n", counts_text(s.tasks));
  put("duration  {}{}{}\n", human_duration(s.duration),
      s.tasks.settled() > 0 && d.rate > 0
        ? fmt::format("  ({} tasks/s)", rate_text(d.rate))
        : "",
      d.eta ? ", ready in about " + human_duration(*d.eta) : "");
  if (const auto idle = standstill_of(s))
    put("idle      no task has settled for {}\n", human_duration(*idle));
  print_retries(s);
  print_parents(s, color);
  print_leaves(s, d, color);
  print_tasks(s, "running", s.running);
  print_tasks(s, "stuck", s.stuck);
  print_groups("retrying", s.to_retry, s, d);
  print_groups("failures", s.failures, s, d);
  print_advice(s, options);
}

} // namespace

void print_summary(store_reader& reader, const run_summary& summary,
                   const settings& s) {
  const auto details = look_closer(reader, summary);
  if (s.output == format::table)
    print_for_people(summary, details, s);
  else
    print_object(s, json_of(summary, details));
}

void print_summary(engine& engine, const std::string& run_id,
                   const settings& s) {
  if (s.quiet && s.output == format::table)
    return;
  const auto reader = engine.open_reader();
  const auto summary = engine.report(run_id);
  if (reader && summary)
    print_summary(**reader, *summary, s);
}

void print_summaries(engine& engine, const std::vector<std::string>& run_ids,
                     const settings& s) {
  if (s.output != format::json || run_ids.size() == 1) {
    for (const auto& id : run_ids)
      print_summary(engine, id, s);
    return;
  }
  std::vector<ordered_json> all; // in one document
  const auto reader = engine.open_reader();
  for (const auto& id : run_ids)
    if (const auto summary = engine.report(id); summary && reader)
      all.push_back(json_of(*summary, look_closer(**reader, *summary)));
  print_rows(s, {}, all);
}

} // namespace orcon
