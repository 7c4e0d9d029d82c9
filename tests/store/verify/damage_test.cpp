#define CAF_SUITE store.damage

#include <conductor/admin.hpp>

#include <fstream>
#include <random>

#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/store/sqlite/sqlite_file.hpp"
#include "tests/store/verify/verify_example.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::folder;

// Whatever is wrong with a file: every command ends soon and says so. Each
// trial damages a small database at random and reads all of it in a child
// process, which must neither die nor run on.
namespace {

constexpr int trials = 300;
constexpr std::size_t page = 4096;
constexpr ::rlim_t cpu_seconds = 5; ///< a reading takes some milliseconds

using random_source = std::mt19937_64;

std::size_t below(random_source& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random);
}

std::string load(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void save(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

void flip_bytes(const std::string& path, random_source& random) {
  auto bytes = load(path);
  for (auto n = 1 + below(random, 8); n > 0; --n)
    bytes[below(random, bytes.size())] = static_cast<char>(below(random, 256));
  save(path, bytes);
}

void swap_pages(const std::string& path, random_source& random) {
  auto bytes = load(path);
  const auto pages = bytes.size() / page;
  const auto a = 1 + below(random, pages - 1), b = 1 + below(random, pages - 1);
  std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(a * page),
                   bytes.begin() + static_cast<std::ptrdiff_t>((a + 1) * page),
                   bytes.begin() + static_cast<std::ptrdiff_t>(b * page));
  save(path, bytes);
}

void cut_file(const std::string& path, random_source& random) {
  const auto bytes = load(path);
  save(path, bytes.substr(0, 1 + below(random, bytes.size() - 1)));
}

/// Sets one column of one row, or of all rows, to something unexpected.
void change_value(const std::string& path, random_source& random) {
  constexpr const char* columns[][2]
    = {{"run_rows", "state"},      {"run_rows", "tasks"},
       {"run_rows", "first_task"}, {"run_rows", "succeeded"},
       {"run_rows", "created"},    {"run_rows", "updated"},
       {"run_rows", "id"},         {"run_rows", "meta"},
       {"run_rows", "name"},       {"definitions", "spec"},
       {"definitions", "input"},   {"definitions", "child_input"},
       {"definitions", "handler"}, {"templates", "definition"},
       {"templates", "task"},      {"blocks", "first"},
       {"blocks", "count"},        {"blocks", "run"},
       {"blocks", "parent"},       {"blocks", "template"},
       {"blocks", "prefix"},       {"segments", "first"},
       {"segments", "count"},      {"segments", "block"},
       {"segments", "state"},      {"segments", "attempt"},
       {"segments", "engine"},     {"segments", "error"},
       {"segments", "due"},        {"segments", "started"},
       {"parents", "total"},       {"parents", "expanded"},
       {"parents", "block"},       {"parents", "items"},
       {"parents", "running"},     {"parents", "expansion_error"},
       {"parents", "item_step"},   {"item_blocks", "item"},
       {"item_blocks", "count"},   {"item_blocks", "texts"},
       {"outputs", "task"},        {"outputs", "output"},
       {"errors", "text"},         {"event_spans", "seq"},
       {"event_spans", "first"},   {"event_spans", "count"},
       {"event_spans", "kind"},    {"event_spans", "at"},
       {"event_spans", "payload"}, {"event_spans", "run"},
       {"prunings", "events"},     {"prunings", "last_seq"},
       {"prunings", "end_task"},   {"engine", "epoch"},
       {"engine", "report"},       {"offsets", "i"},
       {"event_kinds", "kind"},    {"settings", "value"}};
  constexpr const char* values[] = {"9223372036854775807",
                                    "-9223372036854775808",
                                    "0",
                                    "-1",
                                    "4294967296",
                                    "1000000000000",
                                    "''",
                                    "'['",
                                    "'{\"a\":'",
                                    "'[[[[[[[[[[1]]]]]]]]]]'",
                                    "zeroblob(3000)",
                                    "randomblob(20)",
                                    "hex(zeroblob(5000))",
                                    "abs(random())"};
  const auto& [table, column] = columns[below(random, std::size(columns))];
  const std::string value = values[below(random, std::size(values))];
  const std::string where = below(random, 3) == 0
                              ? ""
                              : std::string{" WHERE rowid=(SELECT rowid FROM "}
                                  + table + " ORDER BY random() LIMIT 1)";
  // Where it is refused (a key that is there already), another trial counts.
  test::execute(path, (std::string{"UPDATE OR IGNORE "} + table + " SET "
                       + column + "=" + value + where)
                        .c_str());
}

void damage(const std::string& path, random_source& random) {
  switch (below(random, 8)) {
  case 0:
  case 1:
  case 2: return flip_bytes(path, random);
  case 3:
  case 4: return swap_pages(path, random);
  case 5:
    return below(random, 4) == 0 ? cut_file(path, random)
                                 : flip_bytes(path, random);
  default: return change_value(path, random);
  }
}

/// Calls everything that a reader offers; a storage error is a right answer.
template <class Question>
void ask(Question&& question) {
  try {
    question();
  } catch (const store_error&) {
  }
}

void ask_for_groups(store_reader& r) {
  using kind = group_query::kind;
  for (const auto of :
       {kind::unsettled, kind::retries_due, kind::abandoned, kind::waiting})
    ask([&] {
      r.groups({.of = of, .parent = 2, .now = timestamp::max(), .limit = 100});
    });
  ask([&] { r.groups({.keys = {1, 100}, .limit = 100}); });
}

void ask_for_statistics(store_reader& r) {
  ask([&] { r.ids(); });
  ask([&] { r.last_event(); });
  ask([&] { r.count_runs(); });
  ask([&] { r.next_due_at(); });
  ask([&] { r.load_engine(); });
  for (const run_key run : {0, 1, 2}) {
    ask([&] { r.last_settled(run); });
    ask([&] { r.count_by_handler(run); });
    ask([&] { r.measure_retries(run); });
    ask([&] { r.count_errors(run, 10); });
    ask([&] { r.count_events(event_kind::task_succeeded, run, no_time); });
    ask([&] { r.list_events({.run = run}, 0, 1000); });
    ask([&] { r.list_event_spans(run, 0, 1000); });
  }
}

bool ask_for_all(const std::string& path) {
  const auto opened = open_sqlite_reader(path);
  if (!opened)
    return true;
  auto& r = **opened;
  ask([&] { r.runs({.limit = 100}); });
  ask([&] { r.runs({.newest_first = true, .limit = 100}); });
  for (const auto order : {task_order::by_key, task_order::oldest_first,
                           task_order::slowest_first})
    ask([&] { r.tasks({.order = order, .limit = 100}); });
  ask([&] { r.tasks({.filter = {.name = "p#*"}, .limit = 100}); });
  ask([&] { r.parents({.limit = 100}); });
  for (task_key task = 1; task < 18; ++task) {
    ask([&] { r.load_task(task); });
    ask([&] { r.load_template(task); });
  }
  for (const auto kind : {text_kind::item, text_kind::output, text_kind::error})
    ask([&] { r.texts(kind, {1, 20}); });
  ask([&] { r.find_task(1, "p#2"); });
  ask_for_groups(r);
  ask_for_statistics(r);
  return false;
}

/// Whether something wrong was found.
bool verify_all(const std::string& path) {
  const auto found = verify_database(path);
  (void)check_database(path);
  (void)measure_database(path);
  return !found || !found->violations.empty();
}

/// Runs `read` in a process of its own. What it ended with, in words; counts
/// the trials in which it found something.
template <class Read>
std::string outcome(Read&& read, const std::string& path, int& found) {
  const auto child = ::fork();
  if (child == 0) {
    const ::rlimit cpu{cpu_seconds, cpu_seconds};
    ::setrlimit(RLIMIT_CPU, &cpu);
#ifndef __SANITIZE_ADDRESS__
    const ::rlimit memory{1u << 30, 1u << 30};
    ::setrlimit(RLIMIT_AS, &memory);
#endif
    try {
      ::_exit(read(path) ? 2 : 0);
    } catch (...) {
      ::_exit(1);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    return "signal " + std::to_string(WTERMSIG(status));
  found += WEXITSTATUS(status) == 2 ? 1 : 0;
  return WEXITSTATUS(status) == 1 ? "an exception" : "";
}

/// Returns in how many trials something was found.
template <class Read>
int check_trials(Read&& read) {
  folder dir;
  int found = 0;
  const auto right = dir.next();
  test::write_example(right);
  for (int seed = 1; seed <= trials; ++seed) {
    random_source random{static_cast<std::uint64_t>(seed)};
    const auto path = dir.next();
    std::filesystem::copy_file(right, path);
    damage(path, random);
    const auto said = outcome(read, path, found);
    if (!said.empty())
      CAF_ERROR("seed " << seed << " ended with " << said);
    std::filesystem::remove(path);
  }
  return found;
}

} // namespace

CAF_TEST(verifying ends whatever is damaged) {
  // Not all that is changed means anything: a page holds free space as well.
  const auto found = check_trials(verify_all);
  CAF_MESSAGE("found: " << found);
  CAF_CHECK_GREATER(found, trials / 3);
}

CAF_TEST(reading ends whatever is damaged) {
  check_trials(ask_for_all);
}
