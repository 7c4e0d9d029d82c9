#include <map>

#include <caf/all.hpp>

#include <conductor/json_text.hpp>
#include <conductor/monitor.hpp>

namespace conductor {

namespace {

/// How long the figures may wait for a writer that takes no writes.
constexpr std::chrono::seconds last_words{2};

struct monitor_state {
  monitor_context context;
  std::unique_ptr<store_reader> reader;
  std::map<task_key, std::int32_t> told; ///< attempts known to be stuck
  health status = health::healthy;
  std::uint64_t commits = 0; ///< when the figures were last written down

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
    const auto known = s.told.find(task.key);
    if (known != s.told.end() && known->second == task.attempt)
      continue;
    plan.notes.push_back(
      {task.run,
       task.key,
       report.at,
       {event_kind::task_stuck,
        dump({{"attempt", task.attempt},
              {"running_ms", (report.at - task.started_at).count()}})}});
  }
  s.told = std::move(stuck);
  return plan;
}

/// The engine's figures, for other programs; only if something has happened.
void add_figures(monitor_state& s, change_set& plan) {
  const auto commits = s.reader->load_engine().commits;
  if (!s.context.metrics || commits == s.commits)
    return;
  plan.engine_report = to_text(s.context.metrics->read());
  s.commits = commits + 1; // with the one that this becomes
}

void pass(self_ptr self, caf::typed_response_promise<pass_report> promise) {
  auto& s = self->state;
  const auto report = look(s);
  auto plan = plan_alerts(s, report);
  if (report.status != s.status) {
    json reasons = json::array();
    for (const auto& r : report.reasons)
      reasons.push_back(r.what);
    plan.notes.push_back(
      {0,
       0,
       report.at,
       {event_kind::health_changed, dump({{"from", to_string(s.status)},
                                          {"to", to_string(report.status)},
                                          {"reasons", reasons}})}});
    s.status = report.status;
  }
  const pass_report done{std::ssize(report.stuck), std::ssize(plan.notes)};
  add_figures(s, plan);
  if (plan.empty()) {
    if (promise.pending())
      promise.deliver(done);
    return;
  }
  auto answer = [promise, done]() mutable {
    if (promise.pending())
      promise.deliver(done);
  };
  self->request(s.context.writer, caf::infinite, std::move(plan))
    .then([answer](const commit_reply&) mutable { answer(); },
          [answer](const caf::error&) mutable { answer(); });
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
      if (self->state.context.automatic)
        add_figures(self->state, last);
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
    [=](health_request) { return look(self->state); },
    [=](run_summary_request wish) {
      return summarise(*self->state.reader, wish.run,
                       self->state.context.clock());
    },
    [=](retry_metrics_request wish) {
      return self->state.reader->measure_retries(wish.run);
    },
  };
}

} // namespace

monitor_actor spawn_monitor(caf::actor_system& sys, monitor_context context) {
  return sys.spawn(monitor, std::move(context));
}

} // namespace conductor
