#include "messages/definition/definition_reader.hpp"

namespace conductor::detail {

namespace {

json text_schema() {
  return {{"type", "string"}, {"minLength", 1}};
}
json list_schema() {
  return {{"type", "array"}};
}
json range_schema() {
  return {{"type", "array"},
          {"items", {{"type", "integer"}}},
          {"minItems", 2},
          {"maxItems", 3}};
}

void read_range(const place& at, fanout_source& source) {
  if (!at.value.is_array() || at.value.size() < 2 || at.value.size() > 3)
    return at.refuse("must be [from, to] or [from, to, step]");
  const auto from = read_integer(at.element(0));
  const auto to = read_integer(at.element(1));
  const auto step
    = at.value.size() == 3 ? read_integer(at.element(2)) : std::int64_t{1};
  if (step == 0)
    return at.element(2).refuse("must not be 0");
  if (!from || !to || !step)
    return;
  const auto count = range_count(*from, *to, *step);
  if (!count)
    return at.refuse("is too wide: its ends are further apart than 64 bits can "
                     "tell");
  source = {.kind = source_kind::range, .count = *count};
  source.from = *from;
  source.to = *to;
  source.step = *step;
}

void read_items(const place& at, fanout_source& source) {
  if (!require_list(at))
    return;
  source = {.kind = source_kind::items,
            .count = static_cast<std::int64_t>(at.value.size())};
  for (const auto& item : at.value)
    source.items.push_back(dump(item));
}

template <source_kind kind>
void read_path(const place& at, fanout_source& source) {
  if (auto path = read_text(at)) {
    source = {.kind = kind};
    source.path = std::move(*path);
  }
}

void read_fanout_object(const place& at, fanout_source& source) {
  // `pointer` says where in another task's output; it means nothing alone.
  if (at.value.contains("from"))
    return at.member("from").refuse("\"from\" is not supported yet");
  auto draft = source;
  read_fields(at, fanout_fields(), draft);
  if (at.value.size() != 1)
    return at.refuse("must have exactly one of lines, glob, items or range");
  source = std::move(draft);
}

} // namespace

const fields<fanout_source>& fanout_fields() {
  static const fields<fanout_source> table{
    {"lines", read_path<source_kind::lines>, text_schema,
     "a text file, one child a line", R"("files.txt")"},
    {"glob", read_path<source_kind::glob>, text_schema,
     "a pattern, one child a file", R"("*.png")"},
    {"items", read_items, list_schema, "one child an element",
     R"(["a", {"b": 1}])"},
    {"range", read_range, range_schema,
     "[from, to] or [from, to, step], `to` included", "[0, 90, 10]"},
    {"from", nullptr, nullptr, later},
  };
  return table;
}

void read_fanout(const place& at, const std::string& directory,
                 fanout_source& source) {
  const auto& value = at.value;
  if (value.is_number()) {
    if (const auto count = read_integer(at, 0))
      source = {.kind = source_kind::count, .count = *count};
  } else if (value.is_array()) {
    source = {.kind = source_kind::items,
              .count = static_cast<std::int64_t>(value.size())};
    for (const auto& item : value)
      source.items.push_back(dump(item));
  } else if (value.is_object()) {
    read_fanout_object(at, source);
  } else {
    at.refuse("must be a count, a list, or an object with one of lines, glob, "
              "items or range, not "
              + shown(value));
  }
  if (!source.path.empty() && source.path.front() != '/' && !directory.empty())
    source.path
      = directory + (directory.ends_with('/') ? "" : "/") + source.path;
}

} // namespace conductor::detail
