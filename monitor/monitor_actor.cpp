#include <map>

#include <caf/all.hpp>

#include <conductor/event_payload.hpp>
#include <conductor/monitor.hpp>

namespace conductor {

namespace {

/// How long the metrics may wait for a writer that takes no writes.
constexpr std::chrono::seconds last_words{2};

struct monitor_state {
  monitor_context context;
  std::unique_ptr<store_reader> opened;
  std::map<task_key, std::int32_t> reported; ///< attempts known to be stuck
  health status = health::healthy;
  std::uint64_t commits = 0; ///< when the metrics were last written down
  bool ticking = false;      ///< works by itself, not on request only

  /// Opened when it is first needed, so that a failure is an error of one pass
  /// and the next one tries again.
  store_reader& reader() {
    if (!opened)
      opened = context.open_reader();
    return *opened;
  }

  const char* name = "monitor";
};

using self_ptr = monitor_actor::stateful_pointer<monitor_state>;

health_report look(monitor_state& s) {
  const auto& c = s.context;
  return assess_health(observe(s.reader(), c.database, c.clock(), c.thresholds),
                       c.thresholds);
}

/// One `task.stuck` an attempt; forgotten once the task has moved.
change_set plan_alerts(monitor_state& s, const health_report& report) {
  change_set plan;
  std::map<task_key, std::int32_t> stuck;
  for (const auto& task : report.stuck) {
    stuck[task.key] = task.attempt;
    const auto known = s.reported.find(task.key);
    if (known != s.reported.end() && known->second == task.attempt)
      continue;
    plan.add(
      append_event{task.run, task.key,
                   task_stuck(task.attempt, report.at - task.started_at)});
  }
  s.reported = std::move(stuck);
  return plan;
}

/// The engine's metrics, for other programs; only if something has happened.
void add_metrics(monitor_state& s, change_set& plan) {
  const auto commits = s.reader().load_engine().commits;
  if (!s.context.metrics || commits == s.commits)
    return;
  plan.add(engine_report{to_text(s.context.metrics->read())});
  s.commits = commits + 1; // with the one that this becomes
}

/// Asks the store. If it cannot answer the monitor lives on, and the next
/// request opens a new connection.
template <class Ask>
auto answer(monitor_state& s, Ask ask)
  -> caf::result<std::decay_t<decltype(*ask(s.reader()))>> {
  try {
    auto found = ask(s.reader());
    if (found)
      return std::move(*found);
    return to_caf(found.error());
  } catch (const store_error& e) {
    s.opened.reset();
    return to_caf(e.why());
  }
}

/// What is to be written down of how things are.
change_set plan_pass(monitor_state& s, pass_report& done) {
  const auto report = look(s);
  auto plan = plan_alerts(s, report);
  if (report.status != s.status) {
    std::vector<std::string> reasons;
    for (const auto& r : report.reasons)
      reasons.push_back(r.what);
    plan.add(append_event{
      0, 0,
      health_changed(to_string(s.status), to_string(report.status), reasons)});
    s.status = report.status;
  }
  done = {std::ssize(report.stuck), std::ssize(plan.parts)};
  add_metrics(s, plan);
  return plan;
}

/// `done(report)` runs after the pass.
template <class Done>
void pass(self_ptr self, Done done) {
  pass_report report;
  change_set plan;
  try {
    plan = plan_pass(self->state, report);
  } catch (const store_error&) {
    // The next pass tries again; the writer reports a storage that is lost.
    self->state.opened.reset();
  }
  if (plan.empty())
    done(report);
  else
    ask(self, self->state.context.writer, std::move(plan))
      .then([=](const commit_reply&) { done(report); },
            [=](const caf::error&) { done(report); });
}

/// The last metrics are written down before the writer stops.
caf::result<stopped> stop(self_ptr self) {
  change_set last;
  try {
    if (self->state.ticking)
      add_metrics(self->state, last);
  } catch (const store_error&) {
    // Then the metrics are those of the last pass.
  }
  const owed_reply<stopped> owed{self};
  const auto end = [self, owed] {
    owed.deliver(stopped{});
    self->quit();
  };
  if (last.empty())
    end();
  else
    ask_within(self, self->state.context.writer, last_words, std::move(last))
      .then([end](const commit_reply&) { end(); },
            [end](const caf::error&) { end(); });
  return owed.later();
}

result<run_summary> summary_of(store_reader& reader, const std::string& run_id,
                               timestamp now) {
  if (const auto run = reader.find_run(run_id))
    return summarise(reader, *run, now);
  return fail(errc::not_found, "no run " + run_id);
}

void on_tick(self_ptr self) {
  if (std::exchange(self->state.ticking, true))
    pass(self, [](pass_report) {});
  send_later(self, self->state.context.interval, observe_tick{});
}

monitor_actor::behavior_type monitor(self_ptr self, monitor_context context) {
  self->state.context = std::move(context);
  return {
    [=](observe_tick) { on_tick(self); },
    [=](pass_request) -> caf::result<pass_report> {
      const owed_reply<pass_report> owed{self};
      pass(self, [owed](pass_report report) { owed.deliver(report); });
      return owed.later();
    },
    [=](health_request) {
      return answer(self->state, [&](store_reader&) {
        return result<health_report>{look(self->state)};
      });
    },
    [=](run_summary_request request) {
      return answer(self->state, [&](store_reader& reader) {
        return result<run_summary>{
          summarise(reader, request.run, self->state.context.clock())};
      });
    },
    [=](const report_request& request) {
      return answer(self->state, [&](store_reader& reader) {
        return summary_of(reader, request.run_id, self->state.context.clock());
      });
    },
    [=](retry_metrics_request request) {
      return answer(self->state, [&](store_reader& reader) {
        return result<retry_metrics>{reader.measure_retries(request.run)};
      });
    },
    [=](stop_request) { return stop(self); },
  };
}

} // namespace

monitor_actor spawn_monitor(caf::actor_system& sys, placement where,
                            monitor_context context) {
  return spawn_at(sys, where, monitor, std::move(context));
}

} // namespace conductor
