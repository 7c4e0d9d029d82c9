#pragma once

#include "store/event_hash.hpp"
#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

inline constexpr int schema_version = 1;

/// A span of events, and a segment of tasks, hold at most so many; the table
/// `offsets` has as many rows.
inline constexpr std::int64_t max_span = longest_span;

/// The version of the schema, 0 for an empty file. Throws `store_error` if the
/// file is of another program or of a newer one.
int check_identity(database& db);

/// Creates or upgrades the schema in one transaction.
void migrate(database& db, std::uint64_t salt);

/// The statements that create the schema, from schema.sql.
const char* schema_text();

} // namespace conductor::sqlite
