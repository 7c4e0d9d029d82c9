#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/definition.hpp>
#include <conductor/error.hpp>
#include <conductor/run_spec.hpp>
#include <conductor/store.hpp>

/// From a `run_spec` to a `submission`: everything that has to be looked up
/// outside the engine (files, patterns) is looked up here, once.
namespace conductor {

/// Checks and resolves a spec. Lists of file names (`glob`) are spooled to a
/// file beside `database`; files named by `lines` are counted and their size
/// and time recorded. Errors: invalid (names the place), not_found, io, full.
result<submission> resolve(const run_spec& spec,
                           const definition_context& context,
                           const std::string& database, timestamp now);

/// Writes JSON texts, one a line, to a file that the engine removes after the
/// expansion. Not thread-safe. The file goes away with the object unless
/// `keep` was called.
class spool {
public:
  /// A new file beside `database`.
  static result<spool> create(const std::string& database);
  spool(spool&& other) noexcept;
  spool& operator=(spool&&) = delete;
  ~spool();

  /// Adds one text line as a JSON string; false if the disk takes no more.
  bool add_line(std::string_view line);
  /// Flushes and syncs; the path then names a `lines` source.
  result<std::string> finish();
  void keep() { keep_ = true; }
  std::int64_t count() const { return count_; }

private:
  spool(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  bool write_out();

  std::string path_;
  std::string buffer_;
  int fd_ = -1;
  std::int64_t count_ = 0;
  bool keep_ = false;
};

/// Whether a path names a spool of ours beside `database`; a user's file is
/// never taken for one.
bool is_spool(const std::string& path, const std::string& database);

/// The spools that a submission was resolved to; whoever does not get it
/// accepted removes them.
std::vector<std::string> spools_of(const submission& s);

/// Removes the spools beside `database` that a crash has left: no unfinished
/// expansion reads them and no process is writing them. For the owner of the
/// database, before anything is submitted.
void sweep_spools(store_reader& reader, const std::string& database);

/// Items of a source file from `offset` on: JSON texts, and where to go on.
struct source_page {
  std::vector<std::string> items;
  std::int64_t offset = 0;
};

/// Reads at most `count` items. Errors: the file is gone, unreadable, or not
/// what it was at submission (size, time).
result<source_page> read_source(const source_file& source, std::int64_t offset,
                                std::int64_t count);

} // namespace conductor
