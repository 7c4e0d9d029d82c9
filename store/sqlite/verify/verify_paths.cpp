#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

/// The number that is `low` modulo `modulus` and next to `stored`: what the
/// events make of it, in full.
std::int64_t near(std::int64_t stored, std::int64_t low, std::int64_t modulus) {
  const auto base = stored - (stored % modulus + modulus) % modulus;
  auto best = base + low;
  for (const auto candidate : {best - modulus, best + modulus})
    if (std::abs(candidate - stored) < std::abs(best - stored))
      best = candidate;
  return best;
}

constexpr std::int64_t byte = 256, word = std::int64_t{1} << 32;

void compare_task(const statement& row, const task_path& p, findings& out) {
  const auto state = static_cast<task_state>(p.state);
  differences d{"its events make it"};
  d.field("state", static_cast<task_state>(row.integer(1)), state);
  const auto count = [&](const char* name, int column, std::int64_t low) {
    d.field(name, row.integer(column), near(row.integer(column), low, byte));
  };
  count("attempt", 2, p.attempts);
  count("retry_count", 3, p.retries);
  count("lost_count", 4, p.lost);
  // Of who waits for a retry the path keeps another time.
  if (state != task_state::retrying)
    d.field("updated_at", row.time(5),
            from_ms(near(row.integer(5), p.at, word)));
  if (d)
    out.add("I3", out.task(row.integer(0)) + ": " + d.text());
}

/// Tasks that only the events know.
void name_missing_tasks(database& db, const task_walk& walk, findings& out) {
  auto& look = db.prepared("SELECT 1 FROM task_rows WHERE task=?");
  for (task_key task = 1; task < walk.end() && !out.full(); ++task) {
    auto there = walk.find(task) == nullptr;
    if (!there)
      look.each([&](statement&) { there = true; }, task);
    if (!there)
      out.add("I1", out.task(task) + " has events, but its row is missing");
  }
}

} // namespace

void compare_tasks(database& db, const task_walk& walk, findings& out) {
  std::int64_t known = 0;
  db.prepared("SELECT task,state,attempt,retries,lost,updated FROM task_rows")
    .each([&](statement& row) {
      const auto* p = walk.find(row.integer(0));
      known += p ? 1 : 0;
      if (p && p->state == static_cast<std::uint8_t>(row.integer(1))
          && p->attempts == static_cast<std::uint8_t>(row.integer(2))
          && p->retries == static_cast<std::uint8_t>(row.integer(3))
          && p->lost == static_cast<std::uint8_t>(row.integer(4))
          && (p->at == low32(row.integer(5))
              || p->state == static_cast<int>(task_state::retrying)))
        return;
      if (out.full())
        return;
      if (p)
        compare_task(row, *p, out);
      else
        out.add("I3", out.task(row.integer(0)) + " has no events");
    });
  if (known < walk.tasks())
    name_missing_tasks(db, walk, out);
}

void compare_runs(database& db, const task_walk& walk, findings& out) {
  std::int64_t known = 0;
  db.prepared("SELECT run,state,retries,created,updated,started,finished,"
              "chain,name FROM run_rows")
    .each([&](statement& row) {
      const auto found = walk.runs().find(row.integer(0));
      if (found == walk.runs().end())
        return out.add("I3", out.run(row.integer(0)) + " has no events");
      ++known;
      const auto& p = found->second;
      differences d{"its events make it"};
      d.field("state", static_cast<task_state>(row.integer(1)), p.state);
      d.field("retries", row.integer(2), p.retries);
      d.field("created_at", row.time(3), p.created);
      d.field("updated_at", row.time(4), p.updated);
      d.field("started_at", row.time(5), p.started);
      d.field("finished_at", row.time(6), p.finished);
      if (d && !out.full())
        out.add("I3", out.run(row.integer(0)) + ": " + d.text());
      if (p.chain != static_cast<std::uint64_t>(row.integer(7)))
        out.add("I5", "the hash chain of " + out.run(row.integer(0))
                        + " does not end where the run says");
      if (p.name != 0 && p.name != fingerprint(row.text(8)))
        out.add("I1", out.run(row.integer(0))
                        + " was created with another name than " + row.text(8));
    });
  const auto of_none = walk.runs().count(0) != 0 ? 1 : 0;
  if (known + of_none < static_cast<std::int64_t>(walk.runs().size()))
    out.each_text("I1",
                  "SELECT 'the run with key '||run||' has events, but its "
                  "row is missing' FROM (SELECT DISTINCT run FROM "
                  "event_spans WHERE run<>0) WHERE run NOT IN (SELECT "
                  "run FROM run_rows)");
}

/// Who waits is to be found from the moment that its newest event tells.
void compare_due(database& db, const task_walk& walk, findings& out) {
  db.prepared("SELECT task,at FROM due").each([&](statement& row) {
    const auto* p = walk.find(row.integer(0));
    if (!p || p->at == low32(row.integer(1)) || out.full())
      return;
    out.add("I8", out.task(row.integer(0)) + " is to be worked on from "
                    + to_iso(row.time(1)) + " on, its events say "
                    + to_iso(from_ms(near(row.integer(1), p->at, word))));
  });
}

} // namespace conductor::sqlite
