#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/handler.hpp>

namespace conductor {

struct item_spec;

/// Replaces the placeholders of many texts for one attempt.
class placeholders {
public:
  explicit placeholders(const attempt& work) : work_(work) {}

  result<std::string> expand(std::string_view text);

  /// The same of one argument of a command, which becomes several where it
  /// stands for all inputs of an item.
  result<std::vector<std::string>> expand_argument(std::string_view text);

  /// The item as a process sees it: text as it is, anything else as compact
  /// JSON; empty if there is none.
  const std::string& item_text();

private:
  result<std::string> value_of(std::string_view word);
  result<std::string> item_field(std::string_view path);
  const json& item();
  const std::vector<std::string>& inputs();
  std::string item_inputs(const item_spec& spec);

  const attempt& work_;
  json item_;
  std::string item_text_;
  std::vector<std::string> inputs_;
  std::optional<std::size_t> repeating_; ///< the input of this repetition
  bool item_read_ = false, item_written_ = false;
};

} // namespace conductor
