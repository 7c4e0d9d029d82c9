#include "apps/orcon/help/command_notes.hpp"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace orcon {

namespace {

struct note {
  std::string_view examples;
  std::vector<int> codes;
};

/// By the path of the command. A command may bring a footer of its own.
const std::map<std::string_view, note>& notes() {
  static const std::map<std::string_view, note> all{
    {"exec",
     {"orcon exec checksums.yaml --workers 8\n"
      "orcon exec nightly.json -o json > report.json",
      {0, 2, 3, 4, 5, 7, 130}}},
    {"resume",
     {"orcon resume --db nightly.db\n"
      "orcon resume last                  only the newest run",
      {0, 3, 4, 5, 7, 130}}},
    {"demo",
     {"orcon demo\n"
      "orcon demo 2 5                     only these two",
      {0, 1, 2}}},
    {"run start",
     {"id=$(orcon run start -q checksums.yaml)\n"
      "orcon resume $id",
      {0, 2, 5, 7}}},
    {"run list",
     {"orcon run list --state FAILED --limit 10\n"
      "orcon run list --name 'nightly*' -o jsonl",
      {0, 2, 5, 7}}},
    {"run show",
     {"orcon run show                     the newest run\n"
      "orcon run show last -o json",
      {0, 5, 7}}},
    {"run watch",
     {"orcon run watch\n"
      "orcon run watch last --timeout 10m",
      {0, 2, 3, 4, 5, 7, 8, 130}}},
    {"run wait",
     {"orcon run wait last --timeout 10m && echo ready",
      {0, 2, 3, 4, 5, 7, 8, 130}}},
    {"run report",
     {"orcon run report > run.html        one page for a browser",
      {0, 2, 5, 7}}},
    {"run retry",
     {"orcon run retry last && orcon resume\n"
      "orcon run retry --error timeout --name 'hash#*'",
      {0, 2, 5, 6, 7}}},
    {"run delete", {"orcon run delete last", {0, 5, 6, 7}}},
    {"task retry", {"orcon task retry hash#12 && orcon resume", {0, 5, 6, 7}}},
    {"task list",
     {"orcon task list --state FAILED\n"
      "orcon task list last --name 'hash#*' --all -o jsonl",
      {0, 2, 5, 7}}},
    {"task show",
     {"orcon task show hash#12            of the newest run\n"
      "orcon task show 01M8417HQ9HASH000000000001 -o json",
      {0, 5, 7}}},
    {"task failures",
     {"orcon task failures                of the newest run\n"
      "orcon task failures last --all -o jsonl",
      {0, 5, 7}}},
    {"event list",
     {"orcon event list last --name task.failed -o jsonl\n"
      "orcon event list --after 1200 --limit 50",
      {0, 5, 7}}},
    {"event tail",
     {"orcon event tail --name task.failed\n"
      "orcon event tail last --after 0 -o jsonl",
      {0, 5, 7}}},
    {"health",
     {"orcon health --stuck-after exec=1h\n"
      "orcon health -o json | jq .reasons",
      {0, 2, 5, 7, 9}}},
    {"stats",
     {"orcon stats\n"
      "orcon stats -o prometheus          as Prometheus reads it",
      {0, 2, 5, 7}}},
    {"db init",
     {"orcon db init                      ./orcon.db, for commands run here\n"
      "orcon db init --db nightly.db",
      {0, 7}}},
    {"db backup", {"orcon db backup nightly-$(date +%F).db", {0, 5, 6, 7}}},
    {"db migrate", {"orcon db migrate --db old.db", {0, 5, 7}}},
    {"db prune",
     {"orcon db prune --before 720h --dry-run\n"
      "orcon db prune --before 2026-01-01",
      {0, 2, 5, 7}}},
    {"db stats", {"orcon db stats", {0, 5, 7}}},
    {"def lint", {"orcon def lint examples/*.yaml", {0, 2, 5}}},
    {"def schema", {"orcon def schema > run.schema.json", {0}}},
    {"db check", {"orcon db check --db nightly.db", {0, 5, 7}}},
    {"db verify", {"orcon db verify --db nightly.db -o json", {0, 5, 7}}},
    {"bench fanout",
     {"orcon bench fanout --tasks 50000 -o json", {0, 1, 6, 7, 130}}},
    {"bench exec", {"orcon bench exec --tasks 1000", {0, 1, 6, 7, 130}}},
    {"bench latency",
     {"orcon bench latency --tasks 100 --under-load --load 50000",
      {0, 1, 6, 7, 130}}},
    {"bench reads", {"orcon bench reads --tasks 50000", {0, 1, 6, 7, 130}}},
    {"bench runs", {"orcon bench runs --tasks 1000", {0, 1, 6, 7, 130}}},
    {"bench payload", {"orcon bench payload --tasks 1000", {0, 1, 6, 7, 130}}},
    {"bench sleep",
     {"orcon bench sleep --tasks 5000 --workers 100", {0, 1, 6, 7, 130}}},
    {"bench idle", {"orcon bench idle --seconds 2", {0, 1, 6, 7, 130}}},
    {"version", {"orcon version -o json", {0}}},
    {"completion",
     {"source <(orcon completion bash)            in ~/.bashrc\n"
      "source <(orcon completion zsh)             in ~/.zshrc, behind "
      "compinit\n"
      "orcon completion fish > ~/.config/fish/completions/orcon.fish",
      {0, 2}}},
    {"man", {"orcon man | man -l -", {0}}}};
  return all;
}

/// What the value of an option or argument is, by the option's name, where the
/// command does not say.
const std::map<std::string_view, std::string_view>& kinds() {
  static const std::map<std::string_view, std::string_view> all{
    {"run", "RUN"},          {"task", "TASK"},
    {"state", "STATE"},      {"before", "RUN"},
    {"file", "FILE"},        {"files", "FILE"},
    {"arg-file", "FILE"},    {"results", "FOLDER"},
    {"timeout", "DURATION"}, {"limit", "N"},
    {"jobs", "N"},           {"retries", "N"},
    {"tasks", "N"},          {"tolerate", "SHARE"},
    {"name", "PATTERN"},     {"shell", "SHELL"},
    {"label", "KEY=VALUE"},  {"since", "MOMENT"},
    {"error", "TYPE"},       {"metrics-file", "FILE"},
    {"scenarios", "N"},      {"to", "FILE"}};
  return all;
}

void name_values(CLI::App& command) {
  const std::map<std::string, std::string_view> special{
    {"event list/name", "EVENT"}, {"event tail/name", "EVENT"},
    {"task list/after", "TASK"},  {"task failures/after", "TASK"},
    {"event list/after", "SEQ"},  {"map/name", "NAME"}};
  for (auto* option : command.get_options()) {
    const auto& longs = option->get_lnames();
    const auto name = longs.empty() ? option->get_name(true) : longs.front();
    // CLI11 itself says no more than this.
    const auto type = kind_of(*option);
    if (type != "TEXT" && type != "INT" && type != "UINT" && type != "N")
      continue;
    // Bounds belong into error messages.
    if (option->get_type_name() != type)
      option->get_validator()->description("");
    const auto own = special.find(path_of(command) + "/" + name);
    if (own != special.end())
      option->type_name(std::string{own->second});
    else if (const auto found = kinds().find(name); found != kinds().end())
      option->type_name(std::string{found->second});
  }
}

std::string footer_of(const note& n) {
  std::string text = n.examples.find('\n') == std::string_view::npos
                       ? "\nExample:\n"
                       : "\nExamples:\n";
  for (std::size_t at = 0; at < n.examples.size();) {
    const auto end = std::min(n.examples.find('\n', at), n.examples.size());
    text += "  " + std::string{n.examples.substr(at, end - at)} + "\n";
    at = end + 1;
  }
  std::string codes, line = "Exit codes:";
  for (const auto& e : exit_notes()) {
    if (std::find(n.codes.begin(), n.codes.end(), e.code) == n.codes.end())
      continue;
    const auto one = fmt::format(" {} {}{}", e.code, e.meaning,
                                 e.code == n.codes.back() ? "" : ",");
    if (line.size() + one.size() > 78) {
      codes += line + "\n";
      line.clear();
    }
    line += one;
  }
  return text + "\n" + codes + line;
}

} // namespace

