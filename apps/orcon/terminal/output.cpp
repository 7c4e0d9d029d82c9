#include "apps/orcon/terminal/output.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <conductor/stored_json.hpp>

#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/terminal/table.hpp"
#include "apps/orcon/terminal/task_label.hpp"

namespace orcon {

using namespace conductor;

namespace {

std::string dump_safely(const ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

::winsize size_of_terminal(int fd) {
  ::winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size : ::winsize{};
}

} // namespace

namespace {

bool is_time(const std::string& name) {
  return name == "at" || name.ends_with("_at");
}

/// Times as people at a terminal read them.
ordered_json with_local_times(ordered_json object) {
  const auto now = system_now();
  for (auto& [name, value] : object.items())
    if (is_time(name) && value.is_string())
      if (const auto t = parse_iso(value.get_ref<const std::string&>()))
        value = time_text(*t, now);
  return object;
}

std::string table_on_screen(const settings& s,
                            const std::vector<std::string>& columns,
                            const std::vector<ordered_json>& rows) {
  const auto color = use_color(s, STDOUT_FILENO);
  if (!times_are_local())
    return table_text(columns, rows, {0, color});
  std::vector<ordered_json> shown;
  for (const auto& row : rows)
    shown.push_back(with_local_times(row));
  return table_text(columns, shown, {terminal_width(STDOUT_FILENO), color});
}

} // namespace

void print_rows(const settings& s, const std::vector<std::string>& columns,
                const std::vector<ordered_json>& rows) {
  switch (s.output) {
  case format::table: put("{}", table_on_screen(s, columns, rows)); break;
  case format::json: put("{}\n", dump_safely(ordered_json(rows), 2)); break;
  case format::jsonl:
    for (const auto& row : rows)
      put("{}\n", dump_safely(row, -1));
    break;
  }
}

void print_object(const settings& s, const ordered_json& object) {
  if (s.output == format::json) {
    put("{}\n", dump_safely(object, 2));
  } else if (s.output == format::jsonl) {
    put("{}\n", dump_safely(object, -1));
  } else {
    std::size_t width = 0;
    for (const auto& [key, value] : object.items())
      width = std::max(width, key.size());
    const auto color = use_color(s, STDOUT_FILENO);
    const auto shown = times_are_local() ? with_local_times(object) : object;
    for (const auto& [key, value] : shown.items())
      if (!value.is_null())
        put("{:<{}}  {}\n", key, width,
            key == "state" ? paint_state(cell(value), color) : cell(value));
  }
}

void say(const settings& s, std::string_view text) {
  if (!s.quiet)
    tell("orcon: {}\n", text);
}

void say_more(const settings& s, std::string_view text) {
  if (s.verbose)
    say(s, text);
}

bool is_screen(int fd) {
  const auto* term = std::getenv("TERM");
  const auto dumb = term && (*term == '\0' || std::string_view{term} == "dumb");
  return ::isatty(fd) == 1 && !dumb;
}

bool use_color(const settings& s, int fd) {
  if (s.color != "auto")
    return s.color == "always";
  const auto* no_color = std::getenv("NO_COLOR");
  return is_screen(fd) && !(no_color && *no_color);
}

std::string paint_state(std::string_view state, bool on) {
  if (!on)
    return std::string{state};
  // "FAILED (retry)" has not failed for good.
  const auto is
    = [&](std::string_view name) { return state.starts_with(name); };
  const auto* code = is("SUCCEEDED") || is("HEALTHY")   ? "32"
                     : is("FAILED (")                   ? "33"
                     : is("FAILED") || is("CRITICAL")   ? "31"
                     : is("CANCELLED") || is("WARNING") ? "33"
                     : is("RUNNING")                    ? "36"
                                                        : "";
  if (*code == '\0')
    return std::string{state};
  return fmt::format("\x1b[{}m{}\x1b[0m", code, state);
}

unsigned terminal_width(int fd) {
  const auto columns = size_of_terminal(fd).ws_col;
  return columns > 0 ? columns : 80;
}

unsigned terminal_height(int fd) {
  const auto rows = size_of_terminal(fd).ws_row;
  return rows > 0 ? rows : 24;
}

std::string with_commas(std::int64_t n) {
  auto text = std::to_string(n);
  const std::size_t sign = n < 0 ? 1 : 0;
  for (auto i = text.size(); i > sign + 3;) {
    i -= 3;
    text.insert(i, ",");
  }
  return text;
}

std::string human_duration(milliseconds d) {
  const auto ms = std::max<std::int64_t>(d.count(), 0);
  if (ms < 1000)
    return fmt::format("{}ms", ms);
  if (ms < 60'000)
    return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  if (ms < 3'600'000)
    return fmt::format("{}m {:02}s", ms / 60'000, ms / 1000 % 60);
  return fmt::format("{}h {:02}m", ms / 3'600'000, ms / 60'000 % 60);
}

} // namespace orcon
