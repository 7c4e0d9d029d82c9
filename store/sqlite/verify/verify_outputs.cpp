#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>

#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

void check_outputs(database& db, findings& out, const run_replay& events,
                   const block_row& block) {
  db.prepared("SELECT task, output FROM outputs WHERE task >= ? AND task < ?")
    .each(
      [&](statement& row) {
        const auto task = row.integer(0);
        const auto path = events.tasks().at(task);
        if (out.full())
          return;
        if (path.state == 0)
          out.add("I1", "there is an output of " + out.task(task)
                          + ", which is not there: " + excerpt(row.view(1)));
        else if (!is_json(row.view(1)))
          out.add("I7", "output of " + out.task(task)
                          + " is not JSON: " + excerpt(row.view(1)));
        else if (path.answered == 0 && path.aggregated == 0)
          out.add("I7", out.task(task) + " has an output ("
                          + excerpt(row.view(1))
                          + "), but no event tells of an attempt that ended");
      },
      block.first, block.end());
}

namespace {

std::optional<std::string> load_error(database& db, std::int64_t error) {
  std::optional<std::string> found;
  db.prepared("SELECT text FROM errors WHERE error = ?")
    .each([&](statement& row) { found = row.text(0); }, error);
  return found;
}

std::string expansion_error_of(database& db, task_key task) {
  std::string found;
  db.prepared("SELECT expansion_error FROM parents WHERE task = ?")
    .each([&](statement& row) { found = row.text(0); }, task);
  return found;
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
  db.prepared("SELECT seq + ?1 - first, kind, payload FROM event_spans WHERE"
              " first > 0 AND first BETWEEN ?1 - 1023 AND ?1 AND"
              " first + count > ?1 AND (kind IN (?2, ?3) OR kind = ?4 AND"
              " payload LIKE '%\"because\":\"lease_expired\"%')"
              " ORDER BY seq DESC LIMIT 1")
    .each(
      [&](statement& row) {
        found = {row.integer(0), static_cast<event_kind>(row.integer(1)), ""};
        const auto payload = parse_stored(row.text(2));
        for (const auto* member : {"error", "reason", "because"})
          if (found.error.empty() && payload.contains(member))
            found.error = dump(payload[member]);
      },
      task, event_kind::task_failed, event_kind::task_aggregated,
      event_kind::task_retries_exhausted);
  return found;
}

bool is_right(database& db, const task_path& p, task_key task,
              const std::string& error) {
  if (p.error == lost_error)
    return type_of_error(error) == error_type::lease_expired;
  if (p.aggregated == 0)
    return p.error == fingerprint(error);
  // A parent; where its expansion was ended early, that is its error.
  const auto early = expansion_error_of(db, task);
  return early.empty() ? p.error == fingerprint(error) : error == early;
}

void complain_of_error(database& db, task_key task, const std::string& stored,
                       findings& out) {
  const auto told = newest_failure(db, task);
  if (told.seq == 0)
    return out.add("I7", "last_error of " + out.task(task) + " is " + stored
                           + ", but no event tells of a failure");
  const auto early = expansion_error_of(db, task);
  out.add(
    "I7",
    "last_error of " + out.task(task) + " is " + stored + "; "
      + to_string(told.kind) + " at seq " + std::to_string(told.seq) + " says "
      + excerpt(told.error)
      + (early.empty() ? "" : ", its expansion ended with " + excerpt(early)));
}

} // namespace

void check_error(database& db, findings& out, task_key task,
                 const task_path& path, run_key run, std::int64_t error) {
  if (out.full())
    return;
  const auto text = error == 0 ? std::nullopt : load_error(db, error);
  if (error != 0 && (error >> 32) != run)
    return out.add("I7", "last_error of " + out.task(task)
                           + " is one of another run (key "
                           + std::to_string(error) + ")");
  if (path.error == 0 && !text)
    return out.add("I7", "last_error of " + out.task(task) + " has the key "
                           + std::to_string(error) + ", which is not there");
  if (!text)
    return complain_of_error(db, task, "missing", out);
  if (path.error == 0 || !is_right(db, path, task, *text))
    complain_of_error(db, task, excerpt(*text), out);
}

} // namespace conductor::sqlite
