#define CAF_SUITE torture.power_cut

#include "tests/torture/power_cut.hpp"

#include <csignal>
#include <set>

#include <conductor/store.hpp>

#include "tests/torture/program_run.hpp"

using namespace orcon::test;

// What the program does to its files is written down, and the power is cut
// at many of its moments: what had been printed by then is in the database,
// which is whole.
namespace {

constexpr auto definition = R"(
name: cut
tasks:
  work:
    handler: exec
    max_retries: 1
    retry: { delay: 1ms, jitter: none }
    input:
      fanout: { lines: items }
      argv: [sh, -c, 'test "$ORCON_ATTEMPT" -gt 1 || test "$ORCON_ITEM" != 3; echo "work $ORCON_ITEM"']
)";

void run(const scratch_folder& folder, std::vector<std::string> words,
         std::vector<std::pair<milliseconds, int>> signals = {}) {
  words.insert(words.begin(), {"--db", "a.db", "-q"});
  program_run r{.folder = folder.path(),
                .words = std::move(words),
                .input = "items",
                .environment = fault_layer(),
                .signals = std::move(signals)};
  r.environment["ORCON_TRACE"] = "trace";
  const auto end = run_program(r);
  CAF_CHECK(!end.hung);
}

/// Some days of a database: submissions, lists, retries, kills, stops.
std::vector<operation> record(std::size_t runs) {
  const scratch_folder folder{"trace"};
  folder.write("d.yaml", definition);
  folder.write("items", "1\n2\n3\n4\n5\n6\n7\n8\n");
  for (std::size_t i = 0; i < runs; ++i) {
    const auto name = std::to_string(i);
    run(folder, {"run", "start", "d.yaml", "-o", "jsonl"});
    run(folder, {"map", "-j", "3", "--retries", "2", "--name", name, "-c",
                 "test \"$ORCON_ATTEMPT\" -gt 1 || test {} != 5; echo \"map "
                   + name + " {}\""});
    for (const auto* duration : {"0.01", "0.02"}) // printed one by one
      run(folder, {"map", "-j", "1", "-c",
                   std::string{"sleep "} + duration + "; echo \"slow " + name
                     + duration + " {}\""});
    run(folder, {"run", "start", "d.yaml", "-o", "jsonl"});
    run(folder, {"resume"}, {{milliseconds{60}, SIGKILL}});
    run(folder, {"resume"}, {{milliseconds{60}, SIGINT}});
  }
  run(folder, {"resume"});
  return read_trace(folder.file("trace"));
}

/// What is wrong after a cut, given what the program had printed.
std::string look(const scratch_folder& folder, const std::string& printed) {
  const auto db = folder.file("a.db");
  if (!fs::exists(db))
    return printed.empty() ? "" : "the database is gone\n";
  // An engine takes it up, as after the power is back.
  const auto opened = conductor::open_sqlite_store({.path = db});
  if (!opened)
    return "an engine cannot open it: " + opened.error().message + "\n";
  auto wrong = verify(db);
  std::set<std::string> there;
  for (const auto* question :
       {"select id from runs",
        "select rtrim(json_extract(output, '$.stdout'), char(10)) from tasks "
        "where state = 'SUCCEEDED' and output is not null"})
    for (const auto& answer : ask(db, question))
      there.insert(answer);
  for (const auto& line : lines_of(printed)) {
    const auto id = line.find("\"id\":\"");
    const auto what = id == std::string::npos ? line : line.substr(id + 6, 26);
    if (!there.count(what))
      wrong += "acknowledged and lost: " + what + "\n";
  }
  return wrong;
}

/// Cuts the power after the first `moment` operations.
std::string cut(const std::vector<operation>& trace, std::size_t moment,
                honesty h, choices& random, const scratch_folder& folder) {
  cached_disk disk{h};
  std::string printed;
  for (std::size_t i = 0; i < moment; ++i)
    if (trace[i].name == "print")
      printed += trace[i].data;
    else
      disk.apply(trace[i]);
  folder.clear();
  disk.cut_power(folder.path(), random);
  return look(folder, printed);
}

/// Any moment; half of the time one soon after an acknowledgement.
std::size_t choose_moment(const std::vector<operation>& trace,
                          choices& random) {
  auto moment = random.below(trace.size() + 1);
  if (random.coin())
    return moment;
  while (moment < trace.size() && trace[moment].name != "print")
    ++moment;
  return std::min(trace.size(), moment + 1 + random.below(8));
}

/// In how many of the first cuts something was wrong.
int count_losses(const std::vector<operation>& trace, honesty h, int cuts) {
  const scratch_folder folder{"twin"};
  choices random{torture_seed()};
  int losses = 0;
  for (int i = 0; i < cuts; ++i)
    losses
      += !cut(trace, choose_moment(trace, random), h, random, folder).empty();
  return losses;
}

/// The trace of a program that prints before it commits.
std::vector<operation> print_early(std::vector<operation> trace) {
  for (std::size_t i = 0; i < trace.size(); ++i)
    if (trace[i].name == "print")
      for (auto at = i, syncs = std::size_t{0}; at > 0 && syncs < 2; --at) {
        syncs += trace[at - 1].name == "sync";
        std::swap(trace[at - 1], trace[at]);
      }
  return trace;
}

const std::vector<operation>& small_trace() {
  static const auto trace = record(1);
  return trace;
}

} // namespace

CAF_TEST(what was printed outlives a power cut) {
  const scratch_folder folder{"cut"};
  const bool large = std::getenv("TORTURE_SECONDS") != nullptr;
  const auto trace = large ? record(6) : small_trace();
  const auto count = [&](const char* name) {
    return std::count_if(trace.begin(), trace.end(),
                         [&](const auto& op) { return op.name == name; });
  };
  CAF_MESSAGE(trace.size() << " operations, " << count("sync") << " syncs, "
                           << count("print") << " acknowledgements");
  CAF_CHECK_GREATER(count("sync"), 10);
  CAF_CHECK_GREATER(count("print"), 5);
  choices random{torture_seed()};
  for (budget b{"power cuts", 300}; b.more();) {
    const auto moment = choose_moment(trace, random);
    const auto wrong = cut(trace, moment, honesty::all, random, folder);
    if (!wrong.empty())
      CAF_ERROR("cut " << b.done() << " after " << moment << " of "
                       << trace.size() << " operations: " << wrong);
  }
}

// The broken twins.
CAF_TEST(a disk that honours no sync loses something) {
  CAF_CHECK_GREATER(count_losses(small_trace(), honesty::no_syncs, 40), 3);
}

CAF_TEST(without syncs of the log something is lost) {
  CAF_CHECK_GREATER(count_losses(small_trace(), honesty::no_log_syncs, 60), 3);
}

CAF_TEST(an acknowledgement before the commit is noticed) {
  const auto early = print_early(small_trace());
  CAF_CHECK_GREATER(count_losses(early, honesty::all, 150), 0);
}
