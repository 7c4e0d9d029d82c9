#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>

/// What a command line of `orcon map` says as a definition.
namespace orcon {

/// The options of `orcon map`, as they were given.
struct map_options {
  std::string list_file;
  unsigned jobs = 0;
  int retries = 3;
  std::string timeout, tolerate, name, results;
  std::vector<std::string> env;
  bool keep_order = false, dry_run = false, fresh = false;
};

/// Every `from` in the text becomes `to`.
void replace(std::string& text, std::string_view from, std::string_view to);

/// GNU parallel's placeholders become ours; the input is the last argument of
/// a command that names none.
std::vector<std::string> template_of(std::vector<std::string> command);

/// The definition as `orcon exec` would read it: one place checks both.
conductor::json definition_of(const map_options& o,
                              const std::vector<std::string>& argv,
                              conductor::json fanout);

/// An error of that definition, at the option that it comes from.
conductor::error at_option(const conductor::definition_error& e);

} // namespace orcon
