#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

constexpr std::int64_t most_read = 100'000;

/// What a top-level task was submitted as, as its rows have it.
struct submitted {
  explicit submitted(const statement& row)
    : task(row.integer(0)), max_retries(row.integer(1)), name(row.text(2)),
      handler(row.text(3)), input(row.text(4)), child_input(row.text(5)),
      spec(row.text(6)), parent(!row.is_null(7)), total(row.integer(7)),
      expanded(row.integer(8)), item_from(row.integer(9)),
      item_step(row.integer(10)), source_path(row.text(11)),
      broken(row.text(12)), base(row.integer(13)) {}

  task_key task;
  std::int64_t max_retries;
  std::string name, handler, input, child_input, spec;
  bool parent;
  std::int64_t total, expanded, item_from, item_step;
  std::string source_path, broken;
  task_key base;
};

constexpr auto all_submitted
  = "SELECT o.task,o.max_retries,o.name,o.handler,o.input,o.child_input,"
    "o.spec,f.total,f.expanded,f.item_from,f.item_step,f.source_path,f.broken,"
    "f.base FROM origins o LEFT JOIN fanouts f ON f.task=o.task";

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Whether the definition's text has the same, where it would be written: most
/// need no parsing. Quotes within its strings are escaped, so that these are
/// its members.
bool fields_agree(const submitted& s) {
  return holds(s.spec, "\"handler\":" + conductor::quoted(s.handler)
                         + ",\"input\":" + conductor::quoted(s.input) + ",")
         && holds(s.spec,
                  ",\"name\":" + conductor::quoted(s.name) + ",\"on_failure\":")
         && holds(s.spec,
                  "\"max_retries\":" + std::to_string(s.max_retries) + ",");
}

bool plain_fanout(const submitted& s) {
  if (!s.parent)
    return holds(s.spec, "\"kind\":\"none\"");
  return s.broken.empty() && s.item_from == 1 && s.item_step == 1
         && s.source_path.empty() && holds(s.spec, "\"kind\":\"count\"")
         && holds(s.spec,
                  "\"fanout\":{\"count\":" + std::to_string(s.total) + ",");
}

bool reads_file(source_kind kind) {
  return kind == source_kind::lines || kind == source_kind::glob;
}

/// How many children were found at submission, where the definition does not
/// say; the event of the parent's creation does.
std::int64_t children_told(database& db, task_key parent) {
  std::int64_t told = -1;
  db.prepared("SELECT payload FROM event_spans WHERE first=? AND kind=?")
    .each(
      [&](statement& row) {
        const auto payload = json::parse(row.text(0), nullptr, false);
        if (payload.contains("children")
            && payload["children"].is_number_integer())
          told = payload["children"].get<std::int64_t>();
      },
      parent, event_kind::task_created);
  return told;
}

void compare_fanout(database& db, const submitted& s, const task_spec& spec,
                    differences& d) {
  const auto& from = spec.fanout;
  const auto in_words = [](bool parent) -> std::string_view {
    return parent ? "a parent" : "a leaf";
  };
  d.field("it", in_words(s.parent), in_words(spec.is_parent()));
  if (!s.parent || !spec.is_parent())
    return;
  const auto range = from.kind == source_kind::range;
  d.field("item_from", s.item_from, range ? from.from : 1);
  d.field("item_step", s.item_step, range ? from.step : 1);
  const auto path = std::string_view{s.source_path};
  if (from.kind == source_kind::lines ? path != from.path
                                      : path.empty() == reads_file(from.kind))
    d.field("source_path", path,
            std::string_view{reads_file(from.kind) ? from.path : ""});
  const auto total
    = reads_file(from.kind) ? children_told(db, s.task) : from.count;
  if (s.broken.empty() || s.total > total)
    d.field("total", s.total, total);
  if (!s.broken.empty())
    d.field("expanded", s.expanded, s.total);
}

