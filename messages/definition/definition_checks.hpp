#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/definition.hpp>

/// The rules that hold for a run however it was made.
namespace conductor::detail {

inline constexpr std::int32_t most_retries = 1'000'000;
inline constexpr double largest_factor = 1000;
inline constexpr std::size_t most_error_types = 100;
/// A century, as for durations that are read from text.
inline constexpr milliseconds longest_duration
  = std::chrono::hours{24 * 366 * 100};

/// What is said about a `when` without an `after`.
inline constexpr const char* when_alone = "has no meaning without \"after\"";
/// What is said about a `priority` outside its bounds.
std::string priority_trouble(std::int64_t priority);

/// Errors in the order they were found: the first of each place, and not so
/// many that nobody would read them.
class error_list {
public:
  static constexpr std::size_t most = 50;

  void add(std::string path, std::string message);
  bool full() const { return errors_.size() >= most; }
  std::vector<definition_error> take() { return std::move(errors_); }

private:
  std::vector<definition_error> errors_;
};

/// The pointer of a member or an element of the value at `base`.
std::string pointer(const std::string& base, std::string_view key);
std::string pointer(const std::string& base, std::size_t index);

/// A value as messages show it: compact, cut where it is long.
std::string shown(const json& value);

/// How many numbers a range has: empty if it runs the other way, nullopt if
/// the step is 0 or there are more than 2^63 - 1.
std::optional<std::int64_t> range_count(std::int64_t from, std::int64_t to,
                                        std::int64_t step);

/// What is wrong with a word that people will read; empty if nothing is.
std::string label_trouble(std::string_view text, std::size_t limit);

/// Checks the fields of the run itself; its tasks are left alone.
void check_run(const run_spec& spec, const definition_context& context,
               error_list& errors);

/// `path` is the task's, `name_path` where its name is written.
void check_task(const task_spec& task, const std::string& path,
                const std::string& name_path, const definition_context& context,
                error_list& errors);

/// Checks that there are not too few or too many tasks.
void check_task_count(std::size_t count, const definition_context& context,
                      error_list& errors);

/// Finds names that are given to more than one task.
void check_duplicates(const std::vector<task_spec>& tasks, error_list& errors);

/// Finds names in `after` that cannot be waited for, and cycles. `path_of`
/// gives the path of a task. Linear in time as long as there are no errors.
void check_dependencies(const std::vector<task_spec>& tasks,
                        const std::function<std::string(std::size_t)>& path_of,
                        error_list& errors);

} // namespace conductor::detail
