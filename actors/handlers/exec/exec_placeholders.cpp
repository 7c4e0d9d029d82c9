#include "actors/handlers/exec/exec_placeholders.hpp"

#include <algorithm>
#include <charconv>

#include <conductor/builtin_handlers.hpp>
#include <conductor/stored_json.hpp>

#include "actors/handlers/exec/exec_item.hpp"

namespace conductor {

namespace {

constexpr std::string_view item_prefix = "item.";

bool is_placeholder(std::string_view word) {
  if (word == "item" || word == "index" || word == "attempt" || word == "name"
      || word == "run" || parse_item_spec(word))
    return true;
  return word.substr(0, item_prefix.size()) == item_prefix && word.back() != '.'
         && word.find("..") == word.npos;
}

/// The next placeholder with its braces, or an empty view at the end.
std::string_view next_placeholder(std::string_view text) {
  for (auto open = text.find('{'); open != text.npos;
       open = text.find('{', open + 1)) {
    const auto close = text.find_first_of("{}", open + 1);
    if (close == text.npos)
      break;
    if (text[close] == '}'
        && is_placeholder(text.substr(open + 1, close - open - 1)))
      return text.substr(open, close + 1 - open);
  }
  return {};
}

std::string in_braces(std::string_view word) {
  return std::string(1, '{').append(word).append(1, '}');
}

std::string as_text(const json& value) {
  return value.is_string() ? value.get_ref<const std::string&>() : dump(value);
}

/// A member of an object, or an element of a list by its number from 0.
const json* member(const json& value, std::string_view name) {
  if (value.is_object()) {
    const auto found = value.find(name);
    return found == value.end() ? nullptr : &*found;
  }
  std::size_t i = 0;
  const auto* end = name.data() + name.size();
  const auto read = std::from_chars(name.data(), end, i);
  const bool number = read.ec == std::errc() && read.ptr == end;
  return value.is_array() && number && i < value.size() ? &value[i] : nullptr;
}

} // namespace

const json& placeholders::item() {
  if (!item_read_) {
    item_ = parse_stored(work_.item);
    item_read_ = true;
  }
  return item_;
}

const std::string& placeholders::item_text() {
  if (!item_written_) {
    item_written_ = true;
    // Numbers keep the form in which they were written.
    const auto& raw = work_.item;
    const bool structured
      = raw.find_first_of("\"[{") != raw.npos && !item().is_discarded();
    item_text_ = !structured         ? raw
                 : item().is_array() ? dump(item())
                                     : inputs_of(item()).front();
  }
  return item_text_;
}

result<std::string> placeholders::item_field(std::string_view path) {
  const auto missing = [&](std::string_view step) {
    return fail(errc::invalid, in_braces(path) + ": the item has no \""
                                 + std::string(step) + '"');
  };
  const json* value = &item();
  for (auto rest = path.substr(item_prefix.size()); !rest.empty();) {
    const auto dot = std::min(rest.find('.'), rest.size());
    const auto step = rest.substr(0, dot);
    value = member(*value, step);
    if (!value)
      return missing(step);
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  return as_text(*value);
}

result<std::string> placeholders::value_of(std::string_view word) {
  if (word == "index")
    return std::to_string(work_.index);
  if (word == "attempt")
    return std::to_string(work_.number);
  if (word == "name")
    return work_.name();
  if (word == "run")
    return work_.origin->run_id;
  if (work_.item.empty())
    return fail(errc::invalid, in_braces(word)
                                 + ": the task has no item, since it is not "
                                   "a child of a fan-out");
  if (const auto spec = parse_item_spec(word))
    return item_inputs(*spec);
  return word == "item" ? item_text() : item_field(word);
}

const std::vector<std::string>& placeholders::inputs() {
  if (inputs_.empty())
    inputs_ = item().is_discarded() ? std::vector{item_text()}
                                    : conductor::inputs_of(item());
  return inputs_;
}

std::string placeholders::item_inputs(const item_spec& spec) {
  const auto one = [&](const std::string& input) {
    const auto text = path_part(input, spec.part);
    return spec.shell ? shell_escaped(text) : text;
  };
  const auto& all = inputs();
  if (spec.all && !repeating_) {
    std::string joined;
    for (const auto& input : all)
      joined += (&input == all.data() ? "" : " ") + one(input);
    return joined;
  }
  const auto count = static_cast<int>(all.size());
  const auto at = spec.all          ? static_cast<int>(*repeating_)
                  : spec.number > 0 ? spec.number - 1
                  : spec.number < 0 ? count + spec.number
                                    : 0;
  // The last command of several inputs each may have fewer of them.
  return at >= 0 && at < count ? one(all[static_cast<std::size_t>(at)]) : "";
}

result<std::vector<std::string>>
placeholders::expand_argument(std::string_view text) {
  const auto found = next_placeholder(text);
  const auto spec = found.empty() || work_.item.empty()
                      ? std::nullopt
                      : parse_item_spec(found.substr(1, found.size() - 2));
  const bool whole
    = spec && spec->all && !spec->shell && found.size() == text.size();
  const bool repeated = text.find("{item:x*") != text.npos;
  const bool several = !work_.item.empty() && (whole || repeated);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < (several ? inputs().size() : 1); ++i) {
    if (several)
      repeating_ = i;
    auto word = expand(text);
    repeating_.reset();
    if (!word)
      return tl::unexpected(word.error());
    words.push_back(std::move(*word));
  }
  return words;
}

result<std::string> placeholders::expand(std::string_view text) {
  std::string expanded;
  for (;;) {
    const auto found = next_placeholder(text);
    if (found.empty())
      return expanded.append(text);
    expanded.append(text.data(), found.data());
    auto value = value_of(found.substr(1, found.size() - 2));
    if (!value)
      return value;
    expanded += *value;
    text.remove_prefix(
      static_cast<std::size_t>(found.data() + found.size() - text.data()));
  }
}

result<std::string> expand_placeholders(std::string_view text,
                                        const attempt& work) {
  return placeholders(work).expand(text);
}

bool has_placeholders(std::string_view text) {
  return !next_placeholder(text).empty();
}

} // namespace conductor
