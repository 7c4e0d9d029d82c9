#define CAF_SUITE apps.rules

#include <string>

#include "tests/support/program.hpp"

// Dependencies, cancel, pause, time and live changes, as a user sees them: the
// states of all tasks and the exit code, after real commands on a real file.
using namespace orcon::test;

namespace {

/// Shows what the program said if that is not as expected.
void check(bool good, const std::string& output) {
  if (!good)
    CAF_MESSAGE(output);
  CAF_CHECK(good);
}

/// Runs definitions in JSON; `ok`, `bad` and `nap` stand for leaves that
/// succeed, fail for good, and take a minute.
struct world : bench {
  std::string expand(std::string text) const {
    const std::pair<std::string, std::string> words[]
      = {{"$ok", R"("handler": "exec", "input": {"argv": ["true"]})"},
         {"$bad", R"("handler": "exec", "max_retries": 0,)"
                  R"("input": {"argv": ["false"]})"},
         {"$nap", R"("handler": "sleep", "input": {"duration": "60s"})"}};
    for (const auto& [word, meaning] : words)
      for (std::size_t at; (at = text.find(word)) != text.npos;)
        text.replace(at, word.size(), meaning);
    return text;
  }

  program_result exec(const std::string& definition) const {
    write("d.json", expand(definition));
    return run("orcon exec -q d.json");
  }
  void start(const std::string& definition) const {
    write("d.json", expand(definition));
    CAF_CHECK_EQUAL(run("orcon run start -q d.json").code, 0);
  }
  /// "a SUCCEEDED, b FAILED", in the order of names.
  std::string states(const std::string& where = "1") const {
    return query("SELECT group_concat(name || ' ' || state, ', ') FROM (SELECT"
                 " name, state FROM tasks WHERE "
                 + where + " ORDER BY name)");
  }
  std::string run_state() const { return query("SELECT state FROM runs"); }
  std::string count(const std::string& event) const {
    return query("SELECT count(*) FROM events WHERE name = '" + event + "'");
  }
  std::string query(const std::string& sql) const {
    write("q.sql", sql + ";");
    auto out = run("sqlite3 orcon.db < q.sql").out;
    while (!out.empty() && out.back() == '\n')
      out.pop_back();
    return out;
  }
  void check_database() const {
    const auto verdict = run("orcon db verify -q");
    check(verdict.code == 0, verdict.out);
  }
};

} // namespace

CAF_TEST(a diamond works from top to bottom) {
  world w;
  CAF_CHECK_EQUAL(w.exec(R"({"tasks": {"a": {$ok}, "b": {$ok, "after": "a"},
    "c": {$ok, "after": ["a"]}, "d": {$ok, "after": ["b", "c"]}}})")
                    .code,
                  0);
  CAF_CHECK_EQUAL(w.states(),
                  "a SUCCEEDED, b SUCCEEDED, c SUCCEEDED, d SUCCEEDED");
  CAF_CHECK_EQUAL(
    w.query("SELECT group_concat(t.name, '') FROM events e JOIN tasks t ON"
            " t.id = e.task_id WHERE e.name = 'task.started' AND t.name IN"
            " ('a', 'd')"),
    "ad");
  CAF_CHECK_EQUAL(w.count("task.started"), "4");
  w.check_database();
}

CAF_TEST(conditions choose what runs after a failure) {
  world w;
  CAF_CHECK_EQUAL(w.exec(R"({"tasks": {"a": {$bad}, "b": {$bad}, "c": {$ok},
    "x": {$ok, "after": ["a", "b"], "when": "failed"},
    "y": {$ok, "after": ["a", "c"], "when": "failed"},
    "z": {$ok, "after": ["a", "c"], "when": "settled"}}})")
                    .code,
                  3);
  CAF_CHECK_EQUAL(w.states(), "a FAILED, b FAILED, c SUCCEEDED, x SUCCEEDED, "
                              "y CANCELLED, z SUCCEEDED");
  w.check_database();
}

