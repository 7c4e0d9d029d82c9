#include "apps/orcon/terminal/output.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/terminal/table.hpp"
#include "apps/orcon/terminal/task_label.hpp"

namespace orcon {

using namespace conductor;

namespace {

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json time_or_null(timestamp t) {
  return t == no_time ? ordered_json(nullptr) : ordered_json(to_iso(t));
}

ordered_json parsed_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr)
                      : ordered_json::parse(text, nullptr, false);
}

std::string dump_safely(const ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

::winsize size_of_terminal(int fd) {
  ::winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size : ::winsize{};
}

} // namespace

ordered_json to_json(const state_counts& c) {
  return {{"total", c.total()},     {"not_created", c.not_created},
          {"pending", c.pending},   {"running", c.running},
          {"retrying", c.retrying}, {"succeeded", c.succeeded},
          {"failed", c.failed},     {"cancelled", c.cancelled}};
}

ordered_json to_json(const run_record& run) {
  return {{"id", run.id},
          {"name", run.name},
          {"state", to_string(run.state)},
          {"created_at", to_iso(run.created_at)},
          {"updated_at", to_iso(run.updated_at)},
          {"started_at", time_or_null(run.started_at)},
          {"finished_at", time_or_null(run.finished_at)},
          {"tasks", run.tasks},
          {"retries", run.retries},
          {"meta", parsed_or_null(run.meta)},
          {"idempotency_key", text_or_null(run.idempotency_key)}};
}

ordered_json to_json(const task_record& t) {
  return {{"id", t.id},
          {"run_id", t.run_id},
          {"parent_task_id", text_or_null(t.parent_task_id)},
          {"name", t.name},
          {"index", t.index ? ordered_json(t.index) : ordered_json(nullptr)},
          {"handler", t.handler},
          {"state", to_string(t.state)},
          {"settled", settled(t.state)},
          {"attempt", t.attempt},
          {"retry_count", t.retry_count},
          {"max_retries", t.max_retries},
          {"lost_count", t.lost_count},
          {"created_at", to_iso(t.created_at)},
          {"started_at", time_or_null(t.started_at)},
          {"updated_at", to_iso(t.updated_at)},
          {"not_before", time_or_null(t.due_at)},
          {"input", parsed_or_null(t.input)},
          {"output", parsed_or_null(t.output)},
          {"last_error", parsed_or_null(t.last_error)}};
}

std::optional<milliseconds> duration_of(const task_record& t, timestamp now) {
  if (t.started_at == no_time || t.attempt == 0)
    return std::nullopt;
  const auto end = t.state == task_state::running ? now : t.updated_at;
  return std::max(milliseconds{0}, end - t.started_at);
}

ordered_json duration_or_null(const task_record& t, timestamp now) {
  const auto took = duration_of(t, now);
  return took ? ordered_json(took->count()) : ordered_json(nullptr);
}

ordered_json to_json(const event_record& e) {
  return {{"seq", e.seq},
          {"id", e.id},
          {"at", to_iso(e.at)},
          {"run_id", text_or_null(e.run_id)},
          {"task_id", text_or_null(e.task_id)},
          {"task", text_or_null(e.task_name)},
          {"name", e.name},
          {"payload", parsed_or_null(e.payload)}};
}

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
