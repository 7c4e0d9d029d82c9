#define CAF_SUITE actors.engine_lifetime

#include <conductor/actors.hpp>
#include <conductor/open_store.hpp>
#include <conductor/store.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include <caf/all.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;
using namespace std::chrono_literals;

// An engine inside a host's actor system: whatever ends first, nothing hangs.
namespace {

struct config : caf::actor_system_config {
  config() {
    register_types(*this);
    // One worker: whoever blocks it blocks everything that runs there.
    set("scheduler.max-threads", std::size_t{1});
  }
};

/// A store that takes no writes while `full` is set.
class filling_store final : public store {
public:
  batch_result commit(std::span<const change_set> batch,
                      timestamp now) override {
    if (full)
      throw store_error{{errc::full, "no room"}, false};
    return inner_->commit(batch, now);
  }
  std::int64_t epoch() const override { return inner_->epoch(); }
  void maintain() override { inner_->maintain(); }
  std::unique_ptr<store_reader> open_reader() override {
    return inner_->open_reader();
  }

  std::atomic<bool> full = false;

private:
  std::unique_ptr<store> inner_ = make_memory_store();
};

struct host {
  config settings;
  std::optional<caf::actor_system> system;
  std::optional<engine> guest;
  std::optional<engine_actors> copy;

