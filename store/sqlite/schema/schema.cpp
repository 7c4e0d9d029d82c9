#include "store/sqlite/schema/schema.hpp"

#include <random>

#include <schema_sql.hpp>

namespace conductor::sqlite {

namespace {

constexpr std::int64_t application_id = 0x4F52434E; // "ORCN"

/// Two digits of Crockford's base 32.
std::string two_digits(std::int64_t value) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return {digits[static_cast<std::size_t>(value >> 5 & 31)],
          digits[static_cast<std::size_t>(value & 31)]};
}

void fill_constants(database& db, std::uint64_t salt) {
  auto& offset = db.prepared("INSERT INTO offsets(i, digits) VALUES (?, ?)");
  for (std::int64_t i = 0; i < max_span; ++i)
    offset.run(i, two_digits(i));
  auto& kind = db.prepared("INSERT INTO event_kinds(kind, name) VALUES (?, ?)");
  for (int k = 1; k < 256; ++k) {
    const auto* name = to_string(static_cast<event_kind>(k));
    if (*name)
      kind.run(k, name);
  }
  const id_space ids{salt};
  const auto mark
    = [&](id_kind of) { return ids.text(of, no_time, 0).substr(10, 8); };
  auto& setting
    = db.prepared("INSERT INTO settings(name, value) VALUES (?, ?)");
  setting.run("salt", static_cast<std::int64_t>(salt));
  setting.run("task_mark", mark(id_kind::task));
  setting.run("event_mark", mark(id_kind::event));
}

std::uint64_t random_salt() {
  std::random_device device;
  return ((std::uint64_t{device()} << 32) | device()) & 0x3FFFFFFFFF;
}

} // namespace

const char* schema_text() {
  return embedded::schema_sql;
}

int check_identity(database& db) {
  const auto application = db.number("PRAGMA application_id");
  const auto version = db.number("PRAGMA user_version");
  if (application == application_id && version > schema_version)
    throw store_error{{errc::too_new, db.path() + " has schema "
                                        + std::to_string(version)
                                        + ", this program knows up to "
                                        + std::to_string(schema_version)
                                        + "; use a newer orcon"},
                      true};
  if (application == application_id)
    return static_cast<int>(version);
  if (application != 0 || db.number("SELECT count(*) FROM sqlite_master") != 0)
    throw store_error{{errc::not_ours, db.path()
                                         + " is a database of another program; "
                                           "name another file with --db"},
                      true};
  return 0;
}

void migrate(database& db, std::uint64_t salt) {
  // There is one version so far. Later ones are numbered steps, each a file
  // beside schema.sql, applied in order in this transaction.
  if (check_identity(db) == schema_version)
    return;
  db.execute("BEGIN IMMEDIATE");
  try {
    db.execute(schema_text());
    fill_constants(db, salt ? salt : random_salt());
    db.execute("PRAGMA application_id=" + std::to_string(application_id));
    db.execute("PRAGMA user_version=" + std::to_string(schema_version));
    db.execute("COMMIT");
  } catch (...) {
    sqlite3_exec(db.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

} // namespace conductor::sqlite
