#include <stdexcept>

#include <caf/all.hpp>
#include <fmt/format.h>

#include "apps/scenarios/scenarios.hpp"

namespace scenarios {

using namespace conductor;

struct driver::impl {
  caf::scoped_actor self;
  coordinator_actor coordinator;
  std::string run_id;

  impl(caf::actor_system& sys, coordinator_actor actor)
    : self(sys), coordinator(std::move(actor)) {}

  template <class Request>
  step_result step(Request request) {
    step_result answer;
    self->request(coordinator, std::chrono::seconds{30}, std::move(request))
      .receive([&](step_result& r) { answer = std::move(r); },
               [&](const caf::error& e) {
                 answer.failed = {errc::timeout, caf::to_string(e)};
               });
    if (answer.failed)
      throw std::runtime_error{answer.failed.message};
    return answer;
  }
};

driver::driver(caf::actor_system& sys, coordinator_actor coordinator,
               teller tell, checker check)
  : impl_(std::make_unique<impl>(sys, std::move(coordinator))),
    tell_(std::move(tell)), check_(std::move(check)) {}

driver::~driver() {
  caf::anon_send(impl_->coordinator, stop_request{});
}

void driver::submit(const std::string& name, std::int64_t children,
                    std::int32_t max_retries) {
  run_spec spec{name};
  spec.task("by_hand", "job").max_retries(max_retries);
  if (children > 0)
    spec.fanout(children);
  retry_policy policy;
  policy.max_retries = max_retries;
  policy.jitter = jitter::none;
  spec.retry(policy);
  impl_->run_id = impl_->step(submit_step{spec}).run.id;
  tell_(children > 0
          ? fmt::format("submit \"{}\": a fan-out of {}, max_retries {}", name,
                        children, max_retries)
          : fmt::format("submit \"{}\": one task, max_retries {}", name,
                        max_retries));
}

std::int64_t driver::pass(role actor) {
  static const char* names[]
    = {"fan-out", "retry", "aggregate", "executor", "monitor"};
  const auto report = impl_->step(run_step{actor}).pass;
  tell_(fmt::format("one pass of the {} actor: {} change(s)",
                    names[static_cast<int>(actor)], report.changed));
  return report.changed;
}

void driver::succeed(const std::string& task) {
  impl_->step(settle_step{impl_->run_id, task, true, R"({"by":"hand"})"});
  tell_(task + " succeeds");
}

void driver::fail(const std::string& task, const std::string& message) {
  impl_->step(settle_step{impl_->run_id, task, false, message});
  tell_(fmt::format("{} fails: {}", task, message));
}

void driver::advance(milliseconds by) {
  impl_->step(advance_step{by});
  tell_("the clock moves on by " + to_text(by));
}

void driver::wait_for(const std::string& event) {
  impl_->step(wait_step{impl_->run_id, event});
  tell_("heard of " + event);
}

void driver::expect(const std::string& what, const std::string& expected,
                    const std::string& actual) {
  check_(what, expected, actual);
}

void driver::expect(const std::string& what, std::int64_t expected,
                    std::int64_t actual) {
  check_(what, std::to_string(expected), std::to_string(actual));
}

void driver::expect_task(const std::string& name, const std::string& state) {
  check_(name, state, to_string(task(name).state));
}

void driver::expect_run(const std::string& state) {
  check_("run", state, to_string(run().state));
}

task_record driver::task(const std::string& name) {
  return impl_->step(task_request{impl_->run_id, name}).task;
}

run_record driver::run() {
  return impl_->step(run_request{impl_->run_id}).state;
}

template <class Reply, class Request>
Reply driver::ask(Request request) {
  Reply answer;
  impl_->self
    ->request(impl_->coordinator, std::chrono::seconds{30}, std::move(request))
    .receive(
      [&](Reply& r) { answer = std::move(r); },
      [](const caf::error& e) { throw std::runtime_error{caf::to_string(e)}; });
  return answer;
}

template health_report driver::ask(health_request);
template run_summary driver::ask(run_summary_request);
template retry_metrics driver::ask(retry_metrics_request);

} // namespace scenarios
