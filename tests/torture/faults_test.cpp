#define CAF_SUITE torture.faults

#include <array>
#include <csignal>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "tests/torture/budget.hpp"
#include "tests/torture/program_run.hpp"

using namespace orcon::test;

// One system call of the whole program fails, whichever it is: the program
// ends with a documented code, what it printed is in the database, and the
// work resumes as if nothing had happened.
namespace {

constexpr int items = 6;

constexpr auto definition = R"(
name: faults
tasks:
  work:
    handler: exec
    max_retries: 3
    retry: { delay: 1ms, jitter: none }
    input:
      fanout: { lines: items }
      argv: [sh, -c, 'test "$ORCON_ATTEMPT" -gt 1 || test "$ORCON_ITEM" != 3; echo "done $ORCON_ITEM"']
  nap: { handler: sleep, input: { duration: 5ms } }
)";

constexpr auto command = "test \"$ORCON_ATTEMPT\" -gt 1 || test {} != 3; "
                         "echo \"done {}\"";

struct call {
  const char* name;
  std::vector<const char*> errors; ///< that the call may really have
};

const std::vector<call> calls{{"open", {"EMFILE", "EIO", "ENOMEM", "EACCES"}},
                              {"read", {"EIO", "EINTR", "ESTALE"}},
                              {"pread", {"EIO", "EINTR", "ESTALE"}},
                              {"write", {"EIO", "ENOSPC", "EINTR"}},
                              {"pwrite", {"EIO", "ENOSPC", "EINTR"}},
                              {"fsync", {"EIO", "ENOSPC"}},
                              {"ftruncate", {"EIO", "ENOSPC", "EINTR"}},
                              {"unlink", {"EIO", "EACCES"}},
                              {"mmap", {"ENOMEM"}},
                              {"pipe", {"EMFILE"}},
                              {"clone", {"EAGAIN", "ENOMEM"}},
                              {"epoll_ctl", {"ENOMEM", "ENOSPC"}},
                              {"epoll_wait", {"EINTR"}},
                              {"pidfd_open", {"EMFILE", "ENOMEM"}},
                              {"poll", {"EINTR", "ENOMEM"}},
                              {"flock", {"EINTR", "EIO"}},
                              {"fcntl", {"EIO", "EINTR", "EAGAIN"}},
                              {"fstat", {"EIO", "ESTALE"}}};

/// What is run under the layer.
enum class work { map, exec, start, resume, count };

program_run command_of(work w, const fs::path& folder) {
  program_run run{.folder = folder, .words = {"--db", "a.db", "-q"}};
  const auto add = [&](std::initializer_list<const char*> words) {
    run.words.insert(run.words.end(), words.begin(), words.end());
  };
  switch (w) {
  case work::map:
    run.input = "items";
    add({"map", "-j", "3", "--retries", "3", "-c", command});
    break;
  case work::exec: add({"exec", "d.yaml"}); break;
  case work::start: add({"run", "start", "d.yaml", "-o", "jsonl"}); break;
  default: add({"resume"});
  }
  return run;
}

/// A folder with the inputs, and a submitted run where that is needed.
void prepare(work w, const scratch_folder& folder) {
  folder.clear();
  folder.write("d.yaml", definition);
  std::string list;
  for (int i = 1; i <= items; ++i)
    list += std::to_string(i) + "\n";
  folder.write("items", list);
  if (w == work::resume)
    run_program(command_of(work::start, folder.path()));
}

/// How often the program makes each call when nothing fails.
std::map<std::string, std::size_t> count_calls(work w,
                                               const scratch_folder& folder) {
  prepare(w, folder);
  auto run = command_of(w, folder.path());
  run.environment = fault_layer();
  run.environment["ORCON_FAULT_COUNTS"] = "counts";
  run_program(run);
  std::map<std::string, std::size_t> counts;
  std::istringstream text{folder.read("counts")};
  std::string name;
  for (std::size_t n = 0; text >> name >> n;)
    counts[name] = n;
  return counts;
}

std::multiset<std::string> wanted() {
  std::multiset<std::string> all;
  for (int i = 1; i <= items; ++i)
    all.insert("done " + std::to_string(i));
  return all;
}

/// What is wrong with what the database holds after the resume; "" = nothing.
std::string look_at_database(work w, const program_end& first,
                             const scratch_folder& folder) {
  const auto db = folder.file("a.db");
  auto wrong = verify(db);
  for (const auto& state : ask(db, "select state from runs"))
    if (state != "SUCCEEDED")
      wrong += "a run is " + state + "\n";
  const auto outputs
    = ask(db, "select rtrim(json_extract(output, '$.stdout'), char(10)) from "
              "tasks where name like '%#%' and state = 'SUCCEEDED'");
  const auto runs = ask(db, "select id from runs");
  const auto acknowledged = first.code == 0 || w == work::resume
                            || (w != work::exec && !first.out.empty());
  if (acknowledged && runs.size() != 1)
    wrong += "there are " + std::to_string(runs.size()) + " runs\n";
  if (w == work::start && !first.out.empty()
      && (runs.empty() || first.out.find(runs.front()) == std::string::npos))
    wrong += "the run that was acknowledged is not there\n";
  if (!runs.empty()
      && std::multiset<std::string>{outputs.begin(), outputs.end()} != wanted())
    wrong += "outputs differ from those of a run without faults\n";
  return wrong;
}

