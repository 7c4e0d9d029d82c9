#define CAF_SUITE apps.observe

#include "tests/support/program.hpp"

#include <conductor/json_text.hpp>

#include <caf/test/unit_test.hpp>

// From "something failed" to its cause and its end, as an operator goes about
// it.
using conductor::json;
using orcon::test::bench;

namespace {

json parsed(const std::string& text) {
  auto value = json::parse(text, nullptr, false);
  if (value.is_discarded())
    CAF_ERROR("not JSON: " << text);
  return value;
}

/// Three kinds of failure, one task that hangs, and one that fails again and
/// again; `ok` is the file that heals the first kind.
constexpr auto troubled = R"(
version: 1
name: troubled
meta: { owner: ops, tries: 3 }
defaults: { max_retries: 0 }
tasks:
  missing:
    handler: exec
    input: { fanout: 3, argv: [sh, -c, 'test -e ok'] }
  spelled:
    handler: exec
    input: { fanout: 2, argv: [no-such-program-anywhere] }
  slow:
    handler: exec
    input: { argv: [sleep, '9'] }
    timeout: 100ms
  again:
    handler: fail
    max_retries: 9
    retry: { delay: 1ms, backoff: fixed, jitter: none }
    input: { times: 7 }
  fine:
    handler: noop
    input: { fanout: 4 }
)";

} // namespace

CAF_TEST(every cause is named and the right retry is one line away) {
  const bench b;
  b.write("troubled.yaml", troubled);
  CAF_CHECK_EQUAL(b.run("orcon exec -q troubled.yaml").code, 3);
  const auto shown = b.run("orcon run show");
  CAF_CHECK_EQUAL(shown.code, 0);
  for (const auto* text :
       {"FAILED", "3 x  exit: ", "2 x  spawn: ", "1 x  timeout: ",
        "for example missing#", "orcon run retry "})
    if (!shown.says(text))
      CAF_ERROR("\"" << text << "\" is not in\n" << shown.out);
  const auto summary = parsed(b.run("orcon run show -o json").out);
  CAF_CHECK_EQUAL(summary["failures"].size(), 3u);
  CAF_CHECK_EQUAL(summary["failures"][0]["count"], 3);
  CAF_CHECK(summary["eta_ms"].is_null());
  const auto task = parsed(b.run("orcon task show again -o json").out);
  CAF_CHECK_EQUAL(task["attempts"].size(), 8u);
  CAF_CHECK_EQUAL(task["attempts"][0]["outcome"], "failed");
  CAF_CHECK_EQUAL(task["attempts"][7]["outcome"], "succeeded");
  // One kind of failure is healed and tried again; the others stay.
  b.write("ok", "");
  const auto retried = b.run("orcon run retry --error exit");
  CAF_CHECK_EQUAL(retried.code, 0);
  CAF_CHECK(retried.says("3 task(s) will be tried again"));
  b.verify();
  CAF_CHECK_EQUAL(b.ask("select state from runs"), "RUNNING\n");
  CAF_CHECK_EQUAL(b.run("orcon resume -q").code, 3);
  CAF_CHECK_EQUAL(b.ask("select name, state from tasks where parent_task_id "
                        "is null order by name"),
                  "again|SUCCEEDED\nfine|SUCCEEDED\nmissing|SUCCEEDED\n"
                  "slow|FAILED\nspelled|FAILED\n");
  CAF_CHECK_EQUAL(b.ask("select count(*) from tasks where name like "
                        "'missing#%' and attempt = 2 and retry_count = 0"),
                  "3\n");
  b.verify();
}

CAF_TEST(a retry by hand is refused where it makes no sense) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("orcon map -q -- true ::: a b").code, 0);
  const auto done = b.run("orcon run retry");
  CAF_CHECK_EQUAL(done.code, 6);
  CAF_CHECK(done.says("SUCCEEDED; there is nothing to retry"));
  CAF_CHECK_EQUAL(b.run("orcon map -q --retries 0 -- false ::: a b").code, 3);
  CAF_CHECK_EQUAL(b.run("orcon run retry --name 'x*'").code, 5);
  CAF_CHECK_EQUAL(b.run("orcon run retry --error signal").code, 5);
  CAF_CHECK_EQUAL(b.run("orcon task retry nobody").code, 5);
  b.write("two.yaml", "version: 1\nname: open\ntasks:\n  a: {handler: noop}\n");
  CAF_CHECK_EQUAL(b.run("orcon run start two.yaml").code, 0);
  CAF_CHECK_EQUAL(b.run("orcon run retry").code, 6);
  b.verify();
}

