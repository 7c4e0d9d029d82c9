#include <algorithm>

#include <conductor/json_text.hpp>

#include "store/memory/model.hpp"
#include "store/texts.hpp"

namespace conductor::memory {

namespace {

template <class T, class State>
bool wanted(const std::vector<T>& states, State state) {
  return states.empty()
         || std::find(states.begin(), states.end(), state) != states.end();
}

bool matches(const std::string& pattern, const std::string& name) {
  return pattern.empty() || glob_match(pattern, name);
}

bool has_label(const run_record& run, const run_filter& filter) {
  if (filter.label.empty())
    return true;
  const auto meta = json::parse(run.meta, nullptr, false);
  const auto found = meta.find(filter.label);
  if (found == meta.end())
    return false;
  return (found->is_string() ? found->get<std::string>() : found->dump())
         == filter.label_value;
}

bool has_error_type(const task_row& row, const std::string& type) {
  if (type.empty())
    return true;
  const auto error = json::parse(row.error, nullptr, false);
  return error.is_object() && error.value("type", "") == type;
}

/// Copies values of `map` with key > after that `take` agrees to.
template <class Map, class Take, class To>
auto page(const Map& map, std::int64_t after, std::size_t limit, Take take,
          To to) {
  std::vector<decltype(to(*map.begin()))> out;
  for (auto i = map.upper_bound(after); i != map.end() && out.size() < limit;
       ++i)
    if (take(*i))
      out.push_back(to(*i));
  return out;
}

task_brief brief(task_key key, const task_row& row) {
  return {key,         row.run,         row.parent,
          row.attempt, row.retry_count, row.lost_count};
}

class reader final : public store_reader {
public:
  explicit reader(std::shared_ptr<model> m) : model_(std::move(m)) {}

  id_space ids() override { return lock()->ids; }

  std::optional<run_record> load_run(run_key run) override {
    const auto m = lock();
    const auto i = m->runs.find(run);
    return i == m->runs.end() ? std::nullopt : std::optional{i->second.record};
  }

  std::optional<run_key>
  find_run_by_idempotency_key(const std::string& text) override {
    const auto m = lock();
    const auto i = m->idempotency_keys.find(text);
    return i == m->idempotency_keys.end() ? std::nullopt
                                          : std::optional{i->second};
  }

  std::vector<run_record> load_open_runs(run_key after,
                                         std::size_t limit) override {
    const auto m = lock();
    return page(
      m->runs, after, limit,
      [](const auto& x) { return !settled(x.second.record.state); },
      [](const auto& x) { return x.second.record; });
  }

  std::optional<fanout_record> load_fanout(task_key parent) override {
    const auto m = lock();
    const auto i = m->fanouts.find(parent);
    return i == m->fanouts.end() ? std::nullopt : std::optional{i->second};
  }

  std::vector<fanout_record> load_open_fanouts(task_key after,
                                               std::size_t limit) override {
    const auto m = lock();
    return page(
      m->fanouts, after, limit,
      [](const auto& x) { return x.second.state == task_state::pending; },
      [](const auto& x) { return x.second; });
  }

  std::optional<task_origin> load_origin(task_key task) override {
    const auto m = lock();
    const auto i = m->tasks.find(task);
    return i == m->tasks.end() ? std::nullopt
                               : std::optional{m->origin(task, i->second)};
  }

  std::vector<due_task> load_due(timestamp now, due_position after,
                                 std::size_t limit) override {
    return load_waiting(task_state::pending, now, after, limit);
  }

  std::vector<task_brief> load_retries_due(timestamp now,
                                           std::size_t limit) override {
    std::vector<task_brief> out;
    for (const auto& due : load_waiting(task_state::retrying, now, {}, limit))
      out.push_back(due.task);
    return out;
  }

  std::optional<timestamp> next_retry_at() override {
    const auto m = lock();
    for (const auto& [at, key] : m->due)
      if (m->tasks.at(key).state == task_state::retrying)
        return at;
    return std::nullopt;
  }

