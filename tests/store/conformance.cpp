#include "tests/store/conformance.hpp"

#include <exception>

namespace conductor::test {

std::vector<std::string> run_conformance(const store_factory& make) {
  std::vector<std::string> failures;
  for (const auto* cases :
       {&submission_cases(), &expansion_cases(), &move_cases(), &lease_cases(),
        &event_cases(), &list_cases(), &filter_cases()})
    for (const auto& c : *cases) {
      try {
        c.run(make);
      } catch (const std::exception& trouble) {
        failures.push_back(std::string{c.name} + ": " + trouble.what());
      }
    }
  return failures;
}

} // namespace conductor::test
