#define CAF_SUITE actors.exec

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/exec/exec_outcome.hpp"
#include "tests/actors/handler_probe.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

outcome run(attempt work, exec_options options = {}) {
  probe::sink sink;
  const auto exec = make_exec_handler(options);
  const auto task = work.task;
  const auto number = work.number;
  exec->start(std::move(work), sink);
  CAF_REQUIRE(sink.wait_for(1));
  return sink.outcome_of(task, number);
}

outcome run(const json& input, exec_options options = {}) {
  return run(probe::leaf(probe::origin(input)), options);
}

json sh(const std::string& script) {
  return {{"argv", {"sh", "-c", script}}};
}

json with(json input, const std::string& field, json value) {
  input[field] = std::move(value);
  return input;
}

std::string stdout_of(const outcome& o) {
  return json::parse(o.output).value("stdout", "none");
}

std::string first_problem(const json& input) {
  const auto problems = make_exec_handler()->check(input);
  return problems.empty() ? "" : to_string(problems.front());
}

/// The expanded text, or the message of the error.
std::string expanded(const std::string& text, const std::string& item) {
  const auto work = probe::child(probe::origin(json::object()), 7, item);
  const auto done = expand_placeholders(text, work);
  return done ? *done : done.error().message;
}

} // namespace

CAF_TEST(the output of a success) {
  const auto o = run({{"argv", {"echo", "hé"}}});
  CAF_CHECK(o.succeeded);
  CAF_CHECK_EQUAL(o.output, R"({"exit_code":0,"stdout":"hé\n"})");
  CAF_CHECK(o.error_type.empty());
}

CAF_TEST(a failed exit has the code and the last line of stderr) {
  const auto o = run(sh("echo partial; echo first >&2; echo last >&2; exit 3"));
  CAF_CHECK(!o.succeeded);
  CAF_CHECK_EQUAL(o.error_type, "exit");
  CAF_CHECK_EQUAL(o.error_message, "exit 3: last");
  CAF_CHECK(o.retryable);
  CAF_CHECK_EQUAL(o.error_details,
                  R"({"exit_code":3,"stderr":"first\nlast\n"})");
  CAF_CHECK_EQUAL(o.output, R"({"exit_code":3,"stdout":"partial\n"})");
  CAF_CHECK_EQUAL(run({{"argv", {"false"}}}).error_message, "exit 1");
}

CAF_TEST(a signal has its name) {
  const auto o = run(sh("echo oops >&2; kill -SEGV $$"));
  CAF_CHECK_EQUAL(o.error_type, "signal");
  CAF_CHECK_EQUAL(o.error_message, "killed by SIGSEGV: oops");
  CAF_CHECK_EQUAL(o.error_details, R"({"signal":"SIGSEGV","stderr":"oops\n"})");
  CAF_CHECK_EQUAL(o.output, R"({"signal":"SIGSEGV","stdout":""})");
}

CAF_TEST(the timeout of the task applies) {
  auto origin = probe::origin({{"argv", {"sleep", "1000"}}});
  origin->spec.timeout = milliseconds(300);
  const auto o = run(probe::leaf(origin));
  CAF_CHECK_EQUAL(o.error_type, "timeout");
  CAF_CHECK_EQUAL(o.error_message, "timed out after 300ms");
  CAF_CHECK(o.retryable);
}

CAF_TEST(the reason of a stop is the error type) {
  for (const auto reason :
       {stop_reason::cancelled, stop_reason::shutdown, stop_reason::timeout}) {
    probe::sink sink;
    const auto exec = make_exec_handler();
    exec->start(probe::leaf(probe::origin({{"argv", {"sleep", "1000"}}})),
                sink);
    exec->stop({100, 1}, reason);
    CAF_REQUIRE(sink.wait_for(1));
    CAF_CHECK_EQUAL(sink.outcome_of(100).error_type, to_string(reason));
  }
}

