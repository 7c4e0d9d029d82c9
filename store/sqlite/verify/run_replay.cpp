#include "store/sqlite/verify/run_replay.hpp"

#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>

#include "store/event_hash.hpp"
#include "store/sqlite/verify/payload_text.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

using enum task_state;

bool in(const task_path& p, task_state state) {
  return p.state == static_cast<std::uint8_t>(state);
}

task_state state_in(const std::string& payload) {
  const auto text = member_text(payload, "state");
  return text == "\"SUCCEEDED\"" ? succeeded
         : text == "\"FAILED\""  ? failed
                                 : cancelled;
}

/// What the last error of a FAILED parent is, unless its expansion ended early.
std::string parents_error(const std::string& payload) {
  const auto value = parse_stored(payload);
  return value.contains("reason") && value.contains("failed")
           ? dump({{"type", "children_failed"},
                   {"message", value["reason"]},
                   {"failed", value["failed"]}})
           : "";
}

std::uint16_t low16(std::int64_t n) {
  return static_cast<std::uint16_t>(n);
}

} // namespace

std::uint32_t fingerprint(std::string_view text) {
  const auto hash = event_hash::mix(event_hash::basis, text);
  const auto folded = static_cast<std::uint32_t>(hash ^ hash >> 32);
  return folded > lost_error ? folded : folded + 2;
}

void run_replay::replay() {
  db_
    .prepared("SELECT seq, first, count, kind, at, payload, hash FROM"
              " event_spans WHERE run = ? ORDER BY seq")
    .each(
      [&](statement& row) {
        const event_span s{row.integer(0), run_, row.integer(1),
                           row.integer(2), {},   row.time(4),
                           row.text(5)};
        ++spans_;
        const auto kind = row.integer(3);
        if (s.count < 1 || s.count > longest_span || s.first < 0
            || s.first > most_keys || kind < 0 || kind > 255) {
          out_.add("I5", "the event at seq " + std::to_string(s.seq)
                           + " has a kind, task or count that cannot be");
          return;
        }
        auto known = s;
        known.kind = static_cast<event_kind>(kind);
        span(known, static_cast<std::uint64_t>(row.integer(6)));
      },
      run_);
}

std::int64_t run_replay::expansion_ended_at(task_key parent) const {
  const auto found = ended_expansions_.find(parent);
  return found == ended_expansions_.end() ? -1 : found->second;
}

void run_replay::complain_of(const event_span& s, task_key task,
                             const std::string& what) {
  if (!out_.full())
    out_.add("I3", (task ? out_.task(task) : out_.run(run_)) + " " + what + ": "
                     + to_string(s.kind) + " at seq "
                     + std::to_string(s.seq + (task ? task - s.first : 0)));
}

std::uint32_t run_replay::place_of(timestamp t) {
  if (times_.back() != to_ms(t))
    times_.push_back(to_ms(t));
  return static_cast<std::uint32_t>(times_.size() - 1);
}

void run_replay::span(const event_span& s, std::uint64_t hash) {
  if (chain(path_.chain, s) != hash && !out_.full())
    out_.add("I5", "the hash chain of " + out_.run(run_) + " breaks at seq "
                     + std::to_string(s.seq)
                     + ": an event was changed, added or removed there");
  path_.chain = hash;
  events_ += s.count;
  if (s.first == 0)
    return run_step(s);
  if (s.kind == event_kind::fanout_completed
      || s.kind == event_kind::fanout_skipped)
    ended_expansions_[s.first]
      = member_number(s.payload, "created").value_or(0);
  if (s.kind == event_kind::task_created && s.payload != "{}")
    check_submission(s);
  const auto what = read(s);
  if (s.kind == event_kind::task_failed && what.to == retrying)
    path_.retries += s.count;
  tasks_.change({s.first, s.count}, [&](task_range tasks, task_path& p) {
    step(s, what, tasks, p);
  });
}

