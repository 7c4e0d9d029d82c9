#include <algorithm>
#include <cmath>

#include "apps/orcon/bench/bench.hpp"

namespace orcon {

double seconds_since(bench_clock::time_point begin) {
  return std::chrono::duration<double>(bench_clock::now() - begin).count();
}

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

void latencies::add(bench_clock::duration d) {
  ms_.push_back(std::chrono::duration<double, std::milli>(d).count());
}

/// The smallest value that so large a share does not exceed.
double latencies::percentile(double share) const {
  auto sorted = ms_;
  const auto rank = std::ceil(share * static_cast<double>(sorted.size())) - 1;
  const auto place
    = sorted.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 0.0));
  std::nth_element(sorted.begin(), place, sorted.end());
  return rounded(*place);
}

void latencies::report(conductor::ordered_json& to,
                       const std::string& name) const {
  for (const auto& [suffix, share] :
       {std::pair{"_p50_ms", 0.5}, std::pair{"_p99_ms", 0.99}}) {
    auto& place = to[name + suffix];
    if (!ms_.empty())
      place = percentile(share);
  }
}

} // namespace orcon