CAF_TEST(a skip runs down a chain and pardons nothing) {
  world w;
  CAF_CHECK_EQUAL(w.exec(R"({"tasks": {"a": {$bad}, "b": {$ok, "after": "a"},
    "c": {$ok, "after": "b"}, "d": {$ok, "after": "c", "when": "settled"}}})")
                    .code,
                  3);
  CAF_CHECK_EQUAL(w.states(),
                  "a FAILED, b CANCELLED, c CANCELLED, d SUCCEEDED");
  CAF_CHECK_EQUAL(w.query("SELECT payload FROM events WHERE name ="
                          " 'task.cancelled' ORDER BY seq LIMIT 1"),
                  R"({"reason":"unmet","state":"FAILED","task":"a"})");
  w.check_database();
}

CAF_TEST(a handler for failures that is not needed is no failure) {
  world w;
  CAF_CHECK_EQUAL(w.exec(R"({"tasks": {"a": {$ok},
    "alarm": {$ok, "after": "a", "when": "failed"}}})")
                    .code,
                  0);
  CAF_CHECK_EQUAL(w.run_state(), "SUCCEEDED");
  CAF_CHECK_EQUAL(
    w.query("SELECT payload FROM events WHERE name = 'run.aggregated'"),
    R"({"cancelled":1,"failed":0,"skipped":1,"state":"SUCCEEDED",)"
    R"("succeeded":1})");
}

CAF_TEST(a fan-out waits and is waited for) {
  world w;
  CAF_CHECK_EQUAL(w.exec(R"({"tasks": {"a": {$ok},
    "p": {"handler": "exec", "after": "a",
          "input": {"fanout": 3, "argv": ["true"]}},
    "z": {$ok, "after": "p"}}})")
                    .code,
                  0);
  CAF_CHECK_EQUAL(w.states(), "a SUCCEEDED, p SUCCEEDED, p#1 SUCCEEDED, p#2 "
                              "SUCCEEDED, p#3 SUCCEEDED, z SUCCEEDED");
  w.check_database();
}

CAF_TEST(a cycle is refused and spelt out) {
  world w;
  const auto r = w.exec(R"({"tasks": {"a": {$ok, "after": "b"},
    "b": {$ok, "after": "c"}, "c": {$ok, "after": "a"}}})");
  CAF_CHECK_EQUAL(r.code, 2);
  check(r.says("/tasks/a/after: a cycle: a -> b -> c -> a"), r.out);
}

CAF_TEST(a run is cancelled before it begins) {
  world w;
  w.start(R"({"tasks": {"a": {$ok},
    "p": {"handler": "exec", "input": {"fanout": 3, "argv": ["true"]}},
    "z": {$ok, "after": "p"}}})");
  const auto r = w.run("orcon run cancel -o json");
  check(r.code == 0, r.out);
  CAF_CHECK_EQUAL(w.run_state(), "CANCELLED");
  CAF_CHECK_EQUAL(w.states("state <> 'CANCELLED'"), "");
  CAF_CHECK_EQUAL(w.count("task.started"), "0");
  CAF_CHECK_EQUAL(w.count("run.cancelled"), "1");
  CAF_CHECK_EQUAL(w.run("orcon run cancel").code, 6);
  CAF_CHECK_EQUAL(w.run("orcon resume").code, 0);
  w.check_database();
}

CAF_TEST(what a killed engine left running is cancelled) {
  world w;
  w.write("d.json", w.expand(R"({"tasks": {"a": {$ok}, "n": {$nap},
    "p": {"handler": "sleep", "max_concurrency": 1,
          "input": {"fanout": 5, "duration": "60s"}},
    "z": {$ok, "after": "p"}}})"));
  w.run("orcon exec -q d.json & sleep 1.5; kill -9 $!; wait");
  CAF_CHECK_EQUAL(w.run("orcon run cancel -q").code, 0);
  CAF_CHECK_EQUAL(w.states("name NOT LIKE '%#%'"),
                  "a SUCCEEDED, n CANCELLED, p CANCELLED, z CANCELLED");
  CAF_CHECK_EQUAL(w.run_state(), "CANCELLED");
  CAF_CHECK_EQUAL(w.query("SELECT DISTINCT payload FROM events WHERE name ="
                          " 'task.cancelled'"),
                  R"({"reason":"hand"})");
  w.check_database();
}

