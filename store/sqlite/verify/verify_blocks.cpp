#include "store/event_hash.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

struct segment_row {
  explicit segment_row(const statement& row)
    : tasks{row.integer(0), row.integer(1)}, block(row.integer(2)),
      handler(row.integer(3)), state(static_cast<task_state>(row.integer(4))),
      attempt(row.integer(5)), retries(row.integer(6)), lost(row.integer(7)),
      engine(row.integer(8)), error(row.integer(9)), waits(!row.is_null(10)),
      due(row.time(10)), created(row.time(11)), started(row.time(12)),
      updated(row.time(13)) {}

  task_range tasks;
  task_key block;
  std::int64_t handler;
  task_state state;
  std::int64_t attempt, retries, lost, engine, error;
  bool waits;
  timestamp due, created, started, updated;
};

/// Goes through the segments of one block.
class block_walk {
public:
  block_walk(database& db, findings& out, const run_replay& events,
             const block_row& block)
    : db_(db), out_(out), events_(events), block_(block), next_(block.first) {
    epoch_ = db_.number("SELECT epoch FROM engine");
    if (block_.parent != 0)
      load_template();
  }

  block_count walk();

private:
  void load_template();
  void look(const segment_row& s);
  bool is_in_place(const segment_row& s);
  void check_gap(task_key end);
  void check_submitted(const segment_row& s, bool leaf);
  bool is_leaf(const segment_row& s);
  std::int64_t waiting_tasks(const segment_row& s);
  bool has_waited(task_range tasks);
  void check_waiting(const segment_row& s, bool leaf);
  void compare(const segment_row& s, task_range tasks, const task_path& p);
  void complain(const char* invariant, task_key task, const std::string& what) {
    if (!out_.full())
      out_.add(invariant, out_.task(task) + " " + what);
  }

  database& db_;
  findings& out_;
  const run_replay& events_;
  const block_row& block_;
  block_count counted_;
  task_key next_; ///< the first one that was not looked at
  std::int64_t epoch_ = 0, handler_ = 0, max_retries_ = 0;
};

void block_walk::load_template() {
  db_
    .prepared("SELECT d.handler, d.max_retries FROM templates t JOIN"
              " definitions d ON d.definition = t.definition WHERE t.task = ?")
    .each(
      [&](statement& row) {
        handler_ = row.integer(0);
        max_retries_ = row.integer(1);
      },
      block_.task_template);
}

block_count block_walk::walk() {
  db_
    .prepared("SELECT first, count, block, handler, state, attempt, retries,"
              " lost, engine, error, due, created, started, updated FROM"
              " segments WHERE first >= ? AND first < ? ORDER BY first")
    .each([&](statement& row) { look(segment_row{row}); }, block_.first,
          block_.end());
  check_gap(block_.end());
  return counted_;
}

/// Whether a segment is where it can be; what overlaps is not counted.
bool block_walk::is_in_place(const segment_row& s) {
  const auto first = s.tasks.first;
  if (s.tasks.count < 1 || s.tasks.count > longest_span
      || s.tasks.end() > block_.end())
    complain("I2", first,
             "and the tasks after it are beyond their block: count"
             " is "
               + std::to_string(s.tasks.count));
  else if (first < next_)
    complain("I2", first, "is there twice: two segments overlap");
  else if (s.block != block_.first)
    complain("I2", first, "is in a segment of another block");
  else
    return true;
  return false;
}

/// Tasks that no segment holds: children that were not created yet, or lost.
void block_walk::check_gap(task_key end) {
  if (next_ >= end)
    return;
  if (block_.parent == 0)
    return complain(
      "I1", next_,
      "and the " + std::to_string(end - next_ - 1)
        + " tasks after it were submitted, but are in no segment");
  if (const auto told = events_.tasks().find_known({next_, end - next_}))
    complain("I1", told, "has events, but is in no segment");
}

void block_walk::look(const segment_row& s) {
  if (!is_in_place(s))
    return;
  if (next_ < s.tasks.first)
    check_gap(s.tasks.first);
  next_ = s.tasks.end();
  counted_.tasks += s.tasks.count;
  const auto state = static_cast<std::size_t>(s.state);
  counted_.by_state[state & 7] += s.tasks.count;
  const auto leaf = block_.parent != 0 || is_leaf(s);
  check_waiting(s, leaf);
  check_submitted(s, leaf);
  if ((s.engine != 0) != (s.state == task_state::running) || s.engine < 0
      || s.engine > epoch_)
    complain("I8", s.tasks.first,
             "is " + state_in_words(s.state) + " and leased by engine "
               + std::to_string(s.engine) + "; there were engines 1 to "
               + std::to_string(epoch_));
  events_.tasks().each(s.tasks, [&](task_range tasks, const task_path& p) {
    compare(s, tasks, p);
  });
}

