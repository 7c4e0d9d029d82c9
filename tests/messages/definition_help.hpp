#pragma once

#include <string>

#include <conductor/definition.hpp>

#include <caf/test/unit_test.hpp>

/// Short ways to read definitions in tests. To be included after CAF_SUITE is
/// defined.
namespace definition_help {

using namespace conductor;

inline definition_context in_home() {
  return {.directory = "/home/ops"};
}

inline definition_result read(const std::string& text) {
  const auto document = parse_json(text);
  if (!document)
    CAF_FAIL("bad JSON in a test: " << document.error().message);
  return read_definition(*document, in_home());
}

/// All errors, one a line.
inline std::string joined(const definition_result& r) {
  std::string all;
  for (const auto& e : r.errors)
    all += (all.empty() ? "" : "\n") + to_string(e);
  return all;
}

inline std::string errors_of(const std::string& text) {
  return joined(read(text));
}

/// The errors of a task that has nothing but a handler and `members`.
inline std::string task_errors(const std::string& members) {
  return errors_of(R"({"tasks": {"a": {"handler": "noop", )" + members + "}}}");
}

inline task_spec task_of(const std::string& members) {
  const auto r
    = read(R"({"tasks": {"a": {"handler": "noop", )" + members + "}}}");
  for (const auto& e : r.errors)
    CAF_ERROR(to_string(e));
  CAF_REQUIRE_EQUAL(r.spec.tasks.size(), 1u);
  return r.spec.tasks[0];
}

inline fanout_source fanout_of(const std::string& fanout) {
  return task_of(R"("input": {"fanout": )" + fanout + "}").fanout;
}

inline std::string fanout_errors(const std::string& fanout) {
  return task_errors(R"("input": {"fanout": )" + fanout + "}");
}

inline std::string name_error(const std::string& name) {
  const json task{{"name", name}, {"handler", "noop"}};
  const json document{{"tasks", json::array({task})}};
  return joined(read_definition(document, in_home()));
}

} // namespace definition_help
