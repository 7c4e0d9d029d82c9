#include "apps/orcon/terminal/task_label.hpp"

#include <ctime>

#include <fmt/format.h>
#include <unistd.h>

#include <conductor/stored_json.hpp>

#include "actors/handlers/exec/exec_item.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t widest_item = 60;

} // namespace

std::string item_text(const std::string& item) {
  if (item.empty())
    return {};
  const auto value = parse_stored(item);
  if (value.is_discarded())
    return item;
  std::string text;
  for (const auto& input : inputs_of(value))
    text += (text.empty() ? "" : " ") + input;
  return text;
}

std::string item_text(store_reader& reader, task_key task) {
  return item_text(reader.texts(text_kind::item, {task, 1}).front());
}

std::string labelled(const std::string& name, const std::string& item) {
  return item.empty() ? name : name + " (" + shorten(item, widest_item) + ")";
}

bool times_are_local() {
  return ::isatty(STDOUT_FILENO) == 1;
}

std::string time_text(timestamp t, timestamp now) {
  if (!times_are_local())
    return to_iso(t);
  const std::time_t seconds = to_ms(t) / 1000;
  std::tm local{};
  char text[32];
  if (::localtime_r(&seconds, &local) == nullptr
      || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) == 0)
    return to_iso(t);
  return t <= now ? fmt::format("{}, {} ago", text, human_duration(now - t))
                  : fmt::format("{}, in {}", text, human_duration(t - now));
}

} // namespace orcon
