#define CAF_SUITE torture.kill_storm

#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "tests/support/program.hpp"
#include "tests/torture/budget.hpp"
#include "tests/torture/program_run.hpp"

using orcon::test::bench;
using orcon::test::budget;
using orcon::test::lines_of;
using orcon::test::torture_seed;

// The real program is killed again and again, also while it recovers. What it
// acknowledged is recorded outside of the database: ids of runs that it
// printed, outputs that it printed, and what the processes themselves wrote
// when they began. Afterwards everything acknowledged must be there.
namespace {

constexpr auto definition = R"(
name: storm
tasks:
  work:
    handler: exec
    max_retries: 2
    retry: { delay: 5ms, jitter: none }
    input:
      fanout: { lines: items }
      argv: [sh, -c, 'echo "$ORCON_TASK_ID $ORCON_ATTEMPT" >> began; test "$ORCON_ATTEMPT" -gt 1 || test $((ORCON_INDEX % 7)) -ne 0; printf "%s" "done $ORCON_ITEM"']
  plain: { handler: sleep, input: { duration: 20ms } }
)";

constexpr int items = 60;

/// What was acknowledged, by what the program printed before it was killed.
struct acknowledged {
  std::set<std::string> runs;
};

/// Works on the database until a kill that comes after `ms`.
void work_and_kill(const bench& b, const std::string& command, int ms) {
  b.run("timeout -s KILL " + std::to_string(ms / 1000) + "."
        + (ms % 1000 < 100 ? (ms % 1000 < 10 ? "00" : "0") : "")
        + std::to_string(ms % 1000) + " orcon " + command + " || true");
}

void submit(const bench& b, acknowledged& acks) {
  const auto r = b.run("orcon run start storm.yaml -q -o json");
  const auto at = r.out.find("\"id\":");
  if (r.code == 0 && at != std::string::npos)
    acks.runs.insert(r.out.substr(r.out.find('"', at + 5) + 1, 26));
}

/// Everything that was acknowledged is in the database, once.
void check(const bench& b, const acknowledged& acks) {
  b.verify();
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs where state<>'SUCCEEDED'"),
                  "0\n");
  for (const auto& run : acks.runs) {
    CAF_CHECK_EQUAL(
      b.ask("select count(*) from tasks where run_id='" + run
            + "' and name like 'work#%' and state='SUCCEEDED' and "
              "json_extract(output,'$.stdout') = 'done ' || "
              "json_extract(input,'$.item')"),
      std::to_string(items) + "\n");
  }
  // Every attempt that began was leased under its own number.
  std::map<std::string, int> began;
  for (const auto& line : lines_of(b.read("began")))
    ++began[line];
  for (const auto& [attempt, times] : began)
    if (times != 1)
      CAF_ERROR("attempt " << attempt << " began " << times << " times");
}

} // namespace

CAF_TEST(what was acknowledged outlives kill - 9) {
  const bench b;
  std::mt19937_64 random{torture_seed()};
  b.write("storm.yaml", definition);
  std::string list;
  for (int i = 1; i <= items; ++i)
    list += "item " + std::to_string(i) + "\n";
  b.write("items", list);
  b.run("orcon db init");
  acknowledged acks;
  // Each round makes the database larger: 200 kills are enough for one.
  budget rounds{"kills", 25};
  for (int i = 0; i < 200 && rounds.more(); ++i) {
    if (i % 5 == 0)
      submit(b, acks);
    if (i % 5 == 1) // the list was read at submission
      b.write("items", "something else\n");
    else if (i % 5 == 2)
      b.write("items", list);
    work_and_kill(b, "resume", static_cast<int>(random() % 120) + 15);
  }
  CAF_CHECK_EQUAL(b.run("timeout 120 orcon resume -q").code, 0);
  CAF_CHECK(!acks.runs.empty());
  check(b, acks);
}

CAF_TEST(the check notices a lost event) {
  const bench b;
  b.write("storm.yaml", definition);
  b.write("items", "item 1\n");
  b.run("orcon db init");
  CAF_CHECK_EQUAL(b.run("orcon exec storm.yaml -q").code, 0);
  b.ask("delete from event_spans where seq = (select max(seq) from "
        "event_spans)");
  CAF_CHECK_NOT_EQUAL(b.run("orcon db verify").code, 0);
}
