#define CAF_SUITE apps.spools

#include <thread>

#include <conductor/engine.hpp>

#include "tests/support/program.hpp"

using orcon::test::bench;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Spools are the engine's own copies of lists beside the database. They are
// there for as long as somebody reads them, and no longer.
namespace {

constexpr auto over_names = R"(
tasks:
  a: { handler: noop, input: { fanout: { glob: 'names/*' } } }
)";

std::string spools(const bench& b) {
  return b.run("ls *.spool 2>/dev/null || true").out;
}

void write_names(const bench& b, int count) {
  fs::create_directory(b.folder / "names");
  for (int i = 0; i < count; ++i)
    b.write("names/" + std::to_string(i), "");
}

} // namespace

CAF_TEST(what a crash left is swept and files of others stay) {
  const bench b;
  b.run("orcon map -q -- true ::: 1");
  b.run("umask 077; echo '\"x\"' >orcon.db.99-1.spool; : >orcon.db.99-2.spool; "
        "cp orcon.db.99-1.spool names; mkdir orcon.db.5-5.spool; "
        "cp names other.db.1-1.spool; cp names orcon.db.2024-11-23.spool; "
        "cp names my.spool; ln -s names orcon.db.6-6.spool; "
        "echo mine >orcon.db.7-7.spool; "
        "echo '\"x\"' >orcon.db.8-8.spool; chmod 644 orcon.db.8-8.spool; "
        "mkfifo orcon.db.9-9.spool");
  const auto before = b.files();
  // Who only reads removes nothing.
  CAF_CHECK_EQUAL(b.run("orcon run list; code=$?; rm -f orcon.db-*; "
                        "exit $code")
                    .code,
                  0);
  CAF_CHECK_EQUAL(b.files(), before);
  CAF_CHECK_EQUAL(b.run("orcon resume").code, 0);
  auto wanted = before;
  for (const std::string gone :
       {"orcon.db.99-1.spool\n", "orcon.db.99-2.spool\n"}) {
    CAF_REQUIRE(wanted.find(gone) != std::string::npos);
    wanted.erase(wanted.find(gone), gone.size());
  }
  CAF_CHECK_EQUAL(b.files(), wanted);
}

CAF_TEST(a spool that is still read stays and is found from anywhere) {
  const bench b;
  write_names(b, 3);
  b.write("d.yaml", over_names);
  CAF_CHECK_EQUAL(b.run("orcon run start d.yaml").code, 0);
  const auto name = spools(b);
  CAF_CHECK_NOT_EQUAL(name, "");
  // Another engine on the database, which does not get to work on it.
  b.write("e.yaml", "tasks: { a: { handler: noop } }\n");
  CAF_CHECK_EQUAL(b.run("orcon run start e.yaml").code, 0);
  CAF_CHECK_EQUAL(spools(b), name);
  const auto r = b.run("cd names && orcon resume -q --db ../orcon.db");
  CAF_MESSAGE(r.out);
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK_EQUAL(b.ask("select state,count(*) from tasks group by 1"),
                  "SUCCEEDED|5\n");
  CAF_CHECK_EQUAL(spools(b), "");
  b.verify();
}

CAF_TEST(a spool that is being written is nobody elses) {
  const bench b;
  b.run("mkfifo pipe");
  const auto r
    = b.run("orcon map -q -k -- echo <pipe & exec 3>pipe; echo one >&3; "
            "until ls *.spool >/dev/null 2>&1; do sleep 0.02; done; "
            "orcon map -q -- true ::: x || exit 99; "
            "echo two >&3; exec 3>&-; wait %1");
  CAF_MESSAGE(r.out);
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK_EQUAL(r.out, "one\ntwo\n");
  CAF_CHECK_EQUAL(spools(b), "");
}

CAF_TEST(the spool of a reader that was killed is swept by the next engine) {
  const bench b;
  b.run("mkfifo pipe");
  b.run("orcon map -q -- echo <pipe & pid=$!; exec 3>pipe; echo one >&3; "
        "until ls *.spool >/dev/null 2>&1; do sleep 0.02; done; "
        "kill -KILL $pid; wait $pid");
  CAF_CHECK_NOT_EQUAL(spools(b), "");
  CAF_CHECK_EQUAL(b.run("orcon map -q -- true ::: x").code, 0);
  CAF_CHECK_EQUAL(spools(b), "");
}

CAF_TEST(an expansion that fail fast ends leaves no spool) {
  const bench b;
  write_names(b, 400);
  // One child a page: it has failed long before the last page.
  auto engine
    = conductor::engine::open({.database = (b.folder / "orcon.db").string(),
                               .workers = 1,
                               .fanout_page = 1});
  CAF_REQUIRE(engine.has_value());
  conductor::run_spec spec{"names"};
  spec.task("fail", "job").max_retries(0);
  auto& task = spec.tasks[0];
  task.fanout.kind = conductor::source_kind::glob;
  task.fanout.path = (b.folder / "names/*").string();
  task.on_failure = conductor::on_failure::fail_fast;
  const auto run = engine->submit(spec);
  CAF_REQUIRE(run.has_value());
  CAF_CHECK(engine->wait(run->id, 60s) == conductor::run_state::failed);
  const auto parent = engine->open_reader()->load_fanout(run->first_task);
  CAF_CHECK(parent->expanded < 400);
  // The fan-out actor hears of it with the answer to its next page.
  for (int i = 0; i < 500 && !spools(b).empty(); ++i)
    std::this_thread::sleep_for(10ms);
  CAF_CHECK_EQUAL(spools(b), "");
  engine->stop();
  b.verify();
}
