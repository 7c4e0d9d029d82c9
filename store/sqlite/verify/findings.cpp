#include "store/sqlite/verify/findings.hpp"

#include <utility>
namespace conductor::sqlite {

namespace {

constexpr std::size_t most_violations = 100;
constexpr std::size_t longest_excerpt = 160;

} // namespace

bool findings::full() const {
  return found_.violations.size() >= most_violations;
}

void findings::add(const char* invariant, std::string what) {
  if (!full())
    found_.violations.push_back({invariant, std::move(what)});
}

id_space stored_ids(database& db) {
  return {static_cast<std::uint64_t>(
    db.number("SELECT value FROM settings WHERE name = 'salt'"))};
}

std::string findings::task(task_key key) {
  // The block tells the name, whether or not the task is there.
  std::string found;
  db_
    .prepared(
      "SELECT coalesce(iif(b.parent > 0, b.prefix || (?1 - b.first + 1),"
      " d.name), '?'), r.created FROM blocks b JOIN run_rows r ON r.run = b.run"
      " LEFT JOIN templates t ON t.task = ?1 LEFT JOIN definitions d ON"
      " d.definition = t.definition WHERE b.first = (SELECT max(first) FROM"
      " blocks WHERE first <= ?1) AND ?1 - b.first < b.count")
    .each(
      [&](statement& row) {
        found = "task \"" + row.text(0) + "\" ("
                + stored_ids(db_).text(id_kind::task, row.time(1), key) + ")";
      },
      key);
  return found.empty() ? "the task with key " + std::to_string(key) : found;
}

std::string findings::run(run_key key) {
  std::string found;
  db_.prepared("SELECT name, id FROM run_rows WHERE run = ?")
    .each(
      [&](statement& row) {
        found = "run \"" + row.text(0) + "\" (" + row.text(1) + ")";
      },
      key);
  return found.empty() ? "the run with key " + std::to_string(key) : found;
}

void findings::each_task(const char* invariant, std::string_view sql,
                         const char* what) {
  db_.prepared(sql).each([&](statement& row) {
    if (!full())
      add(invariant, task(row.integer(0)) + " " + what);
  });
}

void findings::each_run(const char* invariant, std::string_view sql,
                        const char* what) {
  db_.prepared(sql).each([&](statement& row) {
    if (!full())
      add(invariant, run(row.integer(0)) + " " + what);
  });
}

void findings::each_text(const char* invariant, std::string_view sql) {
  db_.prepared(sql).each([&](statement& row) { add(invariant, row.text(0)); });
}

std::string differences::shown(std::string_view text) {
  return excerpt(text);
}

std::string differences::shown(task_state state) {
  return state_in_words(state);
}

std::string differences::shown(timestamp t) {
  return t == no_time ? "none" : to_iso(t);
}

void differences::put(const char* name, const std::string& stored,
                      const std::string& right) {
  if (!text_.empty())
    text_ += "; ";
  text_ += std::string{name} + " is " + stored + ", " + word_ + " " + right;
}

std::string excerpt(std::string_view text) {
  if (text.size() <= longest_excerpt)
    return "'" + std::string{text} + "'";
  return "'" + std::string{text.substr(0, longest_excerpt)} + "…' ("
         + std::to_string(text.size()) + " bytes)";
}

std::string state_in_words(task_state state) {
  if (state == task_state::retrying)
    return "FAILED (a retry follows)";
  const std::string known = to_string(state);
  return known == "?" ? std::to_string(static_cast<int>(state)) : known;
}

} // namespace conductor::sqlite
