#pragma once

#include <string>
#include <string_view>

#include <conductor/admin.hpp>

#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

/// Sums of stored numbers, which damage may have made huge: they wrap around.
inline std::int64_t plus(std::int64_t x, std::int64_t y) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(x)
                                   + static_cast<std::uint64_t>(y));
}
inline std::int64_t minus(std::int64_t x, std::int64_t y) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(x)
                                   - static_cast<std::uint64_t>(y));
}

/// What the database's ids are made with.
id_space stored_ids(database& db);

/// Collects what is wrong, in words for people: tasks and runs by name and id,
/// fields by the names that the views have.
class findings {
public:
  findings(database& db, verdict& found) : db_(db), found_(found) {}

  /// Whether more would not be kept: then it need not be put into words.
  bool full() const;
  void add(const char* invariant, std::string what);

  /// `task "hash#3" (01J…)`; its key where nothing names it.
  std::string task(task_key key);
  /// `run "nightly" (01J…)`
  std::string run(run_key key);

  /// Each row of a query is one thing that is wrong: a task and in which way.
  void each_task(const char* invariant, std::string_view sql, const char* what);
  /// The same of runs.
  void each_run(const char* invariant, std::string_view sql, const char* what);
  /// Each row is the text itself.
  void each_text(const char* invariant, std::string_view sql);

private:
  database& db_;
  verdict& found_;
};

/// What differs in one row, field by field: "tasks is 3, counted 2; …".
class differences {
public:
  explicit differences(const char* word = "counted") : word_(word) {}

  template <class T>
  void field(const char* name, const T& stored, const T& right) {
    if (!(stored == right))
      put(name, shown(stored), shown(right));
  }
  explicit operator bool() const { return !text_.empty(); }
  const std::string& text() const { return text_; }

private:
  static std::string shown(std::int64_t n) { return std::to_string(n); }
  static std::string shown(std::string_view text);
  static std::string shown(task_state state);
  static std::string shown(timestamp t);
  void put(const char* name, const std::string& stored,
           const std::string& right);

  const char* word_;
  std::string text_;
};

/// A text in quotes, cut where it is long.
std::string excerpt(std::string_view text);
/// FAILED tells whether a retry follows.
std::string state_in_words(task_state state);

} // namespace conductor::sqlite