// -- runs ---------------------------------------------------------------------

void run_replay::move_run_to(const event_span& s, bool legal, task_state to) {
  if (!legal)
    complain_of(s, 0, "moves from a state that it is not in");
  path_.state = to;
  path_.updated = s.at;
  path_.finished = settled(to) ? s.at : no_time;
}

void run_replay::run_step(const event_span& s) {
  const auto state = path_.state;
  if (s.kind == event_kind::run_created) {
    move_run_to(s, state == task_state{}, pending);
    path_.created = s.at;
    const auto told = parse_stored(s.payload);
    if (told.contains("name") && told["name"].is_string())
      path_.name = told["name"].get<std::string>();
    path_.tasks = member_number(s.payload, "tasks").value_or(0);
  } else if (s.kind == event_kind::run_started) {
    move_run_to(s, state == pending, running);
    path_.started = s.at;
  } else if (s.kind == event_kind::run_reopened) {
    move_run_to(s, state == failed || state == cancelled, running);
  } else if (s.kind == event_kind::run_aggregated) {
    const auto to = state_in(s.payload);
    move_run_to(s, state == running || (state == pending && to == cancelled),
                to);
  }
}

/// The event of a top-level task's creation tells its name, and how many
/// children it has.
void run_replay::check_submission(const event_span& s) {
  std::string name;
  std::int64_t children = -1;
  db_
    .prepared("SELECT d.name, coalesce(b.count, iif(p.task IS NULL, -1, 0))"
              " FROM templates t JOIN definitions d ON d.definition ="
              " t.definition LEFT JOIN parents p ON p.task = t.task"
              " LEFT JOIN blocks b ON b.first = p.block AND b.parent = p.task"
              " WHERE t.task = ?")
    .each(
      [&](statement& row) {
        name = row.text(0);
        children = row.integer(1);
      },
      s.first);
  if (out_.full())
    return;
  differences d{"its event says"};
  const auto told = parse_stored(s.payload);
  const auto* told_name = told.contains("name")
                            ? told["name"].get_ptr<const std::string*>()
                            : nullptr;
  d.field("name", std::string_view{name},
          std::string_view{told_name ? *told_name : std::string{}});
  d.field("the number of children", children,
          member_number(s.payload, "children").value_or(-1));
  if (d)
    out_.add("I1", out_.task(s.first) + ": " + d.text());
}

// -- tasks --------------------------------------------------------------------

void run_replay::read_failure(const event_span& s, telling& what) {
  const auto error = member_text(s.payload, "error");
  const auto due = member_text(s.payload, "retry_at");
  what.to = due.empty() ? failed : retrying;
  what.error = error.empty() ? 0 : fingerprint(error);
  if (due.size() < 2)
    return;
  if (const auto at = parse_iso(due.substr(1, due.size() - 2)))
    what.due = place_of(*at);
}

run_replay::telling run_replay::read(const event_span& s) {
  telling what;
  const auto number = [&](const char* name) {
    return member_number(s.payload, name).value_or(-1);
  };
  switch (s.kind) {
  case event_kind::task_failed: read_failure(s, what); [[fallthrough]];
  case event_kind::task_succeeded:
    what.took = number("took_ms");
    [[fallthrough]];
  case event_kind::task_started: what.attempt = number("attempt"); break;
  case event_kind::task_lease_expired:
    what.lost_count = number("lost_count");
    break;
  case event_kind::task_aggregated:
    what.to = state_in(s.payload);
    if (what.to == failed)
      what.error = fingerprint(parents_error(s.payload));
    break;
  case event_kind::task_retries_exhausted:
    if (member_text(s.payload, "because") == "\"lease_expired\"")
      what.error = lost_error;
    break;
  case event_kind::task_retried:
    what.by_hand = member_text(s.payload, "by") == "\"hand\"";
    what.retry_count = number("retry_count");
    what.lost_count = number("lost_count");
    what.lost = what.lost_count >= 0;
    break;
  default: break;
  }
  what.at = place_of(s.at);
  return what;
}

