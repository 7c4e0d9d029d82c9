#include <filesystem>
#include <fstream>

#include "apps/orcon/bench/bench.hpp"

// A fan-out over the lines of a file: each task takes 4 KiB and answers with
// 4 KiB.
namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t text_bytes = 4096;

/// A text for one task: of one length for all, the same for no two.
std::string text_of(std::int64_t index) {
  auto text = std::to_string(index) + ' ';
  text.resize(text_bytes, 'x');
  return text;
}

/// A file that goes away.
class inputs {
public:
  inputs(std::string path, std::int64_t count) : path_(std::move(path)) {
    std::ofstream file{path_, std::ios::binary};
    for (std::int64_t i = 1; i <= count; ++i)
      file << text_of(i) << '\n';
    file.close();
    good_ = file.good();
  }
  ~inputs() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  inputs(const inputs&) = delete;
  inputs& operator=(const inputs&) = delete;

  bool good() const { return good_; }

private:
  const std::string path_;
  bool good_ = false;
};

run_spec over_lines(const std::string& path) {
  run_spec spec{"bench payload"};
  spec.task("echo").input(ordered_json{{"fanout", {{"lines", path}}}}.dump());
  auto& fanout = spec.tasks.back().fanout;
  fanout.kind = source_kind::lines;
  fanout.path = path;
  return spec;
}

int bench_payload(const bench_request& r) {
  auto t = trial::open(r);
  if (!t)
    return report_error(t.error());
  std::error_code ignored;
  const auto path
    = std::filesystem::absolute((*t)->database() + ".inputs", ignored).string();
  const inputs file{path, r.tasks};
  if (!file.good())
    return report_error({errc::full, "cannot write " + path});
  (*t)->engine().handle("echo", [](const task_context& task) {
    return outcome::success(task.item_text());
  });
  (*t)->engine().start();
  const auto begin = bench_clock::now();
  if (const auto code = (*t)->work(over_lines(path)); code != done)
    return code;
  const auto seconds = seconds_since(begin);
  const auto megabytes = 2.0 * text_bytes * static_cast<double>(r.tasks) / 1e6;
  return (*t)->report(
    "payload", {r.tasks, seconds},
    {{"payload_bytes_per_task", 2 * text_bytes},
     {"payload_mb_per_second", rounded(megabytes / seconds)}});
}

} // namespace

command bench_payload_command() {
  return benchmark(
    {.path = "bench payload",
     .summary = "A fan-out of N tasks that take and answer 4 KiB each",
     .examples = "orcon bench payload --tasks 1000"},
    100'000, bench_payload);
}

} // namespace orcon
