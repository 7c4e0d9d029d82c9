#include <chrono>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/input_check.hpp"

namespace conductor {

namespace {

/// They report before `start` returns: nothing waits, nothing times out.
constexpr handler_traits immediate{
  .queues = true, .own_timeout = true, .immediate = true};

execution_time no_time() {
  return {execution_time::clock::now(), {}};
}

class noop_handler : public handler {
public:
  handler_traits traits() const override { return immediate; }

  void start(attempt work, outcome_sink& sink) override {
    sink.report(work.key(), outcome::success(), no_time());
  }
};

class fail_handler : public handler {
public:
  handler_traits traits() const override { return immediate; }

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
    sink.report(work.key(), result_of(work), no_time());
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