/// What is wrong after one fault; "" = nothing.
std::string look(work w, const program_end& first,
                 const scratch_folder& folder) {
  std::string wrong;
  if (first.hung)
    wrong += "it hangs\n";
  if (first.signal != 0)
    wrong += "it ended by signal " + std::to_string(first.signal) + "\n";
  const std::set<int> documented{0, 1, 2, 5, 7, 130};
  if (!first.hung && first.signal == 0 && !documented.count(first.code))
    wrong += "it ended with code " + std::to_string(first.code) + "\n";
  if (first.code == 0 && w == work::map
      && lines_of(first.out).size() != std::size_t{items})
    wrong += "code 0, but not everything was printed\n";
  if (!fs::exists(folder.file("a.db")))
    return wrong + (first.code == 0 ? "there is no database\n" : "");
  const auto second = run_program(command_of(work::resume, folder.path()));
  if (second.code != 0)
    wrong += "resume " + (second.hung ? "hangs" : std::to_string(second.code))
             + " " + second.err + "\n";
  return wrong + look_at_database(w, first, folder);
}

/// One fault; nothing if the call was not made so often.
struct trial {
  work w;
  std::string fault;
  bool stays = false; ///< it does not heal: two Ctrl-C end the program
};

std::optional<std::string> strike(const trial& t,
                                  const scratch_folder& folder) {
  prepare(t.w, folder);
  auto run = command_of(t.w, folder.path());
  run.environment = fault_layer();
  run.environment["ORCON_FAULT"] = t.fault + (t.stays ? ":stays" : "");
  run.environment["ORCON_FAULT_MARK"] = "struck";
  if (t.stays)
    run.signals = {{milliseconds{700}, SIGINT}, {milliseconds{1'000}, SIGINT}};
  const auto first = run_program(run);
  if (!fs::exists(folder.file("struck")))
    return std::nullopt;
  const auto wrong = look(t.w, first, folder);
  if (wrong.empty())
    return wrong;
  return wrong + "stderr: " + first.err;
}

void check(const trial& t, const scratch_folder& folder) {
  const auto wrong = strike(t, folder);
  if (wrong && !wrong->empty())
    CAF_ERROR("work " << static_cast<int>(t.w) << ", fault " << t.fault
                      << (t.stays ? ":stays" : "") << ": " << *wrong);
}

using call_counts
  = std::array<std::map<std::string, std::size_t>, std::size_t(work::count)>;

call_counts count_all(const scratch_folder& folder) {
  call_counts counts;
  for (std::size_t w = 0; w < counts.size(); ++w) {
    counts[w] = count_calls(static_cast<work>(w), folder);
    CAF_CHECK_GREATER(counts[w]["pwrite"], 20u);
    CAF_CHECK_GREATER(counts[w]["fsync"], 4u);
  }
  return counts;
}

std::string random_fault(const call& c, std::size_t count, choices& random) {
  return c.name + std::string{":"} + std::to_string(1 + random.below(count))
         + ":" + c.errors[random.below(c.errors.size())];
}

} // namespace

CAF_TEST(one failing call does no damage) {
  const scratch_folder folder{"faults"};
  auto counts = count_all(folder);
  choices random{torture_seed()};
  for (budget b{"single faults", 90}; b.more();) {
    const auto w = random.below(counts.size());
    // Every kind of call in turn, each at any of its times.
    const auto& c = calls[static_cast<std::size_t>(b.done()) % calls.size()];
    if (const auto count = counts[w][c.name])
      check({static_cast<work>(w), random_fault(c, count, random)}, folder);
  }
}

CAF_TEST(a disk that stays ill does no damage) {
  const scratch_folder folder{"ill-disk"};
  auto counts = count_all(folder);
  choices random{torture_seed() + 1};
  const std::vector<call> disk{{"pwrite", {"EIO", "ENOSPC"}},
                               {"fsync", {"EIO", "ENOSPC"}},
                               {"pread", {"EIO"}},
                               {"clone", {"EAGAIN"}}};
  for (budget b{"lasting faults", 12}; b.more();) {
    const auto w = random.below(counts.size());
    const auto& c = disk[random.below(disk.size())];
    if (const auto count = counts[w][c.name])
      check({static_cast<work>(w), random_fault(c, count, random), true},
            folder);
  }
}

// The broken twin: a program that takes a failing write for a good one.
CAF_TEST(a write that was swallowed is noticed) {
  const scratch_folder folder{"lost-write"};
  const auto counts = count_calls(work::exec, folder);
  int noticed = 0;
  for (std::size_t n = 1; n < counts.at("pwrite") && noticed < 3; n += 7) {
    const auto wrong
      = strike({work::exec, "pwrite:" + std::to_string(n) + ":LOST"}, folder);
    noticed += wrong && !wrong->empty();
  }
  CAF_CHECK_EQUAL(noticed, 3);
}
