#define CAF_SUITE apps.commands

#include <functional>
#include <set>
#include <sstream>

#include <CLI/CLI.hpp>
#include <conductor/json_text.hpp>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/help/command_tree.hpp"
#include "apps/orcon/help/man_page.hpp"
#include "tests/support/program.hpp"

// The command line itself: its help, its documentation, and its complaints.
using namespace orcon::test;

namespace {

bool has(const program_result& r, const std::string& text) {
  return r.says(text);
}

/// The command line of the program, not run.
struct command_line {
  orcon::settings common;
  orcon::action chosen;
  CLI::App app{"", "orcon"};

  command_line() { orcon::build_command_line(app, common, chosen); }

  /// Commands that do something, groups left out.
  std::vector<const CLI::App*> leaves() const {
    std::vector<const CLI::App*> all;
    const std::function<void(const CLI::App&)> walk = [&](const CLI::App& at) {
      for (const auto* below : orcon::visible_commands(at)) {
        if (orcon::visible_commands(*below).empty())
          all.push_back(below);
        walk(*below);
      }
    };
    walk(app);
    return all;
  }
};

std::string documentation() {
  std::ifstream file{fs::path{CONDUCTOR_SOURCE_DIR} / "docs/commands.md"};
  CAF_REQUIRE(file.good());
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// The text below a heading that begins so, up to the next heading.
std::string section(const std::string& heading) {
  std::istringstream text{documentation()};
  std::string found, line;
  for (bool in = false; std::getline(text, line);) {
    if (line.starts_with("#"))
      in = (line + " ").starts_with(heading + " ");
    if (in)
      found += line + "\n";
  }
  return found;
}

std::string section_of(const std::string& path) {
  return section("### orcon " + path);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// "Columns: `ID`, `NAME`." -> "ID NAME"
std::string columns_in(const std::string& text) {
  const auto from = text.find("`", text.find("olumns"));
  const auto end = std::min(text.find('.', from), text.find(". ", from));
  std::string names;
  bool quoted = false;
  for (const auto c : text.substr(from, end - from)) {
    if (c == '`')
      quoted = !quoted;
    else if (quoted)
      names += c;
    else if (c == ',')
      names += ' ';
  }
  return names;
}

std::string in_one_space(const std::string& line) {
  std::istringstream words{line};
  std::string out, word;
  while (words >> word)
    out += (out.empty() ? "" : " ") + word;
  return out;
}

} // namespace

CAF_TEST(each command is documented with all of its options) {
  const command_line line;
  for (const auto* command : line.leaves()) {
    const auto path = orcon::path_of(*command);
    const auto text = section_of(path);
    CAF_MESSAGE("orcon " << path);
    CAF_CHECK(!text.empty());
    CAF_CHECK(contains(text, "```console\n$ "));
    CAF_CHECK(contains(text, "Exit codes: 0"));
    for (const auto* option : command->get_options()) {
      if (option == command->get_help_ptr())
        continue;
      for (const auto& name : option->get_lnames()) {
        CAF_MESSAGE("  --" << name);
        CAF_CHECK(contains(text, "`--" + name));
      }
    }
  }
  const auto common = section("## Common options");
  for (const auto* option : line.app.get_options())
    for (const auto& name : option->get_lnames())
      CAF_CHECK(contains(common, "`--" + name));
}

CAF_TEST(nothing is documented that is not there) {
  const command_line line;
  std::set<std::string> known;
  for (const auto* command : line.leaves())
    known.insert(orcon::path_of(*command));
  std::istringstream text{documentation()};
  for (std::string heading; std::getline(text, heading);) {
    if (!heading.starts_with("### orcon "))
      continue;
    const auto rest = heading.substr(10);
    CAF_MESSAGE(rest);
    std::istringstream words{rest};
    std::string first, second;
    words >> first >> second;
    CAF_CHECK(known.count(first) > 0 || known.count(first + " " + second) > 0);
  }
}

CAF_TEST(help has examples and exit codes for each command) {
  const bench b;
  const command_line line;
  for (const auto* command : line.leaves()) {
    const auto footer = command->get_footer();
    CAF_MESSAGE(orcon::path_of(*command));
    CAF_CHECK(contains(footer, "Example"));
    CAF_CHECK(contains(footer, "Exit codes: 0 done"));
    CAF_CHECK(contains(footer, "  orcon ") || contains(footer, "(orcon "));
  }
  const auto r = b.run("orcon run list --help");
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK(has(r, "--state STATE"));
  CAF_CHECK(has(r, "Examples:\n  orcon run list --state FAILED"));
  CAF_CHECK(has(r, "Exit codes: 0 done"));
  const auto all = b.run("orcon --help-all");
  for (const auto* command : line.leaves())
    CAF_CHECK(has(all, "Usage: orcon " + orcon::path_of(*command)));
}

CAF_TEST(what is mistyped is answered with what was meant) {
  const bench b;
  const auto answer = [&](const std::string& typed, const std::string& told) {
    const auto r = b.run("orcon " + typed);
    CAF_MESSAGE(r.out);
    CAF_CHECK_EQUAL(r.code, 2);
    CAF_CHECK(has(r, told));
  };
  answer("rnu list",
         "orcon: there is no command \"rnu\"; did you mean \"run\"?");
  answer("run lits", "orcon run: there is no command \"lits\"; did you mean "
                     "\"list\"?\nsee: orcon run --help");
  answer("resum", "did you mean \"resume\"?");
  answer("zzzzzz",
         "there is no command \"zzzzzz\"; there are exec, resume, map");
  answer("run list --stat FAILED", "there is no option --stat; did you mean "
                                   "\"--state\"?");
  answer("run list --ouput=json", "did you mean \"--output\"?");
  answer("run show a b", "\"b\" is one argument too many");
  answer("", "orcon: a command is missing\nsee: orcon --help");
  answer("task", "orcon task: a command is missing");
  answer("exec", "orcon exec: file is required");
  answer("run list -o xml", "\"xml\" is not table, json or jsonl");
  answer("run list --color red", "\"red\" is not auto, always or never");
  answer("completion tcsh", "\"tcsh\" is not bash, zsh or fish");
  answer("run list --workers x", "--workers");
}

CAF_TEST(columns and fields are the documented ones) {
  const bench b;
  b.write("r.yaml", "version: 1\nname: r\ntasks:\n"
                    "  a: { handler: fail, max_retries: 0 }\n"
                    "  b: { handler: noop, input: { fanout: 2 } }\n");
  CAF_CHECK_EQUAL(b.run("orcon exec -q r.yaml").code, 3);
  const auto objects = section("## JSON objects");
  for (const auto* path :
       {"run list", "task list", "task failures", "event list"}) {
    const auto text = section_of(path);
    const auto command = std::string{"orcon "} + path;
    CAF_MESSAGE(command);
    CAF_CHECK_EQUAL(in_one_space(b.run(command + " | head -n1").out),
                    columns_in(text));
    const auto row
      = conductor::json::parse(b.run(command + " -o jsonl | head -n1").out);
    for (const auto& [key, value] : row.items()) {
      CAF_MESSAGE("  " << key);
      CAF_CHECK(
        contains(text + objects + section_of("task list"), "`" + key + "`"));
    }
  }
  for (const auto* line : {"run show", "task show b", "db check", "db verify",
                           "version", "def lint r.yaml"}) {
    auto object
      = conductor::json::parse(b.run(std::string{"orcon -o json "} + line).out);
    if (object.is_array())
      object = object.at(0);
    CAF_MESSAGE(line);
    std::istringstream words{line};
    std::string first, second;
    words >> first >> second;
    const auto text = section_of(first + (second.empty() ? "" : " " + second));
    for (const auto& [key, value] : object.items()) {
      CAF_MESSAGE("  " << key);
      CAF_CHECK(contains(text + objects, "`" + key + "`"));
    }
  }
}

CAF_TEST(json is json also where it was a story) {
  const bench b;
  const auto r = b.run("orcon demo 1 -o json");
  CAF_CHECK_EQUAL(r.code, 0);
  const auto rows = conductor::json::parse(r.out, nullptr, false);
  CAF_REQUIRE(rows.is_array());
  CAF_CHECK_EQUAL(rows.at(0).at("ok"), true);
}

CAF_TEST(the manual page) {
  const bench b;
  const command_line line;
  const auto page = b.run("orcon man").out;
  CAF_CHECK(page.starts_with(".TH ORCON 1 "));
  for (const auto* command : line.leaves())
    CAF_CHECK(contains(page, ".SS orcon " + orcon::path_of(*command)));
  CAF_CHECK(contains(page, "\\fB\\-\\-keep\\-order\\fR"));
  CAF_CHECK(contains(page, ".TP\n.B 130\ninterrupted"));
  if (b.run("command -v groff").code != 0) {
    CAF_MESSAGE("skipped: there is no groff on this machine");
    return;
  }
  const auto shown = b.run("orcon man | groff -man -Tutf8 -ww >/dev/null");
  CAF_CHECK_EQUAL(shown.out, ""); // no warnings
  CAF_CHECK_EQUAL(shown.code, 0);
}

CAF_TEST(help is a command too) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("orcon help").out, b.run("orcon --help").out);
  CAF_CHECK_EQUAL(b.run("orcon help run list").out,
                  b.run("orcon run list --help").out);
}

