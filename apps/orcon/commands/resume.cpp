#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::ptrdiff_t summaries_printed = 20;

struct resume_options {
  std::string run, metrics_file;
};

void add_options(CLI::App& app, resume_options& o) {
  app.add_option("run", o.run,
                 "Id of a run (default: all that are unfinished)");
  add_work_options(app, o.metrics_file);
}

result<std::vector<std::string>> unfinished(store_reader& reader,
                                            const std::string& id) {
  if (!id.empty()) {
    auto run = find_run(reader, id);
    if (!run)
      return tl::unexpected(run.error());
    if (run->paused && !settled(run->state))
      return fail(errc::conflict,
                  "run " + run->id
                    + " is paused; first let it continue:  orcon run unpause "
                    + run->id);
    return std::vector{run->id};
  }
  std::vector<std::string> ids;
  for (run_key after = 0;;) {
    const auto page = reader.load_open_runs(after, 1000);
    for (const auto& run : page)
      if (!run.paused)
        ids.push_back(run.id);
      else
        tell("orcon: run {} is paused; it continues after:  orcon run unpause "
             "{}\n",
             run.id, run.id);
    if (page.size() < 1000)
      return ids;
    after = page.back().key;
  }
}

int resume(const settings& s, const resume_options& o) {
  const signal_guard signals;
  auto engine = open_engine(s, false);
  if (!engine)
    return report_error(engine.error());
  const auto reader = engine->open_reader();
  if (!reader)
    return report_error(reader.error());
  const auto ids = unfinished(**reader, o.run);
  if (!ids)
    return report_error(ids.error());
  if (ids->empty()) {
    if (!s.quiet)
      tell("orcon: nothing to resume: every run of {} has ended\n", s.database);
    print_summaries(*engine, {}, s);
    return done;
  }
  say(s, fmt::format("working {} run(s) in {}", ids->size(), s.database));
  const auto code
    = work(*engine, *ids, s, signals, {.metrics_file = o.metrics_file});
  if (code != interrupted)
    print_summaries(*engine,
                    {ids->begin(), ids->begin()
                                     + std::min<std::ptrdiff_t>(
                                       std::ssize(*ids), summaries_printed)},
                    s);
  return code;
}

} // namespace

command resume_command() {
  return {.path = "resume",
          .summary = "Resume unfinished runs of the database",
          .examples = "orcon resume --db nightly.db\n"
                      "orcon resume last                  only the newest run",
          .exits
          = {done, run_failed, run_cancelled, not_found, unusable, interrupted},
          .prepare = with(add_options, resume)};
}

} // namespace orcon
