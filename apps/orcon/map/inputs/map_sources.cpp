#include "apps/orcon/map/inputs/map_sources.hpp"

#include <algorithm>

namespace orcon {

using namespace conductor;

bool begins_source(const std::string& word) {
  return word == ":::" || word == "::::" || word == ":::+" || word == "::::+";
}

result<std::vector<input_source>>
take_sources(std::vector<std::string>& words,
             const std::vector<std::string>& list_files) {
  std::vector<input_source> sources;
  for (const auto& file : list_files)
    sources.push_back({.is_file = true, .file = file});
  const auto first = std::find_if(words.begin(), words.end(), begins_source);
  for (auto at = first; at != words.end();) {
    const bool files = at->starts_with("::::");
    const bool linked = at->ends_with('+');
    if (linked && sources.empty())
      return fail(errc::invalid, "\"" + *at
                                   + "\" links a list to the one before it, "
                                     "and there is none");
    const auto end = std::find_if(at + 1, words.end(), begins_source);
    if (files && end == at + 1)
      return fail(errc::invalid, "\"" + *at + "\" needs the name of a file");
    if (files)
      for (auto name = at + 1; name != end; ++name)
        sources.push_back({.linked = linked, .is_file = true, .file = *name});
    else
      sources.push_back({.linked = linked, .values = {at + 1, end}});
    at = end;
  }
  words.erase(first, words.end());
  if (sources.empty())
    sources.push_back({.is_file = true, .file = "-"});
  if (std::count_if(sources.begin(), sources.end(),
                    [](const auto& s) { return s.is_file && s.file == "-"; })
      > 1)
    return fail(errc::invalid, "standard input can be only one of the lists");
  return sources;
}

} // namespace orcon
