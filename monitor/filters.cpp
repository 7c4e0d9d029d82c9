#include <conductor/filters.hpp>

namespace conductor {

result<std::vector<run_state>> run_states_of(const std::string& text) {
  if (text.empty())
    return std::vector<run_state>{};
  const auto state = parse_run_state(text);
  if (!state)
    return fail(errc::invalid, "\"" + text
                                 + "\" is not a state; the states are "
                                   "PENDING, RUNNING, SUCCEEDED, FAILED and "
                                   "CANCELLED");
  return std::vector{*state};
}

result<std::vector<task_state>> task_states_of(const std::string& text) {
  const auto states = run_states_of(text);
  if (!states)
    return tl::unexpected(states.error());
  std::vector<task_state> found;
  for (auto state : *states) {
    found.push_back(static_cast<task_state>(state));
    if (state == run_state::failed)
      found.push_back(task_state::retrying);
  }
  return found;
}

result<timestamp> moment_of(const std::string& text) {
  if (text.empty())
    return no_time;
  if (const auto ago = parse_duration(text))
    return system_now() - *ago;
  if (const auto moment = parse_iso(text))
    return *moment;
  if (const auto day = parse_iso(text + "T00:00:00.000Z"))
    return *day;
  return fail(errc::invalid,
              "\"" + text
                + "\" is not a time; write how long ago (90s, 2h), a day "
                  "(2026-11-23) or a time (2026-11-23T04:01:37.123Z)");
}

result<milliseconds> duration_from(const std::string& text) {
  const auto d = parse_duration(text);
  if (!d)
    return fail(errc::invalid,
                "\"" + text + "\" is not a duration; write 30s, 5m or 2h");
  return *d;
}

result<void> add_label(run_query& filter, const std::string& text) {
  if (text.empty())
    return {};
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    return fail(errc::invalid,
                "\"" + text + "\" is not a label; write KEY=VALUE");
  filter.label = text.substr(0, equals);
  filter.label_value = text.substr(equals + 1);
  return {};
}

std::string exactly(const std::string& name) {
  std::string pattern;
  for (const auto c : name)
    if (c == '*' || c == '?' || c == '[')
      pattern.append("[").append(1, c).append("]");
    else
      pattern += c;
  return pattern;
}

} // namespace conductor
