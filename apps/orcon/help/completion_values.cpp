#include "apps/orcon/help/completion_values.hpp"

#include <cstdlib>

#include <conductor/event.hpp>
#include <fmt/format.h>

#include "apps/orcon/help/command_tree.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

/// More than a screen of candidates helps nobody, and costs time.
constexpr std::size_t most_rows = 100;

void add(candidates& found, std::string_view begin, std::string text,
         std::string note = {}) {
  if (text.starts_with(begin))
    found.words.push_back({std::move(text), std::move(note)});
}

void add_runs(candidates& found, std::string_view begin, store_reader& reader) {
  add(found, begin, "last", "the newest run");
  for (const auto& run :
       reader.runs({.newest_first = true, .limit = most_rows}))
    add(found, begin, run.id,
        fmt::format("{}  {}", to_string(run.state), shorten(run.name, 40)));
}

/// Children have consecutive keys: no need to search for "hash#12".
void add_children(candidates& found, std::string_view begin,
                  store_reader& reader, run_key run) {
  const auto parent = std::string{begin.substr(0, begin.rfind('#'))};
  const auto digits = begin.substr(parent.size() + 1);
  const auto key = reader.find_task(run, parent);
  const auto fanout = key ? reader.load_parent(*key) : std::nullopt;
  if (!fanout || digits.find_first_not_of("0123456789") != digits.npos)
    return;
  const auto count = fanout->children.total() - fanout->children.not_created;
  const auto offer = [&](std::int64_t index) {
    if (const auto task = reader.load_task(fanout->base + index - 1))
      add(found, begin, task->name, to_string(task->state));
  };
  // 12, then 120 to 129, then 1200 to 1299: all numbers that begin so.
  std::int64_t low
    = digits.empty() ? 1 : std::atoll(std::string{digits}.c_str());
  auto high = digits.empty() ? std::int64_t{9} : low;
  for (; low > 0 && low <= count && digits.size() < 18;
       low *= 10, high = high * 10 + 9)
    for (auto i = low; i <= std::min(high, count); ++i) {
      if (found.words.size() == most_rows)
        return;
      offer(i);
    }
}

void add_tasks(candidates& found, std::string_view begin, store_reader& reader,
               const std::string& run_id) {
  const auto run = find_run(reader, run_id);
  if (!run)
    return;
  if (begin.find('#') != begin.npos)
    return add_children(found, begin, reader, run->key);
  for (const auto& task : reader.list_tasks(
         {.run = run->key, .top_level = true, .texts = false}, 0, most_rows))
    add(found, begin, task.name, to_string(task.state));
}

void add_events(candidates& found, std::string_view begin) {
  for (int kind = 0; kind < 256; ++kind)
    if (const std::string name = to_string(static_cast<event_kind>(kind));
        !name.empty())
      add(found, begin, name);
}

} // namespace

candidates values_for(std::string_view kind, std::string_view begin,
                      const settings& s, const std::string& run) {
  candidates found;
  for (const auto value : values_of_kind(kind))
    add(found, begin, std::string{value});
  if (kind == "EVENT")
    add_events(found, begin);
  if (kind == "FILE")
    found.also = "files";
  if (kind == "FOLDER")
    found.also = "folders";
  if (kind == "RUN" || kind == "TASK")
    if (const auto reader = open_reader(s)) {
      if (kind == "RUN")
        add_runs(found, begin, **reader);
      else
        add_tasks(found, begin, **reader, run);
    }
  return found;
}

} // namespace orcon