CAF_TEST(one task is cancelled and others see it) {
  world w;
  w.start(R"({"tasks": {"a": {$nap}, "b": {$ok, "after": "a"},
    "c": {$ok, "after": "a", "when": "settled"}}})");
  CAF_CHECK_EQUAL(w.run("orcon task cancel a -q").code, 0);
  CAF_CHECK_EQUAL(w.run("orcon resume -q").code, 4);
  CAF_CHECK_EQUAL(w.states(), "a CANCELLED, b CANCELLED, c SUCCEEDED");
  CAF_CHECK_EQUAL(w.run("orcon task cancel a").code, 6);
  CAF_CHECK_EQUAL(w.run("orcon task cancel nobody").code, 5);
  w.check_database();
}

CAF_TEST(a fan - out is cancelled with all below it) {
  world w;
  w.start(R"({"tasks": {"a": {$ok},
    "p": {"handler": "exec", "input": {"fanout": 3, "argv": ["true"]}}}})");
  CAF_CHECK_EQUAL(w.run("orcon task cancel p -q").code, 0);
  CAF_CHECK_EQUAL(w.states("name LIKE 'p%'"),
                  "p CANCELLED, p#1 CANCELLED, p#2 CANCELLED, p#3 CANCELLED");
  CAF_CHECK_EQUAL(w.run("orcon resume -q").code, 4);
  w.check_database();
}

CAF_TEST(a paused run begins nothing) {
  world w;
  w.start(R"({"tasks": {"p": {"handler": "exec",
    "input": {"fanout": 50, "argv": ["true"]}}}})");
  CAF_CHECK_EQUAL(w.run("orcon run pause -q").code, 0);
  CAF_CHECK_EQUAL(w.run("orcon run pause -q").code, 0);
  CAF_CHECK_EQUAL(w.count("run.paused"), "1");
  const auto all = w.run("orcon resume");
  CAF_CHECK_EQUAL(all.code, 0);
  check(all.says("is paused"), all.out);
  CAF_CHECK_EQUAL(w.run("orcon resume last").code, 6);
  CAF_CHECK(w.run("orcon run show").says("RUNNING (paused)"));
  CAF_CHECK_EQUAL(w.count("task.started"), "0");
  CAF_CHECK_EQUAL(w.run("orcon run unpause -q && orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(w.count("task.started"), "50");
  w.check_database();
}

CAF_TEST(all runs are paused and later ones with them) {
  world w;
  w.start(R"({"tasks": {"a": {$ok}}})");
  CAF_CHECK_EQUAL(w.run("orcon run pause --all -q").code, 0);
  w.start(R"({"tasks": {"b": {$ok}}})");
  CAF_CHECK_EQUAL(w.count("run.paused"), "2");
  CAF_CHECK_EQUAL(w.run("orcon run unpause --all -q && orcon resume -q").code,
                  0);
  CAF_CHECK_EQUAL(w.states(), "a SUCCEEDED, b SUCCEEDED");
}

CAF_TEST(a deadline ends what has not settled) {
  world w;
  const auto r = w.exec(R"({"deadline": "1s", "tasks": {"a": {$nap},
    "b": {"handler": "exec", "input": {"argv": ["false"]}, "max_retries": 5,
          "retry": {"delay": "1h"}},
    "c": {$ok, "after": "a"}, "d": {$ok}}})");
  CAF_CHECK_EQUAL(r.code, 3);
  CAF_CHECK_EQUAL(w.states(), "a FAILED, b FAILED, c CANCELLED, d SUCCEEDED");
  CAF_CHECK_EQUAL(w.query("SELECT group_concat(last_error ->> '$.type') FROM"
                          " tasks WHERE name IN ('a', 'b') ORDER BY name"),
                  "deadline,exit");
  CAF_CHECK_EQUAL(w.query("SELECT payload ->> '$.reason' FROM events WHERE"
                          " name = 'run.aggregated'"),
                  "The deadline passed");
  w.check_database();
}