/// Handler and bound of retries, which the definition tells.
void block_walk::check_submitted(const segment_row& s, bool leaf) {
  auto handler = handler_, max_retries = max_retries_;
  if (block_.parent == 0) {
    std::int64_t templates = 0;
    db_
      .prepared("SELECT count(*), max(d.handler), min(d.handler),"
                " min(d.max_retries) FROM templates t JOIN definitions d ON"
                " d.definition = t.definition WHERE t.task >= ? AND t.task < ?"
                " AND t.run = ?")
      .each(
        [&](statement& row) {
          templates = row.integer(0);
          handler = row.integer(1) == row.integer(2) ? row.integer(1) : 0;
          max_retries = row.integer(3);
        },
        s.tasks.first, s.tasks.end(), block_.run);
    if (templates != s.tasks.count)
      return complain("I1", s.tasks.first,
                      "or one of the tasks beside it has no definition of its"
                      " run");
  }
  if (!leaf)
    handler = 0; // nothing leases parents
  if (s.handler != handler)
    complain("I1", s.tasks.first,
             "has handler number " + std::to_string(s.handler)
               + ", its definition makes it " + std::to_string(handler));
  if (s.retries > max_retries)
    complain("I8", s.tasks.first,
             "was retried " + std::to_string(s.retries)
               + " times, max_retries is " + std::to_string(max_retries));
}

/// Whether the top-level tasks of a segment are leaves, all of them.
bool block_walk::is_leaf(const segment_row& s) {
  std::int64_t parents = 0;
  db_.prepared("SELECT count(*) FROM parents WHERE task >= ? AND task < ?")
    .each([&](statement& row) { parents = row.integer(0); }, s.tasks.first,
          s.tasks.end());
  if (parents != 0 && parents != s.tasks.count)
    complain("I2", s.tasks.first,
             "shares a segment with tasks that are not of its sort: parents"
             " and leaves do not mix");
  return parents == 0;
}

/// How many tasks of a segment wait for others or for a time.
std::int64_t block_walk::waiting_tasks(const segment_row& s) {
  std::int64_t waiting = 0;
  db_
    .prepared("SELECT count(*) FROM waiting WHERE task >= ? AND task < ?"
              " AND left > 0")
    .each([&](statement& row) { waiting = row.integer(0); }, s.tasks.first,
          s.tasks.end());
  return waiting;
}

/// Whether tasks have been waiting: they fell due later than they were created.
bool block_walk::has_waited(task_range tasks) {
  std::int64_t waited = 0;
  db_.prepared("SELECT count(*) FROM waiting WHERE task >= ? AND task < ?")
    .each([&](statement& row) { waited = row.integer(0); }, tasks.first,
          tasks.end());
  return block_.parent == 0 && waited > 0;
}

/// I8: leaves that wait are found by their time; parents never are.
void block_walk::check_waiting(const segment_row& s, bool leaf) {
  const auto waits
    = s.state == task_state::pending || s.state == task_state::retrying;
  const auto task = s.tasks.first;
  if (!leaf && s.waits)
    complain("I8", task, "is a parent, but could be leased");
  else if (leaf && waits && !s.waits
           && !(block_.parent == 0 && s.state == task_state::pending
                && waiting_tasks(s) == s.tasks.count))
    complain("I8", task,
             s.state == task_state::pending
               ? "is PENDING, but no engine will find it: it has no"
                 " time from which it is due"
               : "waits for a retry that is not scheduled");
  else if (!waits && s.waits)
    complain("I8", task, "has a time from which it is due, but does not wait");
}

void block_walk::compare(const segment_row& s, task_range tasks,
                         const task_path& p) {
  if (p.state == 0) {
    if (!out_.full())
      out_.add("I3", out_.task(tasks.first) + " has no events");
    return;
  }
  counted_.known += tasks.count;
  const auto state = static_cast<task_state>(p.state);
  differences d{"its events make it"};
  d.field("state", s.state, state);
  d.field("attempt", s.attempt, std::int64_t{p.attempts});
  d.field("retry_count", s.retries, std::int64_t{p.retries});
  d.field("lost_count", s.lost, std::int64_t{p.lost});
  d.field("created_at", s.created, events_.time(p.created));
  d.field("updated_at", s.updated, events_.time(p.updated));
  if (p.attempts > 0)
    d.field("started_at", s.started, events_.time(p.started));
  if (s.waits && state == task_state::pending && !has_waited(tasks))
    d.field("the time from which it is due", s.due, events_.time(p.updated));
  if (s.waits && state == task_state::retrying && p.due != 0)
    d.field("the time of its retry", s.due, events_.time(p.due));
  if (d && !out_.full())
    out_.add("I3", out_.task(tasks.first) + ": " + d.text());
  if (p.error != 0 || s.error != 0)
    check_error(db_, out_, tasks.first, p, block_.run, s.error);
}

} // namespace

block_count check_block(database& db, findings& out, const run_replay& events,
                        const block_row& block) {
  return block_walk{db, out, events, block}.walk();
}

} // namespace conductor::sqlite
