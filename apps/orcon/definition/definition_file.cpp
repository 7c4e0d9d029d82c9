#include "apps/orcon/definition/definition_file.hpp"

#include <cstdio>
#include <filesystem>
#include <map>

#include <conductor/builtin_handlers.hpp>
#include <fmt/format.h>

#include "actors/intake/source_file.hpp"
#include "apps/orcon/cli.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/definition/yaml.hpp"

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
  auto file = line_reader::open(path, 0);
  if (!file)
    return file.error();
  std::int64_t number = 0;
  for (std::string_view line; file->next(line);)
    if (++number; !valid_utf8(line))
      return {errc::invalid, path + ":" + std::to_string(number)
                               + ": the line is not valid UTF-8"};
  return file->trouble();
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
  for (const auto& e : read.errors)
    tell("orcon: {}: {}\n", place_name(*file, path, e.path), to_string(e));
  if (!read.errors.empty())
    return {{}, usage};
  if (const auto trouble = look_at_sources(*file, path, read.spec))
    return {{}, report_error(trouble)};
  return {std::move(read.spec), done};
}

} // namespace orcon
