#define CAF_SUITE apps.random_runs

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include <conductor/admin.hpp>
#include <conductor/definition.hpp>
#include <conductor/engine.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/apps/random/random_definition.hpp"
#include "tests/apps/random/run_audit.hpp"
#include "tests/support/dice.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using orcon::test::prediction;
using std::chrono_literals::operator""s;

// Random definitions, worked by the real engine on SQLite with real threads:
// what is in the database afterwards is what the rules alone predict.
namespace {

namespace fs = std::filesystem;

constexpr int engines = 8;
constexpr int runs_an_engine = 25;

struct folder {
  fs::path path = fs::temp_directory_path()
                  / ("orcon-random-" + std::to_string(::getpid()));

  folder() {
    fs::create_directories(path);
    for (int lines = 0; lines < 10; ++lines) {
      std::ofstream file{path / ("lines-" + std::to_string(lines))};
      for (int i = 1; i <= lines; ++i)
        file << "line " << i << "\n";
    }
  }
  ~folder() { fs::remove_all(path); }
};

/// What the scripted handler sees: who runs at once, which attempts there were.
struct witness {
  std::mutex mutex;
  std::map<std::string, std::int64_t> running, most; ///< by run and parent
  std::map<std::string, std::int32_t> attempts;      ///< by id of the task
  std::vector<std::string> complaints;

  static std::string place(const task_context& task) {
    const auto name = task.name();
    return task.run_id() + " " + name.substr(0, name.find('#'));
  }
  void enter(const task_context& task) {
    const std::lock_guard guard{mutex};
    auto& most_here = most[place(task)];
    most_here = std::max(most_here, ++running[place(task)]);
    if (++attempts[task.task_id()] != task.attempt())
      complaints.push_back(place(task) + " " + task.name() + ": attempt "
                           + std::to_string(task.attempt()) + " was no. "
                           + std::to_string(attempts[task.task_id()]));
  }
  void leave(const task_context& task) {
    const std::lock_guard guard{mutex};
    --running[place(task)];
  }
};

outcome follow_script(const task_context& task) {
  const auto input = json::parse(task.input_text());
  const auto& script = input["script"][static_cast<std::size_t>(
    std::max<std::int64_t>(task.index() - 1, 0))];
  const auto n = static_cast<std::size_t>(task.attempt());
  auto end = n <= script.size() ? script[n - 1].get<std::string>() : "";
  if (end.empty())
    return outcome::success(
      dump({{"attempt", task.attempt()}, {"index", task.index()}}));
  if (end == "throw")
    throw std::runtime_error{"as the script says"};
  auto failed = outcome::failure(end, "as the script says");
  if (end.front() == '!' || end.front() == '~') {
    failed.error_type.erase(0, 1);
    failed.retryable = end.front() == '~';
    failed.retry_after = milliseconds{0};
  }
  return failed;
}

options random_options(test::dice& d, const std::string& database) {
  return {.database = database,
          .workers = static_cast<unsigned>(d.pick(1, 4)),
          .fanout_page = d.one_of<std::int64_t>({1, 3, 7, 1000}),
          .batch = d.one_of<std::size_t>({1, 4, 1024}),
          .lease_ahead = d.one_of<std::int64_t>({0, 5, 4000}),
          .claim_page = d.one_of<std::int64_t>({1, 4, 1000})};
}

struct submitted {
  std::uint64_t seed;
  json definition;
  submitted_run run;
};

std::string describe(const submitted& s,
                     const std::vector<std::string>& complaints) {
  std::string text
    = "seed " + std::to_string(s.seed) + ": " + dump(s.definition);
  for (const auto& c : complaints)
    text += "\n  " + c;
  return text;
}

std::vector<submitted> submit_all(engine& e, std::uint64_t first,
                                  const std::string& directory) {
  std::vector<submitted> all;
  for (auto seed = first; seed < first + runs_an_engine; ++seed) {
    submitted s{
      seed, orcon::test::random_definition(seed, {.folder = directory}), {}};
    const auto read = read_definition(s.definition, e.context(directory));
    for (const auto& wrong : read.errors)
      CAF_FAIL("seed " << seed << ": " << to_string(wrong) << " in "
                       << dump(s.definition));
    const auto run = e.submit(read.spec);
    if (!run)
      CAF_FAIL(run.error().message);
    s.run = *run;
    all.push_back(std::move(s));
  }
  return all;
}

std::vector<std::string> check_bounds(const witness& seen, const submitted& s,
                                      const prediction& wanted) {
  std::vector<std::string> wrong;
  for (const auto& task : wanted.tasks) {
    const auto most = seen.most.find(s.run.id + " " + task.name);
    if (task.max_concurrency > 0 && most != seen.most.end()
        && most->second > task.max_concurrency)
      wrong.push_back(task.name + ": " + std::to_string(most->second)
                      + " at once");
  }
  return wrong;
}

std::string verify(const std::string& path) {
  const auto verdict = verify_database(path);
  if (!verdict)
    return verdict.error().message;
  std::string wrong;
  for (const auto& v : verdict->violations)
    wrong += v.invariant + " " + v.what + "\n";
  return wrong;
}

/// One engine with options of its own and all its runs at the same time.
void run_engine(const folder& dir, int number) {
  const auto first = static_cast<std::uint64_t>(number) * runs_an_engine + 1;
  const auto path = (dir.path / (std::to_string(number) + ".db")).string();
  test::dice d{first};
  const auto opts = random_options(d, path);
  witness seen;
  auto e = engine::open(opts);
  if (!e)
    CAF_FAIL(e.error().message);
  e->handle(orcon::test::scripted_handler, [&](const task_context& task) {
    seen.enter(task);
    struct guard {
      witness& w;
      const task_context& t;
      ~guard() { w.leave(t); }
    } const leaving{seen, task};
    return follow_script(task);
  });
  const auto runs = submit_all(*e, first, dir.path.string());
  const auto opened = e->open_reader();
  CAF_REQUIRE(opened);
  const auto& reader = *opened;
  for (const auto& s : runs) {
    if (const auto state = e->wait(s.run.id, 60s); !state)
      CAF_FAIL(describe(s, {state.error().message}));
    const auto wanted = orcon::test::predict(s.definition);
    auto wrong = audit_run(*reader, s.run.key, wanted);
    {
      const std::lock_guard guard{seen.mutex};
      const auto bounds = check_bounds(seen, s, wanted);
      wrong.insert(wrong.end(), bounds.begin(), bounds.end());
    }
    if (!wrong.empty())
      CAF_ERROR(describe(s, wrong));
    CAF_CHECK(wrong.empty());
  }
  e->stop();
  for (const auto& c : seen.complaints)
    CAF_ERROR(c);
  CAF_CHECK_EQUAL(verify(path), "");
}

} // namespace

