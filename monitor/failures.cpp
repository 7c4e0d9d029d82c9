#include <algorithm>
#include <cctype>

#include <conductor/event_payload.hpp>
#include <conductor/monitor.hpp>

namespace conductor {

namespace {

// What keeps the memory small that grouping takes, whatever the errors say.
constexpr std::size_t most_groups = 1000;
constexpr std::size_t most_known_bytes = 4 << 20;
constexpr auto others = "(other messages)";

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

/// Whether a number begins at `i`; hexadecimal ones begin with a digit, too.
bool begins_number(std::string_view text, std::size_t i) {
  return std::isdigit(static_cast<unsigned char>(text[i])) != 0
         && (i == 0 || !is_hex(text[i - 1]));
}

/// The last character of the number that begins at `i`.
std::size_t end_of_number(std::string_view text, std::size_t i) {
  while (i + 1 < text.size() && is_hex(text[i + 1]))
    ++i;
  return i;
}

/// An error without the numbers in it, but for those of its type, which comes
/// last: equal ones have equal types and equal normalised messages.
std::string without_numbers(std::string_view error) {
  const auto type = error.rfind("\"type\":");
  std::string out;
  for (std::size_t i = 0; i < error.size() && i < type; ++i)
    if (begins_number(error, i)) {
      i = end_of_number(error, i);
      out += 'N';
    } else {
      out += error[i];
    }
  if (type != std::string_view::npos)
    out += error.substr(type);
  return out;
}

} // namespace

std::string normalise_message(std::string_view message) {
  std::string out;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const auto c = message[i];
    if (begins_number(message, i)) {
      i = end_of_number(message, i);
      out += 'N';
    } else if (c == '"' || c == '\'') {
      const auto end = message.find(c, i + 1);
      if (end == std::string_view::npos) {
        out += c;
        continue;
      }
      out += "'…'";
      i = end;
    } else if (c == '/' && (i == 0 || message[i - 1] == ' ')) {
      while (i + 1 < message.size() && message[i + 1] != ' '
             && message[i + 1] != ':')
        ++i;
      out += "PATH";
    } else {
      out += c;
    }
  }
  return out;
}

failure_group& failure_grouping::group_of(const std::string& error) {
  if (last_group_ && error == last_)
    return *last_group_;
  auto text = without_numbers(error);
  auto place = known_.find(text);
  if (place == known_.end()) {
    const auto details = parse_error(error).value_or(error_details{});
    const auto &type = details.type, &example = details.message;
    auto message = normalise_message(example);
    if (groups_.size() >= most_groups && !groups_.contains({type, message}))
      message = others;
    auto& group
      = groups_
          .try_emplace({type, message}, failure_group{type, message, example})
          .first->second;
    if (known_bytes_ > most_known_bytes) {
      known_.clear();
      known_bytes_ = 0;
    }
    known_bytes_ += text.size();
    place = known_.emplace(std::move(text), &group).first;
  }
  last_ = error;
  last_group_ = place->second;
  return *last_group_;
}

void failure_grouping::add(const failures& equal,
                           const std::function<std::string()>& name) {
  auto& group = group_of(equal.error);
  if (group.count == 0) {
    group.task = name();
    group.first = equal.first;
    group.last = equal.last;
  }
  group.count += equal.count;
  group.first = std::min(group.first, equal.first);
  group.last = std::max(group.last, equal.last);
}

std::vector<failure_group> failure_grouping::take() {
  std::vector<failure_group> sorted;
  for (auto& [key, group] : groups_)
    sorted.push_back(std::move(group));
  *this = {};
  std::ranges::stable_sort(sorted, std::greater{}, &failure_group::count);
  return sorted;
}

std::vector<retry_storm>
group_retries(const std::vector<task_record>& waiting) {
  std::map<std::pair<std::string, std::string>, retry_storm> groups;
  for (const auto& task : waiting) {
    const auto error = parse_error(task.last_error);
    if (!error)
      continue; // a lost lease is not a failure of the task
    const auto message = normalise_message(error->message);
    auto& storm = groups[{error->type, message}];
    storm.type = error->type;
    storm.message = message;
    ++storm.tasks;
    if (task.retry_count >= storm.most_retries) {
      storm.most_retries = task.retry_count;
      storm.task = task.name;
      storm.run_id = task.run_id;
    }
  }
  std::vector<retry_storm> sorted;
  for (auto& [key, storm] : groups)
    sorted.push_back(std::move(storm));
  std::stable_sort(
    sorted.begin(), sorted.end(),
    [](const auto& x, const auto& y) { return x.tasks > y.tasks; });
  return sorted;
}

} // namespace conductor
