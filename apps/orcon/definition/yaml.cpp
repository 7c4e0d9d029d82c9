#include "apps/orcon/definition/yaml.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <tuple>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/orcon/definition/yaml_reader.hpp"

namespace orcon {

using conductor::errc;
using conductor::fail;
using conductor::result;

namespace {

constexpr std::size_t largest_file = 64u << 20;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

tl::unexpected<conductor::error> io_error(const std::string& name) {
  const auto code = errno;
  const auto missing = code == ENOENT || code == ENOTDIR;
  return fail(missing ? errc::not_found : errc::file,
              name + ": " + std::generic_category().message(code));
}

result<std::string> read_all(int descriptor, const std::string& name) {
  struct stat about {};
  if (::fstat(descriptor, &about) != 0)
    return io_error(name);
  if (S_ISDIR(about.st_mode))
    return fail(errc::invalid, name + ": is a directory, not a file");
  std::string text;
  std::vector<char> part(1u << 16);
  for (;;) {
    const auto n = ::read(descriptor, part.data(), part.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return io_error(name);
    if (n == 0)
      return text;
    text.append(part.data(), static_cast<std::size_t>(n));
    if (text.size() > largest_file)
      return fail(errc::invalid, name
                                   + ": is larger than 64 MiB, the limit "
                                     "for definitions");
  }
}

result<std::string> read_file(const std::string& path,
                              const std::string& name) {
  if (path == "-")
    return read_all(STDIN_FILENO, name);
  const auto descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return io_error(name);
  auto text = read_all(descriptor, name);
  ::close(descriptor);
  return text;
}

result<document> read_json(const std::string& text, const std::string& name) {
  auto value = conductor::parse_json(text);
  if (value)
    return document{std::move(*value), json_places(text)};
  const auto& message = value.error().message;
  int line = 0, column = 0, length = 0;
  const auto found = std::sscanf(message.c_str(), "line %d, column %d: %n",
                                 &line, &column, &length);
  if (found < 2 || length == 0)
    return fail(errc::invalid, name + ": " + message);
  return fail(errc::invalid,
              name + ':' + std::to_string(line) + ':' + std::to_string(column)
                + ": " + message.substr(static_cast<std::size_t>(length)));
}

/// A file that begins with '{' is JSON, or else YAML in its flow style.
result<document> read_braces(const std::string& text, const std::string& path,
                             const std::string& name) {
  auto as_json = read_json(text, name);
  if (as_json)
    return as_json;
  auto as_yaml = read_yaml(text, name);
  if (as_yaml || path.ends_with(".yaml") || path.ends_with(".yml"))
    return as_yaml;
  return as_json;
}

} // namespace

result<document> load_definition_file(const std::string& path) {
  const auto name = path == "-" ? std::string{"stdin"} : path;
  auto text = read_file(path, name);
  if (!text)
    return tl::unexpected(text.error());
  if (!conductor::valid_utf8(*text))
    return fail(errc::invalid, name + ": is not UTF-8 text");
  if (text->starts_with(byte_order_mark))
    text->erase(0, byte_order_mark.size());
  const auto first = text->find_first_not_of(" \t\r\n");
  if (first == std::string::npos)
    return fail(errc::invalid, name + ": is empty");
  if (path.ends_with(".json"))
    return read_json(*text, name);
  return (*text)[first] == '{' ? read_braces(*text, path, name)
                               : read_yaml(*text, name);
}

std::string place_name(const document& from, const std::string& file,
                       const std::string& pointer) {
  for (auto at = pointer;; at.resize(at.rfind('/'))) {
    if (const auto found = from.places.find(at); found != from.places.end())
      return file + ':' + std::to_string(found->second.first) + ':'
             + std::to_string(found->second.second);
    if (at.find('/') == std::string::npos)
      return file;
  }
}

void order_as_written(const document& from, conductor::run_spec& spec) {
  const auto tasks = from.value.find("tasks");
  if (tasks == from.value.end() || !tasks->is_object())
    return;
  const auto place = [&](const conductor::task_spec& task) {
    std::string pointer = "/tasks";
    append_step(pointer, task.name);
    const auto found = from.places.find(pointer);
    return found == from.places.end() ? std::pair{0, 0} : found->second;
  };
  std::vector<std::pair<std::pair<int, int>, std::size_t>> order;
  for (std::size_t i = 0; i < spec.tasks.size(); ++i)
    order.emplace_back(place(spec.tasks[i]), i);
  std::sort(order.begin(), order.end());
  std::vector<conductor::task_spec> sorted;
  sorted.reserve(order.size());
  for (const auto& [where, i] : order)
    sorted.push_back(std::move(spec.tasks[i]));
  spec.tasks = std::move(sorted);
}

} // namespace orcon
