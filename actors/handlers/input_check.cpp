#include "actors/handlers/input_check.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace conductor {

namespace {

constexpr std::array<std::string_view, 3> always_allowed{"fanout", "item",
                                                         "index"};

/// The number of letters to change, add or leave out.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto change = diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

std::string advice(std::string_view word,
                   std::initializer_list<std::string_view> known) {
  constexpr std::size_t longest = 40;
  std::string_view best;
  auto least = std::max<std::size_t>(2, word.size() / 3) + 1;
  if (word.size() <= longest)
    for (const auto candidate : known)
      if (const auto d = distance(word, candidate); d < least) {
        least = d;
        best = candidate;
      }
  if (!best.empty())
    return "did you mean \"" + std::string(best) + "\"?";
  std::string all = "known are";
  for (const auto candidate : known)
    all += (candidate == *known.begin() ? " " : ", ") + std::string(candidate);
  return all;
}

template <class List>
bool has(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

} // namespace

std::string pointer_step(std::string_view name) {
  std::string step = "/";
  for (const char c : name) {
    if (c == '~')
      step += "~0";
    else if (c == '/')
      step += "~1";
    else
      step += c;
  }
  return step;
}

void check_fields(const json& input,
                  std::initializer_list<std::string_view> known,
                  input_problems& found) {
  if (!input.is_object()) {
    found.push_back({"/input", "must be an object"});
    return;
  }
  for (const auto& member : input.items()) {
    const auto& name = member.key();
    if (!has(known, name) && !has(always_allowed, name))
      found.push_back(
        {"/input" + pointer_step(name),
         "unknown field " + dump(name) + "; " + advice(name, known)});
  }
}

bool check_text(const json& value, const std::string& path,
                input_problems& found) {
  if (!value.is_string()) {
    const bool scalar = value.is_number() || value.is_boolean();
    found.push_back({path, scalar
                             ? "must be text (write \"" + dump(value) + "\")"
                             : "must be text"});
    return false;
  }
  if (value.get_ref<const std::string&>().find('\0') != std::string::npos) {
    found.push_back({path, "must not have a NUL byte"});
    return false;
  }
  return true;
}

const std::string* string_field(const json& input, const char* name,
                                input_problems& found) {
  const auto member = input.find(name);
  if (member == input.end()
      || !check_text(*member, "/input" + pointer_step(name), found))
    return nullptr;
  return &member->get_ref<const std::string&>();
}

} // namespace conductor
