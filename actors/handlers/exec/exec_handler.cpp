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
    : options_(options), own_(read_environment()) {}

  handler_traits traits() const override {
    return {.queues = options_.slots > 0, .own_timeout = true};
  }

  std::vector<definition_error> check(const json& input) const override {
    return check_exec_input(input);
  }

  void start(attempt work, outcome_sink& sink) override;

  void stop(attempt_key which, stop_reason reason) override {
    const std::lock_guard guard(mutex_);
    if (runner_)
      runner_->stop(which, reason);
  }

  std::vector<attempt_key> withdraw(time_point started_before) override {
    const std::lock_guard guard(mutex_);
    return runner_ ? runner_->withdraw(started_before)
                   : std::vector<attempt_key>{};
  }

private:
  using input_ptr = std::shared_ptr<const result<exec_input>>;

  /// The children of a fan-out share an input, which is read once.
  input_ptr input_of(const attempt& work);
  /// Created with the first attempt: a program that only checks definitions
  /// never needs one.
  result<process_runner*> runner();
  void run(const attempt& work, process_spec process, exec_stdout as,
           process_runner& with, outcome_sink& sink);

  const exec_options options_;
  const own_environment own_;
  std::mutex mutex_; ///< guards what follows
  std::shared_ptr<const task_template> last_origin_;
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
      runner_ = std::make_unique<process_runner>(process_options{
        .errors_cap
        = options_.on_long_stderr ? options_.stderr_cap : options_.stderr_kept,
        .grace = options_.grace,
        .slots = options_.slots});
    return runner_.get();
  } catch (const std::exception& e) {
    return fail(errc::io, e.what());
  }
}

void exec_handler::start(attempt work, outcome_sink& sink) {
  const auto refuse = [&](const error& why, bool retryable) {
    auto result = outcome::failure("spawn", why.message);
    result.retryable = retryable;
    sink.report(work.key(), std::move(result), {});
  };
  const auto input = input_of(work);
  if (!*input)
    return refuse(input->error(), false);
  auto process = make_process(work, **input, own_);
  if (!process)
    return refuse(process.error(), false);
  if ((*input)->stdout_limit == 0)
    process->output_cap = options_.stdout_cap;
  const auto with = runner();
  if (!with)
    return refuse(with.error(), true);
  run(work, std::move(*process), (*input)->stdout_as, **with, sink);
}

void exec_handler::run(const attempt& work, process_spec process,
                       exec_stdout as, process_runner& with,
                       outcome_sink& sink) {
  if (options_.on_output)
    process.on_output = [this, key = work.key()](std::string_view piece) {
      options_.on_output(key, piece);
    };
  with.start(
    work.key(), std::move(process),
    [this, &sink, as, timeout = process.timeout,
     key = work.key()](process_result ended) {
      const auto kept = options_.stderr_kept;
      if (options_.on_long_stderr
          && ended.errors.size() + ended.errors_dropped > kept)
        options_.on_long_stderr(key, end_of_errors(ended, options_.stderr_cap));
      const auto ran = ended.ran;
      sink.report(key, make_outcome(std::move(ended), as, timeout, kept), ran);
    });
}

} // namespace

std::shared_ptr<handler> make_exec_handler(exec_options options) {
  return std::make_shared<exec_handler>(options);
}

} // namespace conductor
