#include "apps/orcon/map/inputs/map_inputs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include <unistd.h>

#include "actors/handlers/exec/exec_item.hpp"
#include "actors/intake/line_reader.hpp"
#include "apps/orcon/default_database.hpp"

namespace orcon {

using namespace conductor;

std::uint64_t hash_text(std::string_view text, std::uint64_t from) {
  for (auto c : text)
    from = (from ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return from;
}

std::string shell_quoted(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9')
           || std::string_view{"_-./:=,+@%"}.find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain))
    return text;
  std::string quoted = "'";
  for (auto c : text)
    quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return quoted + "'";
}

namespace {

using take_input = std::function<error(std::string)>;

/// All bytes of -X's inputs in one command: what every system takes.
constexpr std::size_t most_command_bytes = 100'000;

error read_stream(std::istream& from, const std::string& name, char delimiter,
                  const take_input& take) {
  std::int64_t number = 0;
  for (std::string line; std::getline(from, line, delimiter);) {
    ++number;
    if (line.size() > max_line_bytes)
      return {errc::invalid, name + ": line " + std::to_string(number)
                               + " is longer than "
                               + std::to_string(max_line_bytes) + " bytes"};
    if (auto trouble = take(std::move(line)))
      return trouble;
  }
  if (from.bad())
    return {errc::file, "cannot read " + name};
  return {};
}

error read_file(const std::string& name, char delimiter,
                const take_input& take) {
  if (name == "-") {
    if (::isatty(STDIN_FILENO) == 1)
      return {errc::invalid, "no inputs; give them after \":::\", with -a "
                             "FILE, or on standard input"};
    std::ios::sync_with_stdio(false);
    return read_stream(std::cin, "standard input", delimiter, take);
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(name, ignored))
    return {errc::file, "cannot read " + name + ": " + std::strerror(EISDIR)};
  std::ifstream file{name, std::ios::binary};
  if (!file)
    return {errno == ENOENT ? errc::not_found : errc::file,
            "cannot open " + name + ": " + std::strerror(errno)};
  return read_stream(file, name, delimiter, take);
}

/// The inputs of one source, without the files of the database: what `find`
/// lists must not include what the work itself writes.
error read_source(const input_source& source, char delimiter,
                  const std::string& database, std::int64_t& left_out,
                  const take_input& take) {
  if (source.is_file)
    return read_file(source.file, delimiter, [&](std::string input) {
      if (!is_file_of_database(input, database))
        return take(std::move(input));
      ++left_out;
      return error{};
    });
  for (const auto& value : source.values)
    if (auto trouble = take(value))
      return trouble;
  return {};
}

/// Several inputs in each command.
class grouping {
public:
  grouping(item_list& to, const input_rules& rules) : to_(to), rules_(rules) {}

  error add(std::string input) {
    bytes_ += input.size() + 1;
    waiting_.push_back(std::move(input));
    if (rules_.max_args > 0)
      return std::ssize(waiting_) == rules_.max_args ? emit(waiting_.size())
                                                     : error{};
    // Enough for all jobs: the first command is full, whatever comes.
    if (bytes_ > most_command_bytes * rules_.jobs)
      return emit(as_many_as_fit());
    return {};
  }

  /// The rest, where as many as fit go into a command: in equal shares.
  error finish() {
    const auto share = rules_.max_args > 0
                         ? waiting_.size()
                         : (waiting_.size() + rules_.jobs - 1) / rules_.jobs;
    while (!waiting_.empty())
      if (auto trouble = emit(std::min(share, as_many_as_fit())))
        return trouble;
    return {};
  }

private:
  std::size_t as_many_as_fit() const {
    std::size_t bytes = 0, n = 0;
    for (const auto& input : waiting_) {
      bytes += input.size() + 1;
      if (n > 0 && bytes > most_command_bytes)
        break;
      ++n;
    }
    return n;
  }

