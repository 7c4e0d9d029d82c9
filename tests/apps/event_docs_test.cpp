#define CAF_SUITE apps.event_docs

#include <map>
#include <set>
#include <sstream>
#include <vector>

#include <conductor/event.hpp>
#include <conductor/json_text.hpp>

#include "tests/support/program.hpp"

#include <caf/test/unit_test.hpp>

// What docs/events.md says of each event's payload, against what is written.
namespace {

/// What stands in `code` in a text.
std::vector<std::string> words_in_code(const std::string& text) {
  std::vector<std::string> words;
  for (auto begin = text.find('`'); begin != std::string::npos;) {
    const auto end = text.find('`', begin + 1);
    if (end == std::string::npos)
      break;
    words.push_back(text.substr(begin + 1, end - begin - 1));
    begin = text.find('`', end + 1);
  }
  return words;
}

/// By the event's name, the words in code that its row has in the column of
/// payloads. Only the table of events has four columns.
std::map<std::string, std::set<std::string>> documented() {
  std::map<std::string, std::set<std::string>> found;
  std::ifstream file{std::string{CONDUCTOR_SOURCE_DIR} + "/docs/events.md"};
  CAF_REQUIRE(file.is_open());
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells;
    std::istringstream row{line};
    for (std::string cell; std::getline(row, cell, '|');)
      cells.push_back(cell);
    if (cells.size() != 5 || !cells[1].starts_with(" `"))
      continue;
    const auto words = words_in_code(cells[2]);
    found[words_in_code(cells[1]).front()] = {words.begin(), words.end()};
  }
  return found;
}

} // namespace

CAF_TEST(every event is documented and no other) {
  std::set<std::string> names, rows;
  for (int kind = 1; kind < 256; ++kind)
    if (const auto* name
        = conductor::to_string(static_cast<conductor::event_kind>(kind));
        *name)
      names.insert(name);
  for (const auto& [name, words] : documented())
    rows.insert(name);
  CAF_CHECK_EQUAL(names.size(), 30u);
  CAF_CHECK_EQUAL(rows, names);
}

CAF_TEST(payloads have the members that are documented) {
  const orcon::test::bench b;
  b.write("many.yaml", R"(
version: 1
name: many
tasks:
  fails: { handler: fail, input: { times: 9, fanout: 2 }, max_retries: 0 }
  again: { handler: fail, input: { times: 2 }, retry: { delay: 1ms } }
  none: { handler: noop, input: { fanout: 0 } }
  quick:
    handler: exec
    input: { fanout: 40, argv: [sh, -c, 'exit {index}'] }
    max_retries: 0
    on_failure: fail_fast
    max_concurrency: 1
)");
  b.run("orcon exec -q many.yaml; orcon run retry; orcon resume -q");
  b.run("timeout -s KILL 1 orcon map -q -- sleep ::: 3; "
        "timeout -s INT 2 orcon resume -q");
  const auto rows = documented();
  std::set<std::string> seen;
  std::istringstream events{b.run("orcon event list --all -o jsonl").out};
  for (std::string line; std::getline(events, line);) {
    const auto event = conductor::json::parse(line, nullptr, false);
    CAF_REQUIRE(event.is_object());
    const auto name = event["name"].get<std::string>();
    const auto row = rows.find(name);
    CAF_REQUIRE(row != rows.end());
    for (const auto& [member, value] : event["payload"].items())
      if (!row->second.count(member))
        CAF_ERROR(name << " has a member \"" << member
                       << "\" that is not documented");
    seen.insert(name);
  }
  for (const auto* name :
       {"run.created", "run.started", "run.aggregated", "run.reopened",
        "task.created", "task.started", "task.succeeded", "task.failed",
        "task.retried", "task.retries_exhausted", "task.cancelled",
        "task.aggregated", "task.lease_expired", "worker.fanout.skipped",
        "worker.retry.finished"})
    if (!seen.count(name))
      CAF_ERROR(name << " did not happen");
}
