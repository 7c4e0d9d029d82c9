#include "apps/orcon/help/man_page.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/help/command_tree.hpp"

namespace orcon {

namespace {

/// Text as roff takes it: "-" would be a hyphen, "." and "'" at the beginning
/// of a line a request.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = text[i];
    const auto begins = i == 0 || text[i - 1] == '\n';
    if (begins && (c == '.' || c == '\''))
      out += "\\&";
    switch (c) {
    case '\\': out += "\\e"; break;
    case '-': out += "\\-"; break;
    case '^': out += "\\(ha"; break;
    case '~': out += "\\(ti"; break;
    case '`': out += "\\(ga"; break;
    case '\'': out += "\\(aq"; break;
    default: out += c;
    }
  }
  return out;
}

std::string title_of(const CLI::Option& option) {
  std::string title;
  const auto add = [&](const std::string& name) {
    title
      += (title.empty() ? "" : ", ") + fmt::format("\\fB{}\\fR", escaped(name));
  };
  for (const auto& name : option.get_snames())
    add("-" + name);
  for (const auto& name : option.get_lnames())
    add("--" + name);
  if (option.get_type_size() > 0 && option.get_expected_max() > 0)
    title += fmt::format(" \\fI{}\\fR", escaped(kind_of(option)));
  return title;
}

std::string argument_of(const CLI::Option& option) {
  auto text = fmt::format("\\fI{}\\fR", escaped(kind_of(option)));
  if (option.get_items_expected_max() > 1)
    text += "...";
  return option.get_required() ? text : "[" + text + "]";
}

std::string options_of(const CLI::App& command) {
  std::string text;
  for (const auto* option : command.get_options())
    if (option->nonpositional() && !option->get_group().empty()
        && option != command.get_help_ptr())
      text += fmt::format(".TP\n{}\n{}\n", title_of(*option),
                          escaped(option->get_description()));
  for (const auto* option : command.get_options())
    if (option->get_positional() && option->get_lnames().empty())
      text += fmt::format(".TP\n{}\n{}\n", argument_of(*option),
                          escaped(option->get_description()));
  return text;
}

/// Indented lines of a footer are examples, the others prose.
std::string footer_of(const CLI::App& command) {
  std::string text;
  bool example = false;
  const auto footer = command.get_footer() + "\n";
  for (std::size_t at = 0; at < footer.size();) {
    const auto end = footer.find('\n', at);
    const auto line = footer.substr(at, end - at);
    at = end + 1;
    const auto indented = line.starts_with("  ");
    if (line.empty()) {
      text += example ? ".EE\n" : "";
      example = false;
      if (!text.empty() && !text.ends_with(".PP\n"))
        text += ".PP\n";
      continue;
    }
    if (indented != example)
      text += indented ? ".PP\n.EX\n" : ".EE\n.PP\n";
    example = indented;
    text += escaped(line.substr(indented ? 2 : line[0] == ' ' ? 1 : 0)) + "\n";
  }
  text += example ? ".EE\n" : "";
  while (text.ends_with(".PP\n"))
    text.resize(text.size() - 4);
  return text;
}

std::string sections_of(const CLI::App& command) {
  std::string text;
  const auto below = visible_commands(command);
  if (below.empty()) {
    text += fmt::format(".SS orcon {}", escaped(path_of(command)));
    for (const auto* option : command.get_options())
      if (option->get_positional())
        text += " " + argument_of(*option);
    text += fmt::format("\n{}.\n{}.PP\n{}", escaped(command.get_description()),
                        options_of(command), footer_of(command));
  }
  for (const auto* one : below)
    text += sections_of(*one);
  return text;
}

std::string exit_status() {
  std::string text;
  for (const auto code : exit_codes)
    text
      += fmt::format(".TP\n.B {}\n{}\n", int{code}, escaped(meaning_of(code)));
  return text;
}

constexpr auto rest = R"(.SH ENVIRONMENT
.TP
.B ORCON_DB, ORCON_OUTPUT, ORCON_COLOR, ORCON_WORKERS, ORCON_CONFIG, ORCON_KEEP
stand for the options of the same names where these are not given.
.TP
.B NO_COLOR
if set and not empty: no colours unless
.B \-\-color
or ORCON_COLOR asks for them.
.SH FILES
.TP
.I $XDG_CONFIG_HOME/orcon/config.yaml, \(ti/.config/orcon/config.yaml
Settings, in YAML or (config.json) JSON:
.BR db ", " output ", " color ", " workers ", " quiet ", " verbose ", " keep .
Flags go before the environment, the environment before this file.
.TP
.I ./orcon.db
The database, if it is there and no other one is named.
.TP
.I $XDG_STATE_HOME/orcon/orcon.db, \(ti/.local/state/orcon/orcon.db
The database otherwise.
.SH SEE ALSO
.BR sqlite3 (1),
.BR xargs (1),
.BR parallel (1)
)";

} // namespace

std::string man_page(const CLI::App& app) {
  return fmt::format(
    ".TH ORCON 1 \"\" \"Origin Conductor {}\" \"User Commands\"\n"
    ".SH NAME\norcon \\- {}\n"
    ".SH SYNOPSIS\n.B orcon\n.RI [ options ]\n.I command\n.RI [ arguments ]\n"
    ".SH DESCRIPTION\n"
    "Takes a run, a set of tasks of which some are fanned out into many\n"
    "children, executes the tasks, retries what fails, and keeps every "
    "state\n"
    "and every event in one SQLite file, so that a crash loses nothing.\n"
    ".PP\nData goes to standard output, messages and progress to standard\n"
    "error.\n"
    ".SH OPTIONS\nEvery command knows these.\n{}"
    ".SH COMMANDS\n{}.SH EXIT STATUS\n{}{}",
    ORCON_VERSION, escaped("durable fan-out of work on one SQLite file"),
    options_of(app), sections_of(app), exit_status(), rest);
}

} // namespace orcon
