#include <caf/all.hpp>

#include <conductor/roles.hpp>

namespace conductor {

namespace {

using metrics_ptr = std::shared_ptr<engine_metrics>;
using reply_promise = caf::typed_response_promise<commit_reply>;

struct persistence_state {
  std::shared_ptr<store> db;
  options opts;
  event_hub_actor hub;
  metrics_ptr metrics;
  std::vector<change_set> batch;
  std::vector<reply_promise> promises; ///< one for each of `batch`
  /// The first so many of `batch` may be in the store already: they are
  /// committed again, alone, until it is known.
  std::size_t in_doubt = 0;
  bool flush_sent = false;
  timestamp latest{}; ///< that a change was planned at
  error halted;       ///< set while the storage takes no writes
  bool lost = false;  ///< it will not come back

  const char* name = "persistence";
};

using self_ptr = persistence_actor::stateful_pointer<persistence_state>;

commit_reply refused(errc code, std::string message) {
  return {.trouble = {code, std::move(message)}};
}

void answer_all(persistence_state& s, const error& why) {
  for (auto& promise : s.promises)
    promise.deliver(commit_reply{.trouble = why});
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

void publish(self_ptr self, storage_state news) {
  if (self->state.hub)
    self->send(self->state.hub, std::move(news));
}

/// Submissions wait for nobody: people are told at once. Everything else is
/// kept until there is room again; its senders stop by themselves, since their
/// answers do not come.
void refuse_submissions(persistence_state& s, const error& why) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < s.batch.size(); ++i) {
    if (!s.batch[i].submissions.empty()) {
      s.promises[i].deliver(commit_reply{.trouble = why});
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

void halt(self_ptr self, const store_error& trouble) {
  auto& s = self->state;
  ++s.metrics->storage_errors;
  if (trouble.fatal()) {
    s.lost = true;
    s.halted = trouble.why();
    answer_all(s, trouble.why());
    publish(self, {false, true, trouble.why()});
    return;
  }
  if (s.in_doubt == 0)
    refuse_submissions(s, trouble.why());
  if (!s.halted)
    publish(self, {false, false, trouble.why()});
  s.halted = trouble.why();
  s.flush_sent = true;
  self->delayed_send(self, s.opts.storage_retry, flush{});
}

/// The first `n` of the batch, for the store. It writes the keys of new runs
/// into change sets with a submission, so those are copied; the others, which
/// may be large, come back as they were if the commit fails.
std::vector<change_set> take_batch(persistence_state& s, std::size_t n) {
  std::vector<change_set> attempt;
  attempt.reserve(n);
  for (std::size_t i = 0; i < n; ++i)
    if (s.batch[i].submissions.empty())
      attempt.push_back(std::move(s.batch[i]));
    else
      attempt.push_back(s.batch[i]);
  return attempt;
}

void put_back(persistence_state& s, std::vector<change_set>& attempt) {
  for (std::size_t i = 0; i < attempt.size(); ++i)
    if (s.batch[i].submissions.empty())
      s.batch[i] = std::move(attempt[i]);
}

void commit(self_ptr self) {
  auto& s = self->state;
  if (s.batch.empty() && !s.halted)
    return;
  auto attempt = take_batch(s, s.in_doubt > 0 ? s.in_doubt : s.batch.size());
  batch_result result;
  try {
    const auto begin = std::chrono::steady_clock::now();
    result = s.db->commit(attempt);
    const std::chrono::duration<double> took
      = std::chrono::steady_clock::now() - begin;
    s.metrics->commit_seconds.observe(took.count());
    s.metrics->batch_size.observe(static_cast<double>(attempt.size()));
  } catch (const store_error& trouble) {
    s.in_doubt = trouble.in_doubt() ? attempt.size() : 0;
    put_back(s, attempt);
    halt(self, trouble);
    return;
  }
  if (std::exchange(s.halted, error{}))
    publish(self, {});
  if (s.hub)
    self->send(s.hub, std::move(result.fact));
  const auto n = std::ssize(result.replies);
  for (std::ptrdiff_t i = 0; i < n; ++i)
    s.promises[std::size_t(i)].deliver(
      std::move(result.replies[std::size_t(i)]));
  s.promises.erase(s.promises.begin(), s.promises.begin() + n);
  s.batch.erase(s.batch.begin(), s.batch.begin() + n);
  s.in_doubt = 0;
  show_credit(s);
  if (!s.batch.empty())
    send_flush(self);
  s.db->maintain();
}

/// Roles plan at their own pace; what is committed later must not seem to have
/// happened before. What is planned by a clock that was set back by
/// more is told as it is: engines have one that never runs back.
class time_order {
public:
  explicit time_order(timestamp& latest) : latest_(latest) {}

  void keep(change_set& changes) {
    for (auto& s : changes.submissions)
      keep(s.at);
    keep_all(changes.leading);
    keep_all(changes.run_starts);
    for (auto& e : changes.expansions) {
      keep(e.at);
      keep_all(e.notes);
    }
    for (auto& m : changes.moves) {
      const auto planned = m.at;
      keep(m.at);
      if (m.to == task_state::retrying && m.at != planned)
        put_off(m, m.at - planned);
    }
    keep_all(changes.run_moves);
    keep_all(changes.notes);
  }

private:
  static constexpr milliseconds most{1000};

  void keep(timestamp& at) {
    if (at < latest_ && latest_ - at < most)
      at = latest_;
    latest_ = at;
  }
  template <class Part>
  void keep_all(std::vector<Part>& parts) {
    for (auto& part : parts)
      keep(part.at);
  }

  /// A retry keeps its whole delay.
  static void put_off(task_move& m, milliseconds by) {
    const auto before = to_iso(m.until);
    m.until += by;
    for (auto& event : m.events)
      if (const auto at = event.payload.find(before); at != std::string::npos)
        event.payload.replace(at, before.size(), to_iso(m.until));
  }

  timestamp& latest_;
};

caf::result<commit_reply> take(self_ptr self, change_set& changes) {
  auto& s = self->state;
  if (s.lost)
    return refused(s.halted.code, s.halted.message);
  const auto refusable = !changes.submissions.empty();
  if (s.halted && refusable)
    return refused(s.halted.code, s.halted.message);
  // The roles keep to their credit; what they send is never dropped.
  if (refusable && s.batch.size() >= s.opts.max_waiting)
    return refused(errc::overloaded,
                   std::to_string(s.batch.size())
                     + " changes wait for the writer already; try again");
  auto promise = self->make_response_promise<commit_reply>();
  time_order{s.latest}.keep(changes);
  s.batch.push_back(std::move(changes));
  s.promises.push_back(promise);
  show_credit(s);
  if (s.batch.size() >= s.opts.batch && !s.halted)
    commit(self);
  else
    send_flush(self);
  return promise;
}

/// However this actor ends, whoever waits for an answer gets one.
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

persistence_actor::behavior_type persistence(self_ptr self,
                                             std::shared_ptr<store> db,
                                             options opts, event_hub_actor hub,
                                             metrics_ptr metrics) {
  self->state.metrics = std::move(metrics);
  self->state.db = std::move(db);
  self->state.opts = std::move(opts);
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
                                    event_hub_actor hub, bool detached,
                                    metrics_ptr metrics) {
  return detached ? sys.spawn<caf::detached>(persistence, std::move(db),
                                             std::move(opts), std::move(hub),
                                             std::move(metrics))
                  : sys.spawn(persistence, std::move(db), std::move(opts),
                              std::move(hub), std::move(metrics));
}

} // namespace conductor
