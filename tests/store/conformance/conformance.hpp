#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <conductor/store.hpp>

/// What every store must do, one function per rule. A suite runs the list over
/// its own factory, which makes a store without any runs, of salt 1.
namespace conductor::test {

using store_factory = std::function<std::unique_ptr<store>()>;
/// Closes a store and opens it again, as an engine does that is restarted.
using store_reopener
  = std::function<std::unique_ptr<store>(std::unique_ptr<store>)>;

struct conformance_case {
  const char* name;
  void (*run)(const store_factory& make); ///< throws `std::logic_error`
};

const std::vector<conformance_case>& submission_cases();
const std::vector<conformance_case>& expansion_cases();
const std::vector<conformance_case>& item_cases();
const std::vector<conformance_case>& move_cases();
const std::vector<conformance_case>& refusal_cases();
const std::vector<conformance_case>& claim_cases();
const std::vector<conformance_case>& waiting_cases();
const std::vector<conformance_case>& change_cases();
const std::vector<conformance_case>& group_cases();
const std::vector<conformance_case>& pass_cases();
const std::vector<conformance_case>& event_cases();
const std::vector<conformance_case>& list_cases();
const std::vector<conformance_case>& filter_cases();

/// What must hold across a restart.
struct reopening_case {
  const char* name;
  void (*run)(std::unique_ptr<store> s, const store_reopener& reopen);
};
const std::vector<reopening_case>& reopening_cases();

/// Runs every case; one text per failure: "name: what differed".
std::vector<std::string> run_conformance(const store_factory& make);
std::vector<std::string> run_reopening(const store_factory& make,
                                       const store_reopener& reopen);

} // namespace conductor::test