void run_replay::move(const event_span& s, const telling& what,
                      task_range tasks, task_path& p, bool legal,
                      task_state to) {
  if (!legal)
    complain_of(s, tasks.first, "moves from a state that it is not in");
  p.state = static_cast<std::uint8_t>(to) & 15;
  p.updated = what.at;
  p.due = what.due;
  if (what.error != 0)
    p.error = what.error;
}

void run_replay::step(const event_span& s, const telling& what,
                      task_range tasks, task_path& p) {
  switch (s.kind) {
  case event_kind::task_created:
    created_ += p.state == 0 ? tasks.count : 0;
    p.created = what.at;
    return move(s, what, tasks, p, p.state == 0, pending);
  case event_kind::task_started:
    ++p.attempts;
    p.started = what.at;
    if (what.attempt >= 0 && what.attempt != p.attempts)
      complain_of(s, tasks.first, "begins another attempt than its next one");
    return move(s, what, tasks, p, in(p, pending), running);
  case event_kind::task_succeeded:
  case event_kind::task_failed: return end_attempt(s, what, tasks, p);
  case event_kind::task_lease_expired: return lose(s, what, tasks, p);
  case event_kind::task_retries_exhausted:
    // After a lost lease this is what says that it is over.
    return move(s, what, tasks, p, in(p, failed) || in(p, retrying), failed);
  case event_kind::task_retried: return return_to_pending(s, what, tasks, p);
  case event_kind::task_cancelled:
    return move(s, what, tasks, p,
                in(p, pending) || in(p, running) || in(p, retrying), cancelled);
  case event_kind::task_aggregated:
    p.aggregated = 1;
    return move(s, what, tasks, p, in(p, pending), what.to);
  default: return; // no move
  }
}

void run_replay::end_attempt(const event_span& s, const telling& what,
                             task_range tasks, task_path& p) {
  p.answered = 1;
  if (what.attempt >= 0 && what.attempt != p.attempts)
    complain_of(s, tasks.first, "ends another attempt than its last one");
  // Where the event tells how long the attempt ran, it began that long before.
  if (what.took >= 0 && what.took <= to_ms(s.at) - times_[p.created])
    p.started = place_of(s.at - milliseconds{what.took});
  move(s, what, tasks, p, in(p, running),
       s.kind == event_kind::task_succeeded ? succeeded : what.to);
}

void run_replay::lose(const event_span& s, const telling& what,
                      task_range tasks, task_path& p) {
  // Leases that the engine gave back itself are not counted.
  const auto counted = what.lost_count < 0 ? p.lost + 1 : what.lost_count;
  if (counted < p.lost || counted > p.lost + 1)
    complain_of(s, tasks.first, "counts lost leases that it did not lose");
  p.lost = low16(counted);
  move(s, what, tasks, p, in(p, running), retrying);
}

void run_replay::return_to_pending(const event_span& s, const telling& what,
                                   task_range tasks, task_path& p) {
  if (!what.by_hand && !what.lost) {
    p.retries = low16(p.retries + 1);
    if (p.due != 0 && to_ms(s.at) < times_[p.due] && !out_.full())
      out_.add("I8", out_.task(tasks.first) + " was retried at seq "
                       + std::to_string(s.seq + tasks.first - s.first)
                       + ", before it was due");
  }
  if (what.retry_count >= 0 && what.retry_count != p.retries)
    complain_of(s, tasks.first, "counts retries that it did not have");
  if (p.aggregated != 0) { // what a parent says is to come again
    p.error = 0;
    p.aggregated = 0;
  }
  move(s, what, tasks, p,
       what.by_hand ? in(p, failed) || in(p, cancelled) : in(p, retrying),
       pending);
}

} // namespace conductor::sqlite
