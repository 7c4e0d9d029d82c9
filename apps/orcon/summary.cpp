#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/output.hpp"
#include "apps/orcon/work.hpp"

namespace orcon {

using namespace conductor;

namespace {

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

/// How long an open run will take from now, if it goes on as it did.
std::optional<milliseconds> eta_of(const run_summary& s) {
  const auto rate = rate_of(s);
  if (settled(s.run.state) || rate <= 0)
    return std::nullopt;
  const auto left = s.tasks.total() - s.tasks.settled();
  return milliseconds{
    static_cast<std::int64_t>(static_cast<double>(left) / rate * 1000)};
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
  out["failures"] = ordered_json::array();
  for (const auto& f : s.failures)
    out["failures"].push_back({{"type", f.type},
                               {"message", f.message},
                               {"count", f.count},
                               {"first_at", to_iso(f.first)},
                               {"last_at", to_iso(f.last)},
                               {"example", f.example},
                               {"task", f.task}});
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

void print_for_people(const run_summary& s, const settings& options) {
  const auto color = use_color(options, STDOUT_FILENO);
  fmt::print("run       {}  {}\n", s.run.id, s.run.name);
  fmt::print("state     {}\n", paint_state(to_string(s.run.state), color));
  fmt::print("tasks     {}\n", counts_text(s.tasks));
  fmt::print("duration  {}{}{}\n", human_duration(s.duration),
             s.tasks.settled() > 0 && rate_of(s) > 0
               ? fmt::format("  ({} tasks/s)",
                             with_commas(static_cast<std::int64_t>(rate_of(s))))
               : "",
             eta_of(s) ? ", ready in about " + human_duration(*eta_of(s)) : "");
  if (s.run.retries > 0)
    fmt::print("retries   {}\n", with_commas(s.run.retries));
  for (std::size_t i = 0; i < s.parents.size() && i < 20; ++i)
    fmt::print("  {} {} {}\n", padded(shorten(s.parents[i].name, 16), 16),
               paint_state(padded(to_string(s.parents[i].state), 9), color),
               counts_text(s.fanouts[i].children));
  if (s.failures.empty())
    return;
  fmt::print("failures\n");
  for (std::size_t i = 0; i < s.failures.size() && i < 10; ++i) {
    const auto& f = s.failures[i];
    fmt::print(
      "  {:>6} x  {}: {}\n            for example {}; first {}, last {}\n",
      f.count, f.type, shorten(f.example, 100), f.task, to_iso(f.first),
      to_iso(f.last));
  }
  fmt::print("  see them all:    orcon task failures {} --db {}\n", s.run.id,
             options.database);
  if (s.run.state == run_state::failed || s.run.state == run_state::cancelled)
    fmt::print(
      "  try them again:  orcon run retry {0} --db {1} && orcon resume "
      "{0} --db {1}\n",
      s.run.id, options.database);
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

} // namespace orcon
