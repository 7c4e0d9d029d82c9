#pragma once

#include <string>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/store.hpp>

/// The texts of filters, as command lines and requests give them.
namespace conductor {

/// "PENDING" … "CANCELLED", in any case of letters; "" = any.
result<std::vector<run_state>> run_states_of(const std::string& text);
/// The same of tasks: FAILED are those that will be retried, too.
result<std::vector<task_state>> task_states_of(const std::string& text);

/// "2h" (that long ago), "2026-11-23", or a time as the program prints it;
/// "" = none.
result<timestamp> moment_of(const std::string& text);

/// "30s", "5m", "2h".
result<milliseconds> duration_from(const std::string& text);

/// "KEY=VALUE" of a run's meta, put into the filter; "" = any.
result<void> add_label(run_query& filter, const std::string& text);

/// A pattern that matches only this name: `*`, `?` and `[` stand for
/// themselves.
std::string exactly(const std::string& name);

} // namespace conductor