  std::vector<std::string> load_items(task_range children) override {
    return load_texts(children, &task_row::item);
  }

  std::vector<lease_record> load_lost_leases(std::int64_t epoch, timestamp now,
                                             std::size_t limit) override {
    const auto m = lock();
    return page(
      m->leases, 0, limit,
      [&](const auto& x) {
        return x.second.epoch != epoch || x.second.deadline < now;
      },
      [](const auto& x) { return x.second; });
  }

  std::vector<task_brief> load_running(task_range tasks) override {
    const auto m = lock();
    std::vector<task_brief> out;
    for (auto i = m->tasks.lower_bound(tasks.first);
         i != m->tasks.end() && i->first < tasks.end(); ++i)
      if (i->second.state == task_state::running)
        out.push_back(brief(i->first, i->second));
    return out;
  }

  std::vector<std::string> load_outputs(task_range tasks) override {
    return load_texts(tasks, &task_row::output);
  }

  std::optional<run_key> find_run(std::string_view id) override {
    const auto m = lock();
    const auto key = key_in(*m, id_kind::run, id);
    const auto i = m->runs.find(key.value_or(0));
    if (i == m->runs.end() || i->second.record.created_at != time_in(id))
      return std::nullopt;
    return key;
  }

  std::optional<task_key> find_task(std::string_view id) override {
    const auto m = lock();
    const auto key = key_in(*m, id_kind::task, id);
    const auto i = m->tasks.find(key.value_or(0));
    if (i == m->tasks.end()
        || m->origin(*key, i->second).created_at != time_in(id))
      return std::nullopt;
    return key;
  }

  std::optional<task_key> find_task(run_key run,
                                    std::string_view name) override {
    const auto m = lock();
    for (const auto& [key, row] : m->tasks)
      if (row.run == run && task_name(*m, key, row) == name)
        return key;
    return std::nullopt;
  }

  std::optional<task_record> load_task(task_key task) override {
    const auto m = lock();
    const auto i = m->tasks.find(task);
    return i == m->tasks.end() ? std::nullopt
                               : std::optional{to_record(*m, task, i->second)};
  }

  std::vector<run_record> list_runs(const run_filter& filter, run_key before,
                                    std::size_t limit) override {
    const auto m = lock();
    std::vector<run_record> out;
    auto i = std::make_reverse_iterator(before > 0 ? m->runs.lower_bound(before)
                                                   : m->runs.end());
    for (; i != m->runs.rend() && out.size() < limit; ++i)
      if (const auto& r = i->second.record;
          wanted(filter.states, r.state) && matches(filter.name, r.name)
          && r.created_at >= filter.since && has_label(r, filter))
        out.push_back(r);
    return out;
  }

  std::vector<task_record> list_tasks(const task_filter& filter, task_key after,
                                      std::size_t limit) override {
    const auto m = lock();
    return page(
      m->tasks, after, limit,
      [&](const auto& x) {
        const auto& row = x.second;
        return (!filter.run || row.run == filter.run)
               && (!filter.parent || row.parent == filter.parent)
               && (!filter.top_level || !row.parent)
               && wanted(filter.states, row.state)
               && has_error_type(row, filter.error)
               && (filter.name.empty()
                   || glob_match(filter.name, task_name(*m, x.first, row)));
      },
      [&](const auto& x) {
        auto record = to_record(*m, x.first, x.second);
        if (!filter.texts) {
          record.input.clear();
          record.output.clear();
        }
        return record;
      });
  }

  std::vector<event_record> list_events(const event_filter& filter,
                                        event_seq after,
                                        std::size_t limit) override {
    const auto m = lock();
    return memory::list_events(*m, filter, after, limit);
  }

  state_counts count_leaves(run_key run) override {
    const auto m = lock();
    return memory::count_leaves(*m, run);
  }

  std::vector<fanout_record> list_fanouts(run_key run) override {
    const auto m = lock();
    return page(
      m->fanouts, 0, m->fanouts.size(),
      [run](const auto& x) { return x.second.run == run; },
      [](const auto& x) { return x.second; });
  }

