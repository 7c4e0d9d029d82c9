// `after` and `when`: what they may say, and what they may not.
#define CAF_SUITE messages.definition_dependencies

#include <algorithm>
#include <string>
#include <vector>

#include "tests/messages/definition_help.hpp"
#include "tests/support/dice.hpp"

using namespace definition_help;

namespace {

/// Tasks by name, `text` is what stands inside of `tasks`.
definition_result read_tasks(const std::string& text) {
  return read(R"({"defaults": {"handler": "noop"}, "tasks": )" + text + "}");
}

std::string graph_errors(const std::string& tasks) {
  return joined(read_tasks(tasks));
}

/// The errors of a task `x` beside `a` and `b`.
std::string x_errors(const std::string& members) {
  return graph_errors(R"({"a": {}, "b": {}, "x": {)" + members + "}}");
}

/// One leaf for each list of dependencies, built in C++.
run_spec run_of(const std::vector<std::vector<int>>& graph) {
  run_spec spec{"r"};
  for (std::size_t i = 0; i < graph.size(); ++i) {
    spec.task("noop", "t" + std::to_string(i));
    for (const auto other : graph[i])
      spec.after("t" + std::to_string(other));
  }
  return spec;
}

/// Who reaches whom, by Warshall's algorithm: nothing in common with a search.
std::vector<std::vector<bool>>
reachable(const std::vector<std::vector<int>>& graph) {
  const auto n = graph.size();
  std::vector<std::vector<bool>> reach(n, std::vector<bool>(n, false));
  for (std::size_t i = 0; i < n; ++i)
    for (const auto other : graph[i])
      reach[i][static_cast<std::size_t>(other)] = true;
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (reach[i][k] && reach[k][j])
          reach[i][j] = true;
  return reach;
}

/// The tasks that "a cycle: t1 -> t2 -> t1" names.
std::vector<std::size_t> named_in(std::string message) {
  std::vector<std::size_t> names;
  message.erase(0, message.find(": ") + 2);
  while (!message.empty()) {
    const auto end = std::min(message.find(" -> "), message.size());
    names.push_back(std::stoul(message.substr(1, end)));
    message.erase(0, end + 4 > message.size() ? message.size() : end + 4);
  }
  return names;
}

/// Each step of a cycle is one that its task asked for.
void check_cycle(const std::vector<std::vector<int>>& graph,
                 const definition_error& e) {
  CAF_REQUIRE(e.message.starts_with("a cycle: "));
  const auto names = named_in(e.message);
  CAF_REQUIRE(names.size() > 2);
  CAF_CHECK_EQUAL(names.front(), names.back());
  CAF_CHECK_EQUAL(e.path, "/tasks/" + std::to_string(names[0]) + "/after");
  CAF_CHECK(*std::min_element(names.begin(), names.end()) == names[0]);
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    const auto& after = graph[names[i]];
    CAF_CHECK(std::count(after.begin(), after.end(), names[i + 1]) > 0);
  }
}

} // namespace

CAF_TEST(one name or a list of names) {
  const auto after = [](const std::string& value) {
    const auto r
      = read_tasks(R"({"a": {}, "b": {}, "x": {"after": )" + value + "}}");
    CAF_CHECK_EQUAL(joined(r), "");
    return r.spec.tasks.at(2).after;
  };
  using names = std::vector<std::string>;
  CAF_CHECK(after(R"("a")") == names{"a"});
  CAF_CHECK(after(R"(["a"])") == names{"a"});
  CAF_CHECK(after(R"(["b", "a"])") == (names{"b", "a"}));
  CAF_CHECK(after("[]").empty());
}

CAF_TEST(conditions) {
  const auto when = [](const std::string& members) {
    const auto r
      = read_tasks(R"({"a": {}, "x": {"after": "a")" + members + "}}");
    CAF_CHECK_EQUAL(joined(r), "");
    return r.spec.tasks.at(1).when;
  };
  CAF_CHECK(when("") == condition::succeeded);
  CAF_CHECK(when(R"(, "when": "succeeded")") == condition::succeeded);
  CAF_CHECK(when(R"(, "when": "settled")") == condition::settled);
  CAF_CHECK(when(R"(, "when": "failed")") == condition::failed);
}

