#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/definition.hpp>
#include <conductor/error.hpp>
#include <conductor/run_spec.hpp>

/// From a `run_spec` to a run in the database. Everything that has to be looked
/// up outside the engine (files, patterns) is read here, once, and lists are
/// written to the database before the run that uses them.
namespace conductor {

/// Has a change set committed and returns the reply. May block.
using commit_fn = std::function<commit_reply(change_set)>;

/// A list in the database. An empty list has no key.
struct item_list {
  list_key key = 0;
  std::int64_t count = 0;
};

/// Writes a list to the database, page by page: one page is gathered or under
/// way at a time, so that memory stays bounded. Not thread-safe. The list is
/// removed with this object unless `keep` was called.
class item_writer {
public:
  /// `most`: a list with more items is refused.
  explicit item_writer(commit_fn commit, std::int64_t most = items_per_list);
  item_writer(item_writer&&) noexcept;
  item_writer& operator=(item_writer&&) = delete;
  ~item_writer();

  /// Appends one item. Errors: invalid (not JSON, or too many items), and those
  /// of the commit; after an error nothing more can be added.
  error add(std::string json_text);
  /// Appends a text as a JSON string. Errors: invalid as well if it is not
  /// UTF-8, contains a NUL byte or is longer than `max_line_bytes`.
  error add_text(std::string_view text);
  /// Writes what is left and returns the list.
  result<item_list> finish();
  /// The list stays: a submission is to use it. A list that no run uses is
  /// removed when an engine next opens the database.
  void keep() { list_.key = 0; }
  std::int64_t count() const { return list_.count; }

private:
  error append(std::string item);
  error flush();

  commit_fn commit_;
  std::int64_t most_;
  item_list list_; ///< what is written and gathered
  std::vector<std::string> page_;
  std::size_t page_bytes_ = 0;
  error failed_;
};

/// Longer lines are refused wherever lists of inputs come in.
inline constexpr std::size_t max_line_bytes = 1 << 20;

/// Checks a spec and resolves it: `lines`, `glob` and `items` are read and
/// written to the database as lists. If that fails, no list is left. Errors:
/// invalid (names the place), not_found, file, overloaded, and those of the
/// commits.
result<submission> resolve(const run_spec& spec,
                           const definition_context& context,
                           const commit_fn& commit);

/// Removes the lists that `resolve` wrote for a submission, unless a run uses
/// them.
void drop_lists(const submission& s, const commit_fn& commit);

/// Resolves a spec and submits it; when this returns the run is on disk. Small
/// fan-outs, of up to `expand` children in all, come with their children.
/// Blocks on files and commits. Errors: those of `resolve` and of the commit.
result<submitted_run> submit_run(const run_spec& spec,
                                 const definition_context& context,
                                 const commit_fn& commit, std::int64_t expand);

} // namespace conductor
