#include "apps/orcon/map/output/map_files.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

namespace orcon {

using namespace conductor;

namespace fs = std::filesystem;

namespace {

/// The number of the signal that ended a command; 0 if none did.
int signal_in(const json& output) {
  const auto name = output.is_object() ? output.value("signal", "") : "";
  for (int number = 1; !name.empty() && number < NSIG; ++number)
    if (const auto* known = ::sigabbrev_np(number);
        known && name == std::string{"SIG"} + known)
      return number;
  return 0;
}

double seconds(std::int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

} // namespace

int exit_code_in(const json& output) {
  if (const auto number = signal_in(output); number != 0)
    return 128 + number;
  return output.is_object() ? output.value("exit_code", 127) : 127;
}

error map_files::open(const std::string& results, const std::string& joblog) {
  results_ = results;
  std::error_code bad;
  if (!results.empty()) {
    fs::create_directories(results, bad);
    if (bad || ::access(results.c_str(), W_OK | X_OK) != 0)
      return {errc::file, "--results: cannot write into " + results + ": "
                            + (bad ? bad.message() : std::strerror(errno))};
  }
  if (joblog.empty())
    return {};
  joblog_name_ = joblog;
  joblog_.open(joblog, std::ios::binary | std::ios::trunc);
  joblog_ << "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal"
             "\tCommand\n";
  joblog_.flush();
  if (!joblog_)
    return {errc::file,
            "--joblog: cannot write " + joblog + ": " + std::strerror(errno)};
  return {};
}

void map_files::write(const map_result& result) {
  if (!results_.empty())
    write_folder(result);
  if (joblog_.is_open())
    write_line(result);
}

void map_files::write_folder(const map_result& result) {
  const auto folder = fs::path{results_} / std::to_string(result.index);
  std::error_code bad;
  fs::create_directories(folder, bad);
  const auto put_file = [&](const char* name, const std::string& content) {
    std::ofstream file{folder / name, std::ios::binary};
    file << content;
    file.close();
    if (!file)
      note((folder / name).string());
  };
  put_file("stdout", result.text);
  put_file("stderr", result.errors);
  put_file("exit_code", std::to_string(exit_code_in(result.output)) + "\n");
}

void map_files::write_line(const map_result& result) {
  const auto& task = result.task;
  const auto signal = signal_in(result.output);
  const auto took = std::max<std::int64_t>(0, to_ms(task.updated_at)
                                                - to_ms(task.started_at));
  joblog_ << fmt::format(
    "{}\t:\t{:.3f}\t{:10.3f}\t0\t{}\t{}\t{}\t{}\n", result.index,
    seconds(to_ms(task.started_at)), seconds(took), result.text.size(),
    signal != 0 ? 0 : exit_code_in(result.output), signal, result.command);
  joblog_.flush();
  if (!joblog_)
    note(joblog_name_);
}

void map_files::note(const std::string& file) {
  if (!trouble_)
    trouble_
      = {errc::file, "cannot write " + file + ": " + std::strerror(errno)};
}

} // namespace orcon
