#include <filesystem>
#include <fstream>

#include <conductor/admin.hpp>
#include <fmt/format.h>

#include "apps/orcon/bench/bench.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

/// Of this program alone; getrusage would count who started us as well.
double peak_megabytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      return static_cast<double>(std::stoll(line.substr(6))) / 1024;
  return 0;
}

std::uintmax_t bytes_on_disk(const std::string& path) {
  std::uintmax_t sum = 0;
  for (const auto* suffix : {"", "-wal"}) {
    std::error_code trouble;
    const auto size = std::filesystem::file_size(path + suffix, trouble);
    sum += trouble ? 0 : size;
  }
  return sum;
}

/// Whether the database keeps its promises; says on stderr where it does not.
bool verified(const std::string& path) {
  const auto verdict = verify_database(path);
  if (!verdict) {
    report_error(verdict.error());
    return false;
  }
  for (const auto& v : verdict->violations)
    tell("orcon: {}: {}\n", v.invariant, v.what);
  return verdict->violations.empty();
}

} // namespace

result<std::unique_ptr<trial>> trial::open(const bench_request& request) {
  const auto& path = request.common.database;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored))
    return fail(errc::conflict,
                path + " is there already; a benchmark wants a new database");
  auto engine = open_engine(request.common);
  if (!engine)
    return tl::unexpected(engine.error());
  std::unique_ptr<trial> t{new trial{request}};
  t->engine_.emplace(std::move(*engine));
  return t;
}

trial::~trial() {
  engine_.reset();
  if (request_.keep)
    return;
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::remove(database() + suffix, ignored);
  }
}

int trial::wait(const std::string& run_id) {
  while (!interrupted()) {
    const auto state = engine_->wait(run_id, 1s);
    if (state && *state != run_state::succeeded)
      tell("orcon: the run ended {}\n", to_string(*state));
    if (state)
      return exit_code_of(*state);
    if (state.error().code != errc::timeout)
      return report_error(state.error());
  }
  return orcon::interrupted;
}

int trial::work(const run_spec& spec) {
  const auto run = engine_->submit(spec);
  return run ? wait(run->id) : report_error(run.error());
}

std::int64_t trial::commits() const {
  const auto reader = open_sqlite_reader(database());
  return reader ? static_cast<std::int64_t>((*reader)->load_engine().commits)
                : 0;
}

int trial::report(const std::string& name, const volume& v,
                  const ordered_json& measured) {
  engine_->stop();
  engine_.reset();
  const auto stored = static_cast<double>(v.stored);
  const auto committed = commits();
  ordered_json row{
    {"bench", name},
    {"tasks", v.tasks},
    {"seconds", rounded(v.seconds)},
    {"tasks_per_second", rounded(static_cast<double>(v.tasks) / v.seconds)},
    {"rss_peak_mb", rounded(peak_megabytes())},
    {"db_bytes_per_task",
     rounded(static_cast<double>(bytes_on_disk(database())) / stored)},
    {"commits", committed},
    {"commits_per_task", static_cast<double>(committed) / stored},
    {"synchronous", "full"}};
  row.update(measured);
  const auto sound = request_.no_verify || verified(database());
  if (request_.keep)
    row["database"] = database();
  row["verified"] = request_.no_verify ? ordered_json() : ordered_json(sound);
  print_object(request_.common, row);
  return sound ? done : operation_failed;
}

} // namespace orcon
