#define CAF_SUITE torture.fuzz

#include <csignal>
#include <fstream>
#include <functional>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/torture/budget.hpp"
#include "tests/torture/fuzz/try_definition.hpp"
#include "tests/torture/program_run.hpp"

using namespace orcon::test;

// Definitions that were changed at random, in YAML and in JSON: each is read
// or refused with a place, and reading never crashes and never hangs.
namespace {

constexpr int batch = 250; ///< inputs for one process
constexpr ::rlim_t cpu_seconds = 60;

std::string load(const std::string& name) {
  std::ifstream stream{CONDUCTOR_SOURCE_DIR "/examples/" + name,
                       std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

const std::vector<std::string>& corpus() {
  static const std::vector<std::string> all{
    load("checksums.yaml"), load("retry.yaml"),
    R"({"version":1,"name":"j","tasks":[{"name":"a","handler":"exec",
 "input":{"fanout":{"range":[1,9,2]},"argv":["x","{item}\u00e9"]},
 "timeout":"1m","max_concurrency":3,"tolerate":"5%"},{"name":"b",
 "handler":"noop","input":{"fanout":[1,"two",{"x":[null,1e9]}]}}]})",
    "a: &x {handler: noop}\ntasks:\n  one: *x\n  two: {<<: *x, input: {fanout: "
    "3}}\n  three:\n    handler: sleep\n    input: {duration: 1h}\n",
    "tasks:\n  - name: t\n    handler: fail\n    input: |\n      text\n    "
    "retry: {backoff: linear, delay: 3ms, max_delay: 1s}\n"};
  return all;
}

const std::vector<std::string>& words() {
  static const std::vector<std::string> all{"fanout: ",
                                            "\"fanout\":",
                                            "{",
                                            "}",
                                            "[",
                                            "]",
                                            ": ",
                                            "- ",
                                            "\n",
                                            "\t",
                                            "&x ",
                                            "*x",
                                            "<<: ",
                                            "!!int ",
                                            "!!binary ",
                                            "|\n",
                                            ">-\n",
                                            "'",
                                            "\"",
                                            "---\n",
                                            "...\n",
                                            "%YAML 1.2\n",
                                            "#",
                                            "? ",
                                            "0x1F",
                                            "0o17",
                                            ".inf",
                                            ".nan",
                                            "1e999",
                                            "-1",
                                            "9223372036854775808",
                                            "99999999999999999999",
                                            "100%",
                                            "101%",
                                            "-0",
                                            "1h",
                                            "5 parsecs",
                                            "null",
                                            "~",
                                            "true",
                                            "\\u0000",
                                            "\\ud800",
                                            "\\x",
                                            std::string(1, '\0'),
                                            "\xff",
                                            "\xEF\xBB\xBF",
                                            "\xE2\x80\xAE",
                                            "/tasks/0",
                                            "~1",
                                            "${env:HOME}",
                                            "{item}",
                                            "{item.a}",
                                            "tasks: ",
                                            "handler: exec\n",
                                            "max_retries: 1000000000000\n",
                                            "\r\n",
                                            "\x1b[31m"};
  return all;
}

void mutate(std::string& text, choices& random) {
  const auto at = random.below(text.size() + 1);
  const auto size
    = random.below(std::min<std::size_t>(60, text.size() - at) + 1);
  switch (random.below(8)) {
  case 0:
    if (at < text.size())
      text[at] = static_cast<char>(random.below(256));
    break;
  case 1: text.erase(at, size); break;
  case 2:
    text.insert(random.below(text.size() + 1), text.substr(at, size));
    break;
  case 3: text.resize(at); break;
  case 4: {
    const auto& other = corpus()[random.below(corpus().size())];
    text.insert(at, other.substr(random.below(other.size()), 120));
    break;
  }
  case 5: {
    // Deep nests and long repetitions, rarely.
    const auto& word = words()[random.below(words().size())];
    const std::size_t times = random.below(20) == 0 ? 20'000 : 3;
    std::string many;
    for (std::size_t i = 0; i < times; ++i)
      many += word;
    text.insert(at, many);
    break;
  }
  default: text.insert(at, words()[random.below(words().size())]);
  }
}

std::string mutant(choices& random) {
  auto text = corpus()[random.below(corpus().size())];
  for (auto n = 1 + random.below(8); n > 0; --n)
    mutate(text, random);
  return text;
}

using reader = std::function<std::string(const std::string&)>;

/// Reads a batch of mutants in a process of its own. What is wrong; "" =
/// nothing.
std::string read_batch(std::uint64_t seed, const reader& read) {
  auto* page
    = static_cast<char*>(::mmap(nullptr, 1 << 12, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const auto child = ::fork();
  if (child == 0) {
    const ::rlimit cpu{cpu_seconds, cpu_seconds};
    ::setrlimit(RLIMIT_CPU, &cpu);
    choices random{seed};
    for (int i = 0; i < batch; ++i) {
      std::snprintf(page, 1 << 12, "input %d of seed %llu", i,
                    static_cast<unsigned long long>(seed));
      const auto wrong = read(mutant(random));
      if (!wrong.empty()) {
        std::snprintf(page + 64, (1 << 12) - 64, "%s", wrong.c_str());
        ::_exit(1);
      }
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::string wrong;
  if (WIFSIGNALED(status))
    wrong = page + std::string{": signal "} + std::to_string(WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    wrong = page + std::string{": "} + (page + 64);
  ::munmap(page, 1 << 12);
  return wrong;
}

} // namespace

CAF_TEST(a definition that was changed at random is read or refused) {
  for (const auto& text : corpus())
    CAF_CHECK_EQUAL(try_definition(text), "");
  for (budget b{"batches of 250 definitions", 20}; b.more();) {
    const auto seed
      = torture_seed() * 1'000'000 + static_cast<std::uint64_t>(b.done());
    const auto wrong = read_batch(seed, try_definition);
    if (!wrong.empty())
      CAF_ERROR(wrong);
  }
}

// The broken twins: a reader that crashes, one that accepts without a word.
CAF_TEST(a reader that is broken is noticed) {
  const auto crashes = [](const std::string& text) -> std::string {
    if (text.find('\0') != std::string::npos)
      ::raise(SIGSEGV);
    return "";
  };
  CAF_CHECK(read_batch(1, crashes).find("signal 11") != std::string::npos);
  const auto complains = [](const std::string& text) {
    return text.size() < 20 ? std::string{"no place"} : std::string{};
  };
  CAF_CHECK(read_batch(1, complains).find("no place") != std::string::npos);
}
