#include <span>

#include <caf/all.hpp>

#include <conductor/roles.hpp>

namespace conductor {

namespace {

using metrics_ptr = std::shared_ptr<engine_metrics>;
using reply_promise = caf::typed_response_promise<commit_reply>;

struct persistence_state {
  std::shared_ptr<store> db;
  options opts;
  clock_fn clock;
  event_hub_actor hub;
  metrics_ptr metrics;
  std::vector<change_set> batch;
  std::vector<reply_promise> promises; ///< one for each of `batch`
  /// The first so many of `batch` may be in the store already: they are
  /// committed again, alone, until it is known.
  std::size_t in_doubt = 0;
  bool flush_sent = false;
  error halted;      ///< set while the storage takes no writes
  bool lost = false; ///< it will not come back

  const char* name = "persistence";
};

using self_ptr = persistence_actor::stateful_pointer<persistence_state>;

commit_reply refused(errc code, std::string message) {
  return {.failed = {code, std::move(message)}};
}

void answer_all(persistence_state& s, const error& why) {
  for (auto& promise : s.promises)
    promise.deliver(commit_reply{.failed = why});
  s.promises.clear();
  s.batch.clear();
}

void show_credit(persistence_state& s) {
  const auto waiting = std::ssize(s.batch);
  s.metrics->waiting = waiting;
  s.metrics->credit = static_cast<std::int64_t>(s.opts.max_waiting) - waiting;
}

void send_flush(self_ptr self) {
  if (!std::exchange(self->state.flush_sent, true))
    self->send(self, flush{});
}

void publish(self_ptr self, storage_state state) {
  if (self->state.hub)
    self->send(self->state.hub, std::move(state));
}

/// Submissions do not wait: their senders get the error at once. Everything
/// else is kept until there is room again; its senders stop by themselves,
/// since they get no answers.
void refuse_submissions(persistence_state& s, const error& why) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < s.batch.size(); ++i) {
    if (s.batch[i].submits()) {
      s.promises[i].deliver(commit_reply{.failed = why});
      continue;
    }
    if (kept != i) {
      s.batch[kept] = std::move(s.batch[i]);
      s.promises[kept] = std::move(s.promises[i]);
    }
    ++kept;
  }
  s.batch.resize(kept);
  s.promises.resize(kept);
}

void halt(self_ptr self, const store_error& failed) {
  auto& s = self->state;
  ++s.metrics->storage_errors;
  if (failed.fatal()) {
    s.lost = true;
    s.halted = failed.why();
    answer_all(s, failed.why());
    publish(self, {false, true, failed.why()});
    return;
  }
  if (s.in_doubt == 0)
    refuse_submissions(s, failed.why());
  if (!s.halted)
    publish(self, {false, false, failed.why()});
  s.halted = failed.why();
  s.flush_sent = true;
  self->delayed_send(self, s.opts.storage_retry, flush{});
}

/// Answers the first change sets of the batch.
void answer(persistence_state& s, std::vector<commit_reply> replies) {
  const auto n = std::ssize(replies);
  for (std::ptrdiff_t i = 0; i < n; ++i)
    s.promises[std::size_t(i)].deliver(std::move(replies[std::size_t(i)]));
  s.promises.erase(s.promises.begin(), s.promises.begin() + n);
  s.batch.erase(s.batch.begin(), s.batch.begin() + n);
}

void commit(self_ptr self) {
  auto& s = self->state;
  if (s.batch.empty() && !s.halted)
    return;
  const std::span<const change_set> all{s.batch};
  const auto batch = s.in_doubt > 0 ? all.first(s.in_doubt) : all;
  batch_result result;
  try {
    const auto begin = std::chrono::steady_clock::now();
    result = s.db->commit(batch, s.clock());
    const std::chrono::duration<double> took
      = std::chrono::steady_clock::now() - begin;
    s.metrics->commit_seconds.observe(took.count());
    s.metrics->batch_size.observe(static_cast<double>(batch.size()));
  } catch (const store_error& failed) {
    s.in_doubt = failed.in_doubt() ? batch.size() : 0;
    halt(self, failed);
    return;
  }
  if (std::exchange(s.halted, error{}))
    publish(self, {});
  // The fact goes first: who is answered may have asked for what it says.
  if (s.hub)
    self->send(s.hub, std::move(result.fact));
  answer(s, std::move(result.replies));
  s.in_doubt = 0;
  show_credit(s);
  if (!s.batch.empty())
    send_flush(self);
  try {
    s.db->maintain();
  } catch (const store_error& failed) {
    halt(self, failed);
  }
}

caf::result<commit_reply> take(self_ptr self, change_set& changes) {
  auto& s = self->state;
  if (s.lost)
    return refused(s.halted.code, s.halted.message);
  const auto refusable = changes.submits();
  if (s.halted && refusable)
    return refused(s.halted.code, s.halted.message);
  // The roles keep to their credit; what they send is never dropped.
  if (refusable && s.batch.size() >= s.opts.max_waiting)
    return refused(errc::overloaded,
                   std::to_string(s.batch.size())
                     + " changes wait for the writer already; try again");
  auto promise = self->make_response_promise<commit_reply>();
  s.batch.push_back(std::move(changes));
  s.promises.push_back(promise);
  show_credit(s);
  if (s.batch.size() >= s.opts.batch && !s.halted)
    commit(self);
  else
    send_flush(self);
  return promise;
}

/// However this actor ends, everyone who waits for an answer gets one.
void answer_at_death(self_ptr self) {
  self->set_exit_handler([self](caf::exit_msg& m) {
    answer_all(self->state, {errc::stopped, "the engine has stopped"});
    self->quit(std::move(m.reason));
  });
  self->set_exception_handler(
    [self](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      error why{errc::io, "the writer failed"};
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        why.message += std::string{": "} + e.what();
      } catch (...) {
      }
      answer_all(self->state, why);
      publish(self, {false, true, why});
      return caf::exit_reason::unhandled_exception;
    });
}

persistence_actor::behavior_type
persistence(self_ptr self, std::shared_ptr<store> db, options opts,
            clock_fn clock, event_hub_actor hub, metrics_ptr metrics) {
  self->state.metrics = std::move(metrics);
  self->state.db = std::move(db);
  self->state.opts = std::move(opts);
  self->state.clock = std::move(clock);
  self->state.hub = std::move(hub);
  show_credit(self->state);
  answer_at_death(self);
  return {
    [=](change_set& changes) { return take(self, changes); },
    [=](flush) {
      self->state.flush_sent = false;
      if (!self->state.lost)
        commit(self);
    },
    [=](stop_request) {
      auto& s = self->state;
      if (!s.batch.empty() && !s.lost)
        commit(self);
      answer_all(s, {errc::stopped, "the engine has stopped"});
      s.lost = true;
      s.halted = {errc::stopped, "the engine has stopped"};
      s.db.reset();
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

persistence_actor spawn_persistence(caf::actor_system& sys,
                                    std::shared_ptr<store> db, options opts,
                                    clock_fn clock, event_hub_actor hub,
                                    bool detached, metrics_ptr metrics) {
  return detached
           ? sys.spawn<caf::detached>(persistence, std::move(db),
                                      std::move(opts), std::move(clock),
                                      std::move(hub), std::move(metrics))
           : sys.spawn(persistence, std::move(db), std::move(opts),
                       std::move(clock), std::move(hub), std::move(metrics));
}

} // namespace conductor
