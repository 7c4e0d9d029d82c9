#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/torture/budget.hpp"

/// What a power cut leaves of files, from a trace of what was done to them.
namespace orcon::test {

/// One operation, as the fault layer writes it down: "NAME AT SIZE PATH", a
/// line feed, and SIZE bytes of data.
struct operation {
  std::string name; ///< create, write, truncate, sync, syncdir, rename, unlink,
                    ///< or print: what the program said on stdout
  std::uint64_t at = 0; ///< offset, or the size to cut to
  std::string path, data;
};

std::vector<operation> read_trace(const std::string& file);

/// Which syncs the disk honours.
enum class honesty {
  all,          ///< the disk that we promise something for
  no_log_syncs, ///< not those of the log: `synchronous=NORMAL`
  no_syncs,     ///< none: `synchronous=OFF`, or a disk that lies
};

/// Files and folders in memory that know what is only in the cache.
class cached_disk {
public:
  explicit cached_disk(honesty h = honesty::all) : honesty_(h) {}

  void apply(const operation& op);
  /// Writes into the folder what may be there after a cut at this moment.
  void cut_power(const std::filesystem::path& folder, choices& random) const;

private:
  struct file {
    std::string synced;
    std::vector<operation> cached; ///< writes and truncations since
  };
  using names = std::map<std::string, std::size_t>;

  void change_name(names& all, const operation& op) const;
  std::string content_after_cut(const file& f, choices& random) const;

  honesty honesty_;
  std::vector<file> files_;
  names current_, synced_;              ///< names of files
  std::vector<operation> cached_names_; ///< changes of names since
};

} // namespace orcon::test
