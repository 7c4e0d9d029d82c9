#define CAF_SUITE actors.coordinator

#include <filesystem>
#include <fstream>

#include <caf/all.hpp>
#include <conductor/coordinator.hpp>
#include <conductor/json_text.hpp>
#include <unistd.h>

#include <caf/test/unit_test.hpp>

using namespace conductor;
namespace fs = std::filesystem;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// A coordinator and somebody who talks to it.
struct desk {
  fs::path folder
    = fs::temp_directory_path() / ("orcon-desk-" + std::to_string(::getpid()));
  config settings;
  caf::actor_system system{settings};
  caf::scoped_actor self{system};
  coordinator_actor actor;

  desk() { fs::create_directories(folder); }
  ~desk() {
    stop();
    fs::remove_all(folder);
  }

  void start(std::shared_ptr<store> db, options opts = {},
             timestamp begin = from_ms(1000)) {
    actor = spawn_coordinator(system, std::move(db), opts, begin);
  }
  void stop() {
    if (actor)
      self->request(actor, std::chrono::seconds{30}, stop_request{})
        .receive([](const stopped&) {},
                 [](const caf::error&) { CAF_ERROR("it does not stop"); });
    actor = nullptr;
  }
  template <class Message>
  step_result step(Message message) {
    step_result result;
    self->request(actor, std::chrono::seconds{30}, std::move(message))
      .receive([&](step_result& r) { result = std::move(r); },
               [&](const caf::error& e) { CAF_FAIL(system.render(e)); });
    return result;
  }
  /// A parent "job" of so many children, all created.
  std::string submit(
    std::int64_t children,
    const std::function<void(run_spec&)>& shape = [](auto&) {}) {
    run_spec spec{"by hand"};
    spec.task("noop", "job").fanout(children);
    shape(spec);
    const auto run = step(submit_step{spec}).run;
    step(run_step{role::fanout});
    return run.id;
  }
};

std::string state(const step_result& result) {
  return to_string(result.task.state);
}

} // namespace

CAF_TEST(tasks settled by hand spend the retry budget) {
  desk d;
  d.start(make_memory_store());
  const auto run = d.submit(3, [](run_spec& spec) {
    spec.retry_budget = {1, 0};
  });
  const auto first = d.step(settle_step{run, "job#1", false, "no"});
  CAF_CHECK(first.task.state == task_state::retrying);
  const auto second = d.step(settle_step{run, "job#2", false, "no"});
  CAF_CHECK(second.task.state == task_state::failed);
  CAF_CHECK(d.step(wait_step{run, "task.retries_exhausted"}).failed.code
            == errc::none);
  CAF_CHECK(d.step(settle_step{run, "job#3", true, "7"}).task.output == "7");
  CAF_CHECK_EQUAL(d.step(run_request{run}).state.retries, 1);
}

CAF_TEST(an output that is not JSON is refused and changes nothing) {
  desk d;
  d.start(make_memory_store());
  const auto run = d.submit(1);
  for (const auto* text : {"{", "seven", "1 2", "\"\xff\""}) {
    const auto refused = d.step(settle_step{run, "job#1", true, text});
    CAF_CHECK(refused.failed.code == errc::invalid);
    CAF_CHECK_NOT_EQUAL(refused.failed.message.find("job#1"),
                        std::string::npos);
    CAF_CHECK_EQUAL(state(d.step(task_request{run, "job#1"})), "PENDING");
  }
  // A failure's text is a message for people.
  CAF_CHECK(d.step(settle_step{run, "job#1", false, "{"}).failed.code
            == errc::none);
}

CAF_TEST(collected outputs keep to their bound and report what is left out) {
  desk d;
  options opts;
  opts.max_collected_bytes = 10;
  d.start(make_memory_store(), opts);
  const auto run
    = d.submit(5, [](run_spec& s) { s.tasks[0].collect = collect::outputs; });
  d.step(settle_step{run, "job#1", true, "\"12345\""});
  d.step(settle_step{run, "job#2", true, "\"67\""});
  d.step(settle_step{run, "job#3", true, "89"});
  d.step(settle_step{run, "job#4", true, ""});
  d.step(settle_step{run, "job#5", true, "1"});
  d.step(run_step{role::aggregate});
  const auto output = json::parse(d.step(task_request{run, "job"}).task.output);
  CAF_CHECK_EQUAL(dump(output["outputs"]), R"(["12345",null,89,null,1])");
  CAF_CHECK_EQUAL(output["outputs_omitted"], 1);
}

CAF_TEST(when stop answers the database is closed) {
  desk d;
  const auto path = (d.folder / "a.db").string();
  for (int i = 0; i < 20; ++i) {
    auto db = open_sqlite_store({.path = path});
    if (!db)
      CAF_FAIL(db.error().message);
    d.start(std::move(*db));
    d.submit(2);
    d.stop();
  }
}

CAF_TEST(stopping twice and stopping somebody who waits both get answers) {
  desk d;
  d.start(make_memory_store());
  const auto run = d.submit(1);
  auto waits = d.self->request(d.actor, std::chrono::seconds{30},
                               wait_step{run, "run.aggregated"});
  auto first
    = d.self->request(d.actor, std::chrono::seconds{30}, stop_request{});
  auto second
    = d.self->request(d.actor, std::chrono::seconds{30}, stop_request{});
  int answers = 0;
  const auto missing = [](const caf::error&) { CAF_ERROR("no answer"); };
  waits.receive(
    [&](const step_result& r) { answers += r.failed.code == errc::stopped; },
    missing);
  first.receive([&](const stopped&) { ++answers; }, missing);
  // The second may come when the actor has ended: then CAF answers for it.
  second.receive([&](const stopped&) { ++answers; },
                 [&](const caf::error& e) {
                   answers += e == caf::sec::request_receiver_down;
                 });
  CAF_CHECK_EQUAL(answers, 3);
  d.actor = nullptr;
}

CAF_TEST(lists are read when a run is submitted) {
  desk d;
  d.start(make_memory_store());
  run_spec spec{"names"};
  spec.idempotency_key = "once";
  spec.task("noop", "job");
  spec.tasks[0].fanout.kind = source_kind::glob;
  spec.tasks[0].fanout.path = d.folder.string() + "/*";
  std::ofstream{d.folder / "a"} << "";
  const auto run = d.step(submit_step{spec}).run;
  CAF_CHECK(!run.existed);
  fs::remove(d.folder / "a");
  CAF_CHECK(d.step(submit_step{spec}).run.existed);
  CAF_CHECK_EQUAL(d.step(run_step{role::fanout}).pass.changed, 1);
  const auto input
    = json::parse(d.step(task_request{run.id, "job#1"}).task.input);
  CAF_CHECK_EQUAL(input["item"], d.folder.string() + "/a");
  spec.idempotency_key.clear();
  spec.tasks[0].fanout = {.kind = source_kind::lines, .path = "/nowhere"};
  CAF_CHECK(d.step(submit_step{spec}).failed.code == errc::not_found);
}

CAF_TEST(a clock that starts at zero retries) {
  desk d;
  d.start(make_memory_store(), {}, from_ms(0));
  const auto run = d.submit(1);
  const auto failed = d.step(settle_step{run, "job#1", false, "no"});
  CAF_CHECK_EQUAL(state(failed), "FAILED");
  d.step(advance_step{milliseconds{1000}});
  CAF_CHECK_EQUAL(d.step(run_step{role::retry}).pass.changed, 1);
  CAF_CHECK_EQUAL(state(d.step(task_request{run, "job#1"})), "PENDING");
}
