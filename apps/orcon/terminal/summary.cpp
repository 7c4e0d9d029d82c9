#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/map/map_inputs.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/commands/work.hpp"

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
  add(c.unborn, "still to be created");
  return text.empty() ? "no tasks" : text;
}

/// Leaves settled a second, since the run began.
double rate_of(const run_summary& s) {
  const auto seconds = static_cast<double>(s.duration.count()) / 1000;
  return seconds > 0 ? static_cast<double>(s.tasks.settled()) / seconds : 0;
}

/// For how long nothing has settled in an open run, if that is longer than one
/// would expect.
std::optional<milliseconds> standstill_of(const run_summary& s) {
  constexpr milliseconds soon{10'000};
  constexpr int times = 10; // the average gap
  if (settled(s.run.state) || s.tasks.settled() == 0)
    return std::nullopt;
  const auto since = s.at - s.last_settled;
  const auto gap = s.duration / s.tasks.settled();
  return since > s.stuck_after || (since > soon && since > gap * times)
           ? std::optional{since}
           : std::nullopt;
}

/// How long an open run will take from now, if it goes on as it did.
std::optional<milliseconds> eta_of(const run_summary& s) {
  const auto rate = rate_of(s);
  if (settled(s.run.state) || rate <= 0 || standstill_of(s))
    return std::nullopt;
  const auto left = s.tasks.total() - s.tasks.settled();
  return milliseconds{
    static_cast<std::int64_t>(static_cast<double>(left) / rate * 1000)};
}

ordered_json json_of(const std::vector<failure_group>& groups) {
  auto out = ordered_json::array();
  for (const auto& f : groups)
    out.push_back({{"type", f.type},
                   {"message", f.message},
                   {"count", f.count},
                   {"first_at", to_iso(f.first)},
                   {"last_at", to_iso(f.last)},
                   {"example", f.example},
                   {"task", f.task}});
  return out;
}

ordered_json json_of(const retry_metrics& m) {
  return {{"retried", m.retried},
          {"retried_settled", m.retried_settled},
          {"retried_succeeded", m.retried_succeeded},
          {"success_rate", m.success_rate()},
          {"exhausted", m.exhausted},
          {"average_attempts", m.settled > 0
                                 ? ordered_json(m.average_attempts())
                                 : ordered_json(nullptr)}};
}

/// Tasks that run, and since when.
ordered_json json_of(const run_summary& s,
                     const std::vector<task_record>& tasks) {
  auto out = ordered_json::array();
  for (const auto& t : tasks)
    out.push_back({{"name", t.name},
                   {"id", t.id},
                   {"handler", t.handler},
                   {"attempt", t.attempt},
                   {"started_at", to_iso(t.started_at)},
                   {"running_ms", (s.at - t.started_at).count()}});
  return out;
}

ordered_json json_of(const run_summary& s) {
  auto out = to_json(s.run);
  out["duration_ms"] = s.duration.count();
  out["tasks_per_second"] = rate_of(s);
  const auto left = eta_of(s);
  out["eta_ms"] = left ? ordered_json(left->count()) : ordered_json(nullptr);
  out["counts"] = to_json(s.tasks);
  out["handlers"] = ordered_json::array();
  for (const auto& h : s.handlers)
    out["handlers"].push_back(
      {{"handler", h.handler}, {"counts", to_json(h.tasks)}});
  out["parents"] = ordered_json::array();
  for (std::size_t i = 0; i < s.parents.size(); ++i)
    out["parents"].push_back({{"id", s.parents[i].id},
                              {"name", s.parents[i].name},
                              {"state", to_string(s.parents[i].state)},
                              {"children", to_json(s.fanouts[i].children)}});
  out["parents_total"] = s.parents_total;
  out["failures"] = json_of(s.failures);
  out["retrying"] = json_of(s.to_retry);
  out["running"] = json_of(s, s.running);
  out["stuck"] = json_of(s, s.stuck);
  out["retry"] = json_of(s.retries);
  out["last_settled_at"] = s.last_settled == no_time
                             ? ordered_json(nullptr)
                             : ordered_json(to_iso(s.last_settled));
  out["slowest"] = ordered_json::array();
  for (const auto& t : s.slowest)
    out["slowest"].push_back(
      {{"name", t.name},
       {"id", t.id},
       {"duration_ms", (t.updated_at - t.started_at).count()}});
  out["passes"] = ordered_json::object();
  for (const auto& p : s.passes)
    out["passes"][p.actor] = p.passes;
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
        to_iso(tasks[i].started_at));
  if (n < tasks.size())
    put("  … and {} more\n", tasks.size() - n);
}

void print_groups(const char* title, const std::vector<failure_group>& groups) {
  if (groups.empty())
    return;
  put("{}\n", title);
  for (std::size_t i = 0; i < groups.size() && i < groups_shown; ++i) {
    const auto& f = groups[i];
    put("  {:>6} x  {}: {}\n            for example {}; first {}, last {}\n",
        f.count, f.type, shorten(f.example, 100), f.task, to_iso(f.first),
        to_iso(f.last));
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
  put("retries   {}; {} tasks retried, {:.1f}% of the settled ones "
      "succeeded, {} failed for good, {:.2f} attempts a task\n",
      with_commas(s.run.retries), with_commas(m.retried),
      m.success_rate() * 100, with_commas(m.exhausted), m.average_attempts());
}

void print_for_people(const run_summary& s, const settings& options) {
  const auto color = use_color(options, STDOUT_FILENO);
  put("run       {}  {}\n", s.run.id, s.run.name);
  put("state     {}\n", paint_state(to_string(s.run.state), color));
  put("tasks     {}\n", counts_text(s.tasks));
  put("duration  {}{}{}\n", human_duration(s.duration),
      s.tasks.settled() > 0 && rate_of(s) > 0 ? fmt::format(
        "  ({} tasks/s)", with_commas(static_cast<std::int64_t>(rate_of(s))))
                                              : "",
      eta_of(s) ? ", ready in about " + human_duration(*eta_of(s)) : "");
  if (const auto idle = standstill_of(s))
    put("idle      no task has settled for {}\n", human_duration(*idle));
  print_retries(s);
  print_parents(s, color);
  print_tasks(s, "running", s.running);
  print_tasks(s, "stuck", s.stuck);
  print_groups("retrying", s.to_retry);
  print_groups("failures", s.failures);
  print_advice(s, options);
}

} // namespace

void print_summary(const run_summary& summary, const settings& s) {
  if (s.output == format::table)
    print_for_people(summary, s);
  else
    print_object(s, json_of(summary));
}

void print_summary(engine& engine, const std::string& run_id,
                   const settings& s) {
  if (s.quiet && s.output == format::table)
    return;
  if (const auto summary = engine.report(run_id))
    print_summary(*summary, s);
}

void print_summaries(engine& engine, const std::vector<std::string>& run_ids,
                     const settings& s) {
  if (s.output != format::json || run_ids.size() == 1) {
    for (const auto& id : run_ids)
      print_summary(engine, id, s);
    return;
  }
  std::vector<ordered_json> all; // in one document
  for (const auto& id : run_ids)
    if (const auto summary = engine.report(id))
      all.push_back(json_of(*summary));
  print_rows(s, {}, all);
}

} // namespace orcon
