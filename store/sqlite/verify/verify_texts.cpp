#include <conductor/json_text.hpp>

#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

/// What all texts of a task have in common: they are JSON, and of a task.
bool in_order(const statement& row, const task_walk& walk, const char* column,
              findings& out) {
  const auto task = row.integer(0);
  if (!walk.find(task)) {
    if (!out.full())
      out.add("I1", std::string{"there is an "} + column + " of "
                      + out.task(task)
                      + ", which is not there: " + excerpt(row.text(1)));
    return false;
  }
  const auto text = row.text(1);
  if (is_json(text))
    return true;
  if (!out.full())
    out.add("I1", std::string{column} + " of " + out.task(task)
                    + " is not JSON: " + excerpt(text));
  return false;
}

struct failure {
  event_seq seq = 0;
  event_kind kind{};
  std::string error;
};

/// The newest event that tells of an error of the task; only where something is
/// wrong with it already.
failure newest_failure(database& db, task_key task) {
  failure found;
  db.prepared("SELECT seq+?1-first,kind,payload FROM event_spans WHERE first>0 "
              "AND first BETWEEN ?1-1023 AND ?1 AND first+count>?1 AND "
              "(kind IN(?2,?3) OR kind=?4 AND "
              "payload LIKE '%\"because\":\"lease_expired\"%') "
              "ORDER BY seq DESC LIMIT 1")
    .each(
      [&](statement& row) {
        found = {row.integer(0), static_cast<event_kind>(row.integer(1)), ""};
        const auto payload = json::parse(row.text(2), nullptr, false);
        for (const auto* member : {"error", "reason", "because"})
          if (found.error.empty() && payload.contains(member))
            found.error = dump(payload[member]);
      },
      task, event_kind::task_failed, event_kind::task_aggregated,
      event_kind::task_retries_exhausted);
  return found;
}

std::string broken_source(database& db, task_key task) {
  std::string found;
  db.prepared("SELECT broken FROM fanouts WHERE task=?")
    .each([&](statement& row) { found = row.text(0); }, task);
  return found;
}

bool is_right(database& db, const task_path& p, task_key task,
              const std::string& error) {
  if (p.error == lost_error) {
    const auto value = json::parse(error, nullptr, false);
    return value.is_object() && value.value("type", json{}) == "lease_expired";
  }
  if (p.aggregated == 0)
    return p.error == fingerprint(error);
  // A parent; where its expansion was ended early, that is its error.
  const auto broken = broken_source(db, task);
  return broken.empty() ? p.error == fingerprint(error) : error == broken;
}

void complain_of_error(database& db, task_key task, const std::string& stored,
                       findings& out) {
  const auto told = newest_failure(db, task);
  if (told.seq == 0)
    return out.add("I7", "last_error of " + out.task(task) + " is " + stored
                           + ", but no event tells of a failure");
  const auto broken = broken_source(db, task);
  out.add(
    "I7",
    "last_error of " + out.task(task) + " is " + stored + "; "
      + to_string(told.kind) + " at seq " + std::to_string(told.seq) + " says "
      + excerpt(told.error)
      + (broken.empty() ? "" : ", its source broke with " + excerpt(broken)));
}

} // namespace

void check_items(database& db, const task_walk& walk, findings& out) {
  db.prepared("SELECT task,item FROM items").each([&](statement& row) {
    in_order(row, walk, "input item", out);
  });
}

void check_outputs(database& db, const task_walk& walk, findings& out) {
  db.prepared("SELECT task,output FROM outputs").each([&](statement& row) {
    if (!in_order(row, walk, "output", out) || out.full())
      return;
    const auto* p = walk.find(row.integer(0));
    if (p->answered == 0 && p->aggregated == 0)
      out.add("I7", out.task(row.integer(0)) + " has an output ("
                      + excerpt(row.text(1))
                      + "), but no event tells of an attempt that ended");
  });
}

void check_errors(database& db, const task_walk& walk, findings& out) {
  std::int64_t known = 0;
  db.prepared("SELECT task,error FROM errors").each([&](statement& row) {
    const auto task = row.integer(0);
    const auto* p = walk.find(task);
    known += p && p->error != 0 ? 1 : 0;
    if (in_order(row, walk, "last_error", out) && !out.full()
        && !is_right(db, *p, task, row.text(1)))
      complain_of_error(db, task, excerpt(row.text(1)), out);
  });
  if (known == walk.errors())
    return;
  auto& look = db.prepared("SELECT 1 FROM errors WHERE task=?");
  for (task_key task = 1; task < walk.end() && !out.full(); ++task) {
    const auto* p = walk.find(task);
    auto there = !p || p->error == 0;
    if (!there)
      look.each([&](statement&) { there = true; }, task);
    if (!there)
      complain_of_error(db, task, "missing", out);
  }
}

} // namespace conductor::sqlite
