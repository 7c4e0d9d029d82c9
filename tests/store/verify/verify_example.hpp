#pragma once

#include <string>

namespace conductor::test {

/// Writes a database that has something of everything. Run 1 has ended: the
/// leaf `a` (key 1), the parent `p` (2, children 4 to 6, items in list 1) that
/// collected their outputs, and `lost` (3). Run 2 is open: `waits` (7), which
/// was given back once, `again` (8) whose retry is scheduled, `busy` (9) which
/// is RUNNING, and the parent `q` (10, children 11 to 14) with one child
/// RUNNING, one to be tried again, one created and one not. Run 3 was pruned;
/// run 4 has a leaf that waits.
void write_example(const std::string& path);

} // namespace conductor::test
