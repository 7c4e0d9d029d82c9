#pragma once

#include <string>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/store.hpp>

/// What filters of commands mean; the same in every command.
namespace orcon {

/// "PENDING" … "CANCELLED", in any case of letters; "" = any.
conductor::result<std::vector<conductor::run_state>>
run_states_of(const std::string& text);
/// The same of tasks: FAILED are those that will be retried, too.
conductor::result<std::vector<conductor::task_state>>
task_states_of(const std::string& text);

/// "2h" (that long ago), "2026-11-23", or a time as the program prints it;
/// "" = none.
conductor::result<conductor::timestamp> moment_of(const std::string& text);

/// "KEY=VALUE" of a run's meta, put into the filter; "" = any.
conductor::result<void> add_label(conductor::run_query& filter,
                                  const std::string& text);

} // namespace orcon
