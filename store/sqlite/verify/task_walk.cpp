#include "store/sqlite/verify/task_walk.hpp"

#include <conductor/json_text.hpp>
#include <sys/mman.h>

#include "store/event_hash.hpp"

namespace conductor::sqlite {

namespace {

bool has(const std::string& payload, const char* text) {
  return payload.find(text) != std::string::npos;
}

task_state told_state(const std::string& payload) {
  return has(payload, "\"state\":\"SUCCEEDED") ? task_state::succeeded
         : has(payload, "\"state\":\"FAILED")  ? task_state::failed
                                               : task_state::cancelled;
}

/// What a failure's payload says, cut out of its text: there may be as many as
/// tasks. It ends with the error's brace and its own, or with `retry_at`.
struct failure_text {
  std::string error, retry_at;
};

failure_text read_failure(const std::string& payload) {
  constexpr std::string_view error = ",\"error\":", retry = ",\"retry_at\":\"";
  constexpr std::size_t time = 24; // characters of ISO 8601
  const auto start = payload.find(error);
  if (payload.starts_with("{\"attempt\":") && start != std::string::npos) {
    const auto from = start + error.size(), size = payload.size();
    if (payload.ends_with("}}"))
      return {payload.substr(from, size - 1 - from), ""};
    const auto tail = retry.size() + time + 2;
    if (size > from + tail && payload.ends_with("\"}")
        && payload.compare(size - tail, retry.size(), retry) == 0)
      return {payload.substr(from, size - tail - from),
              payload.substr(size - 2 - time, time)};
  }
  const auto value = json::parse(payload, nullptr, false);
  failure_text found;
  if (value.contains("error"))
    found.error = dump(value["error"]);
  if (value.contains("retry_at") && value["retry_at"].is_string())
    found.retry_at = value["retry_at"].get<std::string>();
  return found;
}

/// What `last_error` of a FAILED parent is, unless its source broke.
std::string parents_error(const std::string& payload) {
  const auto value = json::parse(payload, nullptr, false);
  return value.contains("reason") && value.contains("failed")
           ? dump({{"type", "children_failed"},
                   {"message", value["reason"]},
                   {"failed", value["failed"]}})
           : "";
}

} // namespace

std::uint32_t fingerprint(std::string_view text) {
  const auto hash = event_hash::mix(event_hash::basis, text);
  const auto folded = static_cast<std::uint32_t>(hash ^ hash >> 32);
  return folded > lost_error ? folded : folded + 2;
}

void task_walk::release::operator()(task_path* p) const {
  ::munmap(p, bytes);
}

std::unique_ptr<task_path[], task_walk::release>
task_walk::make_paths(std::size_t size) {
  constexpr auto most = std::size_t{1} << 40;
  const auto bytes = size * sizeof(task_path);
  auto* place = size > most
                  ? MAP_FAILED
                  : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED)
    throw store_error{{errc::corrupt, "no memory for the paths of "
                                        + std::to_string(size)
                                        + " tasks: so many there cannot be"},
                      true};
  return {static_cast<task_path*>(place), release{bytes}};
}

task_walk::task_walk(database& db, findings& out)
  : db_(db), out_(out), pruned_(db),
    size_(static_cast<std::size_t>(
      db.number("SELECT max(end_task) FROM run_rows") + 1)),
    paths_(make_paths(size_)) {}

