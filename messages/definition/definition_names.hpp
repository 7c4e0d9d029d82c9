#pragma once

#include <array>
#include <optional>
#include <string_view>

#include <conductor/run_spec.hpp>

/// The words that definitions and the store use for choices.
namespace conductor::detail {

template <class E>
struct choice {
  std::string_view name;
  E value;
};

inline constexpr std::array<choice<backoff>, 3> backoff_names{
  {{"fixed", backoff::fixed},
   {"linear", backoff::linear},
   {"exponential", backoff::exponential}}};

inline constexpr std::array<choice<jitter>, 3> jitter_names{
  {{"none", jitter::none}, {"full", jitter::full}, {"equal", jitter::equal}}};

inline constexpr std::array<choice<on_failure>, 2> on_failure_names{
  {{"wait", on_failure::wait}, {"fail_fast", on_failure::fail_fast}}};

inline constexpr std::array<choice<collect>, 2> collect_names{
  {{"none", collect::none}, {"outputs", collect::outputs}}};

inline constexpr std::array<choice<condition>, 3> condition_names{
  {{"succeeded", condition::succeeded},
   {"settled", condition::settled},
   {"failed", condition::failed}}};

inline constexpr std::array<choice<source_kind>, 7> source_names{
  {{"none", source_kind::none},
   {"count", source_kind::count},
   {"range", source_kind::range},
   {"items", source_kind::items},
   {"lines", source_kind::lines},
   {"glob", source_kind::glob},
   {"list", source_kind::list}}};

template <class E, std::size_t N>
std::optional<E> value_of(const std::array<choice<E>, N>& names,
                          std::string_view name) {
  for (const auto& c : names)
    if (c.name == name)
      return c.value;
  return std::nullopt;
}

/// The name of a value; empty if it is none of them.
template <class E, std::size_t N>
std::string_view name_of(const std::array<choice<E>, N>& names, E value) {
  for (const auto& c : names)
    if (c.value == value)
      return c.name;
  return {};
}

} // namespace conductor::detail
