#include "actors/events/event_feed.hpp"

#include <caf/all.hpp>

namespace conductor {

namespace {

constexpr std::size_t max_events_per_page = 500;

/// How long a feed waits before it reads a table again that it could not read.
constexpr milliseconds read_again{200};

struct feed_state {
  feed_context context;
  std::unique_ptr<store_reader> reader;

  const char* name = "event_feed";
};

using self_ptr = event_feed_actor::stateful_pointer<feed_state>;

/// A page of events, and how far it reaches: past those that the filter left
/// out, too.
struct page {
  std::vector<event_record> events;
  event_seq end = 0;
  bool is_last = false;
};

page read_page(feed_state& s) {
  auto& c = s.context;
  if (!s.reader)
    s.reader = c.core->open_reader();
  const auto newest = s.reader->last_event();
  page next{s.reader->list_events(c.filter, c.after, max_events_per_page),
            std::max(c.after, newest)};
  next.is_last = next.events.size() < max_events_per_page;
  if (!next.events.empty())
    next.end = next.is_last ? std::max(next.end, next.events.back().seq)
                            : next.events.back().seq;
  return next;
}

void read_on(self_ptr self);
void wait_for_more(self_ptr self);

bool may_concern(const committed& fact, const event_filter& filter) {
  return filter.run == 0
         || std::any_of(
           fact.events.begin(), fact.events.end(),
           [&](const event_span& span) { return span.run == filter.run; });
}

void on_reply(self_ptr self, const feed_reply& reply) {
  auto& c = self->state.context;
  if (!reply.caught_up || may_concern(*reply.fact, c.filter))
    return read_on(self);
  c.after = std::max(c.after, reply.newest);
  wait_for_more(self);
}

void wait_for_more(self_ptr self) {
  auto& c = self->state.context;
  ask(self, c.router, feed_request{c.after})
    .then([self](const feed_reply& reply) { on_reply(self, reply); },
          [self](const caf::error&) { self->quit(); });
}

/// After a page: the next one, or the next commit.
void continue_after(self_ptr self, const page& served) {
  self->state.context.after = served.end;
  if (served.is_last)
    wait_for_more(self);
  else
    send_to(self, self, feed_tick{});
}

void call_back(self_ptr self, const page& next) {
  auto& c = self->state.context;
  for (const auto& event : next.events)
    if (c.core->stopping || !c.callback->call(event))
      return self->quit();
  continue_after(self, next);
}

void send_page(self_ptr self, page next) {
  event_batch batch{std::move(next.events)};
  ask(self, self->state.context.subscriber, std::move(batch))
    .then([self, next](event_ack) { continue_after(self, next); },
          [self](const caf::error&) { self->quit(); });
}

void read_on(self_ptr self) {
  page next;
  try {
    next = read_page(self->state);
  } catch (const store_error&) {
    self->state.reader.reset(); // nothing is skipped
    return send_later(self, read_again, feed_tick{});
  }
  if (next.events.empty())
    continue_after(self, next);
  else if (self->state.context.callback)
    call_back(self, next);
  else
    send_page(self, std::move(next));
}

event_feed_actor::behavior_type event_feed(self_ptr self,
                                           feed_context context) {
  // A callback that throws ends its subscription.
  end_on_exception(self, [](const std::exception_ptr&) {
    return error{errc::stopped, "a subscriber threw an exception"};
  });
  self->state.context = std::move(context);
  wait_for_more(self);
  return {
    [=](feed_tick) { read_on(self); },
    [=](stop_request) {
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

event_feed_actor spawn_event_feed(caf::actor_system& sys,
                                  feed_context context) {
  const auto where = context.core->where.readers;
  return spawn_at(sys, where, event_feed, std::move(context));
}

} // namespace conductor