const std::vector<exit_note>& exit_notes() {
  static const std::vector<exit_note> all{
    {0, "done, the run SUCCEEDED"},
    {1, "the operation failed"},
    {2, "wrong usage or an invalid definition"},
    {3, "the run FAILED"},
    {4, "the run was CANCELLED"},
    {5, "no such run, task or file"},
    {6, "not allowed in this state"},
    {7, "the database is not usable"},
    {8, "a time limit was reached"},
    {9, "health CRITICAL"},
    {130, "interrupted"}};
  return all;
}

void add_notes(CLI::App& app) {
  const auto found = notes().find(path_of(app));
  if (found != notes().end() && app.get_footer().empty())
    app.footer(footer_of(found->second));
  if (app.get_parent() && visible_commands(app).empty())
    app.footer(app.get_footer()
               + "\n\nOptions of all commands (--db, -o, ...): orcon --help");
  name_values(app);
  for (auto* command : app.get_subcommands({}))
    add_notes(*command);
}

std::string path_of(const CLI::App& command) {
  if (command.get_parent() == nullptr)
    return {};
  const auto above = path_of(*command.get_parent());
  return above.empty() ? command.get_name() : above + " " + command.get_name();
}

std::vector<const CLI::App*> visible_commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) {
    return !command->get_group().empty() && !command->get_disabled();
  });
}

std::vector<const CLI::Option*> visible_options(const CLI::App& command) {
  std::vector<const CLI::Option*> all;
  for (const auto* at = &command; at != nullptr; at = at->get_parent())
    for (const auto* option : at->get_options()) {
      const auto known = [&](const CLI::Option* o) {
        return o->get_name() == option->get_name();
      };
      if (option->nonpositional() && !option->get_group().empty()
          && std::none_of(all.begin(), all.end(), known))
        all.push_back(option);
    }
  return all;
}

std::string kind_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

std::vector<std::string_view> values_of_kind(std::string_view kind) {
  if (kind == "STATE")
    return {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"};
  if (kind == "FORMAT")
    return {"table", "json", "jsonl"};
  if (kind == "WHEN")
    return {"auto", "always", "never"};
  if (kind == "SHELL")
    return {"bash", "zsh", "fish"};
  return {};
}

} // namespace orcon
