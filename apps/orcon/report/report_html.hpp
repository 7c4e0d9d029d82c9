#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <conductor/records.hpp>
#include <conductor/state.hpp>
#include <conductor/time.hpp>

/// How texts, numbers and states are written into a page.
namespace orcon::report {

using namespace conductor;

/// Text that is nothing but text wherever it stands, in an element or an
/// attribute. What no page may contain becomes U+FFFD.
std::string escaped(std::string_view text);
/// The same for texts of users: kept apart from the direction of the rest, and
/// cut after `width` characters.
std::string user_text(std::string_view text, std::size_t width = 300);

/// A state as pages show it: never by colour alone.
struct state_look {
  const char* css;   ///< class, also of the icon
  const char* label; ///< in words
};
state_look look(task_state s);
state_look look(run_state s);
/// The states in the order in which charts stack them.
const std::vector<task_state>& stacked_states();
std::int64_t count_of(const state_counts& c, task_state s);

/// "✓ succeeded", with a drawn icon.
std::string badge(state_look look, std::string_view text = {});
/// The icon alone; the definitions are `icon_symbols`.
std::string icon(state_look look);
extern const char* const icon_symbols;
/// "1,234 succeeded, 2 failed"; what is none is left out.
std::string counts_text(const state_counts& c);

/// "12%", "<0.1%"; "–" of nothing.
std::string percent(std::int64_t part, std::int64_t whole);
/// "2026-11-23 04:01:37.123" in a `time` element; "–" for none. UTC.
std::string moment(timestamp t);
/// "<1ms" where `human_duration` says 0.
std::string duration(milliseconds d);
/// A command to copy.
std::string command(std::string_view line);

/// A table with its caption and the headers of its columns ("#" in front:
/// numbers, to the right); rows are written while it lives.
class table {
public:
  table(std::ostream& out, std::string_view caption,
        std::initializer_list<std::string_view> headers);
  ~table();
  table(const table&) = delete;
  table& operator=(const table&) = delete;

private:
  std::ostream& out_;
};

/// A bar as long as `part` is of `whole`; in blue where no class is given.
std::string bar_of(std::int64_t part, std::int64_t whole, const char* css = "");

/// Round numbers from 0 to at least `most`, about `wanted` steps.
std::vector<std::int64_t> round_steps(std::int64_t most, int wanted);
/// Ticks of a time axis: place (ms) and label ("1.5 s", "2 min").
std::vector<std::pair<std::int64_t, std::string>>
time_ticks(milliseconds length, int wanted);

} // namespace orcon::report
