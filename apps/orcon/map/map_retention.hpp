#pragma once

#include "apps/orcon/cli.hpp"

namespace orcon {

/// Deletes runs of `map` from the user's own database that ended longer ago
/// than `keep` (a duration or "forever"), and gives their space back. Other
/// databases, other runs, and a database that is in use stay as they are.
/// Errors: invalid (the setting); what goes wrong with the database is for the
/// command that follows.
conductor::error prune_old_maps(const settings& s, const std::string& keep);

} // namespace orcon
