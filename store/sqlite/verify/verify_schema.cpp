#include <array>
#include <map>

#include <conductor/json_text.hpp>

#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

/// A statement without comments and layout, which a later version of the
/// program may change.
std::string plain_sql(std::string_view sql) {
  std::string plain;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] == '\'') { // a text, as it is
      const auto end = std::min(sql.find('\'', i + 1), sql.size() - 1);
      plain += sql.substr(i, end - i + 1);
      i = end;
    } else if (sql.substr(i, 2) == "--") {
      i = std::min(sql.find('\n', i), sql.size());
    } else if (sql[i] != ' ' && sql[i] != '\n') {
      plain += sql[i];
    }
  }
  return plain;
}

/// What the schema of a database consists of: kind and name → its statement.
/// Statistics that `ANALYZE` keeps change nothing.
std::map<std::string, std::string> schema_of(database& db) {
  std::map<std::string, std::string> found;
  db.prepared("SELECT type || ' ' || name, coalesce(sql, '') || ' on ' ||"
              " tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'")
    .each([&](statement& row) { found[row.text(0)] = plain_sql(row.view(1)); });
  return found;
}

} // namespace

void check_schema(database& db, findings& out) {
  database model{":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
  model.execute(schema_text());
  const auto right = schema_of(model), stored = schema_of(db);
  for (const auto& [name, sql] : right) {
    const auto found = stored.find(name);
    if (found == stored.end())
      out.add("schema", "the " + name + " is missing");
    else if (found->second != sql)
      out.add("schema", "the " + name + " is not as this program creates it: "
                          + excerpt(found->second));
  }
  for (const auto& [name, sql] : stored)
    if (right.count(name) == 0)
      out.add("schema",
              "the " + name + " is not one of this program's: " + excerpt(sql));
}

namespace {

/// Two digits of Crockford's base 32.
std::string two_digits(std::int64_t n) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return {digits[static_cast<std::size_t>(n / 32 % 32)],
          digits[static_cast<std::size_t>(n % 32)]};
}

void check_event_kinds(database& db, findings& out) {
  std::array<std::string, 256> stored;
  db.prepared("SELECT kind, name FROM event_kinds").each([&](statement& row) {
    const auto kind = row.integer(0);
    if (kind < 0 || kind > 255
        || *to_string(static_cast<event_kind>(kind)) == 0)
      return out.add("I5", "event_kinds has a kind "
                             + std::to_string(row.integer(0)) + " named "
                             + excerpt(row.text(1))
                             + ", which this program does not know");
    stored[static_cast<std::size_t>(kind)] = row.text(1);
  });
  for (std::size_t kind = 0; kind < stored.size(); ++kind) {
    const std::string right = to_string(static_cast<event_kind>(kind));
    if (stored[kind] != right)
      out.add("I5", "event_kinds names kind " + std::to_string(kind) + " "
                      + excerpt(stored[kind]) + ", its name is "
                      + excerpt(right));
  }
  db.prepared("SELECT DISTINCT kind FROM event_spans WHERE kind NOT IN"
              " (SELECT kind FROM event_kinds)")
    .each([&](statement& row) {
      out.add("I5", "there are events of kind " + std::to_string(row.integer(0))
                      + ", which has no name");
    });
}

/// Ids are made of keys, times and the salt: all of it can be made again.
void check_run_ids(database& db, const id_space& ids, findings& out) {
  db.prepared("SELECT run, id, created, meta FROM run_rows")
    .each([&](statement& row) {
      if (out.full())
        return;
      differences d{"its key and created_at make it"};
      d.field(
        "id", row.view(1),
        std::string_view{ids.text(id_kind::run, row.time(2), row.integer(0))});
      if (d)
        out.add("I2", out.run(row.integer(0)) + ": " + d.text());
      if (!is_json(row.view(3)))
        out.add("I1", "meta of " + out.run(row.integer(0))
                        + " is not JSON: " + excerpt(row.view(3)));
    });
}

void check_mark(database& db, const id_space& ids, const char* name,
                id_kind kind, findings& out) {
  const auto right = ids.text(kind, no_time, 0).substr(10, 8);
  std::string stored;
  db.prepared("SELECT value FROM settings WHERE name = ?")
    .each([&](statement& row) { stored = row.text(0); }, name);
  if (stored != right)
    out.add("I5", std::string{"settings: "} + name + " is " + excerpt(stored)
                    + ", the salt makes it " + excerpt(right));
}

} // namespace

void check_constants(database& db, findings& out) {
  check_event_kinds(db, out);
  const auto ids = stored_ids(db);
  check_run_ids(db, ids, out);
  check_mark(db, ids, "task_mark", id_kind::task, out);
  check_mark(db, ids, "event_mark", id_kind::event, out);
  out.each_text("I5",
                "SELECT 'settings has ' || count(*) || ' rows, expected 3' FROM"
                " settings HAVING count(*) <> 3");
  std::int64_t next = 0;
  db.prepared("SELECT i, digits FROM offsets ORDER BY i")
    .each([&](statement& row) {
      next = row.integer(0) == next && row.view(1) == two_digits(next)
               ? next + 1
               : max_span + 1;
    });
  if (next != max_span)
    out.add("I5", "the table offsets is not 0 to "
                    + std::to_string(max_span - 1)
                    + " with their digits: tasks and events are missing in the"
                      " views");
  out.each_text("I1",
                "SELECT 'the row of the table engine cannot be: epoch is '"
                " || coalesce(max(epoch), 'missing') FROM engine HAVING"
                " count(*) <> 1 OR min(epoch) < 0 OR min(commits) < 0");
}

} // namespace conductor::sqlite