CAF_TEST(conditions that cannot be) {
  for (const auto* value : {"succeeded", "settled", "failed"})
    for (const auto* members : {"", R"(, "after": [])"})
      CAF_CHECK_EQUAL(
        x_errors(R"("when": ")" + std::string{value} + "\"" + members),
        "/tasks/x/when: has no meaning without \"after\"");
  CAF_CHECK_EQUAL(x_errors(R"("after": "a", "when": "done")"),
                  "/tasks/x/when: must be succeeded, settled or failed, not "
                  "\"done\"");
  // What follows from another error is not reported.
  CAF_CHECK_EQUAL(x_errors(R"("after": 5, "when": "failed")"),
                  "/tasks/x/after: must be a name or a list of names, not 5");
}

CAF_TEST(shapes of a dependency) {
  for (const auto* bad : {"null", "true", "1.5"})
    CAF_CHECK_EQUAL(x_errors(std::string{R"("after": )"} + bad),
                    std::string{"/tasks/x/after: must be a name or a list of "
                                "names, not "}
                      + bad);
  CAF_CHECK_EQUAL(x_errors(R"("after": {"a": 1})"),
                  "/tasks/x/after: must be a name or a list of names, not an "
                  "object");
  CAF_CHECK_EQUAL(x_errors(R"("after": "")"),
                  "/tasks/x/after: must not be empty");
  CAF_CHECK_EQUAL(x_errors(R"("after": ["a", 5, "b", ""])"),
                  "/tasks/x/after/1: must be text, not 5\n"
                  "/tasks/x/after/3: must not be empty");
}

CAF_TEST(names of no task) {
  CAF_CHECK_EQUAL(graph_errors(R"({"hash": {}, "x": {"after": "hsah"}})"),
                  "/tasks/x/after: unknown task \"hsah\"; did you mean "
                  "\"hash\"?");
  CAF_CHECK_EQUAL(x_errors(R"("after": ["zebra"])"),
                  "/tasks/x/after: unknown task \"zebra\"");
  CAF_CHECK_EQUAL(x_errors(R"("after": ["a", "y", "zebra"])"),
                  "/tasks/x/after/1: unknown task \"y\"; did you mean \"a\"?\n"
                  "/tasks/x/after/2: unknown task \"zebra\"");
  // Itself is not what was meant.
  CAF_CHECK_EQUAL(graph_errors(R"({"a": {}, "build": {"after": "biuld"}})"),
                  "/tasks/build/after: unknown task \"biuld\"");
  CAF_CHECK_EQUAL(x_errors(R"("after": "x")"),
                  "/tasks/x/after: \"x\" is the task itself");
  for (const auto* child : {"a#1", "zebra#1", "#"})
    CAF_CHECK_EQUAL(x_errors(R"("after": )" + dump(child)),
                    "/tasks/x/after: " + dump(child)
                      + " is a child; only top-level tasks can be named");
}

CAF_TEST(cycles are spelt out) {
  CAF_CHECK_EQUAL(graph_errors(R"({"a": {"after": "b"}, "b": {"after": "c"},
                                   "c": {"after": "a"}})"),
                  "/tasks/a/after: a cycle: a -> b -> c -> a");
  CAF_CHECK_EQUAL(graph_errors(R"({"a": {}, "b": {"after": ["a", "c"]},
                                   "c": {"after": ["a", "b"]}})"),
                  "/tasks/b/after: a cycle: b -> c -> b");
  CAF_CHECK_EQUAL(graph_errors(R"([{"name": "x", "after": "z"},
                                   {"name": "y", "after": "x"},
                                   {"name": "z", "after": ["y"]}])"),
                  "/tasks/0/after: a cycle: x -> z -> y -> x");
  CAF_CHECK_EQUAL(graph_errors(R"({"a": {"after": "b"}, "b": {"after": "a"},
                                   "c": {"after": "d"}, "d": {"after": "c"},
                                   "x": {"after": "x"}})"),
                  "/tasks/x/after: \"x\" is the task itself\n"
                  "/tasks/a/after: a cycle: a -> b -> a\n"
                  "/tasks/c/after: a cycle: c -> d -> c");
  CAF_CHECK_EQUAL(graph_errors(R"({"a": {}, "b": {"after": "a"},
                                   "c": {"after": "a"},
                                   "d": {"after": ["b", "c"]}})"),
                  "");
}

