#include <sstream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "apps/orcon/cli.hpp"
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

} // namespace

void add_report_command(CLI::App& run_group, const commands& c) {
  auto* command = run_group.add_subcommand(
    "report", "A page about a run for a browser: timeline, heat map, slowest "
              "tasks, failures, retries");
  command->fallthrough();
  auto id = std::make_shared<std::string>();
  command->add_option("run", *id, "Id of the run, or \"last\" (the default)");
  command->callback(
    [c, id] { c.chosen = [c, id] { return write_report(c.common, *id); }; });
}

} // namespace orcon
