#include "store/sqlite/task_walk.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include <conductor/json_text.hpp>

#include "store/event_hash.hpp"

namespace conductor::sqlite {

namespace {

/// Where the events say that a task is. Four bytes a task, so that ten million
/// can be walked in one go.
struct path {
  std::uint8_t state = 0;                           ///< 0 = no event yet
  std::uint8_t retries = 0, lost = 0, attempts = 0; ///< modulo 256
};

/// Seqs of events that were pruned: ranges in which some may be gone, and how
/// many are.
class pruned_events {
public:
  explicit pruned_events(database& db) {
    db.prepared("SELECT first_seq,last_seq,events FROM prunings ORDER BY "
                "first_seq")
      .each([&](statement& row) {
        count_ += row.integer(2);
        last_ = std::max(last_, row.integer(1));
        if (!ranges_.empty() && row.integer(0) <= ranges_.back().second + 1)
          ranges_.back().second
            = std::max(ranges_.back().second, row.integer(1));
        else
          ranges_.emplace_back(row.integer(0), row.integer(1));
      });
  }
  /// Whether pruning may explain that first … last are missing.
  bool cover(event_seq first, event_seq last) const {
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& r) {
      return r.first <= first && last <= r.second;
    });
  }
  std::int64_t count() const { return count_; }
  event_seq last() const { return last_; }

private:
  std::vector<std::pair<event_seq, event_seq>> ranges_;
  std::int64_t count_ = 0;
  event_seq last_ = 0;
};

class walk {
public:
  walk(database& db, const complain& report)
    : report_(report), pruned_(db),
      size_(static_cast<std::size_t>(
        db.number("SELECT max(end_task) FROM run_rows") + 1)),
      paths_(static_cast<path*>(std::calloc(size_, sizeof(path)))) {
    if (!paths_)
      throw std::bad_alloc{};
  }

  void span(const event_span& s, std::uint64_t hash);
  void compare(database& db);

private:
  void skip_to(event_seq next);
  void step(const event_span& s, task_key task);
  void run_step(const event_span& s);
  void complain_of(const event_span& s, task_key task, const char* what);
  bool is_retry(const event_span& s) const {
    return json::parse(s.payload, nullptr, false).contains("retry_at");
  }

  struct release {
    void operator()(path* p) const { std::free(p); }
  };

  const complain& report_;
  pruned_events pruned_;
  std::size_t size_;
  /// By task key. Pages of keys that no task has are never touched, so that
  /// they take no memory: a fan-out reserves keys for all of its children.
  std::unique_ptr<path[], release> paths_;
  event_seq missing_ = 0;
  std::unordered_map<run_key, std::uint64_t> chains_;
  std::unordered_map<run_key, task_state> runs_;
  event_seq expected_ = 1;
};

void walk::complain_of(const event_span& s, task_key task, const char* what) {
  report_("I3", std::string{what} + ": " + to_string(s.kind) + " at seq "
                  + std::to_string(s.seq + (task ? task - s.first : 0))
                  + (task ? ", task key " + std::to_string(task) : ""));
}

void walk::span(const event_span& s, std::uint64_t hash) {
  skip_to(s.seq);
  expected_ = s.seq + s.count;
  auto& chain_of_run = chains_[s.run];
  const auto right = chain(chain_of_run, s);
  if (s.run != 0 && right != hash)
    report_("I5", "the hash chain breaks at seq " + std::to_string(s.seq));
  chain_of_run = hash;
  if (s.first == 0)
    run_step(s);
  for (std::int64_t i = 0; s.first != 0 && i < s.count; ++i)
    step(s, s.first + i);
}

/// Only what was pruned may be missing.
void walk::skip_to(event_seq next) {
  if (next == expected_)
    return;
  missing_ += next - expected_;
  if (next < expected_ || !pruned_.cover(expected_, next - 1))
    report_("I5", "events between seq " + std::to_string(expected_) + " and "
                    + std::to_string(next) + " are missing");
}

void walk::run_step(const event_span& s) {
  using enum task_state;
  auto& state = runs_[s.run];
  const auto move = [&](task_state from, task_state to) {
    if (state != from)
      complain_of(s, 0, "a run moves from a state that it is not in");
    state = to;
  };
  if (s.kind == event_kind::run_created)
    state = pending;
  else if (s.kind == event_kind::run_started)
    move(pending, running);
  else if (s.kind == event_kind::run_reopened)
    move(state == cancelled ? cancelled : failed, running);
  else if (s.kind == event_kind::run_aggregated)
    move(running, s.payload.find("SUCCEEDED") != std::string::npos ? succeeded
                  : s.payload.find("\"state\":\"FAILED") != std::string::npos
                    ? failed
                    : cancelled);
}

