#include "actors/handlers/exec/exec_outcome.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace conductor {

namespace {

constexpr std::size_t longest_line = 300;

/// Whether a later attempt may succeed; other errors last until the definition
/// or the machine is changed.
bool passes(int error) {
  constexpr std::array lasting{ENOENT,  EACCES, EPERM,        E2BIG,  ENOEXEC,
                               ENOTDIR, ELOOP,  ENAMETOOLONG, EISDIR, EINVAL};
  return std::find(lasting.begin(), lasting.end(), error) == lasting.end();
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// Removes a last character whose end was cut off.
void trim_end(std::string& text) {
  auto start = text.size();
  const auto least = start - std::min<std::size_t>(start, 3);
  while (start > least && continues_character(text[start - 1]))
    --start;
  if (start == 0)
    return;
  const auto lead = static_cast<unsigned char>(text[start - 1]);
  const std::size_t length = lead >= 0xF0   ? 4
                             : lead >= 0xE0 ? 3
                             : lead >= 0xC0 ? 2
                                            : 1;
  if (length > text.size() - start + 1)
    text.resize(start - 1);
}

/// Removes a first character whose beginning was cut off.
void trim_start(std::string& text) {
  std::size_t n = 0;
  while (n < std::min<std::size_t>(text.size(), 3)
         && continues_character(text[n]))
    ++n;
  text.erase(0, n);
}

std::string last_line(const std::string& text) {
  constexpr auto blank = " \t\r\n";
  const auto last = text.find_last_not_of(blank);
  if (last == text.npos)
    return {};
  const auto before = text.find_last_of("\r\n", last);
  auto line = text.substr(before + 1, last - before);
  if (line.size() > longest_line) {
    line.resize(longest_line);
    trim_end(line);
    line += "...";
  }
  return line;
}

/// Puts stdout into `output`; returns the error if it is not as required.
std::string add_stdout(process_result& process, exec_stdout as, json& output) {
  if (as == exec_stdout::discard)
    return {};
  std::string problem;
  if (process.output_cut)
    output["stdout_truncated"] = true;
  if (as == exec_stdout::parsed && process.output_cut)
    problem = "stdout is too long to be read as JSON";
  else if (as == exec_stdout::parsed) {
    if (auto value = parse_json(process.output)) {
      output["stdout"] = std::move(*value);
      return {};
    } else
      problem = "stdout is not JSON: " + value.error().message;
  }
  if (process.output_cut)
    trim_end(process.output);
  if (valid_utf8(process.output))
    output["stdout"] = std::move(process.output);
  else
    output["stdout_base64"] = to_base64(process.output);
  return problem;
}

struct reason {
  std::string type, message;
};

reason why_stopped(stop_reason stopped, milliseconds timeout) {
  const std::string type = to_string(stopped);
  switch (stopped) {
  case stop_reason::timeout:
    return {type, timeout.count() > 0 ? "timed out after " + to_text(timeout)
                                      : "timed out"};
  case stop_reason::shutdown: return {type, "stopped because the engine stops"};
  case stop_reason::cancelled: break;
  }
  return {type, "stopped: " + type};
}

/// Why the attempt failed; an empty type if it did not.
reason why_failed(const process_result& process, milliseconds timeout) {
  if (process.stopped)
    return why_stopped(*process.stopped, timeout);
  if (process.pipe_error != 0)
    return {"io", "a pipe of the process failed: "
                    + std::generic_category().message(process.pipe_error)};
  if (process.status_lost)
    return {"exit", "its exit status was lost: this program ignores SIGCHLD, "
                    "or waits for children that are not its own"};
  if (process.signal != 0)
    return {"signal", "killed by " + signal_name(process.signal)};
  if (process.exit_code != 0)
    return {"exit", "exit " + std::to_string(process.exit_code)};
  return {};
}

/// How the process ended, as members of `to`.
void add_status(const process_result& process, json& to) {
  if (process.status_lost)
    return;
  if (process.signal != 0)
    to["signal"] = signal_name(process.signal);
  else
    to["exit_code"] = process.exit_code;
}

} // namespace

std::string end_of_errors(const process_result& process, std::size_t kept) {
  const auto& all = process.errors;
  auto text = all.substr(all.size() - std::min(all.size(), kept));
  const auto total = process.errors_dropped + all.size();
  if (text.size() == total)
    return text;
  trim_start(text);
  return "[… " + std::to_string(total - text.size()) + " bytes cut] " + text;
}

outcome make_outcome(process_result process, exec_stdout as,
                     milliseconds timeout, std::size_t errors_kept) {
  if (process.spawn_error != 0) {
    auto result = outcome::failure("spawn", to_utf8(process.spawn_message));
    result.retryable = passes(process.spawn_error);
    return result;
  }
  json output = json::object();
  add_status(process, output);
  const auto unreadable = add_stdout(process, as, output);
  auto why = why_failed(process, timeout);
  if (why.type.empty() && !unreadable.empty())
    why = {"output", unreadable};
  const auto errors = to_utf8(end_of_errors(process, errors_kept));
  if (why.type.empty()) {
    if (!errors.empty())
      output["stderr"] = errors;
    return outcome::success(dump(output));
  }
  const auto line = last_line(errors);
  const bool own = why.type == "exit" || why.type == "signal";
  auto result = outcome::failure(
    why.type, own && !line.empty() ? why.message + ": " + line : why.message);
  result.output = dump(output);
  json details{{"stderr", errors}};
  add_status(process, details);
  result.error_details = dump(details);
  return result;
}

} // namespace conductor
