#include "apps/orcon/map/map_printer.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <conductor/json_text.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/map/map_inputs.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t page = 1000;
constexpr int failures_shown = 10;

/// The bytes that a child wrote, from its output.
std::string stdout_of(const json& value) {
  if (!value.is_object())
    return {};
  if (const auto text = value.find("stdout");
      text != value.end() && text->is_string())
    return text->get<std::string>();
  if (const auto base64 = value.find("stdout_base64"); base64 != value.end())
    return decode_base64(base64->get<std::string>());
  return {};
}

/// As a shell would tell it: 128 and the signal, 127 for what never ran.
int exit_code_in(const json& output) {
  if (!output.is_object())
    return 127;
  const auto name = output.value("signal", "");
  for (int number = 1; !name.empty() && number < NSIG; ++number)
    if (const auto* known = ::sigabbrev_np(number);
        known && name == std::string{"SIG"} + known)
      return 128 + number;
  return output.value("exit_code", 127);
}

json item_of(const task_record& task) {
  const auto input = json::parse(task.input, nullptr, false);
  return input.is_object() ? input.value("item", json{}) : json{};
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
                         bool keep_order, std::string results,
                         const settings& s, std::shared_ptr<long_stderr> errors)
  : reader_(std::move(reader)), run_(run), keep_order_(keep_order),
    results_(std::move(results)), settings_(s), errors_(std::move(errors)),
    on_screen_(!s.quiet && ::isatty(STDOUT_FILENO) == 1
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
  flush_output();
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
  const auto output
    = json::parse(reader_->load_outputs({key, 1}).front(), nullptr, false);
  const auto task = reader_->load_task(key);
  if (!task)
    return;
  const auto text = stdout_of(output);
  const auto errors = errors_of(*task, output);
  if (output.is_object() && output.value("stdout_truncated", false))
    tell_cut(key);
  if (settings_.output == format::table)
    print_texts(text, errors);
  if (settings_.output != format::table)
    print_row(*task);
  else if (task->state == task_state::failed)
    tell_failure(*task);
  if (!results_.empty())
    write_results(*task, text, errors, output);
}

/// The stderr of the last attempt: whole if this program ran it, else what the
/// database has.
std::string map_printer::errors_of(const task_record& task,
                                   const json& output) {
  if (errors_)
    if (auto whole = errors_->take({task.key, task.attempt}))
      return std::move(*whole);
  const auto error = json::parse(task.last_error, nullptr, false);
  const auto failed = task.state == task_state::failed && error.is_object();
  const auto& from = failed ? error : output;
  return from.is_object() ? from.value("stderr", "") : "";
}

void map_printer::print_texts(const std::string& text,
                              const std::string& errors) {
  if (!text.empty() || !errors.empty())
    make_room_();
  write_out(text);
  // The progress would be drawn over a line that has no end.
  if (on_screen_ && !text.empty() && text.back() != '\n')
    write_out("\n");
  if (errors.empty())
    return;
  flush_output(); // first things first, where both go to one place
  write_error(errors.back() == '\n' ? errors : errors + '\n');
}

void map_printer::print_row(const task_record& task) {
  const auto parsed = [](const std::string& text) {
    return text.empty() ? ordered_json(nullptr)
                        : ordered_json::parse(text, nullptr, false);
  };
  const ordered_json row{
    {"index", task.key - base_ + 1},  {"item", item_of(task)},
    {"state", to_string(task.state)}, {"attempt", task.attempt},
    {"output", parsed(task.output)},  {"last_error", parsed(task.last_error)}};
  make_room_();
  if (settings_.output == format::json)
    write_out(rows_ == 0 ? "[\n" : ",\n");
  write_out(row.dump());
  if (settings_.output == format::jsonl)
    write_out("\n");
  ++rows_;
}

void map_printer::finish() {
  if (settings_.output == format::json)
    write_out(rows_ == 0 ? "[]\n" : "\n]\n");
}

void map_printer::tell_cut(task_key task) {
  if (!trouble_)
    trouble_ = {errc::file, "not all output was kept, see above"};
  make_room_();
  tell("orcon: the output of map#{} is not whole: more than the database "
       "keeps\n",
       task - base_ + 1);
}

void map_printer::tell_failure(const task_record& task) {
  if (failures_told_ >= failures_shown)
    return;
  const auto error = json::parse(task.last_error, nullptr, false);
  const auto item = item_of(task);
  make_room_();
  tell("orcon: {} ({}) failed: {}\n", task.name,
       shorten(item.is_string() ? item.get<std::string>() : dump(item), 60),
       error.is_object() ? error.value("message", "") : "");
  if (++failures_told_ == failures_shown)
    tell("orcon: further failures are not shown here; see `orcon task "
         "failures`\n");
}

void map_printer::write_results(const task_record& task,
                                const std::string& text,
                                const std::string& errors, const json& output) {
  namespace fs = std::filesystem;
  const auto folder = fs::path{results_} / std::to_string(task.key - base_ + 1);
  std::error_code bad;
  fs::create_directories(folder, bad);
  const auto put_file = [&](const char* name, const std::string& content) {
    std::ofstream file{folder / name, std::ios::binary};
    file << content;
    file.close();
    if (!file && !trouble_)
      trouble_ = {errc::file, "cannot write " + (folder / name).string() + ": "
                                + std::strerror(errno)};
  };
  put_file("stdout", text);
  put_file("stderr", errors);
  put_file("exit_code", std::to_string(exit_code_in(output)) + "\n");
}

void map_printer::print_totals(const std::string& run_id) {
  const auto counts = reader_->count_leaves(run_);
  tell("orcon: {} of {} succeeded{}\n", with_commas(counts.succeeded),
       with_commas(counts.total()),
       counts.failed > 0 ? fmt::format(
         ", {} failed; see:  orcon task failures {} --db {}",
         with_commas(counts.failed), run_id, shell_quoted(settings_.database))
                         : "");
}

} // namespace orcon