  std::vector<task_record> list_stuck(run_key run, timestamp started_before,
                                      std::size_t limit) override {
    const auto m = lock();
    return list_stuck_tasks(*m, run, started_before, limit);
  }

  std::vector<task_error> list_errors(run_key run, task_key after,
                                      std::size_t limit) override {
    const auto m = lock();
    return memory::list_errors(*m, run, after, limit);
  }

  std::optional<timestamp> last_settled(run_key run) override {
    const auto m = lock();
    return memory::last_settled(*m, run);
  }

  std::vector<task_record> list_slowest(run_key run,
                                        std::size_t limit) override {
    const auto m = lock();
    return list_slowest_tasks(*m, run, limit);
  }

  retry_metrics measure_retries(run_key run) override {
    const auto m = lock();
    return memory::measure_retries(*m, run);
  }

  std::vector<std::int64_t> count_events(const std::vector<event_kind>& kinds,
                                         run_key run,
                                         timestamp since) override {
    const auto m = lock();
    return memory::count_events(*m, kinds, run, since);
  }

  event_seq last_event() override { return lock()->next_seq - 1; }

  std::vector<handler_count> count_by_handler() override {
    const auto m = lock();
    return memory::count_by_handler(*m);
  }

  state_counts count_runs() override {
    const auto m = lock();
    state_counts out;
    for (const auto& [key, run] : m->runs)
      ++out[static_cast<task_state>(run.record.state)];
    return out;
  }

  std::optional<timestamp> oldest_due(timestamp now) override {
    const auto m = lock();
    return memory::oldest_due(*m, now);
  }

  engine_record load_engine() override {
    const auto m = lock();
    return {.epoch = m->epoch,
            .closed = false,
            .commits = m->commits,
            .report = m->engine_report};
  }

  std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                           std::size_t limit) override {
    const auto m = lock();
    return memory::list_event_spans(*m, run, after, limit);
  }

private:
  /// The model, locked for as long as the handle lives.
  class handle {
  public:
    explicit handle(model& m) : model_(m), guard_(m.mutex) {}
    const model* operator->() const { return &model_; }
    const model& operator*() const { return model_; }

  private:
    model& model_;
    std::lock_guard<std::mutex> guard_;
  };

  handle lock() { return handle{*model_}; }

  std::vector<due_task> load_waiting(task_state state, timestamp now,
                                     due_position after, std::size_t limit);
  std::vector<std::string> load_texts(task_range tasks,
                                      std::string task_row::*text);

  static std::optional<std::int64_t> key_in(const model& m, id_kind kind,
                                            std::string_view id) {
    const auto parsed = parse_ulid(id);
    return parsed ? m.ids.key(kind, *parsed) : std::nullopt;
  }

  static timestamp time_in(std::string_view id) {
    return from_ms(static_cast<std::int64_t>(parse_ulid(id)->ms));
  }

  std::shared_ptr<model> model_;
};

std::vector<due_task> reader::load_waiting(task_state state, timestamp now,
                                           due_position after,
                                           std::size_t limit) {
  const auto m = lock();
  std::vector<due_task> out;
  for (const auto& [at, key] : m->due) {
    if (at > now || out.size() == limit)
      break;
    const auto& row = m->tasks.at(key);
    if (row.state == state && due_position{at, key} > after)
      out.push_back({brief(key, row), at});
  }
  return out;
}

std::vector<std::string> reader::load_texts(task_range tasks,
                                            std::string task_row::*text) {
  const auto m = lock();
  std::vector<std::string> out;
  for (auto key = tasks.first; key < tasks.end(); ++key) {
    const auto i = m->tasks.find(key);
    out.push_back(i == m->tasks.end() ? std::string{} : i->second.*text);
  }
  return out;
}

} // namespace

std::unique_ptr<store_reader> make_reader(std::shared_ptr<model> m) {
  return std::make_unique<reader>(std::move(m));
}

} // namespace conductor::memory
