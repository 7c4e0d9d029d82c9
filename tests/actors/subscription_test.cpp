#define CAF_SUITE actors.subscription

#include <conductor/actors.hpp>
#include <conductor/metrics.hpp>
#include <conductor/open_store.hpp>

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <caf/all.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;
using namespace std::chrono_literals;

namespace {

engine open() {
  auto opened = engine::open({.workers = 2}, open_store("memory:").value());
  if (!opened)
    CAF_FAIL(opened.error().message);
  return std::move(*opened);
}

run_spec fanout_of(std::int64_t count) {
  return run_spec{"wide"}.task("noop").fanout(count);
}

std::string work(engine& e, const run_spec& spec) {
  const auto run = e.submit(spec);
  if (!run)
    CAF_FAIL(run.error().message);
  const auto state = e.wait(run->id, 60'000ms);
  return state ? to_string(*state) : state.error().message;
}

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i)
    std::this_thread::sleep_for(5ms);
  return condition();
}

/// The numbers of the events that came, in order.
struct log {
  std::mutex mutex;
  std::vector<event_seq> seqs;
  std::set<std::string> runs;

  void add(const event_record& event) {
    const std::lock_guard guard{mutex};
    seqs.push_back(event.seq);
    runs.insert(event.run_id);
  }
  std::size_t size() {
    const std::lock_guard guard{mutex};
    return seqs.size();
  }
};

} // namespace

CAF_TEST(a subscriber gets every event once and in order) {
  auto e = open();
  log all;
  const auto subscribed
    = e.subscribe([&](const event_record& event) { all.add(event); });
  CAF_REQUIRE(subscribed);
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(work(e, fanout_of(700)), "SUCCEEDED");
  const auto newest = (*e.open_reader())->last_event();
  CAF_CHECK(comes_true([&] { return std::ssize(all.seqs) >= newest; }));
  const std::lock_guard guard{all.mutex};
  for (std::size_t i = 0; i < all.seqs.size(); ++i)
    if (all.seqs[i] != static_cast<event_seq>(i) + 1)
      CAF_FAIL("event " << i + 1 << " is " << all.seqs[i]);
}

