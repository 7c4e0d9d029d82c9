#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <conductor/error.hpp>

namespace orcon {

/// The options of `orcon map`, as they were given.
struct map_options {
  std::vector<std::string> list_files; ///< -a
  std::string jobs;                    ///< -j: "8", "+2", "-1", "50%", "0"
  std::optional<std::string> shell;    ///< -c
  std::string delimiter = "\n";        ///< of the inputs in files; one byte
  std::int64_t max_args = 0;           ///< -n; 0 = not given
  bool many = false;                   ///< -X
  int retries = 3;
  std::string timeout, tolerate, name, results, joblog, halt;
  std::vector<std::string> env;
  bool keep_order = false, tag = false, dry_run = false;
  bool fresh = false, replay = false;
  bool line_buffer = false;
  bool pipe = false;
  std::string block; ///< with --pipe: "1M"; empty = not given
  std::string metrics_file;
  std::string keep = "720h"; ///< how long runs stay after their end
};

/// Commands at once that -j asks for; 0 = not given. Errors: invalid.
conductor::result<unsigned> jobs_of(const std::string& text);

/// Bytes that --block names: "4096", "64k", "1M"; 1 MB if it is empty.
/// Errors: invalid.
conductor::result<std::size_t> block_of(const std::string& text);

/// What -d names: one byte, or one of \n \t \0 \xHH … Errors: invalid.
conductor::result<char> delimiter_of(const std::string& text);

} // namespace orcon