CAF_TEST(a lasting error of spawn is not retryable) {
  const auto o = run({{"argv", {"no-such-program"}}});
  CAF_CHECK_EQUAL(o.error_type, "spawn");
  CAF_CHECK_EQUAL(o.error_message,
                  "cannot run \"no-such-program\": No such file or directory");
  CAF_CHECK(!o.retryable);
  const auto large = run({{"argv", {"true", std::string(3u << 20, 'x')}}});
  CAF_CHECK_EQUAL(large.error_type, "spawn");
  CAF_CHECK(!large.retryable);
  const auto nul = run(probe::child(
    probe::origin({{"argv", {"echo", "{item}"}}}), 1, R"("\u0000")"));
  CAF_CHECK_EQUAL(nul.error_type, "spawn");
  CAF_CHECK_EQUAL(nul.error_message,
                  "argv/1 has a NUL byte, which cannot be passed to a process");
  CAF_CHECK(!nul.retryable);
  CAF_CHECK_EQUAL(run(json::object()).error_type, "spawn");
}

CAF_TEST(a shortage is retryable) {
  process_result busy;
  busy.spawn_error = EAGAIN;
  busy.spawn_message = "later";
  const auto o = make_outcome(busy, exec_stdout::text, milliseconds(0), 4096);
  CAF_CHECK_EQUAL(o.error_type, "spawn");
  CAF_CHECK(o.retryable);
}

CAF_TEST(placeholders) {
  const std::string item = R"({"a": {"b": [1, "x"]}, "s": "t u", "n": null})";
  CAF_CHECK_EQUAL(expanded("{item}", "\"a b\""), "a b");
  CAF_CHECK_EQUAL(expanded("{item}", "12345678901234567890123"),
                  "12345678901234567890123");
  CAF_CHECK_EQUAL(expanded("{item}", "[1, 2]"), "[1,2]");
  CAF_CHECK_EQUAL(expanded("-{item.s}-{item.a}-{item.n}", item),
                  "-t u-{\"b\":[1,\"x\"]}-null");
  CAF_CHECK_EQUAL(expanded("{item.a.b.1}{item.a.b.0}", item), "x1");
  CAF_CHECK_EQUAL(expanded("{index} {attempt} {name} {run}", "1"),
                  "7 1 job#7 01RUN");
  for (const std::string text :
       {"{ print $1 }", "{}", "{{item", "{", "}", "{items}", "{item.}",
        "{item..a}", R"({"a": 1})", "{Item}", ""})
    CAF_CHECK_EQUAL(expanded(text, item), text);
  CAF_CHECK_EQUAL(expanded("{{index}} {x{index}", "1"), "{7} {x7");
  CAF_CHECK_EQUAL(expanded("{item.a.c}", item),
                  "{item.a.c}: the item has no \"c\"");
  CAF_CHECK_EQUAL(expanded("{item.x}", "5"), "{item.x}: the item has no \"x\"");
  CAF_CHECK(has_placeholders("a{item.b}"));
  CAF_CHECK(!has_placeholders("a{b}{}"));
}

CAF_TEST(a missing field is a failure to start) {
  const auto input = json{{"argv", {"echo", "{item.x}"}}};
  const auto o = run(probe::child(probe::origin(input), 1, "{}"));
  CAF_CHECK_EQUAL(o.error_type, "spawn");
  CAF_CHECK_EQUAL(o.error_message, "argv/1: {item.x}: the item has no \"x\"");
  CAF_CHECK(!o.retryable);
  CAF_CHECK(!run({{"argv", {"echo", "{item}"}}}).succeeded);
}

