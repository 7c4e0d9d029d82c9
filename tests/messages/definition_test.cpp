#define CAF_SUITE messages.definition

#include <string>

#include "tests/messages/definition_help.hpp"

using namespace definition_help;

CAF_TEST(the least definition has all defaults) {
  const auto r = read(R"({"tasks": [{"name": "a", "handler": "noop"}]})");
  CAF_REQUIRE(r.errors.empty());
  run_spec expected{"run"};
  expected.task("noop", "a");
  expected.tasks[0].directory = "/home/ops";
  CAF_CHECK(r.spec == expected);
  CAF_CHECK_EQUAL(r.spec.retry_budget.count, -1);
  const auto& task = r.spec.tasks[0];
  CAF_CHECK(task.retry == retry_policy{});
  CAF_CHECK(!task.is_parent());
  CAF_CHECK_EQUAL(task.input, "{}");
}

CAF_TEST(every field arrives) {
  const auto r = read(R"({
    "version": 1, "name": "nightly", "meta": {"owner": "ops"},
    "deadline": "2h", "priority": 2,
    "idempotency_key": "k/1#2", "retry_budget": "5%",
    "defaults": {"handler": "exec", "max_retries": 7, "timeout": "5m",
                 "retry": {"delay": "2s", "non_retryable": ["exit"]}},
    "tasks": {
      "a": {"max_concurrency": 8, "tolerate": 3, "on_failure": "fail_fast",
            "collect": "outputs", "max_retries": 2, "timeout": "1.5s",
            "input": {"argv": ["x"], "fanout": 4},
            "retry": {"backoff": "linear", "factor": 3, "max_delay": "1h",
                      "jitter": "equal"}},
      "b": {"handler": "noop", "tolerate": "0.5%", "after": ["a"],
            "when": "settled", "not_before": "10s", "priority": 5,
            "retry": {"non_retryable": []}}}})");
  CAF_REQUIRE(r.errors.empty());
  CAF_CHECK_EQUAL(r.spec.name, "nightly");
  CAF_CHECK_EQUAL(r.spec.meta, R"({"owner":"ops"})");
  CAF_CHECK_EQUAL(r.spec.idempotency_key, "k/1#2");
  CAF_CHECK(r.spec.retry_budget == count_or_percent(0, 5));
  CAF_CHECK(r.spec.deadline == moment{.delay = milliseconds{7'200'000}});
  CAF_CHECK_EQUAL(r.spec.priority, 2);
  task_spec a{.name = "a", .handler = "exec", .directory = "/home/ops"};
  a.input = R"({"argv":["x"],"fanout":4})";
  a.fanout = {.kind = source_kind::count, .count = 4};
  a.retry = {2,       backoff::linear,         milliseconds{2000},
             3,       milliseconds{3'600'000}, jitter::equal,
             {"exit"}};
  a.timeout = milliseconds{1500};
  a.max_concurrency = 8;
  a.tolerate = {3, 0};
  a.on_failure = on_failure::fail_fast;
  a.collect = collect::outputs;
  CAF_CHECK(r.spec.tasks[0] == a);
  task_spec b{.name = "b", .handler = "noop", .directory = "/home/ops"};
  b.retry.max_retries = 7;
  b.retry.delay = milliseconds{2000};
  b.timeout = milliseconds{300'000};
  b.after = {"a"};
  b.when = condition::settled;
  b.not_before.delay = milliseconds{10'000};
  b.priority = 5;
  b.tolerate = {0, 0.5};
  CAF_CHECK(r.spec.tasks[1] == b);
}

CAF_TEST(numbers may be zero) {
  const auto task = task_of(
    R"("max_retries": 0, "timeout": 0,
         "retry": {"delay": 0, "max_delay": "0"})");
  CAF_CHECK_EQUAL(task.retry.max_retries, 0);
  CAF_CHECK_EQUAL(task.retry.delay.count(), 0);
  CAF_CHECK_EQUAL(task.retry.max_delay.count(), 0);
  CAF_CHECK_EQUAL(task.timeout.count(), 0);
}

CAF_TEST(the document as a whole) {
  CAF_CHECK_EQUAL(errors_of("[]"), "/: must be an object, not a list");
  CAF_CHECK_EQUAL(errors_of("null"), "/: must be an object, not null");
  CAF_CHECK_EQUAL(errors_of("{}"), "/tasks: is required");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": {}})"),
                  "/tasks: must have at least one task");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": []})"),
                  "/tasks: must have at least one task");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": 5})"),
                  "/tasks: must be an object of tasks by name or a list of "
                  "tasks, not 5");
}

