#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <conductor/error.hpp>
#include <conductor/handler.hpp>
#include <conductor/task_context.hpp>
#include <conductor/time.hpp>

/// The handlers that come with the engine.
namespace conductor {

struct exec_options {
  std::size_t stdout_cap = 1u << 20; ///< bytes of a process's stdout kept
  std::size_t stderr_kept = 4096;    ///< bytes of its stderr kept, the end
  milliseconds grace{5000};          ///< from SIGTERM to SIGKILL
  /// Processes at once; further attempts wait in the handler, and their timeout
  /// does not run meanwhile. 0 = no bound but the executor's.
  std::size_t slots = 0;
  /// Receives the stderr of an attempt that wrote more than `stderr_kept`, its
  /// last `stderr_cap` bytes with a mark where more is missing. Called from the
  /// handler's thread before the attempt is reported.
  std::function<void(attempt_key, std::string)> on_long_stderr;
  std::size_t stderr_cap = 1u << 20;
};

/// For programs that run many processes at once, each of which takes three
/// descriptors: raises the soft limit of open files to the hard one. Processes
/// of `exec` get the limit from before. Call it before threads start.
void raise_open_files_limit();

/// Runs a process. Input: argv, env, cwd, stdin, stdout.
std::shared_ptr<handler> make_exec_handler(exec_options options = {});

/// Succeeds at once.
std::shared_ptr<handler> make_noop_handler();

/// Succeeds after the input's `duration`.
std::shared_ptr<handler> make_sleep_handler(unsigned slots = 0);

/// Fails its first `times` attempts, without that all; `type` and `message`
/// say with what.
std::shared_ptr<handler> make_fail_handler();

/// Calls a function, from at most `threads` threads at once. What it throws
/// becomes a failure of type "exception". A function cannot be stopped from
/// outside: the handler's destructor waits for those that run.
std::shared_ptr<handler>
make_function_handler(std::function<outcome(const task_context&)> function,
                      unsigned threads);

/// Replaces {item} {item.field} {index} {attempt} {name} {run} in what users
/// write for `exec`. Other text in braces stays. An item that is a string goes
/// in as it is, anything else as compact JSON. The error says what of the item
/// is missing.
result<std::string> expand_placeholders(std::string_view text,
                                        const attempt& work);

/// Whether `expand_placeholders` would find anything to replace.
bool has_placeholders(std::string_view text);

} // namespace conductor
