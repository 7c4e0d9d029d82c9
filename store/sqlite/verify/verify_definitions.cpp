#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>
#include <conductor/lifecycle.hpp>

#include "store/event_hash.hpp"
#include "store/sqlite/verify/payload_text.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

void compare_definition(const statement& row, findings& out) {
  const auto whose = "the definition of "
                     + (row.is_null(7) ? "no task" : out.task(row.integer(7)));
  const auto text = row.text(6);
  const auto spec = from_stored_text(text);
  if (!spec)
    return out.add("I1", whose + " cannot be read: " + spec.error().message);
  differences d{"it says"};
  const auto field
    = [&](const char* name, int column, const std::string& right) {
        d.field(name, row.view(column), std::string_view{right});
      };
  field("spec", 6, to_stored_text(*spec));
  field("name", 3, spec->name);
  field("handler", 2, spec->handler);
  field("input", 4, spec->input);
  field("the input that its children share", 5,
        spec->is_parent() ? shared_input(spec->input) : std::string{});
  d.field("max_retries", row.integer(1), std::int64_t{spec->retry.max_retries});
  d.field("digest", row.integer(0),
          static_cast<std::int64_t>(
            event_hash::mix(event_hash::basis, std::string_view{text})));
  if (d)
    out.add("I1", whose + ": " + d.text());
}

} // namespace

void check_definitions(database& db, findings& out) {
  db.prepared("SELECT d.digest, d.max_retries, h.name, d.name, d.input,"
              " coalesce(d.child_input, ''), d.spec, t.task FROM definitions d"
              " LEFT JOIN handlers h ON h.handler = d.handler"
              " LEFT JOIN (SELECT definition, min(task) AS task FROM templates"
              " GROUP BY definition) t ON t.definition = d.definition")
    .each([&](statement& row) {
      if (!out.full())
        compare_definition(row, out);
    });
}

// -- items --------------------------------------------------------------------

namespace {

/// How many elements a JSON array has; -1 if it is not one. Element by element:
/// most are plain strings, which cost a look at each byte.
std::int64_t count_elements(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']')
    return -1;
  auto rest = text.substr(1, text.size() - 2);
  std::int64_t count = 0;
  while (!rest.empty()) {
    const auto element = first_value(rest);
    if (element.empty() || !is_json(element))
      return -1;
    ++count;
    rest.remove_prefix(element.size());
    if (rest.empty())
      break;
    if (rest.front() != ',' || rest.size() == 1)
      return -1;
    rest.remove_prefix(1);
  }
  return count;
}

} // namespace

void check_items(database& db, findings& out) {
  std::int64_t next = 0;
  db.prepared("SELECT item, count, texts FROM item_blocks ORDER BY item")
    .each([&](statement& row) {
      const auto item = row.integer(0), count = row.integer(1);
      const auto list = item >> 32, place = item & 0xFFFFFFFF;
      const auto which = [&] {
        return "the items of list " + std::to_string(list) + " from number "
               + std::to_string(place) + " on ";
      };
      if (out.full())
        return;
      if (item < items_per_list)
        out.add("I1", which() + "are of no list");
      if (place != 0 && item != next)
        out.add("I1", which() + "do not follow those before them");
      if (place == 0 && item < next)
        out.add("I1", which() + "overlap another list");
      const auto there = count_elements(row.view(2));
      if (there != count)
        out.add("I1", which() + "are to be " + std::to_string(count) + ", "
                        + (there < 0 ? "but are not a JSON array"
                                     : std::to_string(there) + " are there"));
      next = plus(item, std::max<std::int64_t>(there, 0));
    });
}

} // namespace conductor::sqlite
