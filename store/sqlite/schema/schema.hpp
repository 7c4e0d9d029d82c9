#pragma once

#include "store/event_hash.hpp"
#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

/// The newest schema this program knows (PRAGMA user_version).
inline constexpr int schema_version = 2;

/// Spans of events hold at most so many events; `offsets` has as many rows.
inline constexpr std::int64_t max_span = longest_span;

/// The schema version of the file, 0 if it is empty. Throws `store_error` if
/// the file is not ours (nothing is written) or newer than this program.
int check_identity(database& db);

/// Brings the schema to `schema_version`, one transaction for all steps.
void migrate(database& db, std::uint64_t salt);

} // namespace conductor::sqlite