void walk::step(const event_span& s, task_key task) {
  using enum task_state;
  if (task < 0 || static_cast<std::size_t>(task) >= size_) {
    complain_of(s, task, "an event of a task that is none");
    return;
  }
  auto& p = paths_[static_cast<std::size_t>(task)];
  const auto move = [&](bool legal, task_state to) {
    if (!legal)
      complain_of(s, task, "a task moves from a state that it is not in");
    p.state = static_cast<std::uint8_t>(to);
  };
  const auto in
    = [&](task_state x) { return p.state == static_cast<std::uint8_t>(x); };
  switch (s.kind) {
  case event_kind::task_created: move(p.state == 0, pending); break;
  case event_kind::task_started:
    move(in(pending), running);
    ++p.attempts;
    break;
  case event_kind::task_succeeded: move(in(running), succeeded); break;
  case event_kind::task_failed:
    move(in(running), is_retry(s) ? retrying : failed);
    break;
  case event_kind::task_lease_expired:
    move(in(running), retrying);
    ++p.lost;
    break;
  case event_kind::task_retries_exhausted:
    // After a lost lease this is what says that it is over.
    move(in(failed) || in(retrying), failed);
    break;
  case event_kind::task_retried:
    if (s.payload.find("\"by\":\"hand\"") != std::string::npos) {
      move(in(failed) || in(cancelled), pending);
      break;
    }
    move(in(retrying), pending);
    p.retries = static_cast<std::uint8_t>(
      p.retries
      + (s.payload.find("\"lost_count\"") == std::string::npos ? 1 : 0));
    break;
  case event_kind::task_cancelled:
    move(in(pending) || in(running) || in(retrying), cancelled);
    break;
  case event_kind::task_aggregated:
    move(
      in(pending),
      s.payload.find("\"state\":\"SUCCEEDED") != std::string::npos ? succeeded
      : s.payload.find("\"state\":\"FAILED") != std::string::npos  ? failed
                                                                   : cancelled);
    break;
  default: break; // no move
  }
}

void walk::compare(database& db) {
  skip_to(std::max(expected_, pruned_.last() + 1));
  if (missing_ != pruned_.count())
    report_("I5", std::to_string(missing_) + " events are missing, "
                    + std::to_string(pruned_.count()) + " were pruned");
  const auto low = [](std::int64_t n) { return static_cast<std::uint8_t>(n); };
  db.prepared("SELECT task,state,attempt,retries,lost FROM task_rows")
    .each([&](statement& row) {
      const auto task = row.integer(0);
      const auto& p = paths_[static_cast<std::size_t>(task)];
      if (p.state != low(row.integer(1)) || p.attempts != low(row.integer(2))
          || p.retries != low(row.integer(3)) || p.lost != low(row.integer(4)))
        report_("I3", "the events of task key " + std::to_string(task)
                        + " do not lead to its row");
    });
  db.prepared("SELECT run,state,chain FROM run_rows").each([&](statement& row) {
    const auto run = row.integer(0);
    if (runs_[run] != static_cast<task_state>(row.integer(1)))
      report_("I3", "the events of run key " + std::to_string(run)
                      + " do not lead to its state");
    if (chains_[run] != static_cast<std::uint64_t>(row.integer(2)))
      report_("I5", "the hash chain of run key " + std::to_string(run)
                      + " does not end where the run says");
  });
}

} // namespace

void walk_events(database& db, verdict& out,
                 const std::function<void(double)>& progress,
                 const complain& report) {
  walk w{db, report};
  const auto last
    = static_cast<double>(db.number("SELECT max(seq) FROM event_spans"));
  std::int64_t spans = 0;
  db.prepared("SELECT seq,run,first,count,kind,at,payload,hash FROM "
              "event_spans ORDER BY seq")
    .each([&](statement& row) {
      const event_span s{row.integer(0),
                         row.integer(1),
                         row.integer(2),
                         row.integer(3),
                         static_cast<event_kind>(row.integer(4)),
                         row.time(5),
                         row.text(6)};
      w.span(s, static_cast<std::uint64_t>(row.integer(7)));
      out.events += s.count;
      if (progress && ++spans % 10'000 == 0)
        progress(static_cast<double>(s.seq) / last);
    });
  w.compare(db);
}

} // namespace conductor::sqlite
