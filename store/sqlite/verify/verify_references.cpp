#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

struct orphans {
  const char* invariant;
  const char* sql; ///< the key of each, and one more text
  const char* before;
  const char* after;
};

/// Rows that refer to nothing. Those of a run that was recorded as pruned may
/// be there: the program that pruned it was killed, and the next one will take
/// them. Lists and definitions that nothing uses, and errors that a later one
/// has replaced, are normal.
constexpr orphans all_orphans[] = {
  {"I1",
   "SELECT t.task FROM templates t WHERE NOT EXISTS (SELECT 1 FROM blocks b"
   " WHERE b.first = (SELECT max(first) FROM blocks WHERE first <= t.task) AND"
   " t.task - b.first < b.count AND b.run = t.run AND b.parent = 0)"
   " AND t.run NOT IN (SELECT run FROM prunings)",
   "the definition of the task with key ",
   " is of no top-level task of its run"},
  {"I1",
   "SELECT b.first FROM blocks b LEFT JOIN run_rows r ON r.run = b.run WHERE"
   " r.run IS NULL AND b.run NOT IN (SELECT run FROM prunings)",
   "the block from key ", " on is of no run"},
  {"I2",
   "SELECT b.first FROM blocks b LEFT JOIN parents p ON p.task = b.parent AND"
   " p.block = b.first AND p.run = b.run WHERE b.parent <> 0 AND p.task IS NULL"
   " AND b.run NOT IN (SELECT run FROM prunings)",
   "the block from key ",
   " on is not that of the children of the task that it names as their parent"},
  {"I2",
   "SELECT b.first FROM blocks b WHERE b.parent = 0 AND (b.template <> 0 OR"
   " b.prefix <> '')",
   "the block from key ", " on names children, but holds top-level tasks"},
  {"I2",
   "SELECT s.first FROM segments s LEFT JOIN blocks b ON b.first = s.block"
   " WHERE b.first IS NULL OR s.first < b.first OR"
   " s.first - b.first + s.count > b.count",
   "the segment from key ", " on is beyond the block that it names"},
  {"I1",
   "SELECT p.task FROM parents p LEFT JOIN templates t ON t.task = p.task AND"
   " t.run = p.run WHERE t.task IS NULL AND p.run NOT IN (SELECT run FROM"
   " prunings)",
   "the parent with key ", " is no top-level task of its run"},
  {"I7",
   "SELECT e.error FROM errors e WHERE e.error >> 32 NOT IN (SELECT run FROM"
   " run_rows UNION ALL SELECT run FROM prunings)",
   "the error with key ", " is of no run"},
  {"I7",
   "SELECT o.task FROM outputs o WHERE NOT EXISTS (SELECT 1 FROM segments s"
   " WHERE s.first = (SELECT max(first) FROM segments WHERE first <= o.task)"
   " AND o.task - s.first < s.count)",
   "there is an output of the task with key ", ", which is not there"},
};

} // namespace

void check_references(database& db, findings& out) {
  for (const auto& o : all_orphans)
    db.prepared(o.sql).each([&](statement& row) {
      out.add(o.invariant, o.before + std::to_string(row.integer(0)) + o.after);
    });
  db.prepared("SELECT error, json_valid(text) FROM errors WHERE NOT"
              " json_valid(text)")
    .each([&](statement& row) {
      out.add("I7", "the error with key " + std::to_string(row.integer(0))
                      + " is not JSON");
    });
}

} // namespace conductor::sqlite