void compare_definition(database& db, const submitted& s, findings& out) {
  const auto spec = from_stored_text(s.spec);
  if (!spec)
    return out.add("I1", "the definition of " + out.task(s.task)
                           + " cannot be read: " + spec.error().message);
  differences d{"its definition says"};
  const auto text = [&](const char* field, const std::string& stored,
                        const std::string& right) {
    d.field(field, std::string_view{stored}, std::string_view{right});
  };
  text("spec", s.spec, to_stored_text(*spec));
  text("name", s.name, spec->name);
  text("handler", s.handler, spec->handler);
  text("input", s.input, spec->input);
  d.field("max_retries", s.max_retries, std::int64_t{spec->retry.max_retries});
  compare_fanout(db, s, *spec, d);
  if (d)
    out.add("I1", out.task(s.task) + ": " + d.text());
}

void check_child_input(const submitted& s, findings& out) {
  const auto right = s.parent ? shared_input(s.input) : std::string{};
  if (s.child_input == right || out.full())
    return;
  differences d{"its own input makes it"};
  d.field("the input that its children share", std::string_view{s.child_input},
          std::string_view{right});
  out.add("I1", out.task(s.task) + ": " + d.text());
}

/// Items of a list in the definition are there twice.
void compare_listed(database& db, const submitted& s, findings& out) {
  const auto spec = from_stored_text(s.spec);
  if (!spec)
    return; // said already
  const auto& items = spec->fanout.items;
  db.prepared("SELECT task,item FROM items WHERE task BETWEEN ? AND ?")
    .each(
      [&](statement& row) {
        const auto place = static_cast<std::size_t>(row.integer(0) - s.base);
        if (place < items.size() && items[place] != row.text(1) && !out.full())
          out.add("I1", "item of " + out.task(row.integer(0)) + " is "
                          + excerpt(row.text(1)) + ", the definition says "
                          + excerpt(items[place]));
      },
      s.base, s.base + s.expanded - 1);
}

/// Each child that was created has its item, or all of them derive it.
void check_stored_items(database& db, const submitted& s, findings& out) {
  const auto listed = holds(s.spec, "\"kind\":\"items\"");
  const auto stored = listed || holds(s.spec, "\"kind\":\"lines\"")
                      || holds(s.spec, "\"kind\":\"glob\"");
  std::int64_t there = 0;
  db.prepared("SELECT count(*) FROM items WHERE task BETWEEN ? AND ?")
    .each([&](statement& row) { there = row.integer(0); }, s.base,
          s.base + s.expanded - 1);
  if (!stored && there > 0)
    out.add("I1", std::to_string(there) + " children of " + out.task(s.task)
                    + " have an item of their own, its definition says none");
  if (listed)
    compare_listed(db, s, out);
  if (!stored || there == s.expanded)
    return;
  db.prepared("SELECT t.task FROM task_rows t LEFT JOIN items i ON "
              "i.task=t.task WHERE t.task BETWEEN ? AND ? AND i.task IS NULL")
    .each(
      [&](statement& row) {
        if (!out.full())
          out.add("I1",
                  "the item of " + out.task(row.integer(0)) + " is missing");
      },
      s.base, s.base + s.expanded - 1);
}

/// What cannot be, whatever the definition says.
void check_sources(findings& out) {
  out.each_task("I1",
                "SELECT task FROM fanouts WHERE iif(source_path='',"
                "source_offset<>0 OR source_size<>0 OR source_mtime<>0 OR "
                "source_spooled<>0,source_offset<0 OR "
                "source_offset>source_size OR source_spooled NOT IN(0,1))",
                "has a place in its source that cannot be (source_offset, "
                "source_size, source_mtime, source_spooled)");
  out.each_task("I6",
                "SELECT task FROM fanouts WHERE broken<>'' AND "
                "(state IN(4,7) OR NOT json_valid(broken))",
                "has a source that broke (`broken`), but did not fail with it");
}

} // namespace

void check_definitions(database& db, findings& out) {
  check_sources(out);
  // Reading all of a definition takes a while; where there are very many, only
  // what the rows repeat is looked at.
  const auto whole = db.number("SELECT count(*) FROM origins") <= most_read;
  db.prepared(all_submitted).each([&](statement& row) {
    const submitted s{row};
    if (out.full())
      return;
    if (whole || !fields_agree(s) || !plain_fanout(s))
      compare_definition(db, s, out);
    check_child_input(s, out);
    if (s.parent)
      check_stored_items(db, s, out);
  });
}

} // namespace conductor::sqlite
