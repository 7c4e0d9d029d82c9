#pragma once

#include <memory>
#include <string>

#include <conductor/store.hpp>

namespace conductor {

struct store_options {
  bool create = true;      ///< false: a missing database is an error
  std::int64_t now_ms = 0; ///< written into the engine row; for people
};

/// Opens a store by its URL: `sqlite:PATH`, or `memory:` for one that ends with
/// the process. This is the one place that knows all backends. Errors: invalid
/// (not a URL of a known backend), and those of the backend.
result<std::unique_ptr<store>> open_store(const std::string& url,
                                          const store_options& options = {});

} // namespace conductor