CAF_TEST(a process gets only the documented environment) {
  ::setenv("CONDUCTOR_TEST_SECRET", "x", 1);
  ::setenv("TZ", "UTC", 1);
  auto input = json{{"argv", {"env"}},
                    {"env", {{"GREETING", "hi {item.n}"}, {"TZ", "CET"}}}};
  const auto work = probe::child(probe::origin(input), 2, R"({"n": "you"})");
  const auto o = run(work);
  auto text = "\n" + stdout_of(o);
  const std::vector<std::string> expected{
    "GREETING=hi you",       "TZ=CET",
    "ORCON_RUN_ID=01RUN",    "ORCON_TASK_ID=" + work.task_id(),
    "ORCON_TASK_NAME=job#2", "ORCON_ATTEMPT=1",
    "ORCON_INDEX=2",         R"(ORCON_ITEM={"n":"you"})"};
  for (const auto& line : expected)
    CAF_CHECK(text.find("\n" + line + "\n") != text.npos);
  CAF_CHECK(text.find("CONDUCTOR_TEST_SECRET") == text.npos);
  CAF_CHECK(text.find("\nPATH=") != text.npos);
  text = stdout_of(run({{"argv", {"env"}}}));
  CAF_CHECK(text.find("ORCON_ITEM") == text.npos);
  CAF_CHECK(text.find("ORCON_INDEX") == text.npos);
}

CAF_TEST(a process can inherit the whole environment) {
  ::setenv("CONDUCTOR_TEST_SECRET", "x y", 1);
  auto input = json{{"argv", {"env"}},
                    {"inherit_env", true},
                    {"env", {{"CONDUCTOR_TEST_OWN", "z"}}}};
  const auto text = "\n" + stdout_of(run(input));
  for (const std::string line : {"CONDUCTOR_TEST_SECRET=x y",
                                 "CONDUCTOR_TEST_OWN=z", "ORCON_TASK_NAME=job"})
    CAF_CHECK(text.find("\n" + line + "\n") != text.npos);
  CAF_CHECK_EQUAL(first_problem(with(sh("true"), "inherit_env", "yes")),
                  "/input/inherit_env: must be true or false");
}

CAF_TEST(stdin) {
  const auto cat = json{{"argv", {"cat"}}};
  const auto fed = [&](json from, const std::string& item) {
    const auto input = with(cat, "stdin", std::move(from));
    return stdout_of(run(probe::child(probe::origin(input), 3, item)));
  };
  CAF_CHECK_EQUAL(stdout_of(run(cat)), "");
  CAF_CHECK_EQUAL(fed("none", "1"), "");
  CAF_CHECK_EQUAL(fed("item", "\"text\""), "text");
  CAF_CHECK_EQUAL(fed("item", R"({"a": 1})"), R"({"a":1})");
  CAF_CHECK_EQUAL(fed("some text", "1"), "some text");
  CAF_CHECK_EQUAL(fed({{"text", "item"}}, "1"), "item");
  CAF_CHECK_EQUAL(fed("input", "9"),
                  R"({"argv":["cat"],"index":3,"item":9,"stdin":"input"})");
}

CAF_TEST(an item too long for a variable still reaches stdin) {
  const auto input = json{{"argv", {"wc", "-c"}}, {"stdin", "item"}};
  const std::string item(1u << 20, 'x');
  const auto o = run(probe::child(probe::origin(input), 1, dump(json(item))));
  CAF_CHECK(o.succeeded);
  CAF_CHECK_EQUAL(std::atoi(stdout_of(o).c_str()), 1 << 20);
}

CAF_TEST(an attempt whose output was not read whole has failed) {
  process_result broken;
  broken.pipe_error = EIO;
  broken.output = "half";
  const auto o
    = make_outcome(std::move(broken), exec_stdout::text, milliseconds(0), 4096);
  CAF_CHECK(!o.succeeded);
  CAF_CHECK(o.retryable);
  CAF_CHECK_EQUAL(o.error_type, "io");
  CAF_CHECK_EQUAL(o.error_message, "a pipe of the process failed: Input/output "
                                   "error");
}

