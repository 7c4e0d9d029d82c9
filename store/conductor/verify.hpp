#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <conductor/error.hpp>

/// Whether a database keeps the engine's promises: everything that is counted
/// is recounted, every path of states is walked. Reads only.
namespace conductor {

/// One thing that is wrong.
struct violation {
  std::string invariant; ///< "I2" … "I9" (docs/reliability.md)
  std::string what;
};

struct verdict {
  std::vector<violation> violations;            ///< the first 100
  std::int64_t runs = 0, tasks = 0, events = 0; ///< looked at
};

/// Walks the whole database; `progress(share)` is called now and then.
result<verdict> verify_database(const std::string& path,
                                const std::function<void(double)>& progress
                                = {});

/// SQLite's own check of the file's structure; empty = sound.
result<std::string> check_database(const std::string& path);

} // namespace conductor
