#include <span>

#include <caf/all.hpp>

#include "actors/engine/parts.hpp"

namespace conductor {

namespace {

using metrics_ptr = std::shared_ptr<engine_metrics>;

struct persistence_state {
  std::shared_ptr<store> db;
  options opts;
  clock_fn clock;
  fact_router_actor router;
  metrics_ptr metrics;
  std::vector<change_set> batch;
  std::vector<owed_reply<commit_reply>> replies; ///< one for each of `batch`
  /// The first so many of `batch` may be in the store already: they are
  /// committed again, alone, until it is known.
  std::size_t in_doubt = 0;
  bool flush_sent = false;
  error halted;      ///< set while the storage takes no writes
  bool lost = false; ///< it will not come back

  void answer_all(const error& why) {
    for (const auto& reply : replies)
      reply.deliver(commit_reply{.failed = why});
    replies.clear();
    batch.clear();
  }
  /// However the actor ends, everyone who waits for an answer gets one.
  ~persistence_state() {
    answer_all({errc::stopped, "the engine has stopped"});
  }

  const char* name = "persistence";
};

using self_ptr = persistence_actor::stateful_pointer<persistence_state>;

commit_reply refused(errc code, std::string message) {
  return {.failed = {code, std::move(message)}};
}

void show_credit(persistence_state& s) {
  const auto waiting = std::ssize(s.batch);
  s.metrics->waiting = waiting;
  s.metrics->credit = static_cast<std::int64_t>(s.opts.max_waiting) - waiting;
}

void send_flush(self_ptr self) {
  if (!std::exchange(self->state.flush_sent, true))
    send_to(self, self, flush{});
}

void publish(self_ptr self, storage_state state) {
  if (self->state.router)
    send_to(self, self->state.router, std::move(state));
}

/// Submissions do not wait: their senders get the error at once. Everything
/// else is kept until there is room again; its senders stop by themselves,
/// since they get no answers.
void refuse_submissions(persistence_state& s, const error& why) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < s.batch.size(); ++i) {
    if (s.batch[i].submits()) {
      s.replies[i].deliver(commit_reply{.failed = why});
      continue;
    }
    if (kept != i) {
      s.batch[kept] = std::move(s.batch[i]);
      s.replies[kept] = std::move(s.replies[i]);
    }
    ++kept;
  }
  const auto end = static_cast<std::ptrdiff_t>(kept);
  s.batch.erase(s.batch.begin() + end, s.batch.end());
  s.replies.erase(s.replies.begin() + end, s.replies.end());
}

void halt(self_ptr self, const store_error& failed) {
  auto& s = self->state;
  ++s.metrics->storage_errors;
  if (failed.fatal()) {
    s.lost = true;
    s.halted = failed.why();
    s.answer_all(failed.why());
    publish(self, {false, true, failed.why()});
    return;
  }
  if (s.in_doubt == 0)
    refuse_submissions(s, failed.why());
  if (!s.halted)
    publish(self, {false, false, failed.why()});
  s.halted = failed.why();
  s.flush_sent = true;
  send_later(self, s.opts.storage_retry, flush{});
}

/// Answers the first change sets of the batch.
void answer(persistence_state& s, std::vector<commit_reply> replies) {
  const auto n = std::ssize(replies);
  for (std::ptrdiff_t i = 0; i < n; ++i)
    s.replies[std::size_t(i)].deliver(std::move(replies[std::size_t(i)]));
  s.replies.erase(s.replies.begin(), s.replies.begin() + n);
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
  if (s.router)
    send_to(self, s.router,
            std::make_shared<const committed>(std::move(result.fact)));
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
  owed_reply<commit_reply> reply{self};
  s.batch.push_back(std::move(changes));
  s.replies.push_back(reply);
  show_credit(s);
  if (s.batch.size() >= s.opts.batch && !s.halted)
    commit(self);
  else
    send_flush(self);
  return reply.later();
}

/// Everyone who waits for an answer gets the reason.
void end_on_failure(self_ptr self) {
  end_on_exception(self, [self](const std::exception_ptr& thrown) {
    error why{errc::io, "the writer failed"};
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      why.message += std::string{": "} + e.what();
    } catch (...) {
    }
    self->state.answer_all(why);
    return why;
  });
}

persistence_actor::behavior_type
persistence(self_ptr self, std::shared_ptr<store> db, options opts,
            clock_fn clock, fact_router_actor router, metrics_ptr metrics) {
  self->state.metrics = std::move(metrics);
  self->state.db = std::move(db);
  self->state.opts = std::move(opts);
  self->state.clock = std::move(clock);
  self->state.router = std::move(router);
  show_credit(self->state);
  end_on_failure(self);
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
      s.answer_all({errc::stopped, "the engine has stopped"});
      s.lost = true;
      s.halted = {errc::stopped, "the engine has stopped"};
      s.db.reset();
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

persistence_actor spawn_persistence(caf::actor_system& sys, placement where,
                                    std::shared_ptr<store> db, options opts,
                                    clock_fn clock, fact_router_actor router,
                                    metrics_ptr metrics) {
  return spawn_at(sys, where, persistence, std::move(db), std::move(opts),
                  std::move(clock), std::move(router), std::move(metrics));
}

} // namespace conductor