  explicit host(std::unique_ptr<store> db = open_store("memory:").value()) {
    system.emplace(settings);
    auto opened = engine::open({.workers = 2}, std::move(db), *system);
    if (!opened)
      CAF_FAIL(opened.error().message);
    guest.emplace(std::move(*opened));
    copy = guest->actors();
    const auto run = guest->submit(run_spec{"x"}.task("noop").fanout(20));
    CAF_REQUIRE(run);
    const auto state = guest->wait(run->id, 20'000ms);
    CAF_CHECK(state && *state == run_state::succeeded);
  }

  void end(char what) {
    switch (what) {
    case 's': system.reset(); break;
    case 'e': guest.reset(); break;
    case 'c': copy.reset(); break;
    }
  }
};

/// Whether it returns at all.
bool ends(const std::function<void()>& work) {
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  std::thread{[=] {
    work();
    done->set_value();
  }}.detach();
  return future.wait_for(20s) == std::future_status::ready;
}

} // namespace

CAF_TEST(host and engine and copies of its actors end in any order) {
  for (const std::string order : {"sec", "sce", "esc", "ecs", "cse", "ces"})
    for (const auto stopped_before : {false, true}) {
      const auto all_ended = ends([&] {
        host h;
        if (stopped_before)
          h.guest->stop();
        for (auto what : order)
          h.end(what);
      });
      if (!all_ended)
        CAF_FAIL("hangs: " << order << (stopped_before ? " after stop" : ""));
    }
}

CAF_TEST(an engine whose host has ended answers that it has stopped) {
  host h;
  h.end('s');
  const auto run = h.guest->submit(run_spec{"x"}.task("noop"));
  CAF_CHECK(!run && run.error().code == errc::stopped);
  CAF_CHECK(!h.guest->wait("01M840ZPF7DM6J8TFT00000002"));
  CAF_CHECK(!h.guest->report("01M840ZPF7DM6J8TFT00000002"));
  CAF_CHECK(!h.guest->health());
  CAF_CHECK(!h.guest->open_reader());
  CAF_CHECK(!h.guest->subscribe([](const event_record&) {}));
  CAF_CHECK(h.guest->storage().lost);
  CAF_CHECK_EQUAL(h.guest->stop(), 0);
  CAF_CHECK(!h.copy->engine.lock());
}

CAF_TEST(an actor on the only worker of a host waits for a run) {
  host h;
  std::promise<std::string> answer;
  auto answered = answer.get_future();
  const auto submit_and_wait = [&](caf::event_based_actor*, engine* guest) {
    const auto run = guest->submit(run_spec{"y"}.task("noop"));
    const auto state = run ? guest->wait(run->id, 10'000ms)
                           : result<run_state>{tl::unexpected(run.error())};
    answer.set_value(state ? to_string(*state) : state.error().message);
  };
  // With an argument: CAF 0.17 dereferences a null pointer without one.
  h.system->spawn(submit_and_wait, &*h.guest);
  CAF_CHECK_EQUAL(answered.get(), "SUCCEEDED");
}

namespace {

/// What a host's actor gets for a request to the engine.
template <class Reply, class Request>
result<Reply> ask_engine(host& h, Request request) {
  caf::scoped_actor self{*h.system};
  result<Reply> answer = fail(errc::timeout, "no answer");
  self->request(h.copy->engine.lock(), 20s, std::move(request))
    .receive(
      [&](Reply& reply) { answer = std::move(reply); },
      [&](const caf::error& e) { answer = tl::unexpected(from_caf(e)); });
  return answer;
}

} // namespace

CAF_TEST(the engine answers in messages) {
  host h;
  const auto run = ask_engine<submitted_run>(
    h, submit_request{run_spec{"z"}.task("fail").max_retries(0)});
  CAF_REQUIRE(run);
  CAF_CHECK(h.guest->wait(run->id, 10'000ms) == run_state::failed);
  const auto summary = ask_engine<run_summary>(h, report_request{run->id});
  CAF_REQUIRE(summary);
  CAF_CHECK_EQUAL(std::int64_t{summary->tasks.failed}, 1);
  CAF_CHECK(ask_engine<health_report>(h, health_request{}).has_value());
  const auto retried
    = ask_engine<retry_reply>(h, manual_retry_request{run->id, {}});
  CAF_REQUIRE(retried);
  CAF_CHECK_EQUAL(retried->tasks, 1);
}

CAF_TEST(errors of requests in messages are those of the facade) {
  host h;
  const auto spec
    = ask_engine<submitted_run>(h, submit_request{run_spec{"z"}.fanout(3)});
  CAF_CHECK(!spec && spec.error().code == errc::invalid);
  const auto unknown = ask_engine<run_summary>(h, report_request{"nothing"});
  CAF_CHECK(!unknown && unknown.error().code == errc::not_found);
  const auto retried
    = ask_engine<retry_reply>(h, manual_retry_request{"nothing", {}});
  CAF_CHECK(!retried && retried.error().code == errc::not_found);
  const auto subscribed
    = ask_engine<subscribe_reply>(h, subscribe_request{{}, "nothing"});
  CAF_CHECK(!subscribed && subscribed.error().code == errc::not_found);
}

CAF_TEST(an engine stops and says why when one of its actors ends) {
  host h;
  caf::anon_send_exit(h.copy->persistence.lock(), caf::exit_reason::kill);
  for (int i = 0; i < 1000 && h.copy->engine.lock(); ++i)
    std::this_thread::sleep_for(10ms);
  CAF_CHECK(!h.copy->engine.lock());
  const auto storage = h.guest->storage();
  CAF_CHECK(storage.lost);
  CAF_CHECK_EQUAL(storage.reason.message.find("the writer ended"), 0u);
  const auto late = h.guest->submit(run_spec{"late"}.task("noop"));
  CAF_REQUIRE(!late);
  CAF_CHECK_EQUAL(late.error().message, storage.reason.message);
}

namespace {

/// What a caller in another thread gets; it must not wait for ever.
template <class T>
error outcome_of(std::future<result<T>>& call) {
  if (call.wait_for(20s) != std::future_status::ready)
    CAF_FAIL("a caller waits for ever");
  const auto answer = call.get();
  return answer ? error{} : answer.error();
}

} // namespace

CAF_TEST(all pending calls get an error when an actor ends) {
  for (const auto kill_the_front : {false, true}) {
    auto filling = std::make_unique<filling_store>();
    auto& db = *filling;
    host h{std::move(filling)};
    const auto failed
      = h.guest->submit(run_spec{"z"}.task("fail").max_retries(0));
    const auto endless = h.guest->submit(
      run_spec{"y"}.task("sleep").input(R"({"duration":"1h"})"));
    CAF_REQUIRE(failed && endless);
    CAF_CHECK(h.guest->wait(failed->id, 10'000ms) == run_state::failed);
    auto waiting = std::async(std::launch::async,
                              [&] { return h.guest->wait(endless->id); });
    db.full = true; // what is not a submission waits for room
    auto retrying = std::async(std::launch::async,
                               [&] { return h.guest->retry(failed->id); });
    std::this_thread::sleep_for(100ms);
    if (kill_the_front)
      caf::anon_send_exit(h.copy->engine.lock(), caf::exit_reason::kill);
    else
      caf::anon_send_exit(h.copy->persistence.lock(), caf::exit_reason::kill);
    CAF_CHECK(outcome_of(waiting).code == errc::stopped);
    CAF_CHECK(outcome_of(retrying).code == errc::stopped);
  }
}
