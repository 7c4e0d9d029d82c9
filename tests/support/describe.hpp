#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

/// Texts of messages, and comparisons that say where two of them differ.
namespace conductor::test {

template <class T>
std::string describe(const T& x);

/// Collects the fields that a message's `inspect` names.
class field_printer {
public:
  template <class... Ts>
  void operator()(const Ts&... fields) {
    text_ += '{';
    (put(describe(fields)), ...);
    text_ += '}';
  }

  std::string text_;

private:
  void put(const std::string& field) {
    text_ += text_.size() > 1 ? ", " + field : field;
  }
};

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
concept has_ticks = requires(T t) {
  t.time_since_epoch();
};

template <class T>
std::string describe(const T& x) {
  if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<int>(x));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(x);
  } else if constexpr (std::convertible_to<T, std::string>) {
    return '"' + std::string{x} + '"';
  } else if constexpr (has_ticks<T>) {
    return std::to_string(x.time_since_epoch().count()) + "ms";
  } else if constexpr (requires { x.count(); }) {
    return std::to_string(x.count()) + "ms";
  } else if constexpr (is_optional<T>) {
    return x ? describe(*x) : "none";
  } else if constexpr (is_vector<T>) {
    std::string out = "[";
    for (const auto& y : x)
      out += (out.size() > 1 ? ", " : "") + describe(y);
    return out + "]";
  } else {
    auto copy = x; // inspectors take what they could change
    field_printer printer;
    inspect(printer, copy);
    return printer.text_;
  }
}

/// Throws `std::logic_error` unless both are equal.
template <class T>
void require_same(const std::string& what, const T& left, const T& right) {
  if (left == right)
    return;
  throw std::logic_error{what + " differs:\n  left:  " + describe(left)
                         + "\n  right: " + describe(right)};
}

/// The same for lists: names the first place that differs.
template <class T>
void require_same(const std::string& what, const std::vector<T>& left,
                  const std::vector<T>& right) {
  for (std::size_t i = 0; i < left.size() && i < right.size(); ++i)
    require_same(what + "[" + std::to_string(i) + "]", left[i], right[i]);
  if (left.size() == right.size())
    return;
  const auto& longer = left.size() > right.size() ? left : right;
  const auto shared = left.size() + right.size() - longer.size();
  throw std::logic_error{what + ": " + std::to_string(left.size())
                         + " entries left, " + std::to_string(right.size())
                         + " right; first one more: "
                         + describe(longer[shared])};
}

inline void require(const std::string& what, bool holds) {
  if (!holds)
    throw std::logic_error{what};
}

} // namespace conductor::test
