#include "apps/orcon/definition/definition_file.hpp"

#include <cstdio>
#include <filesystem>
#include <map>

#include <conductor/builtin_handlers.hpp>
#include <conductor/stored_json.hpp>
#include <fmt/format.h>

#include "actors/intake/line_reader.hpp"
#include "apps/orcon/cli.hpp"
#include "apps/orcon/definition/yaml.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

definition_context program_context(const std::string& directory) {
  using handlers = std::map<std::string, std::shared_ptr<handler>>;
  const auto known
    = std::make_shared<const handlers>(handlers{{"exec", make_exec_handler({})},
                                                {"noop", make_noop_handler()},
                                                {"sleep", make_sleep_handler()},
                                                {"fail", make_fail_handler()}});
  return {.directory = directory,
          .check_handler
          = [known](const std::string& name,
                    const json& input) -> std::vector<definition_error> {
            if (const auto found = known->find(name); found != known->end())
              return found->second->check(input);
            return {{"/handler", "unknown handler \"" + name
                                   + "\" (there are: exec, fail, noop, "
                                     "sleep)"}};
          }};
}

namespace {

/// Why a list of inputs cannot be used; none if it can.
error look_at_lines(const std::string& path) {
  auto file = line_reader::open(path);
  if (!file)
    return file.error();
  std::int64_t number = 0;
  for (std::string_view line; file->next(line);)
    if (++number; !valid_utf8(line))
      return {errc::invalid, path + ":" + std::to_string(number)
                               + ": the line is not valid UTF-8"};
  return file->failed();
}

/// A file that cannot be used is said before there is a database.
error look_at_sources(const document& file, const std::string& name,
                      const run_spec& spec) {
  for (const auto& task : spec.tasks)
    if (task.fanout.kind == source_kind::lines)
      if (const auto why = look_at_lines(task.fanout.path)) {
        std::string path = "/tasks";
        append_step(path, task.name);
        path += "/input/fanout/lines";
        return {why.code, place_name(file, name, path) + ": " + path + ": "
                            + why.message};
      }
  return {};
}

using beginnings = std::vector<const char*>;

/// Where in a value a placeholder that begins so stands; empty if nowhere.
std::string place_of(const beginnings& placeholders, const json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    for (const auto* begin : placeholders)
      if (const auto at = text.find(begin);
          at != text.npos && has_placeholders(text.substr(at)))
        return "/";
  }
  if (value.is_structured())
    for (const auto& [key, member] : value.items())
      if (const auto below = place_of(placeholders, member); !below.empty()) {
        std::string path;
        append_step(path, key);
        return below == "/" ? path : path + below;
      }
  return {};
}

/// Placeholders that no item of a fan-out can fill, and why. The item of a
/// count is the index, of a range the number, of `lines` and `glob` a text.
std::pair<beginnings, const char*> hopeless(const fanout_source& source) {
  switch (source.kind) {
  case source_kind::none:
    return {{"{item}", "{item.", "{item:"},
            "uses {item}, but the task has no fanout"};
  case source_kind::count:
  case source_kind::range:
  case source_kind::lines:
  case source_kind::glob:
    return {{"{item."},
            "uses a field of {item}, but the items are numbers or "
            "texts; write {item}"};
  default: return {};
  }
}

/// Such a command would fail at each attempt.
std::vector<definition_error> look_at_items(const run_spec& spec) {
  std::vector<definition_error> found;
  for (const auto& task : spec.tasks) {
    if (task.handler != "exec")
      continue;
    const auto& [placeholders, why] = hopeless(task.fanout);
    const auto input = parse_stored(task.input);
    for (const auto* field : {"argv", "env", "cwd"})
      if (input.is_object() && input.contains(field))
        if (const auto below = place_of(placeholders, input[field]);
            !below.empty()) {
          std::string path = "/tasks";
          append_step(path, task.name);
          path += std::string{"/input/"} + field;
          found.push_back({below == "/" ? path : path + below, why});
        }
  }
  return found;
}

} // namespace

checked_definition read_definition_file(const std::string& path) {
  namespace fs = std::filesystem;
  auto file = load_definition_file(path);
  if (!file)
    return {{}, report_error(file.error())};
  std::error_code ignored;
  const auto folder = path == "-" ? fs::current_path(ignored)
                                  : fs::absolute(path, ignored).parent_path();
  auto read = read_definition(file->value, program_context(folder.string()));
  order_as_written(*file, read.spec);
  if (read.errors.empty())
    read.errors = look_at_items(read.spec);
  for (const auto& e : read.errors)
    tell("orcon: {}: {}\n", place_name(*file, path, e.path), to_string(e));
  if (!read.errors.empty())
    return {{}, usage};
  if (const auto trouble = look_at_sources(*file, path, read.spec))
    return {{}, report_error(trouble)};
  return {std::move(read.spec), done};
}

} // namespace orcon
