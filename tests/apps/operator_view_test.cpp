#define CAF_SUITE apps.operator_view

#include "apps/orcon/terminal/progress_line.hpp"
#include "tests/support/terminal.hpp"

// What people see of their runs: progress, summaries, names.
using namespace orcon::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr auto mixed = R"(
name: mixed
defaults: { max_retries: 0 }
tasks:
  fast: { handler: exec, input: { fanout: 3, argv: ["true"] } }
  slow:
    handler: exec
    input: { fanout: [a, b], argv: [sh, -c, 'until [ -e go ]; do sleep 0.1; done; test "$1" != b', sh, "{item}"] }
  lone: { handler: exec, input: { argv: [echo, done] } }
)";

} // namespace

CAF_TEST(progress has a line for all and none for what has ended) {
  const bench b;
  b.write("r.yaml", mixed);
  terminal t{b, "orcon exec --workers 8 --color never r.yaml", 100, 24};
  // The last frame is what counts: the slow ones have run for ten seconds.
  const auto frame = [&] {
    const auto at = t.all().rfind("\x1b[J");
    const auto from = at == std::string::npos ? 0 : t.all().rfind("F", at);
    return t.all().substr(from == std::string::npos ? 0 : from);
  };
  CAF_CHECK(t.read_until([&](const std::string& all) {
    return has(all, "slow#1 (a) has been running for 10");
  }));
  CAF_CHECK(has(frame(), "slow "));
  CAF_CHECK(has(frame(), "all "));
  CAF_CHECK(!has(frame(), "fast "));
  b.write("go", "");
  CAF_CHECK_EQUAL(t.finish(), 3);
  // The summary has the leaf, the item of the failure, and local times.
  CAF_CHECK(has(t.all(), "lone             SUCCEEDED attempt 1, "));
  CAF_CHECK(has(t.all(), "for example slow#2 (b); first 20"));
  CAF_CHECK(has(t.all(), " ago"));
  CAF_CHECK(!has(t.all(), "Z;"));
}

CAF_TEST(a storm of failures shows the newest reason) {
  const bench b;
  terminal t{b,
             "orcon map -j2 --retries 5 -c 'sleep 0.05; echo no room for {} "
             ">&2; exit 3' ::: $(seq 40)",
             120, 24};
  CAF_CHECK(t.read_until([&](const std::string& all) {
    return has(all, "newest failure: map#") && has(all, "no room for ");
  }));
}

CAF_TEST(the pace of what has little to do) {
  using namespace std::chrono_literals;
  orcon::speed pace;
  orcon::speed::clock::time_point now{};
  std::int64_t settled = 0;
  pace.note(now, settled);
  // One in eight seconds: fewer than five in ten seconds, eight in a minute.
  for (int i = 0; i < 1200; ++i)
    pace.note(now += 100ms, settled = i / 80);
  CAF_CHECK(pace.rate() > 0.1 && pace.rate() < 0.15);
  // What stood still for an hour and goes again has the new pace.
  now += 1h;
  pace.note(now, settled);
  for (int i = 0; i < 200; ++i)
    pace.note(now += 100ms, ++settled);
  CAF_CHECK(std::abs(pace.rate() - 10) < 0.5);
}

CAF_TEST(a summary promises nothing that it does not know) {
  const bench b;
  b.write("r.yaml", R"(
tasks:
  t:
    handler: exec
    max_retries: 5
    retry: { delay: 1h }
    input: { fanout: 2, argv: ["false"] }
)");
  b.run("timeout -s INT --preserve-status 0.7 orcon exec r.yaml");
  const auto shown = b.run("orcon run show");
  CAF_MESSAGE(shown.out);
  CAF_CHECK(!shown.says("0.0%"));
}

CAF_TEST(failures and lists have the items) {
  const bench b;
  b.run("orcon map -q --retries 0 -c 'test {} = a' ::: a 'b c'");
  CAF_CHECK(b.run("orcon task failures").says("b c"));
  CAF_CHECK(
    b.run("orcon task failures | head -1").says("NAME   STATE   TRIES  ITEM"));
  CAF_CHECK(b.run("orcon run show").says("for example map#2 (b c);"));
  CAF_CHECK(b.run("orcon run show -o json").says("\"item\": \"b c\""));
  const auto list = b.run("orcon task list --name 'map#*'");
  CAF_CHECK(list.says("ITEM"));
  CAF_CHECK(list.says("TOOK"));
  CAF_CHECK(list.says("STARTED_AT"));
  CAF_CHECK(list.says("b c"));
  CAF_CHECK(b.run("orcon task list -o jsonl").says("\"duration_ms\":"));
  // Elsewhere than on a terminal times are for programs.
  CAF_CHECK(b.run("orcon run list | grep -c 'T.*Z'").says("1"));
}

