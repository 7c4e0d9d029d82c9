#include <sstream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

int write_report(const settings& s, const std::string& id) {
  if (s.output != format::table)
    return report_error({errc::invalid, "a report is a page for a browser; "
                                        "`orcon run show -o json` has the "
                                        "summary for programs"});
  if (::isatty(STDOUT_FILENO) != 0)
    return report_error({errc::invalid, "the page goes to standard output; say "
                                        "where to: orcon run report > "
                                        "run.html"});
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto run = find_run(**reader, id);
  if (!run)
    return report_error(run.error());
  std::ostringstream page;
  report::write_page(page, report::gather(**reader, run->key, system_now()),
                     s.database);
  write_out(page.str());
  return done;
}

void add_options(CLI::App& app, std::string& run) {
  app.add_option("run", run, "Id of the run, or \"last\" (the default)");
}

} // namespace

command run_report_command() {
  return {.path = "run report",
          .summary = "A page about a run for a browser: timeline, heat map, "
                     "slowest tasks, failures, retries",
          .examples = "orcon run report > run.html        one page for a "
                      "browser",
          .exits = {done, usage, not_found, unusable},
          .prepare = with(add_options, write_report)};
}

} // namespace orcon