CAF_TEST(a long cycle is cut) {
  run_spec spec{"r"};
  for (int i = 0; i < 1000; ++i)
    spec.task("noop", "t" + std::to_string(i))
      .after("t" + std::to_string((i + 1) % 1000));
  const auto errors = check_spec(spec, {});
  CAF_REQUIRE_EQUAL(errors.size(), 1u);
  const std::string begins = "a cycle: t0 -> t1 -> ";
  const std::string ends = " -> t99 -> (900 more) -> t0";
  CAF_CHECK(errors[0].message.starts_with(begins));
  CAF_CHECK(errors[0].message.ends_with(ends));
}

CAF_TEST(specs of C++ get the same errors) {
  const auto errors = [](const run_spec& spec) {
    return joined({{}, check_spec(spec, {})});
  };
  auto spec = run_spec{"r"}.task("noop", "a").task("noop", "b").after("a");
  CAF_CHECK_EQUAL(errors(spec), "");
  CAF_CHECK_EQUAL(errors(spec.after("a").after("aa")),
                  "/tasks/1/after/2: unknown task \"aa\"; did you mean \"a\"?");
  spec.tasks[1].after = {"b"};
  CAF_CHECK_EQUAL(errors(spec), "/tasks/1/after: \"b\" is the task itself");
  spec.tasks[1].after = {"a#1"};
  CAF_CHECK_EQUAL(errors(spec), "/tasks/1/after: \"a#1\" is a child; only "
                                "top-level tasks can be named");
  spec.tasks[1].after = {"a"};
  spec.tasks[0].after = {"b"};
  CAF_CHECK_EQUAL(errors(spec), "/tasks/0/after: a cycle: a -> b -> a");
  spec.tasks[0].after = {"", "a/compensate"};
  CAF_CHECK_EQUAL(errors(spec),
                  "/tasks/0/after/0: unknown task \"\"\n"
                  "/tasks/0/after/1: unknown task \"a/compensate\"");
}

CAF_TEST(names become places) {
  auto spec = run_spec{"r"}.task("noop", "a").task("noop", "b").task("noop");
  spec.after("b").after("a").after("b").after("zebra");
  using places = std::vector<std::vector<std::int32_t>>;
  CAF_CHECK(dependency_places(spec.tasks) == (places{{}, {}, {1, 0}}));
  CAF_CHECK(dependency_places({}).empty());
}

CAF_TEST(cycles of random graphs are found) {
  test::dice d{3};
  int cyclic = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto n = d.pick(1, 12);
    std::vector<std::vector<int>> graph(static_cast<std::size_t>(n));
    for (auto edges = d.pick(0, 2 * n); edges > 0; --edges) {
      const auto from = d.pick(0, n - 1), to = d.pick(0, n - 1);
      if (from != to)
        graph[static_cast<std::size_t>(from)].push_back(static_cast<int>(to));
    }
    const auto reach = reachable(graph);
    const auto errors = check_spec(run_of(graph), {});
    for (const auto& e : errors)
      check_cycle(graph, e);
    // Each group of tasks that reach each other has a cycle that is reported.
    std::vector<bool> reported(graph.size(), false);
    for (const auto& e : errors)
      for (const auto i : named_in(e.message))
        for (std::size_t j = 0; j < graph.size(); ++j)
          if (reach[i][j] && reach[j][i])
            reported[j] = true;
    for (std::size_t i = 0; i < graph.size(); ++i)
      CAF_CHECK_EQUAL(reported[i], reach[i][i]);
    cyclic += !errors.empty();
  }
  CAF_CHECK(cyclic > 500 && cyclic < 1500);
}

CAF_TEST(a chain as long as the run needs no deep stack) {
  run_spec spec{"r"};
  spec.task("noop", "t0");
  for (int i = 1; i < 100'000; ++i)
    spec.task("noop", "t" + std::to_string(i))
      .after("t" + std::to_string(i - 1));
  std::reverse(spec.tasks.begin(), spec.tasks.end());
  CAF_CHECK(check_spec(spec, {}).empty());
}
