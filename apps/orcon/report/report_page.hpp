#pragma once

#include <ostream>
#include <string>

#include "apps/orcon/report/report_data.hpp"

/// One self-contained page: no script, nothing loaded, pictures drawn here.
namespace orcon::report {

/// Writes the page of a run. `database` is what the commands that it shows name
/// behind --db.
void write_page(std::ostream& out, const run_report& r,
                const std::string& database);

// The parts of the page.
extern const char* const style;
void write_summary(std::ostream& out, const run_report& r);
void write_timeline(std::ostream& out, const run_report& r);
/// One bar a task, where tasks are few.
void write_bars(std::ostream& out, const run_report& r);
void write_heat_maps(std::ostream& out, const run_report& r);
/// Tasks that seem to hang, if there are any.
void write_stuck(std::ostream& out, const run_report& r);
void write_parents(std::ostream& out, const run_report& r);
void write_slowest(std::ostream& out, const run_report& r);
void write_failures(std::ostream& out, const run_report& r,
                    const std::string& database);
void write_retries(std::ostream& out, const run_report& r);
void write_configuration(std::ostream& out, const run_report& r);

} // namespace orcon::report
