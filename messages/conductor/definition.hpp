#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/json_text.hpp>
#include <conductor/run_spec.hpp>

/// Run definitions: the JSON form of a `run_spec`, checked whole before
/// anything is written.
namespace conductor {

/// One thing that is wrong, and where: `path` is a JSON pointer such as
/// "/tasks/2/retry/delay"; the message says what is wrong and what would be
/// right: `"5 parsecs" is not a duration (write 250ms, 5s, 10m or 2h)`.
struct definition_error {
  std::string path;
  std::string message;

  CONDUCTOR_MESSAGE(definition_error, x.path, x.message)
};

/// "/tasks/2/retry/delay: ..." ("/" alone for the whole document).
std::string to_string(const definition_error& e);

/// What a definition is checked against.
struct definition_context {
  /// Absolute directory that relative paths of the definition start from.
  std::string directory;
  /// Says what is wrong with a handler's name or with the input it would get:
  /// path relative to the task ("/handler", "/input/argv/0"). Empty = accept.
  std::function<std::vector<definition_error>(const std::string& handler,
                                              const json& input)>
    check_handler;
  std::size_t max_tasks = 1'000'000;      ///< top-level tasks
  std::size_t max_name = 200;             ///< bytes of a name
  std::size_t max_input = 1u << 20;       ///< bytes of a task's input
  std::int64_t max_width = 1'000'000'000; ///< children of one fan-out
};

struct definition_result {
  run_spec spec;                        ///< meaningless if there are errors
  std::vector<definition_error> errors; ///< all that were found, in order
};

/// Checks a document and turns it into a `run_spec`.
definition_result read_definition(const json& document,
                                  const definition_context& context);

/// Applies the same checks to a spec that was built in C++; empty = valid.
std::vector<definition_error> check_spec(const run_spec& spec,
                                         const definition_context& context);

/// The dependencies of tasks as places: element i holds, for each name in
/// `after` of task i, which task of the list that is; each once, in the order
/// in which they are named. Names of no task are left out. Linear in time.
std::vector<std::vector<std::int32_t>>
dependency_places(const std::vector<task_spec>& tasks);

/// The JSON Schema (draft 2020-12) of definitions.
json definition_schema();

/// A task spec as the store keeps it, and back: JSON without the members that
/// have their default values. The pair loses nothing but what the store keeps
/// elsewhere: the items of a list and its key (so that runs with different
/// items share a spec), `after` and `when`.
std::string to_stored_text(const task_spec& spec);
result<task_spec> from_stored_text(std::string_view text);

} // namespace conductor
