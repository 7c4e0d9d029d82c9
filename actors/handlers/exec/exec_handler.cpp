#include <exception>
#include <memory>
#include <mutex>
#include <utility>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/exec/exec_input.hpp"
#include "actors/handlers/exec/exec_outcome.hpp"
#include "actors/handlers/exec/exec_request.hpp"
#include "actors/handlers/process/process_runner.hpp"

namespace conductor {

namespace {

class exec_handler : public handler {
public:
  explicit exec_handler(const exec_options& options)
    : options_{.grace = options.grace, .slots = options.slots},
      stdout_cap_(options.stdout_cap), base_(base_environment()) {}

  handler_traits traits() const override {
    return {.queues = options_.slots > 0, .own_timeout = true};
  }

  std::vector<definition_error> check(const json& input) const override {
    return check_exec_input(input);
  }

  void start(attempt work, outcome_sink& sink) override;

  void cancel(task_key task, std::int32_t number,
              const std::string& reason) override {
    const std::lock_guard guard(mutex_);
    if (runner_)
      runner_->cancel({task, number}, reason);
  }

  std::vector<attempt_key> withdraw_waiting() override {
    const std::lock_guard guard(mutex_);
    return runner_ ? runner_->withdraw_waiting() : std::vector<attempt_key>{};
  }

private:
  using input_ptr = std::shared_ptr<const result<exec_input>>;

  /// The children of a fan-out share an input: it is read once.
  input_ptr input_of(const attempt& work);
  /// Comes into being with the first attempt: most handlers of a program that
  /// only checks definitions never have one.
  result<process_runner*> runner();
  void run(const attempt& work, process_spec process, exec_stdout as,
           process_runner& with, outcome_sink& sink);

  const process_options options_;
  const std::size_t stdout_cap_;
  const environment base_;
  std::mutex mutex_; ///< guards what follows
  std::shared_ptr<const task_origin> last_origin_;
  input_ptr last_input_;
  std::unique_ptr<process_runner> runner_;
};

exec_handler::input_ptr exec_handler::input_of(const attempt& work) {
  const std::lock_guard guard(mutex_);
  if (last_origin_ != work.origin) {
    last_input_ = std::make_shared<const result<exec_input>>(
      read_exec_input(work.input()));
    last_origin_ = work.origin;
  }
  return last_input_;
}

result<process_runner*> exec_handler::runner() {
  const std::lock_guard guard(mutex_);
  try {
    if (!runner_)
      runner_ = std::make_unique<process_runner>(options_);
    return runner_.get();
  } catch (const std::exception& e) {
    return fail(errc::io, e.what());
  }
}

void exec_handler::start(attempt work, outcome_sink& sink) {
  const auto refuse = [&](const error& why, bool retryable) {
    auto result = outcome::failure("spawn", why.message);
    result.retryable = retryable;
    sink.report(work.task, work.number, std::move(result),
                std::chrono::microseconds(0));
  };
  const auto input = input_of(work);
  if (!*input)
    return refuse(input->error(), false);
  auto process = make_process(work, **input, base_);
  if (!process)
    return refuse(process.error(), false);
  if ((*input)->stdout_limit == 0)
    process->output_cap = stdout_cap_;
  const auto with = runner();
  if (!with)
    return refuse(with.error(), true);
  run(work, std::move(*process), (*input)->stdout_as, **with, sink);
}

void exec_handler::run(const attempt& work, process_spec process,
                       exec_stdout as, process_runner& with,
                       outcome_sink& sink) {
  const auto timeout = process.timeout;
  with.start({work.task, work.number}, std::move(process),
             [&sink, as, timeout, task = work.task,
              number = work.number](process_result ended) {
               const auto busy = ended.busy;
               sink.report(task, number,
                           make_outcome(std::move(ended), as, timeout), busy);
             });
}

} // namespace

std::shared_ptr<handler> make_exec_handler(exec_options options) {
  return std::make_shared<exec_handler>(options);
}

} // namespace conductor
