#include <chrono>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/input_check.hpp"

namespace conductor {

namespace {

constexpr std::chrono::microseconds no_time_at_all{0};

class noop_handler : public handler {
public:
  handler_traits traits() const override { return {.queues = true}; }

  void start(attempt work, outcome_sink& sink) override {
    sink.report(work.task, work.number, outcome::success(), no_time_at_all);
  }
};

class fail_handler : public handler {
public:
  handler_traits traits() const override { return {.queues = true}; }

  std::vector<definition_error> check(const json& input) const override {
    input_problems found;
    check_fields(input, {"times", "type", "message"}, found);
    if (!input.is_object())
      return found;
    const auto times = input.find("times");
    if (times != input.end()
        && (!times->is_number_integer() || times->get<double>() < 0))
      found.push_back({"/input/times", "must be a whole number, 0 or more"});
    if (const auto* type = string_field(input, "type", found);
        type && type->empty())
      found.push_back({"/input/type", "must not be empty"});
    string_field(input, "message", found);
    return found;
  }

  void start(attempt work, outcome_sink& sink) override {
    sink.report(work.task, work.number, result_of(work), no_time_at_all);
  }

private:
  outcome result_of(const attempt& work) const {
    const auto input = work.input();
    if (const auto problems = check(input); !problems.empty())
      return outcome::failure("input", to_string(problems.front()));
    const auto times = input.find("times");
    if (times != input.end()
        && static_cast<std::uint64_t>(work.number)
             > times->get<std::uint64_t>())
      return outcome::success();
    return outcome::failure(
      input.value("type", "fail"),
      input.value("message", "attempt " + std::to_string(work.number)
                               + " was told to fail"));
  }
};

} // namespace

std::shared_ptr<handler> make_noop_handler() {
  return std::make_shared<noop_handler>();
}

std::shared_ptr<handler> make_fail_handler() {
  return std::make_shared<fail_handler>();
}

} // namespace conductor
