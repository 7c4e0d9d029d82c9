#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <conductor/coordinator.hpp>

/// The six scenarios: what an engine must do, told step by step. The program
/// shows them (`orcon demo`), the tests check them.
namespace scenarios {

/// Drives a coordinator and tells what it does.
class driver {
public:
  /// `tell(text)` is called for each step, `check(what, expected, actual)` for
  /// each expectation.
  using teller = std::function<void(const std::string&)>;
  using checker
    = std::function<void(const std::string& what, const std::string& expected,
                         const std::string& actual)>;

  driver(caf::actor_system& sys, conductor::coordinator_actor coordinator,
         teller tell, checker check);
  ~driver();
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  /// Submits a run of one task "job"; with `children` it is a fan-out.
  void submit(const std::string& name, std::int64_t children,
              std::int32_t max_retries);
  /// One pass of an actor; returns what it changed.
  std::int64_t pass(conductor::role actor);
  void succeed(const std::string& task);
  void fail(const std::string& task, const std::string& message);
  void advance(conductor::milliseconds by);
  void wait_for(const std::string& event);

  void expect(const std::string& what, const std::string& expected,
              const std::string& actual);
  void expect(const std::string& what, std::int64_t expected,
              std::int64_t actual);
  void expect_task(const std::string& task, const std::string& state);
  void expect_run(const std::string& state);

  conductor::task_record task(const std::string& name);
  conductor::run_record run();
  template <class Reply, class Request>
  Reply ask(Request request);
  const teller& tell() const { return tell_; }

private:
  struct impl;
  std::unique_ptr<impl> impl_;
  teller tell_;
  checker check_;
};

struct scenario {
  int number;
  std::string title;
  std::function<void(driver&, conductor::store_reader&)> play;
};

const std::vector<scenario>& all();

} // namespace scenarios