  error emit(std::size_t n) {
    auto item = json::array();
    for (; n > 0; --n) {
      bytes_ -= waiting_.front().size() + 1;
      item.push_back(item_from_bytes(waiting_.front()));
      waiting_.pop_front();
    }
    return to_.add(item);
  }

  item_list& to_;
  const input_rules& rules_;
  std::deque<std::string> waiting_;
  std::size_t bytes_ = 0;
};

/// --pipe: each item is a block of whole records with their delimiters.
class blocks {
public:
  blocks(item_list& to, const input_rules& rules) : to_(to), rules_(rules) {}

  error add(const std::string& record) {
    if (!block_.empty() && block_.size() + record.size() > rules_.block)
      if (auto failed = emit())
        return failed;
    block_ += record;
    return ++records_ == rules_.records ? emit() : error{};
  }

  error finish() { return block_.empty() ? error{} : emit(); }

private:
  error emit() {
    records_ = 0;
    return to_.add(item_from_bytes(std::exchange(block_, {})));
  }

  item_list& to_;
  const input_rules& rules_;
  std::string block_;
  std::int64_t records_ = 0;
};

error read_blocks(const input_source& source, const input_rules& rules,
                  item_list& to) {
  if (!source.is_file)
    return {errc::invalid, "--pipe reads files (-a) or standard input, not "
                           "inputs after \":::\""};
  blocks all{to, rules};
  const auto failed
    = read_file(source.file, rules.delimiter, [&](std::string record) {
        return all.add(record + rules.delimiter);
      });
  return failed ? failed : all.finish();
}

/// One row for each combination of what is linked: a column for each list.
using rows = std::vector<std::vector<json>>;

error add_product(const std::vector<rows>& groups, std::vector<json>& row,
                  std::size_t at, item_list& to) {
  if (at == groups.size())
    return to.add(json(row));
  for (const auto& part : groups[at]) {
    const auto before = row.size();
    row.insert(row.end(), part.begin(), part.end());
    if (auto trouble = add_product(groups, row, at + 1, to))
      return trouble;
    row.resize(before);
  }
  return {};
}

error combine(const std::vector<input_source>& from, const input_rules& rules,
              const std::string& database, map_inputs& to) {
  std::vector<rows> groups;
  for (const auto& source : from) {
    std::vector<json> column;
    if (auto trouble = read_source(source, rules.delimiter, database,
                                   to.left_out, [&](std::string input) {
                                     column.push_back(item_from_bytes(input));
                                     return error{};
                                   }))
      return trouble;
    if (!source.linked) {
      rows group;
      for (auto& value : column)
        group.push_back({std::move(value)});
      groups.push_back(std::move(group));
      continue;
    }
    auto& group = groups.back();
    group.resize(std::min(group.size(), column.size()));
    for (std::size_t i = 0; i < group.size(); ++i)
      group[i].push_back(std::move(column[i]));
  }
  std::vector<json> row;
  return add_product(groups, row, 0, to.items);
}

} // namespace

result<map_inputs> read_inputs(const std::vector<input_source>& from,
                               const input_rules& rules,
                               const std::string& database) {
  map_inputs inputs;
  auto read = [&]() -> error {
    if (rules.block > 0)
      return read_blocks(from.front(), rules, inputs.items);
    if (from.size() > 1)
      return combine(from, rules, database, inputs);
    grouping groups{inputs.items, rules};
    const take_input take = [&](std::string input) {
      return rules.max_args == 1 ? inputs.items.add(item_from_bytes(input))
                                 : groups.add(std::move(input));
    };
    if (auto trouble = read_source(from.front(), rules.delimiter, database,
                                   inputs.left_out, take))
      return trouble;
    return groups.finish();
  };
  if (auto trouble = read())
    return tl::unexpected(trouble);
  if (auto trouble = inputs.items.finish())
    return tl::unexpected(trouble);
  return inputs;
}

} // namespace orcon
