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
  /// Receives the stdout of an attempt piece by piece as the process writes it,
  /// also what `stdout_cap` drops. Called from the handler's thread, the last
  /// time before the attempt is reported; it must not block.
  std::function<void(attempt_key, std::string_view)> on_output;
};

/// Raises the soft limit of open files to the hard one, for programs that run
/// many processes at once: each takes three descriptors. Processes of `exec`
/// get the earlier limit. Call it before threads start.
void raise_open_files_limit();

/// Runs a process. Input: argv, env, inherit_env, cwd, stdin, stdout,
/// stdout_limit.
std::shared_ptr<handler> make_exec_handler(exec_options options = {});

/// Succeeds at once.
std::shared_ptr<handler> make_noop_handler();

/// Succeeds after the input's `duration`.
std::shared_ptr<handler> make_sleep_handler(unsigned slots = 0);

/// Fails its first `times` attempts, or all if there is no `times`, with the
/// error `type` and `message`.
std::shared_ptr<handler> make_fail_handler();

/// Calls a function on up to `threads` threads. An exception becomes a failure
/// of type "exception". A function cannot be stopped from outside: the
/// handler's destructor waits for the calls that run.
std::shared_ptr<handler>
make_function_handler(std::function<outcome(const task_context&)> function,
                      unsigned threads);

/// Replaces {item} {item.field} {index} {attempt} {name} {run} in a text of
/// `exec`. Other text in braces stays. A string item is inserted as it is, any
/// other item as compact JSON. The error names the missing part of the item.
result<std::string> expand_placeholders(std::string_view text,
                                        const attempt& work);

/// Whether `expand_placeholders` would find anything to replace.
bool has_placeholders(std::string_view text);

} // namespace conductor