CAF_TEST(forms of stdout) {
  CAF_CHECK_EQUAL(run(sh("printf '\\377a'")).output,
                  R"({"exit_code":0,"stdout_base64":"/2E="})");
  const auto as_json = [](const std::string& script) {
    return run(with(sh(script), "stdout", "json"));
  };
  CAF_CHECK_EQUAL(as_json("echo '{\"a\": [1]}'").output,
                  R"({"exit_code":0,"stdout":{"a":[1]}})");
  const auto broken = as_json("echo '{'");
  CAF_CHECK_EQUAL(broken.error_type, "output");
  CAF_CHECK_EQUAL(broken.output, R"({"exit_code":0,"stdout":"{\n"})");
  CAF_CHECK_EQUAL(as_json("echo '{'; exit 2").error_type, "exit");
  CAF_CHECK_EQUAL(as_json("yes [ | head -n 9999 | tr -d '\\n'").error_type,
                  "output");
  for (const auto* script : {R"(printf '{"a":1}\0')", R"(printf '1\0junk')"}) {
    const auto cut = run(with(sh(script), "stdout", "json"));
    CAF_CHECK(!cut.succeeded);
    CAF_CHECK_EQUAL(cut.error_type, "output");
    CAF_CHECK_NOT_EQUAL(cut.error_message.find("unexpected NUL byte"),
                        std::string::npos);
  }
  CAF_CHECK_EQUAL(run(with(sh(R"(printf '1 2')"), "stdout", "json")).error_type,
                  "output");
  CAF_CHECK_EQUAL(run(with(sh("echo x"), "stdout", "discard")).output,
                  R"({"exit_code":0})");
}

CAF_TEST(long output is cut between characters) {
  const auto o = run(sh("printf 'abcé'"), {.stdout_cap = 4});
  CAF_CHECK(o.succeeded);
  CAF_CHECK_EQUAL(o.output,
                  R"({"exit_code":0,"stdout":"abc","stdout_truncated":true})");
  const auto cut
    = run(with(sh("echo '[1, 2]'"), "stdout", "json"), {.stdout_cap = 4});
  CAF_CHECK_EQUAL(cut.error_type, "output");
}

CAF_TEST(stderr becomes valid text) {
  const auto o = run(sh("printf 'a\\377b' >&2; exit 1"));
  CAF_CHECK_EQUAL(o.error_message, "exit 1: a\ufffdb");
  CAF_CHECK_EQUAL(json::parse(o.error_details)["stderr"].get<std::string>(),
                  "a\ufffdb");
  const auto cut = run(sh("i=0; while [ $i -lt 4096 ]; do printf 'é' >&2; "
                          "i=$((i+1)); done; printf x >&2; exit 1"));
  const auto text = json::parse(cut.error_details)["stderr"].get<std::string>();
  CAF_CHECK(text.starts_with("[… 4098 bytes cut] é"));
  CAF_CHECK_EQUAL(text.size(),
                  4095u + std::string("[… 4098 bytes cut] ").size());
  CAF_CHECK(text.find("\ufffd") == text.npos);
}

CAF_TEST(long stderr is passed on before the report) {
  std::map<attempt_key, std::string> passed;
  const exec_options options{
    .on_long_stderr
    = [&](attempt_key which, std::string text) { passed[which] = text; },
    .stderr_cap = 10'000};
  const auto o = run(sh("seq 1500 >&2; printf '\\377' >&2"), options);
  const auto text = passed[{100, 1}];
  CAF_CHECK_EQUAL(text.size(), 6393u + 1u);
  CAF_CHECK(text.starts_with("1\n2\n") && text.ends_with("1500\n\xff"));
  CAF_CHECK(json::parse(o.output)
              .value("stderr", "")
              .starts_with("[… 2298 bytes cut] "));
  run(sh("seq 100000 >&2; exit 1"), options);
  CAF_CHECK((passed[{100, 1}].starts_with("[… 578895 bytes cut] ")));
  passed.clear();
  run(sh("seq 10 >&2"), options);
  CAF_CHECK(passed.empty());
}

CAF_TEST(processes start in the directory of their task) {
  auto origin = probe::origin({{"argv", {"pwd"}}});
  origin->spec.directory = "/usr";
  CAF_CHECK_EQUAL(stdout_of(run(probe::leaf(origin))), "/usr\n");
  origin->spec.input = R"({"argv": ["pwd"], "cwd": "{item}"})";
  CAF_CHECK_EQUAL(stdout_of(run(probe::child(origin, 1, "\"bin/..\""))),
                  "/usr\n");
  CAF_CHECK_EQUAL(stdout_of(run(probe::child(origin, 1, "\"/etc\""))),
                  "/etc\n");
}

CAF_TEST(check names the wrong fields) {
  CAF_CHECK_EQUAL(first_problem(sh("true")), "");
  CAF_CHECK_EQUAL(first_problem({{"argv", {"grep", "", "{item}"}},
                                 {"fanout", 3},
                                 {"env", {{"A", "b"}}},
                                 {"cwd", "x"},
                                 {"stdin", {{"text", "t"}}},
                                 {"stdout", "json"}}),
                  "");
  CAF_CHECK_EQUAL(first_problem(json::array()), "/input: must be an object");
  CAF_CHECK_EQUAL(first_problem(json::object()),
                  "/input: needs an \"argv\": the program and its arguments");
  CAF_CHECK_EQUAL(
    first_problem(with(sh("true"), "agrv", 1)),
    "/input/agrv: unknown field \"agrv\"; did you mean \"argv\"?");
  CAF_CHECK_EQUAL(first_problem({{"argv", json::array()}}),
                  "/input/argv: must be a list of at least one text");
  CAF_CHECK_EQUAL(first_problem({{"argv", {"sleep", 5}}}),
                  "/input/argv/1: must be text (write \"5\")");
  CAF_CHECK_EQUAL(first_problem({{"argv", {""}}}),
                  "/input/argv/0: must name a program");
  CAF_CHECK_EQUAL(first_problem({{"argv", {"a", std::string(1, '\0')}}}),
                  "/input/argv/1: must not have a NUL byte");
  CAF_CHECK_EQUAL(first_problem(with(sh("true"), "env", {{"A=", "b"}})),
                  "/input/env/A=: is not the name of a variable");
  CAF_CHECK_EQUAL(first_problem(with(sh("true"), "cwd", "")),
                  "/input/cwd: must name a directory");
  CAF_CHECK(!first_problem(with(sh("true"), "stdin", 5)).empty());
  CAF_CHECK_EQUAL(first_problem(with(sh("true"), "stdout", "jsn")),
                  "/input/stdout: must be \"text\", \"json\" or \"discard\"");
}

CAF_TEST(traits of exec) {
  CAF_CHECK(make_exec_handler({.slots = 2})->traits().queues);
  CAF_CHECK(!make_exec_handler()->traits().queues);
  CAF_CHECK(make_exec_handler()->traits().own_timeout);
}

CAF_TEST(many attempts run at once and each is reported once) {
  probe::sink sink;
  const auto exec = make_exec_handler({.slots = 16});
  const auto origin
    = probe::origin({{"argv", {"sh", "-c", "echo {item}; exit {item.0}"}}});
  for (int i = 1; i <= 200; ++i)
    exec->start(probe::child(origin, i, "[" + std::to_string(i % 3) + "]"),
                sink);
  CAF_REQUIRE(sink.wait_for(200));
  for (int i = 1; i <= 200; ++i) {
    const auto o = sink.outcome_of(100 + i);
    CAF_CHECK_EQUAL(json::parse(o.output)["exit_code"].get<int>(), i % 3);
  }
  CAF_CHECK_EQUAL(sink.reports(), 200u);
}
