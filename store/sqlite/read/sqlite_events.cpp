#include <algorithm>

#include "store/glob.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

namespace {

/// The kinds of events that a filter asks for; empty = none.
std::string kinds_named(const std::string& wanted) {
  std::vector<event_kind> kinds;
  for (int k = 1; k < 256; ++k)
    if (const auto kind = static_cast<event_kind>(k); is_named(kind, wanted))
      kinds.push_back(kind);
  return code_list(kinds);
}

/// Makes the events of a span, or of one task of it, from a row of
/// `sql::select_events`.
class event_row {
public:
  event_row(const statement& row, const id_space& ids) : row_(row), ids_(ids) {
    const auto seq = row.integer(0);
    const checked_row values{row, "event", seq};
    count_ = values.count(2, max_span);
    first_ = values.count(1);
    if (count_ == 0 || seq < 0 || seq > largest_key
        || (first_ == 0 && count_ > 1))
      throw damaged("event", seq, "its span is out of range");
    record_.seq = seq;
    record_.run_id = row.text(7);
    record_.name = to_string(static_cast<event_kind>(row.integer(3)));
    record_.at = row.time(4);
    record_.payload = row.text(5);
    record_.hash = static_cast<std::uint64_t>(row.integer(6));
    if (first_ != 0)
      read_block();
  }

  /// The offsets that the row stands for: of a span of top-level tasks each
  /// has a row.
  task_range offsets() const {
    return top_level_ ? task_range{row_.integer(12) - first_, 1}
                      : task_range{0, count_};
  }

  event_record at(std::int64_t offset) const {
    auto e = record_;
    e.seq += offset;
    e.id = ids_.text(id_kind::event, e.at, e.seq);
    if (first_ == 0)
      return e;
    const auto task = first_ + offset;
    e.task_id = ids_.text(id_kind::task, row_.time(8), task);
    e.task_name = top_level_
                    ? row_.text(13)
                    : prefix_ + std::to_string(task - row_.integer(9) + 1);
    return e;
  }

private:
  void read_block() {
    const auto need = [&](int column, const char* what) {
      if (row_.is_null(column))
        throw damaged("event", record_.seq,
                      std::string{"the "} + what + " of its task is missing");
    };
    need(7, "run");
    need(9, "block");
    top_level_ = row_.integer(10) == 0;
    if (top_level_) {
      need(12, "template");
      need(13, "definition");
    }
    prefix_ = row_.text(11);
  }

  const statement& row_;
  const id_space& ids_;
  task_key first_ = 0;
  std::int64_t count_ = 0;
  bool top_level_ = false;
  std::string prefix_;
  event_record record_;
};

} // namespace

std::vector<event_record> sqlite_reader::list_events(const event_filter& filter,
                                                     event_seq after,
                                                     std::size_t limit) {
  const auto kinds = kinds_named(filter.name);
  if (kinds.empty() || limit == 0)
    return {};
  auto text = sql::select_events.str();
  if (filter.run != 0)
    text += sql::event_is_of_run;
  if (filter.task != 0)
    text += sql::event_is_of_task;
  text += sql::event_is_of_kinds;
  text += kinds;
  text += sql::events_by_seq;
  std::vector<event_record> found;
  const auto take = [&](statement& row) {
    const event_row events{row, ids_};
    const auto offsets = events.offsets();
    const auto first = row.integer(1);
    const auto from
      = std::max(offsets.first, after - row.integer(0) + 1); // seq > after
    for (auto i = from; i < offsets.end() && found.size() < limit; ++i)
      if (filter.task == 0 || first + i == filter.task)
        found.push_back(events.at(i));
  };
  db_->prepared(text).each(take, after, static_cast<std::int64_t>(limit),
                           filter.run, filter.task);
  return found;
}

std::vector<event_span> sqlite_reader::list_event_spans(run_key run,
                                                        event_seq after,
                                                        std::size_t limit) {
  // The index on `run` ends in seq, so that each page is one walk along it.
  std::vector<event_span> found;
  db_->prepared(sql::spans_of_run)
    .each(
      [&](statement& row) {
        const auto seq = row.integer(0);
        const auto tasks = checked_row{row, "event", seq}.range(1, max_span);
        found.push_back({.seq = seq,
                         .run = run,
                         .first = tasks.first,
                         .count = tasks.count,
                         .kind = static_cast<event_kind>(row.integer(3)),
                         .at = row.time(4),
                         .payload = {}});
      },
      run, after, static_cast<std::int64_t>(limit));
  return found;
}

event_seq sqlite_reader::last_event() {
  return db_->number(sql::last_seq);
}

std::optional<timestamp> sqlite_reader::last_settled(run_key run) {
  // Backwards along the index on `run`, which ends in seq: soon found.
  std::optional<timestamp> last;
  db_->prepared(sql::last_settled)
    .each([&](statement& row) { last = row.time(0); }, run);
  return last;
}

std::vector<std::int64_t>
sqlite_reader::count_events(const std::vector<event_kind>& kinds, run_key run,
                            timestamp since) {
  const auto moment = snapshot();
  const auto from = since == no_time ? 0 : last_event_before(since);
  auto text = sql::count_kinds.str();
  if (run != 0)
    text += sql::count_is_of_run;
  text += sql::count_is_of_kinds;
  text += code_list(kinds) + ")";
  std::vector<std::int64_t> counts(kinds.size());
  db_->prepared(text).each(
    [&](statement& row) {
      const auto count
        = checked_row{row, "event kind", row.integer(0)}.count(1, max_span);
      for (std::size_t i = 0; i < kinds.size(); ++i)
        if (static_cast<std::int64_t>(kinds[i]) == row.integer(0))
          counts[i] += count;
    },
    from, run);
  return counts;
}

event_seq sqlite_reader::last_event_before(timestamp at) {
  // Seq grows with time, so that the place is found by halving.
  event_seq low = 0,
            high = std::clamp(last_event(), event_seq{0}, largest_key) + 1;
  auto& probe = db_->prepared(sql::span_at);
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    auto early = true;
    probe.each([&](statement& row) { early = row.time(1) < at; }, middle);
    (early ? low : high) = middle;
  }
  return low;
}

} // namespace conductor::sqlite
