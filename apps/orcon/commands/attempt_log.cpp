#include "apps/orcon/commands/attempt_log.hpp"

#include <cstdio>

#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>
#include <fmt/format.h>

#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t page = 1000;

std::string sentence(const event_record& e) {
  const auto payload = parse_stored(e.payload);
  if (!payload.is_object())
    return {};
  const auto error = payload.value("error", json::object());
  const auto again = payload.value("retry_at", "");
  return fmt::format("{} attempt {} failed: {}: {}{}", e.task_name,
                     payload.value("attempt", 0), error.value("type", ""),
                     shorten(error.value("message", ""), 200),
                     again.empty() ? "" : "; again at " + again);
}

} // namespace

void attempt_log::print(store_reader& reader,
                        const std::function<void()>& make_room) {
  for (std::size_t i = 0; i < runs_.size(); ++i)
    for (;;) {
      const auto events = reader.list_events(
        {.run = runs_[i], .name = "task.failed"}, seen_[i], page);
      for (const auto& e : events) {
        seen_[i] = e.seq;
        if (e.at < since_)
          continue;
        make_room();
        tell("orcon: {}\n", sentence(e));
      }
      if (events.size() < page)
        break;
    }
}

} // namespace orcon
