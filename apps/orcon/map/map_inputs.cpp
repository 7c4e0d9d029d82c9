#include "apps/orcon/map/map_inputs.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "actors/intake/source_file.hpp"

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

result<spool> spool_lines(std::istream& from, const std::string& name,
                          const std::string& database, std::uint64_t& hash) {
  auto lines = spool::create(database);
  if (!lines)
    return tl::unexpected(lines.error());
  const auto bad_line = [&](const std::string& what) {
    return fail(errc::invalid,
                name + ": line " + std::to_string(lines->count() + 1) + what);
  };
  for (std::string line; std::getline(from, line);) {
    if (line.size() > max_line_bytes)
      return bad_line(" is longer than " + std::to_string(max_line_bytes)
                      + " bytes");
    if (!valid_utf8(line))
      return bad_line(" is not valid UTF-8");
    hash = hash_text(line, hash_text("\n", hash));
    if (!lines->add_line(line))
      return fail(errc::full,
                  "no room for a copy of " + name + " beside " + database);
  }
  if (from.bad())
    return fail(errc::file, "cannot read " + name);
  return std::move(*lines);
}

result<spool> spool_standard_input(const std::string& database,
                                   std::uint64_t& hash) {
  if (::isatty(STDIN_FILENO) == 1)
    return fail(errc::invalid,
                "no inputs; give them behind \":::\", with -a FILE, or on "
                "standard input");
  std::ios::sync_with_stdio(false);
  return spool_lines(std::cin, "standard input", database, hash);
}

/// A pipe such as bash's <(…) gives its lines but once.
bool gives_once(const std::string& file) {
  std::error_code ignored;
  const auto status = std::filesystem::status(file, ignored);
  return std::filesystem::is_fifo(status)
         || std::filesystem::is_character_file(status)
         || std::filesystem::is_socket(status);
}

} // namespace

result<map_inputs> map_inputs::from(const std::string& list_file,
                                    std::vector<std::string>& command,
                                    const std::string& database) {
  map_inputs inputs;
  const auto mark = std::find(command.begin(), command.end(), ":::");
  if (mark != command.end()) {
    inputs.values_.assign(mark + 1, command.end());
    command.erase(mark, command.end());
    const auto& values = inputs.values_;
    if (std::find(values.begin(), values.end(), ":::") != values.end())
      return fail(errc::invalid,
                  "only one \":::\" may be given; inputs are not "
                  "combined");
    if (!list_file.empty())
      return fail(errc::invalid, "give inputs behind \":::\" or with -a FILE, "
                                 "not both");
    for (const auto& value : inputs.values_)
      if (!valid_utf8(value))
        return fail(errc::invalid,
                    "an input behind \":::\" is not valid UTF-8");
    inputs.fingerprint_ = dump(json(inputs.values_));
    return inputs;
  }
  if (!list_file.empty() && list_file != "-" && !gives_once(list_file)) {
    std::error_code ignored;
    inputs.file_ = std::filesystem::absolute(list_file, ignored).string();
    const auto reader = line_reader::open(inputs.file_, 0);
    if (!reader)
      return tl::unexpected(reader.error());
    const auto& file = reader->file();
    inputs.fingerprint_
      = fmt::format("{}:{}:{}", file.path, file.size, file.mtime_ns);
    return inputs;
  }
  auto hash = hash_text("");
  std::ifstream stream;
  const auto from_stream = !list_file.empty() && list_file != "-";
  if (from_stream)
    stream.open(list_file);
  auto spooled = from_stream ? spool_lines(stream, list_file, database, hash)
                             : spool_standard_input(database, hash);
  if (!spooled)
    return tl::unexpected(spooled.error());
  inputs.spool_.emplace(std::move(*spooled));
  const auto path = inputs.spool_->finish();
  if (!path)
    return tl::unexpected(path.error());
  inputs.file_ = *path;
  inputs.fingerprint_ = fmt::format("stdin:{:016x}", hash);
  return inputs;
}

json map_inputs::as_fanout() const {
  if (file_.empty())
    return values_;
  return {{"lines", file_}};
}

void map_inputs::keep() {
  if (spool_)
    spool_->keep();
}

error map_inputs::each(
  const std::function<void(const std::string&)>& one) const {
  for (const auto& value : values_)
    one(value);
  if (file_.empty())
    return {};
  auto reader = line_reader::open(file_, 0);
  if (!reader)
    return reader.error();
  for (std::string_view line; reader->next(line);)
    one(spool_ ? json::parse(line).get<std::string>() : std::string{line});
  return reader->trouble();
}

} // namespace orcon
