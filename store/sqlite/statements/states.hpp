#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <conductor/event.hpp>
#include <conductor/state.hpp>

/// Pieces of statements that are put together when the program is compiled:
/// above all the codes of states and kinds, which come from their enums.
namespace conductor::sqlite::sql {

/// A text of `N` bytes that `+` joins with others.
template <std::size_t N>
struct fixed_text {
  std::array<char, N> bytes{};

  constexpr operator std::string_view() const { return {bytes.data(), N}; }
  std::string str() const { return std::string{std::string_view{*this}}; }
};

template <std::size_t N>
constexpr fixed_text<N - 1> literal(const char (&text)[N]) {
  fixed_text<N - 1> out;
  std::copy_n(text, N - 1, out.bytes.begin());
  return out;
}

template <std::size_t N, std::size_t M>
constexpr fixed_text<N + M> operator+(const fixed_text<N>& x,
                                      const fixed_text<M>& y) {
  fixed_text<N + M> out;
  const auto end = std::copy_n(x.bytes.begin(), N, out.bytes.begin());
  std::copy_n(y.bytes.begin(), M, end);
  return out;
}

template <std::size_t N, std::size_t M>
constexpr auto operator+(const fixed_text<N>& x, const char (&y)[M]) {
  return x + literal(y);
}

template <std::size_t N, std::size_t M>
constexpr auto operator+(const char (&x)[N], const fixed_text<M>& y) {
  return literal(x) + y;
}

/// A number that is not negative, in decimal.
template <auto Value>
constexpr auto number() {
  constexpr auto value = static_cast<unsigned long long>(Value);
  if constexpr (value < 10) {
    fixed_text<1> digit;
    digit.bytes[0] = static_cast<char>('0' + value);
    return digit;
  } else {
    return number<value / 10>() + number<value % 10>();
  }
}

// -- states -------------------------------------------------------------------

inline constexpr auto pending = number<task_state::pending>();
inline constexpr auto running = number<task_state::running>();
inline constexpr auto succeeded = number<task_state::succeeded>();
inline constexpr auto retrying = number<task_state::retrying>();
inline constexpr auto failed = number<task_state::failed>();
inline constexpr auto cancelled = number<task_state::cancelled>();

// The texts below and the partial indices of schema.sql go by these.
static_assert(std::string_view{pending} == "2");
static_assert(std::string_view{running} == "3");
static_assert(std::string_view{succeeded} == "4");
static_assert(std::string_view{retrying} == "5");
static_assert(std::string_view{failed} == "6");
static_assert(std::string_view{cancelled} == "7");
static_assert(static_cast<int>(run_state::pending) == 2
              && static_cast<int>(run_state::running) == 3
              && static_cast<int>(run_state::succeeded) == 4
              && static_cast<int>(run_state::failed) == 6
              && static_cast<int>(run_state::cancelled) == 7);

/// "(2, 3)": of runs that have not settled; as in the index `run_open`.
inline constexpr auto open_states = "(" + pending + ", " + running + ")";
inline constexpr auto unsettled_states
  = "(" + pending + ", " + running + ", " + retrying + ")";
inline constexpr auto settled_states
  = "(" + succeeded + ", " + failed + ", " + cancelled + ")";
/// Of tasks whose last attempt failed.
inline constexpr auto failed_states = "(" + retrying + ", " + failed + ")";

} // namespace conductor::sqlite::sql
