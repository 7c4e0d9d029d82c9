#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <conductor/store.hpp>

/// What every store must do, one function a rule. A suite runs the list over
/// its own factory, which makes a store without any runs, of salt 1.
namespace conductor::test {

using store_factory = std::function<std::unique_ptr<store>()>;

struct conformance_case {
  const char* name;
  void (*run)(const store_factory& make); ///< throws `std::logic_error`
};

const std::vector<conformance_case>& submission_cases();
const std::vector<conformance_case>& expansion_cases();
const std::vector<conformance_case>& move_cases();
const std::vector<conformance_case>& lease_cases();
const std::vector<conformance_case>& event_cases();
const std::vector<conformance_case>& list_cases();
const std::vector<conformance_case>& filter_cases();

/// Runs every case; one text a failure: "name: what differed".
std::vector<std::string> run_conformance(const store_factory& make);

} // namespace conductor::test