CAF_TEST(fields of the run) {
  const auto with = [](const std::string& members) {
    return errors_of("{" + members
                     + R"(, "tasks": {"a": {"handler": "noop"}}})");
  };
  CAF_CHECK_EQUAL(with(R"("version": 1)"), "");
  const std::string version
    = " is no version of run definitions that is known here; write 1";
  CAF_CHECK_EQUAL(with(R"("version": 2)"), "/version: 2" + version);
  CAF_CHECK_EQUAL(with(R"("version": "1")"), "/version: \"1\"" + version);
  CAF_CHECK_EQUAL(with(R"("name": 5)"), "/name: must be text, not 5");
  CAF_CHECK_EQUAL(with(R"("name": "")"), "/name: must not be empty");
  CAF_CHECK_EQUAL(with(R"("name": "a#b")"),
                  "/name: \"a#b\" is no name: it must not contain '#'");
  CAF_CHECK_EQUAL(with(R"("meta": [])"),
                  "/meta: must be an object, not a list");
  CAF_CHECK_EQUAL(with(R"("idempotency_key": "")"),
                  "/idempotency_key: must not be empty");
  CAF_CHECK_EQUAL(with(R"("idempotency_key": "a\nb")"),
                  "/idempotency_key: must not contain control characters");
  CAF_CHECK_EQUAL(with(R"("retry_budget": 0)"), "");
  CAF_CHECK_EQUAL(with(R"("retry_budget": -1)"),
                  "/retry_budget: -1 is neither a count nor a share (write 10 "
                  "or \"5%\")");
  CAF_CHECK_EQUAL(with(R"("defaults": 5)"),
                  "/defaults: must be an object, not 5");
  CAF_CHECK_EQUAL(with(R"("defaults": {"max_retries": 1000001})"),
                  "/defaults/max_retries: must be between 0 and 1000000, not "
                  "1000001");
  CAF_CHECK_EQUAL(with(R"("defaults": {"retry": {"delay": 1}})"),
                  "/defaults/retry/delay: 1 is not a duration (write 250ms, "
                  "5s, 10m or 2h)");
}

CAF_TEST(names and handlers) {
  CAF_CHECK_EQUAL(name_error("good name \xC3\xA9"), "");
  CAF_CHECK_EQUAL(name_error(std::string(200, 'x')), "");
  const std::string at = "/tasks/0/name: ";
  CAF_CHECK_EQUAL(name_error(std::string(201, 'x')),
                  at + "is 201 bytes long; the limit `max_name` is 200");
  CAF_CHECK_EQUAL(name_error("a/b"),
                  at + "\"a/b\" is no name: it must not contain '/'");
  CAF_CHECK_EQUAL(name_error(""), at + "must not be empty");
  for (const auto* bad : {"a\tb", "a\x7F", "a\xC2\x85"})
    CAF_CHECK_EQUAL(name_error(bad),
                    at + "must not contain control characters");
  CAF_CHECK_EQUAL(name_error("a\xFF"), at + "is not valid UTF-8");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": [{"handler": "noop"}]})"),
                  at + "is required");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": {"": {"handler": "noop"}}})"),
                  "/tasks/: a name must not be empty");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": {"a/b": {"handler": "noop"}}})"),
                  "/tasks/a~1b: \"a/b\" is no name: it must not contain '/'");
  CAF_CHECK_EQUAL(task_errors(R"("name": "a")"),
                  "/tasks/a/name: \"name\" is the task's key already");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": [
                    {"name": "a", "handler": "noop"},
                    {"name": "b", "handler": "noop"},
                    {"name": "a", "handler": "noop"}]})"),
                  "/tasks/2/name: \"a\" is also the name of /tasks/0");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": {"a": {}}})"),
                  "/tasks/a/handler: is required, here or in /defaults");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": {"a": {"handler": 5}}})"),
                  "/tasks/a/handler: must be text, not 5");
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": {"a": 5}})"),
                  "/tasks/a: must be an object, not 5");
}

