#include "apps/orcon/map/output/map_printer.hpp"

#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "actors/handlers/exec/exec_item.hpp"
#include "apps/orcon/map/command/map_template.hpp"
#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t page = 1000;
constexpr int failures_shown = 10;

/// The bytes that a child wrote, from its output.
std::string bytes_in(const json& value, const char* name) {
  if (!value.is_object())
    return {};
  if (const auto text = value.find(name);
      text != value.end() && text->is_string())
    return text->get<std::string>();
  if (const auto base64 = value.find(std::string{name} + "_base64");
      base64 != value.end() && base64->is_string())
    return from_base64(base64->get_ref<const std::string&>());
  return {};
}

json item_of(const task_record& task) {
  const auto input = parse_stored(task.input);
  return input.is_object() ? input.value("item", json{}) : json{};
}

/// All inputs of an item in one line of text.
std::string inputs_in(const json& item) {
  std::string text;
  for (const auto& input : inputs_of(item))
    text += (text.empty() ? "" : " ") + input;
  return text;
}

/// Every line with the inputs and a tab in front.
std::string tagged(const std::string& text, const std::string& tag) {
  std::string out;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size() - 1) + 1;
    out += tag + "\t" + text.substr(from, end - from);
    from = end;
  }
  return out;
}

} // namespace

map_printer::map_printer(std::unique_ptr<store_reader> reader, run_key run,
                         map_view view, map_files files, const settings& s)
  : reader_(std::move(reader)), run_(run), view_(std::move(view)),
    files_(std::move(files)), settings_(s),
    on_screen_(!s.quiet && ::isatty(STDOUT_FILENO) == 1
               && ::isatty(STDERR_FILENO) == 1),
    ids_(reader_->ids()) {
  for (const auto& fanout : reader_->list_parents(run_))
    base_ = next_ = fanout.base;
}

void map_printer::print(const std::function<void()>& make_room) {
  make_room_ = make_room;
  print_live();
  for (;;) {
    const auto events
      = reader_->list_events({.run = run_, .name = "task."}, seen_, page);
    for (const auto& e : events) {
      if (writing_has_stopped())
        return;
      seen_ = e.seq;
      hear(e);
    }
    if (events.size() < page || trouble_)
      break;
  }
  flush_output();
}

void map_printer::hear(const event_record& e) {
  const bool cancelled = e.name == "task.cancelled";
  if (e.name != "task.succeeded" && e.name != "task.retries_exhausted"
      && !cancelled)
    return;
  const auto id = parse_ulid(e.task_id);
  const auto key = id ? ids_.key(id_kind::task, *id) : std::nullopt;
  if (!key || *key < base_)
    return;
  if (e.name != "task.succeeded") {
    const auto task = reader_->load_task(*key);
    const auto state = cancelled ? task_state::cancelled : task_state::failed;
    if (!task || task->state != state || was_printed(*task))
      return; // what has become of it since comes later
  }
  settled(*key);
}

bool map_printer::was_printed(const task_record& task) {
  const auto [printed, first]
    = failures_printed_.emplace(task.key, task.attempt);
  return !first && std::exchange(printed->second, task.attempt) == task.attempt;
}

void map_printer::settled(task_key task) {
  if (!view_.keep_order) {
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
  const auto task = reader_->load_task(key);
  if (!task || task->state == task_state::cancelled)
    return;
  const auto output
    = parse_stored(reader_->texts(text_kind::output, {key, 1}).front());
  const auto error = parse_stored(task->last_error);
  const auto failed = task->state == task_state::failed && error.is_object();
  const auto item = item_of(*task);
  const auto text = bytes_in(output, "stdout");
  const auto errors = errors_of(*task, failed ? error : output);
  if (output.is_object() && output.value("stdout_truncated", false))
    tell_cut(key);
  if (settings_.output == format::table) {
    const auto printed = view_.live && view_.live->end({key, task->attempt});
    print_live();
    print_texts(*task, printed ? "" : text, errors);
    if (task->state == task_state::failed)
      tell_failure(*task);
  } else {
    print_row(*task);
  }
  if (!files_.wanted())
    return;
  const auto command = command_for(view_.argv, dump(item), key - base_ + 1);
  files_.write({*task, key - base_ + 1, text, errors, output,
                command ? command_text(*command, view_.shell) : ""});
}

/// The stderr of the last attempt: whole if this program ran it, else what the
/// database keeps.
std::string map_printer::errors_of(const task_record& task, const json& kept) {
  if (view_.errors)
    if (auto whole = view_.errors->take({task.key, task.attempt}))
      return std::move(*whole);
  return bytes_in(kept, "stderr");
}

/// Prints the lines that commands have written since the last time.
void map_printer::print_live() {
  if (!view_.live)
    return;
  for (auto& [key, text] : view_.live->take())
    if (const auto task = reader_->load_task(key))
      print_texts(*task, std::move(text), {});
}

/// What --tag puts in front of a task's lines: its inputs, or with --pipe,
/// where these are whole texts, its number.
std::string map_printer::tag_of(const task_record& task) const {
  return view_.pipe ? std::to_string(task.key - base_ + 1)
                    : inputs_in(item_of(task));
}

void map_printer::print_texts(const task_record& task, std::string text,
                              std::string errors) {
  if (view_.tag) {
    const auto tag = tag_of(task);
    text = tagged(text, tag);
    errors = tagged(errors, tag);
  }
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
                        : parse_stored<ordered_json>(text);
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
  const auto error = parse_stored(task.last_error);
  const auto item = item_of(task);
  make_room_();
  tell("orcon: {} ({}) failed: {}\n", task.name, shorten(inputs_in(item), 60),
       error.is_object() ? error.value("message", "") : "");
  if (++failures_told_ == failures_shown)
    tell("orcon: further failures are not shown here; see `orcon task "
         "failures`\n");
}

void map_printer::print_totals(const std::string& run_id) {
  const auto counts = reader_->count_leaves(run_);
  tell("orcon: {} of {} succeeded{}\n", with_commas(counts.succeeded),
       with_commas(counts.total()),
       counts.failed > 0 ? fmt::format(
         ", {} failed; see:  {}", with_commas(counts.failed),
         with_database(settings_, "orcon task failures " + run_id))
                         : "");
}

} // namespace orcon
