#pragma once

#include <string>

namespace conductor::test {

/// Writes a database that has something of everything. Run 1 has ended: the
/// leaf `a` (key 1), the parent `p` (2, children 4 to 6) that collected what
/// they gave, and `lost` (3). Run 2 is open: `waits` (7), `again` (8) whose
/// retry is scheduled, `busy` (9), and the parent `q` (10, children 11 to 14)
/// with one child at work, one to be tried again, one created and one not.
/// Run 3 was pruned; run 4 has a leaf that waits.
void write_example(const std::string& path);

} // namespace conductor::test