CAF_TEST(fields of a task) {
  const std::string at = "/tasks/a/";
  CAF_CHECK_EQUAL(task_errors(R"("input": [])"),
                  at + "input: must be an object, not a list");
  CAF_CHECK_EQUAL(task_errors(R"("max_concurrency": 0)"),
                  at + "max_concurrency: must be 1 or more, not 0");
  CAF_CHECK_EQUAL(task_errors(R"("max_retries": -1)"),
                  at + "max_retries: must be between 0 and 1000000, not -1");
  CAF_CHECK_EQUAL(task_errors(R"("max_retries": "3")"),
                  at + "max_retries: \"3\" is not a whole number");
  for (const auto* bad : {"\"5 parsecs\"", "5", "\"\"", "null", "\"-1s\""})
    CAF_CHECK_EQUAL(task_errors(std::string{R"("timeout": )"} + bad),
                    at + "timeout: " + bad
                      + " is not a duration (write 250ms, 5s, 10m or 2h)");
  for (const auto* bad :
       {"-1", "\"5\"", "\"101%\"", "\"%\"", "\"-5%\"", "\"5 %\"", "1.5",
        "\"1e1%\"", "\"inf%\"", "\"1.2.3%\"", "\".5%\""})
    CAF_CHECK_EQUAL(task_errors(std::string{R"("tolerate": )"} + bad),
                    at + "tolerate: " + bad
                      + " is neither a count nor a share (write 10 or \"5%\")");
  CAF_CHECK(task_of(R"("tolerate": "100%")").tolerate
            == count_or_percent(0, 100));
  CAF_CHECK_EQUAL(task_errors(R"("on_failure": "stop")"),
                  at + "on_failure: must be wait or fail_fast, not \"stop\"");
}

