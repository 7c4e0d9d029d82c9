#define CAF_SUITE actors.process_runner

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/handlers/process/process_runner.hpp"
#include "tests/actors/failing_calls.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using namespace std::chrono_literals;

namespace {

/// Processes of one test, and their results in the order of their ends.
struct bench {
  process_runner::callback keep() {
    return [this](process_result r) {
      const std::lock_guard guard(mutex);
      results.push_back(std::move(r));
      changed.notify_all();
    };
  }

  bool wait_for(std::size_t count) {
    std::unique_lock guard(mutex);
    return changed.wait_for(guard, 120s,
                            [&] { return results.size() >= count; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<process_result> results;
};

process_spec command(std::vector<std::string> argv) {
  process_spec spec;
  spec.argv = std::move(argv);
  spec.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  return spec;
}

process_spec shell(const std::string& script) {
  return command({"sh", "-c", script});
}

process_result run(process_spec spec, process_options options = {}) {
  bench b;
  process_runner runner(options);
  runner.start({1, 1}, std::move(spec), b.keep());
  CAF_REQUIRE(b.wait_for(1));
  return b.results.front();
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 3000 && !holds(); ++i)
    std::this_thread::sleep_for(10ms);
  return holds();
}

/// Dead, or a zombie that nobody has taken yet.
bool gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(stat, text))
    return true;
  return text.at(text.rfind(')') + 2) == 'Z';
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

struct temporary_directory {
  temporary_directory() {
    std::string name = "/tmp/conductor-test-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~temporary_directory() { std::filesystem::remove_all(path); }
  std::string path;
};

} // namespace

CAF_TEST(exit codes and both streams are reported) {
  const auto good = run(shell("echo out; echo err >&2"));
  CAF_CHECK_EQUAL(good.spawn_error, 0);
  CAF_CHECK_EQUAL(good.exit_code, 0);
  CAF_CHECK_EQUAL(good.signal, 0);
  CAF_CHECK_EQUAL(good.output, "out\n");
  CAF_CHECK_EQUAL(good.errors, "err\n");
  CAF_CHECK(!good.stopped);
  CAF_CHECK_EQUAL(run(shell("exit 3")).exit_code, 3);
}

CAF_TEST(a signal that kills is reported) {
  const auto r = run(shell("kill -SEGV $$"));
  CAF_CHECK_EQUAL(r.signal, SIGSEGV);
  CAF_CHECK(!r.stopped);
}

CAF_TEST(a process that ignores SIGTERM is killed after the grace) {
  auto spec = shell("trap '' TERM; echo up; while :; do sleep 0.05; done");
  spec.timeout = 500ms;
  const auto r = run(std::move(spec), {.grace = 200ms});
  CAF_CHECK(r.stopped == stop_reason::timeout);
  CAF_CHECK_EQUAL(r.signal, SIGKILL);
  CAF_CHECK_EQUAL(r.output, "up\n");
  CAF_CHECK(r.ran.busy >= 700ms);
}

CAF_TEST(a process that handles SIGTERM may clean up) {
  auto spec
    = shell("trap 'echo bye; exit 4' TERM; while :; do sleep 0.05; done");
  spec.timeout = 500ms;
  const auto r = run(std::move(spec), {.grace = 60s});
  CAF_CHECK(r.stopped == stop_reason::timeout);
  CAF_CHECK_EQUAL(r.exit_code, 4);
  CAF_CHECK_EQUAL(r.output, "bye\n");
}

CAF_TEST(a timeout ends the whole group) {
  auto spec = shell("(trap '' TERM; exec sleep 1000) & echo $!; wait");
  spec.timeout = 500ms;
  const auto r = run(std::move(spec), {.grace = 60s});
  CAF_CHECK(r.stopped == stop_reason::timeout);
  const auto grandchild = std::atoi(r.output.c_str());
  CAF_REQUIRE(grandchild > 0);
  CAF_CHECK(eventually([&] { return gone(grandchild); }));
}

CAF_TEST(the runner does not wait for grandchildren that hold the pipes) {
  const auto r = run(shell("sleep 1000 & echo $!"));
  CAF_CHECK_EQUAL(r.exit_code, 0);
  const auto grandchild = std::atoi(r.output.c_str());
  CAF_REQUIRE(grandchild > 0);
  CAF_CHECK(!gone(grandchild));
  ::kill(grandchild, SIGKILL);
}

CAF_TEST(a grandchild that never stops writing does not delay the end) {
  const auto r = run(shell("yes & echo $! >&2"));
  CAF_CHECK_EQUAL(r.exit_code, 0);
  ::kill(std::atoi(r.errors.c_str()), SIGKILL);
}

CAF_TEST(much output is read to its end and kept up to the cap) {
  const auto script = "head -c 10000000 /dev/zero | tr '\\0' x";
  const auto cut = run(shell(script));
  CAF_CHECK_EQUAL(cut.exit_code, 0);
  CAF_CHECK_EQUAL(cut.output, std::string(1u << 20, 'x'));
  CAF_CHECK(cut.output_cut);
  auto all = shell(script);
  all.output_cap = 10'000'000;
  const auto whole = run(std::move(all));
  CAF_CHECK(whole.output == std::string(10'000'000, 'x'));
  CAF_CHECK(!whole.output_cut);
}

CAF_TEST(the end of stderr is kept) {
  const auto r = run(shell("seq 100000 >&2"));
  CAF_CHECK_EQUAL(r.errors.size(), 4096u);
  CAF_CHECK_EQUAL(r.errors_dropped, 588'895u - 4096u);
  CAF_CHECK_EQUAL(r.errors.substr(r.errors.size() - 7), "100000\n");
}

CAF_TEST(binary output arrives as it is) {
  const auto r = run(shell("printf '\\377\\000\\001'"));
  CAF_CHECK(r.output == std::string("\xff\0\x01", 3));
}

CAF_TEST(stdin may be larger than a pipe) {
  std::string text;
  for (int i = 0; i < 200'000; ++i)
    text += std::to_string(i) + '\n';
  auto spec = command({"cat"});
  spec.input = text;
  spec.output_cap = 4u << 20;
  const auto r = run(std::move(spec));
  CAF_CHECK(r.output == text);
  auto deaf = command({"true"});
  deaf.input = text;
  CAF_CHECK_EQUAL(run(std::move(deaf)).exit_code, 0);
}

CAF_TEST(without input stdin is empty) {
  CAF_CHECK_EQUAL(run(command({"cat"})).exit_code, 0);
  auto empty = command({"wc", "-c"});
  empty.input = "";
  CAF_CHECK_EQUAL(run(std::move(empty)).output, "0\n");
}

CAF_TEST(discarded output is not kept) {
  auto spec = shell("echo lost; echo err >&2");
  spec.keep_output = false;
  const auto r = run(std::move(spec));
  CAF_CHECK_EQUAL(r.output, "");
  CAF_CHECK_EQUAL(r.errors, "err\n");
}

CAF_TEST(errors of spawn name the program) {
  const auto missing = run(command({"no-such-program"}));
  CAF_CHECK_EQUAL(missing.spawn_error, ENOENT);
  CAF_CHECK_EQUAL(missing.spawn_message,
                  "cannot run \"no-such-program\": No such file or directory");
  CAF_CHECK_EQUAL(run(command({"/no/such"})).spawn_error, ENOENT);
  CAF_CHECK_EQUAL(run(command({"/etc/passwd"})).spawn_error, EACCES);
  CAF_CHECK_EQUAL(run(command({"/etc"})).spawn_error, EACCES);
  auto elsewhere = command({"true"});
  elsewhere.directory = "/no/such";
  CAF_CHECK_EQUAL(run(std::move(elsewhere)).spawn_message,
                  "cannot enter \"/no/such\": No such file or directory");
  auto large = command({"true", std::string(3u << 20, 'x')});
  CAF_CHECK_EQUAL(run(std::move(large)).spawn_error, E2BIG);
}

CAF_TEST(programs are searched in the PATH of the process) {
  temporary_directory dir;
  const auto file = dir.path + "/bin/greet";
  std::filesystem::create_directory(dir.path + "/bin");
  std::ofstream(file) << "#!/bin/sh\necho hello\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  auto spec = command({"greet"});
  CAF_CHECK_EQUAL(run(spec).spawn_error, ENOENT);
  spec.env = {"PATH=/bin:" + dir.path + "/bin"};
  CAF_CHECK_EQUAL(run(spec).output, "hello\n");
  spec.env = {"PATH=bin"};
  spec.directory = dir.path;
  CAF_CHECK_EQUAL(run(spec).output, "hello\n");
  spec.argv = {"bin/greet"};
  CAF_CHECK_EQUAL(run(spec).output, "hello\n");
}

CAF_TEST(descriptors and signals and variables are not inherited) {
  const int kept = ::open("/dev/null", O_RDONLY); // not close-on-exec
  ::signal(SIGPIPE, SIG_IGN);
  // 3 is the directory that ls reads.
  CAF_CHECK_EQUAL(run(command({"ls", "/proc/self/fd"})).output, "0\n1\n2\n3\n");
  const auto status = run(command({"cat", "/proc/self/status"})).output;
  CAF_CHECK(status.find("SigBlk:\t0000000000000000") != status.npos);
  CAF_CHECK(status.find("SigIgn:\t0000000000000000") != status.npos);
  CAF_CHECK_EQUAL(run(command({"env"})).output,
                  "PATH=/usr/local/bin:/usr/bin:/bin\n");
  ::signal(SIGPIPE, SIG_DFL);
  ::close(kept);
}

CAF_TEST(a process leads a group and has no terminal) {
  const auto r
    = run(command({"cut", "-d", " ", "-f", "1,5,7", "/proc/self/stat"}));
  const auto pid = r.output.substr(0, r.output.find(' '));
  CAF_CHECK_EQUAL(r.output, pid + ' ' + pid + " 0\n");
  const auto asked = run(shell("read -r answer < /dev/tty"));
  CAF_CHECK_NOT_EQUAL(asked.exit_code, 0);
  CAF_CHECK_NOT_EQUAL(asked.errors.find("/dev/tty"), std::string::npos);
}

CAF_TEST(cancelled processes stop) {
  bench b;
  process_runner runner({.slots = 1});
  runner.start({1, 1}, command({"sleep", "1000"}), b.keep());
  runner.start({2, 1}, command({"sleep", "1000"}), b.keep());
  runner.start({3, 1}, command({"true"}), b.keep());
  runner.stop({2, 1}, stop_reason::shutdown); // it waits for its turn
  CAF_REQUIRE(b.wait_for(1));
  CAF_CHECK(b.results[0].stopped == stop_reason::shutdown);
  runner.stop({1, 2}, stop_reason::cancelled); // another attempt: none of ours
  runner.stop({1, 1}, stop_reason::cancelled);
  CAF_REQUIRE(b.wait_for(3));
  CAF_CHECK(b.results[1].stopped == stop_reason::cancelled);
  CAF_CHECK_EQUAL(b.results[1].signal, SIGTERM);
  CAF_CHECK_EQUAL(b.results[2].exit_code, 0);
}

CAF_TEST(the time of a process does not include its wait for a slot) {
  bench b;
  process_runner runner({.slots = 1});
  runner.start({1, 1}, command({"sleep", "0.1"}), b.keep());
  runner.start({2, 1}, command({"true"}), b.keep());
  CAF_REQUIRE(b.wait_for(2));
  const auto first = b.results[0].ran, second = b.results[1].ran;
  CAF_REQUIRE(first.began && second.began);
  CAF_CHECK(first.busy >= 100ms);
  CAF_CHECK(*second.began >= *first.began + 100ms);
}

CAF_TEST(processes that wait for a slot can be withdrawn) {
  bench b;
  process_runner runner({.slots = 1});
  runner.start({1, 1}, command({"sleep", "1000"}), b.keep());
  runner.start({2, 1}, command({"true"}), b.keep());
  CAF_CHECK(runner.withdraw() == (std::vector<attempt_key>{{2, 1}}));
  runner.stop({1, 1}, stop_reason::cancelled);
  CAF_REQUIRE(b.wait_for(1));
  CAF_CHECK(runner.withdraw().empty());
  CAF_CHECK_EQUAL(b.results.size(), 1u);
}

CAF_TEST(the destructor kills processes without calling back) {
  temporary_directory dir;
  bench b;
  const auto files = [&] {
    const std::filesystem::directory_iterator i(dir.path);
    return std::distance(begin(i), end(i));
  };
  {
    process_runner runner;
    for (int i = 0; i < 20; ++i)
      runner.start({i, 1},
                   shell("trap '' TERM; : > " + dir.path
                         + "/$$; while :; do sleep 1; done"),
                   b.keep());
    CAF_REQUIRE(eventually([&] { return files() == 20; }));
  }
  CAF_CHECK(b.results.empty());
  for (const auto& file : std::filesystem::directory_iterator(dir.path))
    CAF_CHECK(gone(std::atoi(file.path().filename().c_str())));
  CAF_CHECK(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
}

CAF_TEST(processes die with a program that is killed) {
  // This very test, in a program of its own, plays the part of that program.
  if (const auto* file = std::getenv("CONDUCTOR_TEST_VICTIM")) {
    bench b;
    process_runner runner;
    runner.start({1, 1},
                 shell("echo $$ > " + std::string(file) + "; exec sleep 1000"),
                 b.keep());
    b.wait_for(1);
    return;
  }
  temporary_directory dir;
  const auto file = dir.path + "/pid";
  ::setenv("CONDUCTOR_TEST_VICTIM", file.c_str(), 1);
  std::string words[] = {"test", "-s", "^actors.process_runner$", "-t",
                         "^processes die with a program that is killed$"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(),
                  words[3].data(), words[4].data(), nullptr};
  pid_t victim = 0;
  CAF_REQUIRE(
    ::posix_spawn(&victim, "/proc/self/exe", nullptr, nullptr, argv, environ)
    == 0);
  ::unsetenv("CONDUCTOR_TEST_VICTIM");
  CAF_CHECK(eventually([&] { return read_file(file).ends_with('\n'); }));
  const auto pid = std::atoi(read_file(file).c_str());
  CAF_CHECK(pid > 0 && !gone(pid));
  ::kill(victim, SIGKILL);
  ::waitpid(victim, nullptr, 0);
  CAF_CHECK(eventually([&] { return gone(pid); }));
}

CAF_TEST(running out of descriptors is reported) {
  bench b;
  process_runner runner({.shortage_patience = 0ms});
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  low.rlim_cur = 3; // all taken
  ::setrlimit(RLIMIT_NOFILE, &low);
  runner.start({1, 1}, command({"true"}), b.keep());
  const bool reported = b.wait_for(1);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CAF_REQUIRE(reported);
  CAF_CHECK_EQUAL(b.results[0].spawn_error, EMFILE);
  runner.start({2, 1}, command({"true"}), b.keep());
  CAF_REQUIRE(b.wait_for(2));
  CAF_CHECK_EQUAL(b.results[1].spawn_error, 0);
}

CAF_TEST(a shortage of descriptors that passes fails nothing) {
  failing_calls::new_pipe.set(0, 3, EMFILE);
  CAF_CHECK_EQUAL(run(shell("echo here")).output, "here\n");
  failing_calls::new_pipe.set(0, 1'000'000, EMFILE);
  const auto r = run(command({"true"}), {.shortage_patience = 250ms});
  failing_calls::new_pipe.set(0, 0, 0);
  CAF_CHECK_EQUAL(r.spawn_error, EMFILE);
  CAF_CHECK(r.ran.busy < 100ms);
}

CAF_TEST(a process that cannot be watched at first runs to its end) {
  bench b;
  process_runner runner;
  failing_calls::epoll_add.set(0, 1, ENOMEM);
  runner.start({1, 1}, shell("echo here; exit 3"), b.keep());
  CAF_REQUIRE(b.wait_for(1));
  CAF_CHECK_EQUAL(b.results[0].spawn_error, 0);
  CAF_CHECK_EQUAL(b.results[0].exit_code, 3);
  CAF_CHECK_EQUAL(b.results[0].output, "here\n");
}

CAF_TEST(pipes that cannot be watched lose nothing) {
  const auto script = "seq 100000; seq 1000 >&2";
  auto expected = shell(script);
  expected.output_cap = 1u << 20;
  const auto whole = run(expected);
  for (const int failures : {2, 1'000'000}) {
    bench b;
    process_runner runner;
    failing_calls::epoll_add.set(1, failures, ENOSPC);
    runner.start({1, 1}, expected, b.keep());
    CAF_REQUIRE(b.wait_for(1));
    failing_calls::epoll_add.set(0, 0, 0);
    CAF_CHECK_EQUAL(b.results[0].exit_code, 0);
    CAF_CHECK(b.results[0].output == whole.output);
    CAF_CHECK(b.results[0].errors == whole.errors);
  }
}

CAF_TEST(stdin that cannot be watched is written whole) {
  bench b;
  process_runner runner;
  auto spec = command({"wc", "-c"});
  spec.input = std::string(1'000'000, 'x');
  failing_calls::epoll_add.set(0, 1'000'000, ENOMEM);
  runner.start({1, 1}, std::move(spec), b.keep());
  CAF_REQUIRE(b.wait_for(1));
  failing_calls::epoll_add.set(0, 0, 0);
  CAF_CHECK_EQUAL(b.results[0].output, "1000000\n");
}

CAF_TEST(an error of a pipe is not the end of its data) {
  for (const auto* script : {"echo here", "echo here; sleep 0.1; echo there"}) {
    failing_calls::pipe_read.set(0, 1, EIO);
    const auto r = run(shell(script));
    failing_calls::pipe_read.set(0, 0, 0);
    CAF_CHECK_EQUAL(r.pipe_error, EIO);
  }
  auto spec = command({"wc", "-c"});
  spec.input = std::string(1'000'000, 'x');
  failing_calls::pipe_write.set(1, 1, EIO);
  const auto r = run(std::move(spec));
  failing_calls::pipe_write.set(0, 0, 0);
  CAF_CHECK_EQUAL(r.pipe_error, EIO);
}

CAF_TEST(many short processes leave nothing behind) {
  const auto descriptors = open_descriptors();
  {
    bench b;
    process_runner runner({.slots = 64});
    const std::size_t count = 2000;
    for (std::size_t i = 0; i < count; ++i)
      runner.start({static_cast<std::int64_t>(i), 1}, command({"/bin/true"}),
                   b.keep());
    CAF_REQUIRE(b.wait_for(count));
    for (const auto& r : b.results)
      if (r.spawn_error != 0 || r.exit_code != 0 || r.signal != 0)
        CAF_FAIL("a process failed: " << r.spawn_message);
    CAF_CHECK(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
  }
  CAF_CHECK_EQUAL(open_descriptors(), descriptors);
}
