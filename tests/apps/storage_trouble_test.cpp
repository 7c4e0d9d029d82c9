#define CAF_SUITE apps.storage_trouble

#include "tests/support/program.hpp"

using orcon::test::bench;
namespace fs = std::filesystem;

// What the program does when its database cannot be used.
namespace {

/// Words before a command that make it run without root's rights; nothing if
/// there is no way to give them up here.
std::string unprivileged(const bench& b) {
  if (::geteuid() != 0)
    return "env";
  // Whoever is nobody cannot look into root's folders: they get a copy.
  fs::copy_file(std::getenv("ORCON"), b.folder / "orcon");
  fs::permissions(b.folder, fs::perms{0755});
  fs::permissions(b.folder / "orcon", fs::perms{0755});
  const std::string words = "setpriv --reuid=65534 --regid=65534 "
                            "--clear-groups env PATH=..:$PATH";
  return b.run(words + " true").code == 0 ? words : "";
}

constexpr auto four_hundred = R"(
tasks:
  a: { handler: exec, input: { fanout: 400, argv: [echo, "{index}"] } }
)";

} // namespace

CAF_TEST(a folder that cannot be written is code 7 and says so) {
  const bench b;
  const auto as_nobody = unprivileged(b);
  if (as_nobody.empty()) {
    CAF_MESSAGE("skipped: root cannot become somebody else here");
    return;
  }
  fs::create_directory(b.folder / "locked");
  b.write("a.yaml", "tasks: { a: { handler: noop } }\n");
  b.run("cd locked && orcon map -q -- true ::: 1 2");
  fs::permissions(b.folder / "locked" / "orcon.db", fs::perms{0444});
  fs::permissions(b.folder / "locked", fs::perms{0555});
  const auto before = b.run("ls locked").out;
  for (const auto* line : {"exec ../a.yaml --db new.db", "exec ../a.yaml",
                           "map --db new.db -- true ::: 1"}) {
    const auto r = b.run("cd locked && " + as_nobody + " orcon " + line);
    CAF_MESSAGE(r.out);
    CAF_CHECK_EQUAL(r.code, 7);
    CAF_CHECK(r.says("orcon.db ") || r.says("new.db"));
    CAF_CHECK(r.says("cannot be written") || r.says("ermission denied"));
  }
  const auto r = b.run("cd locked && " + as_nobody + " orcon run list");
  CAF_MESSAGE(r.out);
  CAF_CHECK_EQUAL(r.code, 7);
  CAF_CHECK(r.says("orcon.db"));
  CAF_CHECK(r.says("folder"));
  CAF_CHECK_EQUAL(b.run("ls locked").out, before);
  fs::permissions(b.folder / "locked", fs::perms{0755});
}

CAF_TEST(no room from the start is code 7 and the next run works) {
  const bench b;
  b.write("d.yaml", four_hundred);
  for (const auto* blocks : {"1", "50", "90"}) {
    const auto r
      = b.run("ulimit -f " + std::string{blocks} + "; orcon exec d.yaml");
    CAF_MESSAGE(r.out);
    CAF_CHECK_EQUAL(r.code, 7);
    // Of a journal that did not fit SQLite keeps no reason.
    if (*blocks != '1')
      CAF_CHECK(r.says("free some space"));
  }
  CAF_CHECK_EQUAL(b.run("orcon exec -q d.yaml").code, 0);
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs"), "1\n");
  b.verify();
}

CAF_TEST(no room on the way is waited out and resume ends the run) {
  const bench b;
  b.write("d.yaml", four_hundred);
  // Two signals: what waits for room would wait for ten seconds more.
  const auto r = b.run("ulimit -f 300; orcon exec d.yaml & pid=$!; "
                       "for i in $(seq 100); do sleep 0.1; "
                       "grep -q waiting: err && break; done; "
                       "kill -TERM $pid; sleep 0.5; kill -TERM $pid; "
                       "wait $pid; exit $?");
  CAF_MESSAGE(r.out);
  CAF_CHECK_EQUAL(r.code, 130);
  CAF_CHECK(r.says("waiting: "));
  CAF_CHECK(r.says("free some space"));
  b.verify();
  CAF_CHECK_EQUAL(b.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(b.ask("select state,count(*) from tasks group by 1"),
                  "SUCCEEDED|401\n");
  CAF_CHECK_EQUAL(
    b.ask("select count(*) from events where name='task.succeeded'"), "400\n");
  b.verify();
}

CAF_TEST(a second engine is told who has the database) {
  const bench b;
  // The first one works until it has been asked for the pid.
  const auto r
    = b.run("orcon map -q -- sh -c 'until test -e go; do sleep "
            "0.02; done' ::: 1 & first=$!; "
            "until orcon run list 2>&1 | grep -q RUNNING; do sleep 0.02; "
            "done; "
            "sleep 0.1; echo pid $first; orcon map -- true ::: 1; "
            "code=$?; orcon run list >/dev/null || code=99; "
            "touch go; wait $first || code=98; exit $code");
  CAF_MESSAGE(r.out);
  CAF_CHECK_EQUAL(r.code, 7);
  const auto pid = r.out.substr(4, r.out.find('\n') - 4);
  CAF_CHECK(r.says("in use by another engine (pid " + pid + ")"));
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs"), "1\n");
  b.verify();
}

CAF_TEST(files that are not ours stay as they are) {
  const bench b;
  b.write("text.db", "dear diary");
  b.run("sqlite3 cars.db 'create table cars(id)'");
  b.run("orcon map -q --db new.db -- true ::: 1");
  b.run("sqlite3 new.db 'pragma user_version=99'");
  fs::create_directory(b.folder / "folder.db");
  const auto files = b.files();
  const auto cars = b.read("cars.db"), newer = b.read("new.db");
  const std::vector<std::pair<std::string, std::string>> cases{
    {"text.db", "text.db is no Origin Conductor database"},
    {"cars.db", "cars.db is a database of another program"},
    {"new.db", "schema"},
    {"folder.db", "folder.db is a directory"}};
  for (const auto& [file, what] : cases)
    for (const auto* line :
         {"map -- true ::: 2", "resume", "run list", "db verify"}) {
      const auto r = b.run("ORCON_DB=" + file + " orcon " + std::string{line});
      CAF_MESSAGE(line << " " << r.out);
      CAF_CHECK_EQUAL(r.code, 7);
      CAF_CHECK(r.says(what));
      // SQLite's own files beside a database that was read stay.
      b.run("rm -f new.db-shm new.db-wal");
      CAF_CHECK_EQUAL(b.files(), files);
    }
  CAF_CHECK_EQUAL(b.read("text.db"), "dear diary");
  CAF_CHECK(b.read("cars.db") == cars);
  CAF_CHECK(b.read("new.db") == newer);
}