CAF_TEST(a subscriber to one run gets the events of that run only) {
  auto e = open();
  const auto first = e.submit(fanout_of(3));
  CAF_REQUIRE(first);
  log of_first;
  const auto subscribed = e.subscribe(
    [&](const event_record& event) { of_first.add(event); }, first->id);
  CAF_REQUIRE(subscribed);
  CAF_CHECK_EQUAL(work(e, fanout_of(50)), "SUCCEEDED");
  CAF_CHECK(e.wait(first->id, 20'000ms) == run_state::succeeded);
  const auto last = [&] {
    return (*e.open_reader())->list_events({.run = first->key}, 0, 1000).size();
  };
  CAF_CHECK(comes_true([&] { return of_first.size() == last(); }));
  CAF_CHECK_EQUAL(of_first.runs.size(), 1u);
}

CAF_TEST(to subscribe to an unknown run is an error) {
  auto e = open();
  CAF_CHECK_EQUAL(work(e, fanout_of(3)), "SUCCEEDED");
  std::atomic<int> calls{0};
  const auto unknown = e.subscribe([&](const event_record&) { ++calls; },
                                   "01M840ZPF7DM6J8TFT00000002");
  CAF_REQUIRE(!unknown);
  CAF_CHECK(unknown.error().code == errc::not_found);
  CAF_CHECK_EQUAL(work(e, fanout_of(3)), "SUCCEEDED");
  CAF_CHECK_EQUAL(calls, 0);
}

CAF_TEST(a subscription that has ended is called no more) {
  auto e = open();
  std::atomic<int> calls{0};
  auto subscribed = e.subscribe([&](const event_record&) { ++calls; });
  CAF_REQUIRE(subscribed);
  CAF_CHECK_EQUAL(work(e, fanout_of(3)), "SUCCEEDED");
  CAF_CHECK(comes_true([&] { return calls > 0; }));
  subscribed->end();
  const auto before = calls.load();
  CAF_CHECK_EQUAL(work(e, fanout_of(300)), "SUCCEEDED");
  CAF_CHECK_EQUAL(calls, before);
  CAF_CHECK(
    comes_true([&] { return std::int64_t{e.metrics().subscribers} == 0; }));
}

CAF_TEST(a subscription ends within its callback and with its object) {
  auto e = open();
  std::atomic<int> within{0}, in_scope{0};
  std::promise<subscription> handed;
  auto received = handed.get_future().share();
  auto own = std::make_shared<std::optional<subscription>>();
  auto subscribed = e.subscribe([&, own, received](const event_record&) {
    if (++within == 1) {
      received.wait();
      (*own)->end();
    }
  });
  CAF_REQUIRE(subscribed);
  own->emplace(std::move(*subscribed));
  handed.set_value({});
  {
    const auto scoped = e.subscribe([&](const event_record&) { ++in_scope; });
    CAF_REQUIRE(scoped);
  }
  const auto before = in_scope.load();
  CAF_CHECK_EQUAL(work(e, fanout_of(20)), "SUCCEEDED");
  CAF_CHECK(comes_true([&] { return within > 0; }));
  std::this_thread::sleep_for(50ms);
  CAF_CHECK_EQUAL(within, 1);
  CAF_CHECK_EQUAL(in_scope, before);
  own->reset();
}

CAF_TEST(a callback that throws ends its own subscription only) {
  auto e = open();
  std::atomic<int> thrown{0}, good{0};
  const auto bad = e.subscribe([&](const event_record&) {
    ++thrown;
    throw std::runtime_error{"no"};
  });
  const auto other = e.subscribe([&](const event_record&) { ++good; });
  CAF_REQUIRE(bad && other);
  CAF_CHECK_EQUAL(work(e, fanout_of(20)), "SUCCEEDED");
  CAF_CHECK(comes_true([&] { return good > 20; }));
  CAF_CHECK_EQUAL(thrown, 1);
  CAF_CHECK(!e.storage().lost);
}

CAF_TEST(ten subscribers whose callbacks sleep cost a fan - out nothing) {
  auto e = open();
  // The callbacks do not return before the fan-outs have ended.
  std::promise<void> release;
  auto released = release.get_future().share();
  std::atomic<int> called{0};
  std::vector<subscription> sleepers;
  for (int i = 0; i < 10; ++i) {
    auto subscribed = e.subscribe([&, released](const event_record&) {
      ++called;
      released.wait();
    });
    CAF_REQUIRE(subscribed);
    sleepers.push_back(std::move(*subscribed));
  }
  CAF_CHECK_EQUAL(work(e, fanout_of(100)), "SUCCEEDED");
  CAF_CHECK(comes_true([&] { return called == 10; }));
  CAF_CHECK_EQUAL(work(e, fanout_of(2000)), "SUCCEEDED");
  CAF_CHECK_EQUAL(called, 10);
  CAF_CHECK(std::int64_t{e.metrics().subscriber_lag} > 1000);
  release.set_value();
}

CAF_TEST(an engine stops while a callback lags) {
  auto e = open();
  std::atomic<int> called{0};
  const auto slow = e.subscribe([&](const event_record&) {
    ++called;
    std::this_thread::sleep_for(5ms);
  });
  CAF_REQUIRE(slow);
  CAF_CHECK_EQUAL(work(e, fanout_of(3000)), "SUCCEEDED");
  const auto begin = std::chrono::steady_clock::now();
  e.stop();
  // Thousands of events wait: they would take more than ten seconds.
  CAF_CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

namespace {

event_subscriber::behavior_type collect(event_subscriber::pointer,
                                        std::shared_ptr<log> events) {
  return {
    [=](const event_batch& batch) {
      for (const auto& event : batch.events)
        events->add(event);
      return event_ack{};
    },
  };
}

} // namespace

CAF_TEST(an actor subscribes and unsubscribes in messages) {
  auto e = open();
  const auto front = e.actors().engine.lock();
  auto& sys = front->home_system();
  auto events = std::make_shared<log>();
  const auto subscriber = sys.spawn(collect, events);
  caf::scoped_actor self{sys};
  std::uint64_t id = 0;
  self->request(front, 20s, subscribe_request{.subscriber = subscriber})
    .receive([&](const subscribe_reply& reply) { id = reply.id; },
             [&](const caf::error& err) { CAF_FAIL(sys.render(err)); });
  CAF_CHECK_EQUAL(work(e, fanout_of(1500)), "SUCCEEDED");
  const auto newest = (*e.open_reader())->last_event();
  CAF_CHECK(comes_true(
    [&] { return static_cast<event_seq>(events->size()) == newest; }));
  self->send(front, unsubscribe_request{id});
  CAF_CHECK(
    comes_true([&] { return std::int64_t{e.metrics().subscribers} == 0; }));
}
