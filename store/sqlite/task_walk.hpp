#pragma once

#include <functional>
#include <string>

#include <conductor/verify.hpp>

#include "store/sqlite/database.hpp"

namespace conductor::sqlite {

/// Reports one violation: its invariant and what is wrong.
using complain = std::function<void(const char*, std::string)>;

/// Replays all events: seq without gaps and hash chains whole (I5), every path
/// legal and ending where the row says (I3), one event a move (I4).
void walk_events(database& db, verdict& out,
                 const std::function<void(double)>& progress,
                 const complain& report);

} // namespace conductor::sqlite