CAF_TEST(times and priorities) {
  const auto deadline = [](const std::string& value) {
    const auto r = read(R"({"tasks": {"a": {"handler": "noop"}},
                            "deadline": )"
                        + value + "}");
    CAF_CHECK_EQUAL(joined(r), "");
    return r.spec.deadline;
  };
  const auto evening = parse_iso("2026-11-24T18:00:00.000Z");
  CAF_CHECK(deadline(R"("10m")") == moment{.delay = milliseconds{600'000}});
  CAF_CHECK(deadline(R"("2026-11-24T18:00:00Z")") == moment{.at = *evening});
  CAF_CHECK(deadline(R"("2026-11-24T18:00Z")") == moment{.at = *evening});
  CAF_CHECK(!deadline("0").is_set());
  // A time that has passed is still one.
  for (const auto* past : {"1970-01-01T00:00:00Z", "1969-07-20T20:17:40Z"})
    CAF_CHECK(deadline(dump(past)) == moment{.at = from_ms(1)});
  const std::string neither = " is neither a duration nor a time in UTC (write "
                              "10m or 2026-11-24T18:00:00Z)";
  for (const auto* bad :
       {"5", "null", "[]", "\"tomorrow\"", "\"2026-11-24\"",
        "\"2026-11-24T18:00:00\"", "\"-1s\"", "\"2026-02-30T18:00:00Z\""})
    CAF_CHECK_EQUAL(task_errors(std::string{R"("not_before": )"} + bad),
                    "/tasks/a/not_before: "
                      + (bad[0] == '[' ? "a list" : std::string{bad})
                      + neither);
  CAF_CHECK_EQUAL(errors_of(R"({"tasks": {"a": {"handler": "noop"}},
                                "deadline": "soon", "priority": 0})"),
                  "/deadline: \"soon\"" + neither
                    + "\n/priority: must be between 1 and 5, not 0");
  CAF_CHECK_EQUAL(task_errors(R"("deadline": "1h")"),
                  "/tasks/a/deadline: \"deadline\" belongs to the run, not to "
                  "a task");
  for (const auto* bad : {"0", "6", "-1"})
    CAF_CHECK_EQUAL(task_errors(std::string{R"("priority": )"} + bad),
                    std::string{"/tasks/a/priority: must be between 1 and 5, "
                                "not "}
                      + bad);
  CAF_CHECK_EQUAL(task_errors(R"("priority": "high")"),
                  "/tasks/a/priority: \"high\" is not a whole number");
  CAF_CHECK_EQUAL(task_of(R"("priority": 1)").priority, 1);
  CAF_CHECK_EQUAL(task_errors(R"("heartbeat_timeout": "5s")"),
                  "/tasks/a/heartbeat_timeout: \"heartbeat_timeout\" is not "
                  "supported yet");
}

CAF_TEST(fields of retry) {
  const auto with = [](const std::string& members) {
    return task_errors("\"retry\": {" + members + "}");
  };
  const std::string at = "/tasks/a/retry";
  CAF_CHECK_EQUAL(task_errors(R"("retry": 5)"),
                  at + ": must be an object, not 5");
  CAF_CHECK_EQUAL(with(R"("backoff": "cubic")"),
                  at
                    + "/backoff: must be fixed, linear or exponential, not "
                      "\"cubic\"");
  CAF_CHECK_EQUAL(with(R"("jitter": 1)"),
                  at + "/jitter: must be none, full or equal, not 1");
  CAF_CHECK_EQUAL(with(R"("delay": "5 parsecs")"),
                  at
                    + "/delay: \"5 parsecs\" is not a duration (write 250ms, "
                      "5s, 10m or 2h)");
  CAF_CHECK_EQUAL(with(R"("factor": 0.5)"),
                  at + "/factor: must be between 1.0 and 1000.0, not 0.5");
  CAF_CHECK_EQUAL(with(R"("factor": "2")"),
                  at + "/factor: must be a number, not \"2\"");
  CAF_CHECK_EQUAL(with(R"("non_retryable": "exit")"),
                  at + "/non_retryable: must be a list, not \"exit\"");
  CAF_CHECK_EQUAL(with(R"("non_retryable": ["a", 5])"),
                  at + "/non_retryable/1: must be text, not 5");
  CAF_CHECK_EQUAL(with(R"("max_retries": 5)"),
                  at
                    + "/max_retries: \"max_retries\" belongs beside \"retry\","
                      " not in it");
}

CAF_TEST(what is not supported yet) {
  for (const auto* name : {"compensate", "each", "reduce"})
    CAF_CHECK_EQUAL(task_errors(dump(name) + ": 1"),
                    std::string{"/tasks/a/"} + name + ": \"" + name
                      + "\" is not supported yet");
  CAF_CHECK_EQUAL(fanout_errors(R"({"from": "b", "pointer": "/x"})"),
                  "/tasks/a/input/fanout/from: \"from\" is not supported yet");
  CAF_CHECK_EQUAL(task_errors(R"("collect": "reduce")"),
                  "/tasks/a/collect: \"reduce\" is not supported yet (write "
                  "none or outputs)");
  const std::string input = R"("input": {"stdin": {"from": "b"}})";
  CAF_CHECK_EQUAL(
    errors_of(R"({"tasks": {"a": {"handler": "exec", )" + input + "}}}"),
    "/tasks/a/input/stdin/from: \"from\" is not supported yet");
  CAF_CHECK_EQUAL(task_errors(input), "");
}

CAF_TEST(unknown fields get a suggestion) {
  CAF_CHECK_EQUAL(task_errors(R"("handlr": "x")"),
                  "/tasks/a/handlr: unknown field \"handlr\"; did you mean "
                  "\"handler\"?");
  CAF_CHECK_EQUAL(task_errors(R"("retries": 5)"),
                  "/tasks/a/retries: unknown field \"retries\"; did you mean "
                  "\"max_retries\"?");
  CAF_CHECK_EQUAL(task_errors(R"("zebra": 5)"),
                  "/tasks/a/zebra: unknown field \"zebra\"");
  CAF_CHECK_EQUAL(task_errors(R"("fanout": 5)"),
                  "/tasks/a/fanout: \"fanout\" belongs inside \"input\"");
  CAF_CHECK_EQUAL(errors_of(R"({"task": [],
                                "tasks": {"a": {"handler": "noop"}}})"),
                  "/task: unknown field \"task\"; did you mean \"tasks\"?");
  CAF_CHECK_EQUAL(errors_of(R"({"defaults": {"time_out": 0},
                                "tasks": {"a": {"handler": "noop"}}})"),
                  "/defaults/time_out: unknown field \"time_out\"; did you "
                  "mean \"timeout\"?");
}

CAF_TEST(all errors are reported up to fifty) {
  CAF_CHECK_EQUAL(errors_of(R"({"version": 3, "tasks": {
                    "a": {"handler": 1, "timeout": 1, "zebra": 1},
                    "b": {"handler": "noop", "max_retries": -1}}})"),
                  "/version: 3 is no version of run definitions that is known "
                  "here; write 1\n"
                  "/tasks/a/handler: must be text, not 1\n"
                  "/tasks/a/timeout: 1 is not a duration (write 250ms, 5s, 10m "
                  "or 2h)\n"
                  "/tasks/a/zebra: unknown field \"zebra\"\n"
                  "/tasks/b/max_retries: must be between 0 and 1000000, not "
                  "-1");
  json tasks = json::array();
  for (int i = 0; i < 200; ++i)
    tasks.push_back({{"name", "t" + std::to_string(i)}, {"handler", i}});
  CAF_CHECK_EQUAL(read(dump({{"tasks", tasks}})).errors.size(), 50u);
}
