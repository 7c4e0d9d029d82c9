#pragma once

#include <chrono>
#include <string>

#include <conductor/engine.hpp>

namespace orcon {

/// Writes an engine's figures to a file now and then, for node_exporter's
/// textfile collector: whole or not at all, by a rename.
class metrics_file {
public:
  /// An empty path: does nothing.
  explicit metrics_file(std::string path) : path_(std::move(path)) {}

  /// Writes if it is time to, or `now` in any case. A file that cannot be
  /// written is said once on stderr and does not stop the work.
  void write(conductor::engine& engine, const std::string& database, bool now);

private:
  std::string path_;
  std::chrono::steady_clock::time_point next_{};
  bool told_ = false;
};

} // namespace orcon
