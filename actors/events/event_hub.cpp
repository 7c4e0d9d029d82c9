#include <caf/all.hpp>

#include <conductor/roles.hpp>

namespace conductor {

namespace {

constexpr std::size_t events_a_batch = 500;

/// What only those want to hear of who want to hear of all.
constexpr auto any_commit = std::uint32_t{1} << 31;

struct subscription {
  subscribe wish;
  bool busy = false; ///< a batch is under way; no other leaves before its ack
};

struct hub_state {
  std::function<std::unique_ptr<store_reader>()> open_reader;
  std::unique_ptr<store_reader> reader;
  std::vector<listen> listeners;
  std::map<caf::actor_addr, subscription> subscriptions;
  std::shared_ptr<engine_metrics> metrics;
  event_seq newest = 0;

  const char* name = "event_hub";
};

using self_ptr = event_hub_actor::stateful_pointer<hub_state>;

/// The next events that a subscriber wants to hear of, and how far they go:
/// past those that it does not want to hear of, too.
struct slice {
  std::vector<event_record> events;
  event_seq end = 0;
};

slice read_for(hub_state& s, const subscribe& wish) {
  if (!s.reader)
    s.reader = s.open_reader();
  const auto newest = s.reader->last_event();
  slice next{s.reader->list_events({.run = wish.run, .name = wish.name},
                                   wish.after, events_a_batch),
             std::max(wish.after, newest)};
  if (next.events.size() == events_a_batch)
    next.end = next.events.back().seq;
  else if (!next.events.empty())
    next.end = std::max(next.end, next.events.back().seq);
  return next;
}

/// Serves a subscriber from the table. One batch at a time: a slow subscriber
/// costs neither memory nor the writer's time, it only lags.
void serve(self_ptr self, const caf::actor_addr& who) {
  auto& s = self->state;
  const auto found = s.subscriptions.find(who);
  if (found == s.subscriptions.end() || found->second.busy)
    return;
  auto& subscription = found->second;
  slice next;
  try {
    next = read_for(s, subscription.wish);
  } catch (const store_error&) {
    s.reader.reset(); // the next commit is the next chance; nothing is skipped
    return;
  }
  if (next.events.empty()) {
    subscription.wish.after = next.end;
    return;
  }
  subscription.busy = true;
  self
    ->request(subscription.wish.subscriber, caf::infinite,
              event_batch{std::move(next.events)})
    .then(
      [self, who, end = next.end](event_ack) {
        const auto entry = self->state.subscriptions.find(who);
        if (entry == self->state.subscriptions.end())
          return;
        entry->second.busy = false;
        entry->second.wish.after = end;
        serve(self, who);
      },
      [=](const caf::error&) { self->state.subscriptions.erase(who); });
}

std::uint32_t topics_of(const committed& fact) {
  auto found = any_commit;
  found |= fact.runs.empty() ? 0u : topics::submissions;
  found |= fact.parents.empty() ? 0u : topics::parents;
  for (const auto& m : fact.moves) {
    found |= m.to == task_state::pending ? topics::due : 0u;
    found |= m.to == task_state::retrying ? topics::retries : 0u;
    found |= m.to == task_state::cancelled ? topics::cancels : 0u;
  }
  for (const auto& run : fact.progress)
    found |= settled(run.state)                 ? topics::ended
             : run.settled_tasks() == run.tasks ? topics::done
                                                : 0u;
  return found;
}

/// One message for all of them: it is shared, not copied.
template <class News>
void tell_listeners(self_ptr self, News news, std::uint32_t found) {
  const auto shared = caf::make_message(std::move(news));
  for (const auto& [listener, wanted] : self->state.listeners)
    if ((found & wanted) != 0)
      caf::actor_cast<caf::strong_actor_ptr>(listener)->enqueue(
        self->ctrl(), caf::make_message_id(), shared, self->context());
}

/// How far the slowest subscriber is behind.
void show_lag(hub_state& s) {
  event_seq lag = 0;
  for (const auto& [who, subscription] : s.subscriptions)
    lag = std::max(lag, s.newest - subscription.wish.after);
  s.metrics->subscribers = std::ssize(s.subscriptions);
  s.metrics->subscriber_lag = lag;
}

event_hub_actor::behavior_type
event_hub(self_ptr self,
          std::function<std::unique_ptr<store_reader>()> open_reader,
          std::shared_ptr<engine_metrics> metrics) {
  self->state.metrics = std::move(metrics);
  self->state.open_reader = std::move(open_reader);
  self->set_down_handler([self](const caf::down_msg& down) {
    self->state.subscriptions.erase(down.source);
  });
  return {
    [=](committed& fact) {
      if (!fact.events.empty())
        self->state.newest
          = fact.events.back().seq + fact.events.back().count - 1;
      const auto found = topics_of(fact);
      tell_listeners(self, std::move(fact), found);
      show_lag(self->state);
      for (const auto& [who, ignored] : std::map{self->state.subscriptions})
        serve(self, who);
    },
    [=](const storage_state& news) { tell_listeners(self, news, topics::all); },
    [=](listen& wish) { self->state.listeners.push_back(std::move(wish)); },
    [=](subscribe& wish) {
      const auto who = wish.subscriber.address();
      self->monitor(wish.subscriber);
      self->state.subscriptions[who] = {std::move(wish), false};
      serve(self, who);
    },
    [=](stop_request) {
      self->state.listeners.clear();
      self->state.subscriptions.clear();
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

event_hub_actor
spawn_event_hub(caf::actor_system& sys,
                std::function<std::unique_ptr<store_reader>()> open_reader,
                std::shared_ptr<engine_metrics> metrics) {
  return sys.spawn(event_hub, std::move(open_reader), std::move(metrics));
}

} // namespace conductor
