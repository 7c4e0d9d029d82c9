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
  std::unique_ptr<store_reader> reader;
  std::map<task_key, std::int32_t> reported; ///< attempts known to be stuck
  health status = health::healthy;
  std::uint64_t commits = 0; ///< when the metrics were last written down

  const char* name = "monitor";
};

using self_ptr = monitor_actor::stateful_pointer<monitor_state>;

health_report look(monitor_state& s) {
  const auto& c = s.context;
  return assess_health(observe(*s.reader, c.database, c.clock(), c.thresholds),
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
  const auto commits = s.reader->load_engine().commits;
  if (!s.context.metrics || commits == s.commits)
    return;
  plan.add(engine_report{to_text(s.context.metrics->read())});
  s.commits = commits + 1; // with the one that this becomes
}

/// Asks the store; if it cannot answer the monitor lives on, and says why.
template <class Ask>
auto answer(Ask ask) -> caf::result<decltype(ask())> {
  try {
    return ask();
  } catch (const store_error& e) {
    return caf::make_error(caf::sec::runtime_error, e.why().message);
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

void tell(caf::typed_response_promise<pass_report> who, pass_report done) {
  if (who.pending())
    who.deliver(done);
}

void pass(self_ptr self, caf::typed_response_promise<pass_report> promise) {
  pass_report done;
  change_set plan;
  try {
    plan = plan_pass(self->state, done);
  } catch (const store_error&) {
    // The next pass may have more luck; whoever writes tells what is wrong.
  }
  if (plan.empty())
    tell(promise, done);
  else
    self->request(self->state.context.writer, caf::infinite, std::move(plan))
      .then([=](const commit_reply&) { tell(promise, done); },
            [=](const caf::error&) { tell(promise, done); });
}

monitor_actor::behavior_type monitor(self_ptr self, monitor_context context) {
  auto& s = self->state;
  s.context = std::move(context);
  s.reader = s.context.open_reader();
  if (s.context.automatic)
    self->delayed_send(self, s.context.interval, tick{});
  return {
    [=](const committed&) {},
    [=](const storage_state&) {},
    [=](tick) {
      pass(self, {});
      self->delayed_send(self, self->state.context.interval, tick{});
    },
    [=](pass_request) -> caf::result<pass_report> {
      auto promise = self->make_response_promise<pass_report>();
      pass(self, promise);
      return promise;
    },
    [=](stop_request) -> caf::result<stopped> {
      change_set last;
      try {
        if (self->state.context.automatic)
          add_metrics(self->state, last);
      } catch (const store_error&) {
        // Then the metrics are those of the last pass.
      }
      auto promise = self->make_response_promise<stopped>();
      auto end = [self, promise]() mutable {
        promise.deliver(stopped{});
        self->quit();
      };
      if (last.empty())
        end();
      else
        self->request(self->state.context.writer, last_words, std::move(last))
          .then([end](const commit_reply&) mutable { end(); },
                [end](const caf::error&) mutable { end(); });
      return promise;
    },
    [=](health_request) { return answer([&] { return look(self->state); }); },
    [=](run_summary_request wish) {
      return answer([&] {
        return summarise(*self->state.reader, wish.run,
                         self->state.context.clock());
      });
    },
    [=](retry_metrics_request wish) {
      return answer(
        [&] { return self->state.reader->measure_retries(wish.run); });
    },
  };
}

} // namespace

monitor_actor spawn_monitor(caf::actor_system& sys, monitor_context context) {
  return sys.spawn(monitor, std::move(context));
}

} // namespace conductor
