#include "actors/handlers/exec/exec_request.hpp"

#include <cstdlib>

#include <unistd.h>

#include "actors/handlers/exec/exec_placeholders.hpp"

namespace conductor {

namespace {

/// The kernel accepts no argument and no variable longer than this.
constexpr std::size_t longest_variable = 128 * 1024 - 64;

result<std::string> expand(placeholders& with, const std::string& text,
                           const std::string& where) {
  auto expanded = with.expand(text);
  if (!expanded)
    return fail(errc::invalid, where + ": " + expanded.error().message);
  if (expanded->find('\0') != std::string::npos)
    return fail(errc::invalid, where
                                 + " has a NUL byte, which cannot be passed "
                                   "to a process");
  return expanded;
}

/// Adds what one argument of the definition stands for.
error add_argument(placeholders& with, const std::string& text,
                   const std::string& where, std::vector<std::string>& argv) {
  auto words = with.expand_argument(text);
  if (!words)
    return {errc::invalid, where + ": " + words.error().message};
  for (auto& word : *words) {
    if (word.find('\0') != std::string::npos)
      return {errc::invalid,
              where + " has a NUL byte, which cannot be passed to a process"};
    argv.push_back(std::move(word));
  }
  return {};
}

void add_ours(const attempt& work, placeholders& with, environment& to) {
  to["ORCON_RUN_ID"] = work.origin->run_id;
  to["ORCON_TASK_ID"] = work.task_id();
  to["ORCON_TASK_NAME"] = work.name();
  to["ORCON_ATTEMPT"] = std::to_string(work.number);
  to.erase("ORCON_INDEX");
  to.erase("ORCON_ITEM");
  if (work.index > 0)
    to["ORCON_INDEX"] = std::to_string(work.index);
  if (work.item.empty())
    return;
  // A process may read an item that no variable can hold from its stdin.
  const auto& item = with.item_text();
  if (item.size() <= longest_variable && item.find('\0') == item.npos)
    to["ORCON_ITEM"] = item;
}

result<std::string> directory_of(const attempt& work, const std::string& cwd) {
  const auto& base = work.origin->spec.directory;
  if (cwd.empty() || base.empty() || cwd.front() == '/')
    return cwd.empty() ? base : cwd;
  return base + '/' + cwd;
}

std::optional<std::string>
stdin_of(const attempt& work, const exec_input& input, placeholders& with) {
  switch (input.stdin_from) {
  case exec_stdin::input: return dump(work.input());
  case exec_stdin::item: return with.item_text();
  case exec_stdin::text: return input.stdin_text;
  case exec_stdin::none: break;
  }
  return std::nullopt;
}

/// "${env:NAME}" stands for a variable of this program at that moment, so that
/// secrets need not be stored.
std::string variable_named_by(std::string_view value) {
  constexpr std::string_view begin = "${env:";
  if (!value.starts_with(begin) || !value.ends_with('}'))
    return {};
  return std::string{
    value.substr(begin.size(), value.size() - begin.size() - 1)};
}

} // namespace

own_environment read_environment() {
  own_environment own;
  for (auto** entry = environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    if (const auto equals = text.find('='); equals != 0 && equals != text.npos)
      own.whole.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto* name :
       {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER"})
    if (const auto found = own.whole.find(name); found != own.whole.end())
      own.allowed.insert(*found);
  return own;
}

result<process_spec> make_process(const attempt& work, const exec_input& input,
                                  const own_environment& own) {
  placeholders with(work);
  process_spec process;
  for (std::size_t i = 0; i < input.argv.size(); ++i)
    if (auto trouble = add_argument(with, input.argv[i],
                                    "argv/" + std::to_string(i), process.argv))
      return tl::unexpected(trouble);
  auto variables = input.inherit_env ? own.whole : own.allowed;
  for (const auto& [name, value] : input.env) {
    if (const auto from = variable_named_by(value); !from.empty()) {
      if (const auto* ours = std::getenv(from.c_str()))
        variables[name] = ours;
      continue;
    }
    auto text = expand(with, value, "env/" + name);
    if (!text)
      return fail(text.error().code, text.error().message);
    variables[name] = std::move(*text);
  }
  add_ours(work, with, variables);
  for (const auto& [name, value] : variables)
    process.env.push_back(name + '=' + value);
  const auto cwd = expand(with, input.cwd, "cwd");
  if (!cwd)
    return fail(cwd.error().code, cwd.error().message);
  process.directory = *directory_of(work, *cwd);
  process.input = stdin_of(work, input, with);
  if (input.stdout_limit > 0)
    process.output_cap = input.stdout_limit;
  process.keep_output = input.stdout_as != exec_stdout::discard;
  process.timeout = work.origin->spec.timeout;
  return process;
}

} // namespace conductor
