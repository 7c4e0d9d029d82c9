#include "apps/orcon/map_printer.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <conductor/json_text.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t page = 1000;
constexpr int failures_shown = 10;

/// The bytes that a child wrote, from its output.
std::string stdout_of(const std::string& output) {
  const auto value = json::parse(output, nullptr, false);
  if (!value.is_object())
    return {};
  if (const auto text = value.find("stdout");
      text != value.end() && text->is_string())
    return text->get<std::string>();
  if (const auto base64 = value.find("stdout_base64"); base64 != value.end())
    return decode_base64(base64->get<std::string>());
  return {};
}

} // namespace

std::string decode_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t buffer = 0;
  int bits = 0;
  constexpr std::string_view alphabet
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (auto c : text) {
    const auto digit = alphabet.find(c);
    if (digit == std::string_view::npos)
      continue; // padding
    buffer = buffer << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(buffer >> bits & 0xFF);
    }
  }
  return bytes;
}

map_printer::map_printer(std::unique_ptr<store_reader> reader, run_key run,
                         bool keep_order, std::string results, bool quiet)
  : reader_(std::move(reader)), run_(run), keep_order_(keep_order),
    results_(std::move(results)), quiet_(quiet),
    on_screen_(!quiet && ::isatty(STDOUT_FILENO) == 1
               && ::isatty(STDERR_FILENO) == 1),
    ids_(reader_->ids()) {
  for (const auto& fanout : reader_->list_fanouts(run_))
    base_ = next_ = fanout.base;
}

void map_printer::print(const std::function<void()>& make_room) {
  make_room_ = make_room;
  for (;;) {
    const auto events
      = reader_->list_events({.run = run_, .name = "task."}, seen_, page);
    for (const auto& e : events) {
      seen_ = e.seq;
      if (e.name != "task.succeeded" && e.name != "task.retries_exhausted")
        continue;
      const auto id = parse_ulid(e.task_id);
      if (const auto key = id ? ids_.key(id_kind::task, *id) : std::nullopt)
        settled(*key);
    }
    if (events.size() < page || trouble_)
      break;
  }
  if (std::fflush(stdout) != 0 && !trouble_)
    trouble_ = {errc::io, std::string{"cannot write the output: "}
                            + std::strerror(errno)};
}

void map_printer::settled(task_key task) {
  if (!keep_order_) {
    print_task(task);
    return;
  }
  waiting_.insert(task);
  while (!waiting_.empty() && *waiting_.begin() == next_) {
    waiting_.erase(waiting_.begin());
    print_task(next_++);
  }
}

void map_printer::print_task(task_key key) {
  const auto text = stdout_of(reader_->load_outputs({key, 1}).front());
  if (!text.empty()) {
    make_room_();
    std::fwrite(text.data(), 1, text.size(), stdout);
    // The progress would be drawn over a line that has no end.
    if (on_screen_ && text.back() != '\n')
      std::fputc('\n', stdout);
  }
  if (results_.empty() && quiet_)
    return;
  const auto task = reader_->load_task(key);
  if (!task)
    return;
  if (task->state == task_state::failed)
    tell_failure(*task);
  if (!results_.empty())
    write_results(*task, text);
}

void map_printer::tell_failure(const task_record& task) {
  if (quiet_ || failures_told_ >= failures_shown)
    return;
  const auto error = json::parse(task.last_error, nullptr, false);
  const auto input = json::parse(task.input, nullptr, false);
  make_room_();
  fmt::print(stderr, "orcon: {} ({}) failed: {}\n", task.name,
             shorten(input.value("item", json{}).is_string()
                       ? input["item"].get<std::string>()
                       : dump(input.value("item", json{})),
                     60),
             error.is_object() ? error.value("message", "") : "");
  if (++failures_told_ == failures_shown)
    fmt::print(stderr, "orcon: further failures are not shown here; see "
                       "`orcon task failures`\n");
}

void map_printer::write_results(const task_record& task,
                                const std::string& text) {
  namespace fs = std::filesystem;
  const auto folder = fs::path{results_} / std::to_string(task.key - base_ + 1);
  std::error_code bad;
  fs::create_directories(folder, bad);
  const auto error = json::parse(task.last_error, nullptr, false);
  const auto output = json::parse(task.output, nullptr, false);
  const auto put = [&](const char* name, const std::string& content) {
    std::ofstream file{folder / name, std::ios::binary};
    file << content;
    file.close();
    if (!file && !trouble_)
      trouble_ = {errc::io, "cannot write " + (folder / name).string()};
  };
  put("stdout", text);
  const auto failed = task.state == task_state::failed && error.is_object();
  put("stderr", failed ? error.value("stderr", "") : "");
  const auto code = output.is_object() ? output.value("exit_code", 0) : -1;
  put("exit_code", std::to_string(code) + "\n");
}

void map_printer::print_totals(const std::string& database,
                               const std::string& run_id) {
  const auto counts = reader_->count_leaves(run_);
  fmt::print(stderr, "orcon: {} of {} succeeded{}\n",
             with_commas(counts.succeeded), with_commas(counts.total()),
             counts.failed > 0 ? fmt::format(
               ", {} failed; see:  orcon task failures {} --db {}",
               with_commas(counts.failed), run_id, database)
                               : "");
}

} // namespace orcon