CAF_TEST(several runs resumed are one document) {
  const bench b;
  b.write("a.json", R"({"tasks":{"a":{"handler":"noop"}}})");
  b.run("orcon run start -q a.json; orcon run start -q a.json");
  const auto r = conductor::json::parse(b.run("orcon resume -q -o json").out);
  CAF_CHECK(r.is_array());
  CAF_CHECK_EQUAL(r.size(), 2u);
  CAF_CHECK_EQUAL(b.run("orcon resume -q -o json").out, "[]\n");
}

CAF_TEST(a database that lies is named with what to do) {
  const bench b;
  b.run("orcon map -q -- true ::: a b");
  b.ask("UPDATE parents SET succeeded=1,failed=1");
  const auto r = b.run("orcon db verify");
  CAF_CHECK_EQUAL(r.code, 7);
  for (const auto* part :
       {"I6  the children of task \"map\" (", "succeeded is 1, counted 2",
        "1 run, 3 tasks, ", "NOT in order", "backup that verifies"})
    if (r.out.find(part) == std::string::npos)
      CAF_ERROR(part << " is missing in: " << r.out);
  const auto parsed
    = conductor::json::parse(b.run("orcon db verify -q -o json").out);
  CAF_CHECK_EQUAL(parsed["ok"], false);
  CAF_CHECK(!parsed["violations"].empty());
}
