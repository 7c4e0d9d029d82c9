#define CAF_SUITE torture.stops

#include <csignal>
#include <map>
#include <optional>
#include <set>

#include "tests/torture/budget.hpp"
#include "tests/torture/program_run.hpp"

using namespace orcon::test;

// Kills and orderly stops in any order, among retries and lists from standard
// input. What was acknowledged is kept outside of the database; after every
// stop the database verifies, and at last everything is done.
namespace {

constexpr int items = 20;

constexpr auto definition = R"(
name: stops
tasks:
  work:
    handler: exec
    max_retries: 4
    retry: { delay: 3ms, jitter: full }
    input:
      fanout: { lines: items }
      argv: [sh, -c, 'echo "$ORCON_TASK_ID $ORCON_ATTEMPT" >> began; test $((ORCON_ATTEMPT + ORCON_ITEM)) -gt 9; echo "work $ORCON_ITEM"']
  nap: { handler: sleep, max_retries: 1, input: { duration: 15ms } }
)";

/// One database and what was acknowledged of it.
class storm {
public:
  explicit storm(const scratch_folder& folder) : folder_(folder) {
    folder.clear();
    folder.write("d.yaml", definition);
    std::string list;
    for (int i = 1; i <= items; ++i)
      list += std::to_string(i) + "\n";
    folder.write("items", list);
    run({"run", "start", "d.yaml", "-o", "jsonl"}, {});
  }

  /// One command that is stopped at a random moment; what is wrong then.
  std::string strike(choices& random) {
    const auto name = std::to_string(++round_);
    std::vector<std::string> words{"resume"};
    std::size_t longest = 140;
    if (random.below(6) == 0)
      words = {"run", "start", "d.yaml", "-o", "jsonl"};
    else if (longest = 400; random.below(3) == 0)
      words = {"map",
               "-j",
               "4",
               "--retries",
               "4",
               "--name",
               name,
               "-c",
               "echo \"$ORCON_TASK_ID $ORCON_ATTEMPT\" >> began; "
               "test \"$ORCON_ATTEMPT\" -gt 1 || test {} -gt 3; echo \"map "
                 + name + " {}\""};
    const auto end = run(std::move(words), random_signals(random, longest));
    if (end.hung)
      return "it hangs\n";
    const auto stopped = end.signal == 0;
    if (end.signal != 0 && end.signal != SIGKILL && end.signal != SIGINT)
      return "it ended by signal " + std::to_string(end.signal) + "\n";
    auto wrong = verify(db());
    // A signal before the program listens to it is like a kill.
    if (stopped && end.code != 0 && end.code != 130)
      wrong += "code " + std::to_string(end.code) + ": " + end.err + "\n";
    if (stopped
        && ask(db(), "select count(*) from segments where state = 3 and "
                     "engine = (select epoch from engine)")
             != std::vector<std::string>{"0"})
      wrong += "tasks are RUNNING after an orderly stop\n";
    return wrong;
  }

  /// Everything is done at last, and what was acknowledged is there, once.
  std::string finish() {
    const auto end = run({"resume"}, {});
    std::string wrong;
    if (end.code != 0)
      wrong += "resume " + (end.hung ? "hangs" : std::to_string(end.code)) + " "
               + end.err + "\n";
    return wrong + verify(db()) + find_losses() + find_repetitions();
  }

  std::string find_losses() const {
    std::multiset<std::string> there;
    for (const auto* question :
         {"select id from runs where state = 'SUCCEEDED'",
          "select rtrim(json_extract(output, '$.stdout'), char(10)) from tasks "
          "where state = 'SUCCEEDED' and output is not null"})
      for (const auto& answer : ask(db(), question))
        there.insert(answer);
    std::string wrong;
    for (const auto& what : acknowledged_)
      if (!there.count(what))
        wrong += "acknowledged and lost: " + what + "\n";
    return wrong;
  }

  /// Every attempt that began was leased under its own number.
  std::string find_repetitions() const {
    std::map<std::string, int> began;
    for (const auto& line : lines_of(folder_.read("began")))
      ++began[line];
    std::string wrong;
    for (const auto& [attempt, times] : began)
      if (times != 1)
        wrong += "attempt " + attempt + " began more than once\n";
    return wrong;
  }

  std::string db() const { return folder_.file("a.db"); }
  std::size_t acknowledged() const { return acknowledged_.size(); }

private:
  using signals = std::vector<std::pair<milliseconds, int>>;

  static signals random_signals(choices& random, std::size_t longest) {
    const milliseconds first{5 + random.below(longest)};
    switch (random.below(5)) {
    case 0: return {{first, SIGINT}};
    case 1:
      return {{first, SIGINT},
              {first + milliseconds{random.below(40)}, SIGINT}};
    case 2:
      return {{first, SIGINT},
              {first + milliseconds{random.below(40)}, SIGKILL}};
    default: return {{first, SIGKILL}};
    }
  }

  program_end run(std::vector<std::string> words, signals when) {
    words.insert(words.begin(), {"--db", "a.db", "-q"});
    const auto end = run_program({.folder = folder_.path(),
                                  .words = std::move(words),
                                  .input = "items",
                                  .signals = std::move(when)});
    for (const auto& line : lines_of(end.out)) {
      const auto id = line.find("\"id\":\"");
      if (id != std::string::npos)
        acknowledged_.insert(line.substr(id + 6, 26));
      else if (line.starts_with("map "))
        acknowledged_.insert(line);
    }
    return end;
  }

  const scratch_folder& folder_;
  std::set<std::string> acknowledged_;
  int round_ = 0;
};

constexpr std::int64_t rounds_per_database = 50;

} // namespace

CAF_TEST(kills and stops in any order lose nothing) {
  const scratch_folder folder{"stops"};
  choices random{torture_seed()};
  std::optional<storm> s;
  const auto finish = [&](std::int64_t round) {
    const auto wrong = s->finish();
    if (!wrong.empty())
      CAF_ERROR("at the end, round " << round << ": " << wrong);
  };
  std::size_t acknowledged = 0;
  for (budget b{"kills and stops", 100}; b.more();) {
    if (!s)
      s.emplace(folder);
    const auto wrong = s->strike(random);
    if (!wrong.empty())
      CAF_ERROR("round " << b.done() << ": " << wrong);
    if (b.done() % rounds_per_database == 0) {
      finish(b.done());
      acknowledged += s->acknowledged();
      s.reset();
    }
  }
  if (s)
    finish(-1);
  CAF_MESSAGE("acknowledgements: " << acknowledged);
}

// The broken twin: acknowledgements of something that is not in the database,
// since it was set back to an older copy.
CAF_TEST(a database that lost a run is noticed) {
  const scratch_folder folder{"set-back"};
  storm s{folder};
  CAF_CHECK_EQUAL(s.finish(), "");
  fs::copy_file(s.db(), folder.file("copy"));
  choices random{torture_seed()};
  const auto before = s.acknowledged();
  while (s.acknowledged() == before)
    s.strike(random);
  for (const auto* more : {"-wal", "-shm"})
    fs::remove(s.db() + more);
  fs::copy_file(folder.file("copy"), s.db(),
                fs::copy_options::overwrite_existing);
  CAF_CHECK_NOT_EQUAL(s.finish(), "");
}