CAF_TEST(one task can be tried again by name) {
  const bench b;
  b.run("orcon map -q --retries 0 -- sh -c 'test -e ok' ::: a b");
  b.write("ok", "");
  CAF_CHECK_EQUAL(
    b.run(
       "orcon task retry \"$(sqlite3 orcon.db \"select name from tasks where "
       "child_index = 2\")\" && orcon resume -q")
      .code,
    3);
  CAF_CHECK_EQUAL(b.ask("select state, count(*) from tasks where "
                        "parent_task_id is not null group by state"),
                  "FAILED|1\nSUCCEEDED|1\n");
  CAF_CHECK_EQUAL(b.run("orcon run retry && orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(b.ask("select state from runs"), "SUCCEEDED\n");
  b.verify();
}

CAF_TEST(health says what is wrong and what to do) {
  const bench b;
  b.write("quiet.yaml", "version: 1\nname: q\ntasks:\n  a: {handler: noop}\n");
  b.run("orcon exec -q quiet.yaml");
  const auto well = b.run("orcon health");
  CAF_CHECK_EQUAL(well.code, 0);
  CAF_CHECK(well.says("HEALTHY"));
  // All attempts fail: that is critical.
  b.run("orcon map -q --retries 0 -- false ::: $(seq 40)");
  const auto ill = b.run("orcon health -o json");
  CAF_CHECK_EQUAL(ill.code, 9);
  const auto report = parsed(ill.out);
  CAF_CHECK_EQUAL(report["status"], "CRITICAL");
  CAF_CHECK_EQUAL(report["reasons"].size(), 1u);
  CAF_CHECK_EQUAL(report["attempts_in_window"], 41);
  CAF_CHECK(report["engine_pid"].is_null());
  CAF_CHECK_EQUAL(b.run("orcon health -q --failure-rate 100").code, 0);
  // An open run that nobody works on, with a storm of retries in it.
  b.write("storm.yaml", R"(
version: 1
name: storm
tasks:
  t:
    handler: exec
    input: { fanout: 30, argv: ['false'] }
    max_retries: 5
    retry: { delay: 1h, backoff: fixed, jitter: none }
)");
  b.run("timeout -s INT 3 orcon exec -q storm.yaml");
  const auto storm = b.run("orcon health --failure-rate 100");
  CAF_CHECK(storm.says("retry storm: 30 task(s) keep failing with exit"));
  CAF_CHECK(storm.says("no engine works on them"));
  CAF_CHECK(storm.says("orcon resume"));
  CAF_CHECK_EQUAL(b.run("orcon health --stuck-after soon").code, 2);
}

CAF_TEST(figures come as a table as JSON and as Prometheus reads them) {
  const bench b;
  CAF_CHECK_EQUAL(
    b.run("orcon map -q --metrics-file m.prom -- true ::: a b c").code, 0);
  const auto text = b.run("orcon stats -o prometheus").out;
  for (const auto* line :
       {"# TYPE orcon_commit_duration_seconds histogram\n",
        "orcon_tasks{handler=\"exec\",state=\"SUCCEEDED\"} 3\n",
        "orcon_attempts_total{handler=\"exec\",outcome=\"succeeded\"} 3\n",
        "orcon_attempt_duration_seconds_count{handler=\"exec\"} 3\n",
        "orcon_runs{state=\"SUCCEEDED\"} 1\n"}) {
    if (text.find(line) == std::string::npos)
      CAF_ERROR("missing in stats: " << line << text);
    if (b.read("m.prom").find(line) == std::string::npos)
      CAF_ERROR("missing in the file: " << line);
  }
  CAF_CHECK(b.files().find(".part") == std::string::npos);
  CAF_CHECK(parsed(b.run("orcon stats -o json").out).is_array());
  CAF_CHECK(b.run("orcon stats").says("orcon_commits_total"));
}

CAF_TEST(a run is waited for and watched from another process) {
  const bench b;
  b.write("short.yaml", "version: 1\nname: s\ntasks:\n  a:\n    handler: "
                        "sleep\n    input: {duration: 700ms}\n");
  CAF_CHECK_EQUAL(b.run("orcon run start -q short.yaml").code, 0);
  CAF_CHECK(parsed(b.run("orcon task show a -o json").out)["lease"].is_null());
  const auto early = b.run("orcon run wait --timeout 50ms");
  CAF_CHECK_EQUAL(early.code, 8);
  CAF_CHECK(early.says("still PENDING"));
  const auto leased = parsed(
    b.run("orcon resume -q >/dev/null & while ! orcon task show a | grep -q "
          "RUNNING; do :; done; orcon task show a -o json; kill -KILL $!")
      .out);
  CAF_CHECK_EQUAL(leased["lease"]["attempt"], 1);
  CAF_CHECK(leased["lease"]["engine"].is_number_integer());
  const auto both
    = b.run("orcon resume -q >/dev/null & orcon run watch -q -o json; wait");
  CAF_CHECK_EQUAL(both.code, 0);
  const auto watched = parsed(both.out);
  CAF_CHECK_EQUAL(watched["state"], "SUCCEEDED");
  CAF_CHECK_EQUAL(b.run("orcon run wait").code, 0);
  b.run("orcon map -q --retries 0 -- false ::: a");
  CAF_CHECK_EQUAL(b.run("orcon run wait last").code, 3);
  CAF_CHECK_EQUAL(b.run("orcon run wait 01ARZ3NDEKTSV4RRFFQ69G5FAV").code, 5);
}

CAF_TEST(runs are filtered by state name time and label) {
  const bench b;
  b.write("troubled.yaml", troubled);
  b.run("orcon exec -q troubled.yaml; orcon map -q --name other -- true ::: a");
  const auto names = [&](const std::string& filter) {
    const auto rows = parsed(b.run("orcon run list -o json " + filter).out);
    std::string found;
    for (const auto& row : rows)
      found += row["name"].get<std::string>() + " ";
    return found;
  };
  CAF_CHECK_EQUAL(names(""), "other troubled ");
  CAF_CHECK_EQUAL(names("--state failed"), "troubled ");
  CAF_CHECK_EQUAL(names("--name 'o*'"), "other ");
  CAF_CHECK_EQUAL(names("--label owner=ops"), "troubled ");
  CAF_CHECK_EQUAL(names("--label tries=3"), "troubled ");
  CAF_CHECK_EQUAL(names("--label owner=dev"), "");
  CAF_CHECK_EQUAL(names("--since 1h"), "other troubled ");
  CAF_CHECK_EQUAL(names("--since 2100-01-01"), "");
  for (const auto* wrong : {"--label owner", "--since soon", "--state asleep"})
    CAF_CHECK_EQUAL(b.run("orcon run list " + std::string{wrong}).code, 2);
}

CAF_TEST(events are followed as they come) {
  const bench b;
  b.run("orcon map -q -- true ::: a");
  // Everything from the first event on, until the signal.
  const auto all
    = b.run("timeout -s INT 1 orcon event tail --after 0 -o jsonl");
  std::size_t lines = 0;
  for (auto c : all.out)
    lines += c == '\n';
  CAF_CHECK_EQUAL(std::to_string(lines) + "\n",
                  b.ask("select count(*) from events"));
  // Only what is new, and only what is asked for.
  const auto fresh = b.run(
    "timeout -s INT 2 orcon event tail --name task.succeeded -o jsonl & "
    "sleep 0.7; orcon map -q -- true ::: b c; wait");
  lines = 0;
  for (auto c : fresh.out)
    lines += c == '\n';
  CAF_CHECK_EQUAL(lines, 2u);
}

CAF_TEST(a database is copied pruned and measured) {
  const bench b;
  b.run("orcon map -q -- true ::: a b; orcon map -q -- true ::: c");
  CAF_CHECK_EQUAL(b.run("orcon db backup copy.db").code, 0);
  b.verify("copy.db");
  const auto again = b.run("orcon db backup copy.db");
  CAF_CHECK_EQUAL(again.code, 6);
  CAF_CHECK(again.says("exists already"));
  const auto sizes = parsed(b.run("orcon db stats -o json").out);
  CAF_CHECK_EQUAL(sizes["runs"], 2);
  CAF_CHECK_EQUAL(sizes["tasks"], 5);
  CAF_CHECK_EQUAL(b.run("orcon db migrate").code, 0);
  CAF_CHECK(
    b.run("orcon db prune --before 0s --dry-run").says("would delete 2"));
  CAF_CHECK_EQUAL(b.run("orcon run delete last").code, 0);
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs"), "1\n");
  b.verify();
  CAF_CHECK_EQUAL(b.run("orcon db prune --before 0s").code, 0);
  CAF_CHECK_EQUAL(b.ask("select count(*) from tasks"), "0\n");
  b.verify();
  CAF_CHECK_EQUAL(b.run("orcon db prune --before soon").code, 2);
  b.run("orcon map -q -- true ::: d");
  b.verify();
}