CAF_TEST(a task waits for its time) {
  world w;
  CAF_CHECK_EQUAL(w.exec(R"({"tasks": {"a": {$ok, "not_before": "800ms"},
    "b": {$ok}}})")
                    .code,
                  0);
  CAF_CHECK_EQUAL(
    w.query("SELECT (julianday(a.started_at) - julianday(r.created_at)) *"
            " 86400000 >= 799 FROM tasks a JOIN runs r ON r.id = a.run_id"
            " WHERE a.name = 'a'"),
    "1");
  CAF_CHECK_EQUAL(w.query("SELECT not_before > created_at FROM tasks WHERE"
                          " name = 'a'"),
                  "1");
  w.check_database();
}

CAF_TEST(a retry by hand takes the skipped along) {
  world w;
  CAF_CHECK_EQUAL(w.exec(R"({"tasks": {
    "a": {"handler": "exec", "max_retries": 0,
          "input": {"argv": ["test", "-e", "mended"]}},
    "b": {$ok, "after": "a"}, "c": {$ok, "after": "b"},
    "alarm": {$ok, "after": "a", "when": "failed"}}})")
                    .code,
                  3);
  CAF_CHECK_EQUAL(w.run("orcon task retry b").code, 6);
  w.write("mended", "");
  CAF_CHECK(w.run("orcon run retry --dry-run").says("nothing was changed"));
  const auto r = w.run("orcon run retry -o json -q");
  check(r.says(R"("dependents":2)") || r.says(R"("dependents": 2)"), r.out);
  CAF_CHECK_EQUAL(w.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(w.states(), "a SUCCEEDED, alarm SUCCEEDED, b SUCCEEDED, c "
                              "SUCCEEDED");
  CAF_CHECK_EQUAL(w.query("SELECT attempt FROM tasks WHERE name = 'alarm'"),
                  "1");
  w.check_database();
}

CAF_TEST(a cancelled fan - out continues after a retry) {
  world w;
  w.start(R"({"tasks": {"p": {"handler": "exec",
    "input": {"fanout": 4, "argv": ["true"]}}}})");
  CAF_CHECK_EQUAL(w.run("orcon run cancel -q && orcon run retry -q").code, 0);
  CAF_CHECK_EQUAL(w.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(w.states("name LIKE 'p#%'"),
                  "p#1 SUCCEEDED, p#2 SUCCEEDED, p#3 SUCCEEDED, p#4 "
                  "SUCCEEDED");
  w.check_database();
}

CAF_TEST(tolerance is changed while a run waits) {
  world w;
  w.start(R"({"tasks": {"p": {"handler": "exec", "max_retries": 0,
    "input": {"fanout": [0, 1], "argv": ["sh", "-c", "exit {item}"]}}}})");
  CAF_CHECK_EQUAL(w.run("orcon task update p --tolerate 1 -q").code, 0);
  CAF_CHECK_EQUAL(w.run("orcon run update --priority 1 -q").code, 0);
  CAF_CHECK_EQUAL(w.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(w.count("task.updated"), "1");
  CAF_CHECK_EQUAL(w.count("run.updated"), "1");
  CAF_CHECK_EQUAL(w.run("orcon task update p --tolerate 2").code, 6);
  w.check_database();
}

CAF_TEST(a known run is not executed again) {
  world w;
  for (int i = 0; i < 2; ++i)
    CAF_CHECK_EQUAL(
      w.exec(R"({"idempotency_key": "k", "tasks": {"a": {$bad}}})").code, 3);
  CAF_CHECK_EQUAL(w.query("SELECT count(*) FROM runs"), "1");
  CAF_CHECK_EQUAL(w.count("task.started"), "1");
}
