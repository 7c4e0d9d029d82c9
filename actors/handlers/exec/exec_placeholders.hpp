#pragma once

#include <string>
#include <string_view>

#include <conductor/error.hpp>
#include <conductor/handler.hpp>

namespace conductor {

/// Replaces the placeholders of many texts for one attempt.
class placeholders {
public:
  explicit placeholders(const attempt& work) : work_(work) {}

  result<std::string> expand(std::string_view text);

  /// The item as a process sees it: text as it is, anything else as compact
  /// JSON; empty if there is none.
  const std::string& item_text();

private:
  result<std::string> value_of(std::string_view word);
  result<std::string> item_field(std::string_view path);
  const json& item();

  const attempt& work_;
  json item_;
  std::string item_text_;
  bool item_read_ = false, item_written_ = false;
};

} // namespace conductor
