#include "tests/store/conformance/conformance.hpp"

#include <exception>

namespace conductor::test {

namespace {

template <class Case, class Run>
void run_cases(const std::vector<Case>& cases, Run run,
               std::vector<std::string>& failures) {
  for (const auto& c : cases) {
    try {
      run(c);
    } catch (const std::exception& failure) {
      failures.push_back(std::string{c.name} + ": " + failure.what());
    }
  }
}

} // namespace

std::vector<std::string> run_conformance(const store_factory& make) {
  std::vector<std::string> failures;
  for (const auto* cases :
       {&submission_cases(), &expansion_cases(), &item_cases(), &move_cases(),
        &refusal_cases(), &claim_cases(), &waiting_cases(), &change_cases(),
        &group_cases(), &pass_cases(), &event_cases(), &list_cases(),
        &filter_cases()})
    run_cases(
      *cases, [&](const auto& c) { c.run(make); }, failures);
  return failures;
}

std::vector<std::string> run_reopening(const store_factory& make,
                                       const store_reopener& reopen) {
  std::vector<std::string> failures;
  run_cases(
    reopening_cases(), [&](const auto& c) { c.run(make(), reopen); }, failures);
  return failures;
}

} // namespace conductor::test
