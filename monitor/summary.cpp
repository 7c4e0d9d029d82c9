#include <algorithm>
#include <cctype>
#include <map>

#include <conductor/json_text.hpp>
#include <conductor/monitor.hpp>

namespace conductor {

namespace {

constexpr std::size_t slowest_listed = 5;
constexpr std::int64_t slowest_looked_at = 200'000;
constexpr std::size_t failures_read = 10'000;
constexpr std::size_t parents_listed = 1000;

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

std::vector<task_record> read_failures(store_reader& reader, run_key run) {
  std::vector<task_record> failed;
  const task_filter filter{
    .run = run, .states = {task_state::failed}, .texts = false};
  for (task_key after = 0; failed.size() < failures_read;) {
    auto page = reader.list_tasks(filter, after, 1000);
    if (page.empty())
      break;
    after = page.back().key;
    std::move(page.begin(), page.end(), std::back_inserter(failed));
  }
  // A parent fails through its children; it explains nothing by itself.
  std::erase_if(failed, [](const task_record& t) {
    return t.last_error.find("\"children_failed\"") != std::string::npos;
  });
  return failed;
}

void add_handler(run_summary& summary, const std::string& handler,
                 const state_counts& tasks) {
  for (auto& h : summary.handlers)
    if (h.handler == handler) {
      h.tasks += tasks;
      return;
    }
  summary.handlers.push_back({handler, tasks});
}

void add_top_level(run_summary& s, task_record task,
                   std::optional<fanout_record> fanout) {
  state_counts leaves;
  leaves[task.state] = 1;
  add_handler(s, task.handler, fanout ? fanout->children : leaves);
  if (!fanout || s.parents.size() == parents_listed)
    return;
  s.parents.push_back(std::move(task));
  s.fanouts.push_back(std::move(*fanout));
}

} // namespace

std::string normalise_message(std::string_view message) {
  std::string out;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const auto c = message[i];
    const auto starts_word = i == 0 || !is_hex(message[i - 1]);
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 && starts_word) {
      while (i + 1 < message.size() && is_hex(message[i + 1]))
        ++i;
      out += 'N';
    } else if (c == '"' || c == '\'') {
      const auto end = message.find(c, i + 1);
      if (end == std::string_view::npos) {
        out += c;
        continue;
      }
      out += "'…'";
      i = end;
    } else if (c == '/' && (i == 0 || message[i - 1] == ' ')) {
      while (i + 1 < message.size() && message[i + 1] != ' '
             && message[i + 1] != ':')
        ++i;
      out += "PATH";
    } else {
      out += c;
    }
  }
  return out;
}

std::vector<failure_group>
group_failures(const std::vector<task_record>& failed) {
  std::map<std::pair<std::string, std::string>, failure_group> groups;
  for (const auto& task : failed) {
    const auto error = json::parse(task.last_error, nullptr, false);
    if (!error.is_object())
      continue;
    const auto type = error.value("type", "");
    const auto message = error.value("message", "");
    auto& group = groups[{type, normalise_message(message)}];
    if (group.count++ == 0)
      group = {type,
               normalise_message(message),
               message,
               task.name,
               1,
               task.updated_at,
               task.updated_at};
    group.first = std::min(group.first, task.updated_at);
    group.last = std::max(group.last, task.updated_at);
  }
  std::vector<failure_group> sorted;
  for (auto& [key, group] : groups)
    sorted.push_back(std::move(group));
  std::stable_sort(
    sorted.begin(), sorted.end(),
    [](const auto& x, const auto& y) { return x.count > y.count; });
  return sorted;
}

run_summary summarise(store_reader& reader, run_key run, timestamp now) {
  run_summary s;
  if (auto record = reader.load_run(run))
    s.run = std::move(*record);
  const auto end = s.run.finished_at != no_time ? s.run.finished_at : now;
  s.duration = end - s.run.created_at;
  s.tasks = reader.count_leaves(run);
  const task_filter top_level{.run = run, .top_level = true, .texts = false};
  for (task_key after = 0;;) {
    auto page = reader.list_tasks(top_level, after, 1000);
    for (auto& task : page) {
      after = task.key;
      add_top_level(s, std::move(task), reader.load_fanout(after));
    }
    if (page.size() < 1000)
      break;
  }
  // Looked for among all leaves: too long a question for a large run.
  if (s.tasks.total() <= slowest_looked_at)
    s.slowest = reader.list_slowest(run, slowest_listed);
  s.failures = group_failures(read_failures(reader, run));
  for (const auto& [actor, kind] :
       {std::pair{"fanout", event_kind::fanout_finished},
        std::pair{"aggregate", event_kind::aggregate_finished},
        std::pair{"retry", event_kind::retry_finished}})
    s.passes.push_back({actor, reader.count_events(kind, run, no_time)});
  return s;
}

} // namespace conductor
