#include <algorithm>
#include <type_traits>
#include <utility>

#include "store/memory/model.hpp"

namespace conductor::memory {

namespace {

class snapshot_copy final : public read_snapshot {
public:
  explicit snapshot_copy(std::shared_ptr<const model> m)
    : model_(std::move(m)) {}

private:
  std::shared_ptr<const model> model_;
};

class reader final : public store_reader {
public:
  explicit reader(std::shared_ptr<shared_model> m) : shared_(std::move(m)) {}

  std::unique_ptr<read_snapshot> snapshot() override {
    auto copy = frozen_.lock();
    if (!copy) {
      const std::lock_guard guard{shared_->mutex};
      copy = std::make_shared<const model>(shared_->current);
      frozen_ = copy;
    }
    return std::make_unique<snapshot_copy>(std::move(copy));
  }

  id_space ids() override {
    return look([](const model& m) { return m.ids; });
  }

  std::vector<run_record> runs(const run_query& query) override {
    return look([&](const model& m) { return find_runs(m, query); });
  }

  std::vector<task_record> tasks(const task_query& query) override {
    return look([&](const model& m) { return find_tasks(m, query); });
  }

  std::vector<parent_record> parents(const parent_query& query) override;

  std::vector<task_group> groups(const group_query& query) override {
    return look([&](const model& m) { return find_groups(m, query); });
  }

  std::optional<task_template> load_template(task_key task) override {
    return look([&](const model& m) {
      const auto i = m.tasks.find(task);
      return i == m.tasks.end() ? std::nullopt
                                : std::optional{m.template_of(task, i->second)};
    });
  }

  std::vector<std::string> texts(text_kind kind, task_range tasks) override;
  std::optional<task_key> find_task(run_key run,
                                    std::string_view name) override;

  std::vector<event_record> list_events(const event_filter& filter,
                                        event_seq after,
                                        std::size_t limit) override {
    return look([&](const model& m) {
      return memory::list_events(m, filter, after, limit);
    });
  }

  std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                           std::size_t limit) override {
    return look([&](const model& m) {
      return memory::list_event_spans(m, run, after, limit);
    });
  }

  event_seq last_event() override {
    return look([](const model& m) { return m.next_seq - 1; });
  }

  std::optional<timestamp> last_settled(run_key run) override {
    return look([&](const model& m) { return memory::last_settled(m, run); });
  }

  std::vector<std::int64_t> count_events(const std::vector<event_kind>& kinds,
                                         run_key run,
                                         timestamp since) override {
    return look([&](const model& m) {
      return memory::count_events(m, kinds, run, since);
    });
  }

  std::vector<handler_count> count_by_handler(run_key run) override {
    return look(
      [&](const model& m) { return memory::count_by_handler(m, run); });
  }

  state_counts count_runs() override {
    return look([](const model& m) {
      state_counts out;
      for (const auto& [key, run] : m.runs)
        ++out[static_cast<task_state>(run.state)];
      return out;
    });
  }

  retry_metrics measure_retries(run_key run) override {
    return look(
      [&](const model& m) { return memory::measure_retries(m, run); });
  }

  std::vector<error_count> count_errors(run_key run,
                                        std::size_t limit) override {
    return look(
      [&](const model& m) { return memory::count_errors(m, run, limit); });
  }

  std::optional<timestamp> next_due_at() override {
    return look([](const model& m) { return memory::next_due_at(m); });
  }

  std::vector<dependency> dependencies(run_key run) override {
    return look([&](const model& m) {
      std::vector<dependency> found;
      for (const auto& [task, dependents] : m.dependents)
        if (m.tasks.at(task).run == run)
          found.insert(found.end(), dependents.begin(), dependents.end());
      std::ranges::sort(found, {}, [](const dependency& d) {
        return std::pair{d.dependent, d.task};
      });
      return found;
    });
  }

  engine_record load_engine() override {
    return look([](const model& m) {
      return engine_record{.epoch = m.epoch,
                           .closed = false,
                           .commits = m.commits,
                           .report = m.engine_report};
    });
  }

private:
  /// Asks the snapshot if there is one, or else the store as it is.
  template <class Question>
  std::invoke_result_t<Question, const model&> look(Question question) {
    if (const auto copy = frozen_.lock())
      return question(*copy);
    const std::lock_guard guard{shared_->mutex};
    return question(static_cast<const model&>(shared_->current));
  }

  std::shared_ptr<shared_model> shared_;
  std::weak_ptr<const model> frozen_; ///< while a snapshot lives
};

std::vector<parent_record> reader::parents(const parent_query& query) {
  return look([&](const model& m) {
    std::vector<parent_record> out;
    for (const auto& [key, p] : m.parents)
      if (out.size() < query.limit && key > query.after
          && (!query.task || key == query.task)
          && (!query.run || p.run == query.run)
          && (!query.open || p.state == task_state::pending))
        out.push_back(p);
    return out;
  });
}

std::vector<std::string> reader::texts(text_kind kind, task_range tasks) {
  return look([&](const model& m) {
    std::vector<std::string> out;
    for (auto key = tasks.first; key < tasks.end(); ++key) {
      auto& text = out.emplace_back();
      const auto i = m.tasks.find(key);
      if (i == m.tasks.end())
        continue;
      const auto& row = i->second;
      text = kind == text_kind::item     ? item_in_list(m, row)
             : kind == text_kind::output ? row.output
                                         : row.error;
    }
    return out;
  });
}

std::optional<task_key> reader::find_task(run_key run, std::string_view name) {
  return look([&](const model& m) -> std::optional<task_key> {
    for (const auto& [key, row] : m.tasks)
      if (row.run == run && task_name(m, key, row) == name)
        return key;
    return std::nullopt;
  });
}

} // namespace

std::unique_ptr<store_reader> make_reader(std::shared_ptr<shared_model> m) {
  return std::make_unique<reader>(std::move(m));
}

} // namespace conductor::memory