CAF_TEST(the engine does what the rules predict) {
  const folder dir;
  for (int number = 0; number < engines; ++number)
    run_engine(dir, number);
}

CAF_TEST(so does the program and its exit code says how) {
  const folder dir;
  const auto database = (dir.path / "orcon.db").string();
  for (std::uint64_t seed = 1001; seed <= 1020; ++seed) {
    const auto definition = orcon::test::random_definition(
      seed, {.scripted = false, .folder = dir.path.string()});
    const auto file = (dir.path / "definition.json").string();
    std::ofstream{file} << dump(definition);
    const auto line = std::string{std::getenv("ORCON")} + " exec -q --db "
                      + database + " " + file + " >" + file + ".out 2>&1";
    const auto status = std::system(line.c_str());
    const auto wanted = orcon::test::predict(definition);
    const auto reader = open_sqlite_reader(database);
    CAF_REQUIRE(reader.has_value());
    const auto run
      = (*reader)->runs({.newest_first = true, .limit = 1}).front();
    const submitted s{seed, definition, {run.key, run.id}};
    const auto wrong = audit_run(**reader, run.key, wanted);
    if (!wrong.empty())
      CAF_ERROR(describe(s, wrong));
    CAF_CHECK(wrong.empty());
    CAF_CHECK(WIFEXITED(status));
    CAF_CHECK_EQUAL(WEXITSTATUS(status),
                    run.state == run_state::succeeded ? 0 : 3);
  }
  CAF_CHECK_EQUAL(verify(database), "");
}