CAF_TEST(runs and tasks are found by name and by the beginning of an id) {
  const bench b;
  const auto id = [&](const std::string& name) {
    return b.ask("select id from runs where name='" + name + "'").substr(0, 26);
  };
  b.run("orcon map -q --name one true ::: a; orcon map -q --name 'a*b' true "
        "::: a");
  const auto shown = [&](const std::string& run) {
    const auto r = b.run("orcon run show -o jsonl " + run);
    return r.code == 0 ? r.out.substr(r.out.find("\"id\"") + 6, 26)
                       : std::to_string(r.code);
  };
  CAF_CHECK_EQUAL(shown("one"), id("one"));
  CAF_CHECK_EQUAL(shown("'a*b'"), id("a*b"));
  CAF_CHECK_EQUAL(shown("'*'"), "5");
  // The first 18 characters are the time and the database, often the same.
  const auto one = id("one"), two = id("a*b");
  std::size_t same = 0;
  while (one[same] == two[same])
    ++same;
  CAF_CHECK_EQUAL(shown(one.substr(0, same + 1)), one);
  CAF_CHECK_EQUAL(shown(two.substr(0, same + 1)), two);
  CAF_CHECK_EQUAL(shown(one.substr(0, 4)), "2");
  CAF_CHECK(b.run("orcon run show " + one.substr(0, 4))
              .says("is the beginning of the ids of several runs"));
  CAF_CHECK_EQUAL(shown("01ZZ"), "5");
  const auto task
    = b.ask("select id from tasks where name='map#1' and run_id='" + two + "'")
        .substr(0, 26);
  CAF_CHECK(b.run("orcon task show " + task.substr(0, 25))
              .says("is the beginning of the ids of several tasks"));
  b.write("r.yaml", "tasks: { only: { handler: noop } }");
  b.run("orcon exec -q r.yaml");
  const auto only = b.ask("select id from tasks where name='only'");
  CAF_CHECK(b.run("orcon task show " + only.substr(0, 25)).says("only"));
}

CAF_TEST(the version is where people look for it) {
  const bench b;
  const auto r = b.run("orcon --version");
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK_EQUAL(r.out, b.run("orcon version").out);
}

CAF_TEST(lint refuses an item where there is none) {
  const bench b;
  b.write("r.yaml", "tasks:\n  t:\n    handler: exec\n    input:\n      argv: "
                    "[echo, 'a {item.x}']\n");
  const auto r = b.run("orcon def lint r.yaml");
  CAF_MESSAGE(r.out);
  CAF_CHECK_EQUAL(r.code, 2);
  CAF_CHECK(r.says("r.yaml:5:20: /tasks/t/input/argv/1: uses {item}, but the "
                   "task has no fanout"));
  CAF_CHECK_EQUAL(b.run("orcon exec r.yaml").code, 2);
  b.write("ok.yaml", "tasks:\n  t:\n    handler: exec\n    input:\n      argv: "
                     "[echo, '{items} {name}']\n  u: { handler: noop }\n");
  CAF_CHECK_EQUAL(b.run("orcon def lint ok.yaml").code, 0);
}

CAF_TEST(the item of a count is the index) {
  const bench b;
  const auto with = [&](const std::string& placeholder) {
    b.write("c.yaml", "tasks:\n  t:\n    handler: exec\n    input: { fanout: "
                      "2, argv: [echo, 'a"
                        + placeholder + "'] }\n");
    return b.run("orcon def lint c.yaml");
  };
  CAF_CHECK(with("{item.x}")
              .says("/tasks/t/input/argv/1: uses a field of "
                    "{item}, but the items are numbers or texts"));
  CAF_CHECK_EQUAL(with("{item.x}").code, 2);
  CAF_CHECK_EQUAL(with("{item}").code, 0);
  CAF_CHECK_EQUAL(b.run("orcon exec -q c.yaml").code, 0);
  CAF_CHECK(b.run("orcon task show t#2 -o json").says("\"stdout\": \"a2\\n\""));
}
