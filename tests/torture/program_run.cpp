#include "tests/torture/program_run.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <conductor/admin.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace orcon::test {

scratch_folder::scratch_folder(const std::string& name)
  : path_(fs::temp_directory_path()
          / ("orcon-" + name + "-" + std::to_string(::getpid()))) {
  fs::create_directories(path_);
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void scratch_folder::write(const std::string& name,
                           const std::string& text) const {
  std::ofstream{path_ / name, std::ios::binary} << text;
}

std::string scratch_folder::read(const std::string& name) const {
  std::ifstream stream{path_ / name, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

void scratch_folder::clear() const {
  for (const auto& entry : fs::directory_iterator{path_})
    fs::remove_all(entry);
}

namespace {

using clock = std::chrono::steady_clock;

/// A file in memory that takes the output of a program.
struct catcher {
  int fd = ::memfd_create("output", MFD_CLOEXEC);
  ~catcher() { ::close(fd); }
  std::string text() const {
    std::string all;
    std::array<char, 4096> part{};
    for (ssize_t n; (n = ::pread(fd, part.data(), part.size(),
                                 static_cast<off_t>(all.size())))
                    > 0;)
      all.append(part.data(), static_cast<std::size_t>(n));
    return all;
  }
};

[[noreturn]] void become(const program_run& run, const catcher& out,
                         const catcher& err) {
  const std::string program = std::getenv("ORCON");
  std::vector<char*> arguments{const_cast<char*>(program.c_str())};
  for (const auto& word : run.words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  if (::chdir(run.folder.c_str()) != 0)
    ::_exit(98);
  const auto* input = run.input.empty() ? "/dev/null" : run.input.c_str();
  ::dup2(::open(input, O_RDONLY | O_CLOEXEC), 0);
  ::dup2(out.fd, 1);
  ::dup2(err.fd, 2);
  ::setenv("XDG_STATE_HOME", run.folder.c_str(), 1);
  for (const auto& [name, value] : run.environment)
    ::setenv(name.c_str(), value.c_str(), 1);
  ::execv(program.c_str(), arguments.data());
  ::_exit(97);
}

/// Whether the process has ended before `moment`.
bool ends_before(int pidfd, clock::time_point moment) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(
      moment - clock::now() + std::chrono::microseconds{999});
    if (left.count() <= 0)
      return false;
    pollfd file{pidfd, POLLIN, 0};
    if (::poll(&file, 1, static_cast<int>(left.count())) > 0)
      return true;
  }
}

} // namespace

program_end run_program(const program_run& run) {
  const catcher out, err;
  const auto start = clock::now();
  const auto pid = ::fork();
  if (pid == 0)
    become(run, out, err);
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u));
  bool over = false;
  for (const auto& [after, number] : run.signals) {
    over = over || ends_before(pidfd, start + after);
    if (!over)
      ::kill(pid, number);
  }
  program_end end;
  end.hung = !over && !ends_before(pidfd, start + run.patience);
  if (end.hung)
    ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(pidfd);
  if (WIFEXITED(status))
    end.code = WEXITSTATUS(status);
  else
    end.signal = WTERMSIG(status);
  end.out = out.text();
  end.err = err.text();
  return end;
}

std::map<std::string, std::string> fault_layer() {
  return {{"LD_PRELOAD", std::getenv("ORCON_FAULT_LAYER")},
          // The layer comes before the sanitizer's library, which is meant.
          {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
}

std::string verify(const std::string& database) {
  const auto verdict = conductor::verify_database(database);
  if (!verdict)
    return verdict.error().message;
  std::string wrong;
  for (const auto& v : verdict->violations)
    wrong += v.invariant + " " + v.what + "\n";
  return wrong;
}

std::vector<std::string> ask(const std::string& database,
                             const std::string& sql) {
  std::vector<std::string> answer;
  sqlite3* db = nullptr;
  const auto take = [](void* to, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(to)->push_back(values[0] ? values[0]
                                                                    : "NULL");
    return 0;
  };
  auto code
    = sqlite3_open_v2(database.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
  if (code == SQLITE_OK)
    code = sqlite3_exec(db, sql.c_str(), take, &answer, nullptr);
  if (code != SQLITE_OK)
    answer.push_back(std::string{"error: "} + sqlite3_errmsg(db));
  sqlite3_close(db);
  return answer;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

} // namespace orcon::test