void task_walk::replay(std::int64_t& events,
                       const std::function<void(double)>& progress) {
  const auto last
    = static_cast<double>(db_.number("SELECT max(seq) FROM event_spans"));
  std::int64_t spans = 0;
  db_
    .prepared("SELECT seq,run,first,count,kind,at,payload,hash FROM "
              "event_spans ORDER BY seq")
    .each([&](statement& row) {
      const event_span s{row.integer(0),
                         row.integer(1),
                         row.integer(2),
                         row.integer(3),
                         static_cast<event_kind>(row.integer(4)),
                         row.time(5),
                         row.text(6)};
      span(s, static_cast<std::uint64_t>(row.integer(7)));
      events += s.count;
      if (progress && ++spans % 10'000 == 0)
        progress(static_cast<double>(s.seq) / last);
    });
  end_of_events();
}

void task_walk::complain_of(const event_span& s, task_key task,
                            const std::string& what) {
  if (!out_.full())
    out_.add("I3", (task ? out_.task(task) : out_.run(s.run)) + " " + what
                     + ": " + to_string(s.kind) + " at seq "
                     + std::to_string(s.seq + (task ? task - s.first : 0)));
}

void task_walk::span(const event_span& s, std::uint64_t hash) {
  skip_to(s.seq);
  expected_ = s.seq + s.count;
  auto& run = runs_[s.run];
  if (s.run != 0 && chain(run.chain, s) != hash && !out_.full())
    out_.add("I5", "the hash chain of " + out_.run(s.run) + " breaks at seq "
                     + std::to_string(s.seq)
                     + ": an event was changed, added or removed there");
  run.chain = hash;
  if (s.first == 0)
    return run_step(s);
  if (s.kind == event_kind::task_created)
    check_created(s);
  const auto what = read(s);
  for (std::int64_t i = 0; i < s.count; ++i)
    step(s, what, s.first + i);
  if (s.kind == event_kind::task_failed && what.to == task_state::retrying)
    run.retries += s.count;
}

/// Only what was pruned may be missing.
void task_walk::skip_to(event_seq next) {
  if (next == expected_)
    return;
  missing_ += next - expected_;
  if (next < expected_)
    out_.add("I5", "the events at seq " + std::to_string(next)
                     + " and after it have numbers that were used before");
  else if (!pruned_.cover(expected_, next - 1))
    out_.add("I5", "the events from seq " + std::to_string(expected_) + " to "
                     + std::to_string(next - 1) + " are missing");
}

void task_walk::end_of_events() {
  skip_to(std::max(expected_, pruned_.last() + 1));
  if (missing_ != pruned_.count())
    out_.add("I5", std::to_string(missing_) + " events are missing, "
                     + std::to_string(pruned_.count()) + " were pruned");
}

void task_walk::check_created(const event_span& s) {
  db_
    .prepared("SELECT task,created FROM task_rows WHERE task BETWEEN ? AND ? "
              "AND created<>?")
    .each(
      [&](statement& row) {
        if (!out_.full())
          out_.add("I3", out_.task(row.integer(0)) + ": created_at is "
                           + to_iso(row.time(1)) + ", its events make it "
                           + to_iso(s.at));
      },
      s.first, s.first + s.count - 1, s.at);
}

void task_walk::run_step(const event_span& s) {
  using enum task_state;
  auto& run = runs_[s.run];
  const auto move = [&](task_state from, task_state to) {
    if (run.state != from)
      complain_of(s, 0, "moves from a state that it is not in");
    run.state = to;
    run.updated = s.at;
    run.finished = settled(to) ? s.at : no_time;
  };
  if (s.kind == event_kind::run_created) {
    move(task_state{}, pending);
    run.created = s.at;
    const auto told = json::parse(s.payload, nullptr, false);
    if (told.contains("name") && told["name"].is_string())
      run.name = fingerprint(told["name"].get_ref<const std::string&>());
  } else if (s.kind == event_kind::run_started) {
    move(pending, running);
    run.started = s.at;
  } else if (s.kind == event_kind::run_reopened) {
    move(run.state == cancelled ? cancelled : failed, running);
  } else if (s.kind == event_kind::run_aggregated) {
    move(running, told_state(s.payload));
  }
}

task_walk::news task_walk::read(const event_span& s) {
  news what{.at = low32(to_ms(s.at))};
  switch (s.kind) {
  case event_kind::task_failed: {
    const auto text = read_failure(s.payload);
    const auto due = parse_iso(text.retry_at);
    what.to = text.retry_at.empty() ? task_state::failed : task_state::retrying;
    what.at = due ? low32(to_ms(*due)) : what.at;
    what.error = text.error.empty() ? 0 : fingerprint(text.error);
    break;
  }
  case event_kind::task_aggregated: {
    what.to = told_state(s.payload);
    if (what.to == task_state::failed)
      what.error = fingerprint(parents_error(s.payload));
    break;
  }
  case event_kind::task_retries_exhausted:
    what.error
      = has(s.payload, "\"because\":\"lease_expired\"") ? lost_error : 0;
    break;
  case event_kind::task_retried:
    what.by_hand = has(s.payload, "\"by\":\"hand\"");
    what.lost = has(s.payload, "\"lost_count\"");
    break;
  default: break;
  }
  return what;
}

void task_walk::step(const event_span& s, const news& what, task_key task) {
  using enum task_state;
  if (task < 0 || static_cast<std::size_t>(task) >= size_)
    return complain_of(s, task, "is none, but has an event");
  auto& p = paths_[static_cast<std::size_t>(task)];
  const auto in
    = [&](task_state x) { return p.state == static_cast<std::uint8_t>(x); };
  const auto move = [&](bool legal, task_state to) {
    if (!legal)
      complain_of(s, task, "moves from a state that it is not in");
    tasks_ += p.state == 0 ? 1 : 0;
    p.state = static_cast<std::uint8_t>(to) & 15;
    p.at = what.at;
    errors_ += p.error == 0 && what.error != 0 ? 1 : 0;
    p.error = what.error != 0 ? what.error : p.error;
  };
  switch (s.kind) {
  case event_kind::task_created: return move(p.state == 0, pending);
  case event_kind::task_started:
    ++p.attempts;
    return move(in(pending), running);
  case event_kind::task_succeeded:
    p.answered = 1;
    return move(in(running), succeeded);
  case event_kind::task_failed:
    p.answered = 1;
    return move(in(running), what.to);
  case event_kind::task_lease_expired:
    ++p.lost;
    return move(in(running), retrying);
  case event_kind::task_retries_exhausted:
    // After a lost lease this is what says that it is over.
    return move(in(failed) || in(retrying), failed);
  case event_kind::task_retried:
    p.retries = static_cast<std::uint8_t>(
      p.retries + (what.by_hand || what.lost ? 0 : 1));
    if (p.aggregated != 0) { // what a parent says is to come again
      errors_ -= p.error != 0 ? 1 : 0;
      p.error = 0;
      p.aggregated = 0;
    }
    return move(what.by_hand ? in(failed) || in(cancelled) : in(retrying),
                pending);
  case event_kind::task_cancelled:
    return move(in(pending) || in(running) || in(retrying), cancelled);
  case event_kind::task_aggregated:
    p.aggregated = 1;
    return move(in(pending), what.to);
  default: return; // no move
  }
}

} // namespace conductor::sqlite
