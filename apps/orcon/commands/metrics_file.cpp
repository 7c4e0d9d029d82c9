#include "apps/orcon/commands/metrics_file.hpp"
#include "apps/orcon/terminal/print.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <conductor/metrics.hpp>
#include <fmt/format.h>

namespace orcon {

using namespace conductor;

namespace {

constexpr std::chrono::seconds write_every{10};

bool write_whole(const std::string& path, const std::string& text) {
  auto* file = std::fopen(path.c_str(), "we");
  if (!file)
    return false;
  const auto written
    = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return (std::fclose(file) == 0) && written;
}

} // namespace

void metrics_file::write(engine& engine, const std::string& database,
                         bool now) {
  const auto time = std::chrono::steady_clock::now();
  if (path_.empty() || (!now && time < next_))
    return;
  next_ = time + write_every;
  const auto reader = engine.open_reader();
  if (!reader)
    return; // the engine has ended, which the caller reports
  const auto part = path_ + ".part";
  const auto text = to_prometheus(
    measure(**reader, database, system_now(), engine.metrics().read()));
  if (write_whole(part, text) && std::rename(part.c_str(), path_.c_str()) == 0)
    return;
  if (!std::exchange(told_, true))
    tell("orcon: cannot write {}: {}; continuing without it\n", path_,
         std::strerror(errno));
}

} // namespace orcon
