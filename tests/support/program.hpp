#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>

/// The real program on real files and processes: what a user types, what comes
/// back, and what is on disk afterwards. The environment variable ORCON names
/// the program.
namespace orcon::test {

namespace fs = std::filesystem;

struct program_result {
  int code = -1;
  std::string out; ///< stdout and, behind it, stderr

  bool says(const std::string& text) const {
    return out.find(text) != std::string::npos;
  }
};

/// A folder of its own for each test, with `orcon` on the PATH. Commands work
/// on the database orcon.db in it; `env -u ORCON_DB` lets them choose one.
struct bench {
  fs::path folder;

  bench() {
    static int number = 0;
    folder = fs::temp_directory_path()
             / ("orcon-e2e-" + std::to_string(::getpid()) + "-"
                + std::to_string(++number));
    fs::create_directories(folder);
  }
  ~bench() { fs::remove_all(folder); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream{folder / name, std::ios::binary} << text;
  }

  std::string read(const std::string& name) const {
    std::ifstream file{folder / name, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  /// Names of all files in the folder, sorted, one a line.
  std::string files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{folder})
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::string text;
    for (const auto& name : names)
      text += name + "\n";
    return text;
  }

  /// One line for bash.
  program_result run(const std::string& line) const {
    const fs::path program{std::getenv("ORCON")};
    const auto command = "cd '" + folder.string() + "' && export PATH='"
                         + program.parent_path().string()
                         + "':$PATH ORCON_DB=orcon.db XDG_STATE_HOME=$PWD/state"
                         + " && { " + line + "; } </dev/null 2>err";
    auto* pipe = ::popen(("bash -c '" + quoted(command) + "'").c_str(), "r");
    CAF_REQUIRE(pipe != nullptr);
    program_result r;
    std::array<char, 4096> buffer{};
    while (const auto n = std::fread(buffer.data(), 1, buffer.size(), pipe))
      r.out.append(buffer.data(), n);
    const auto status = ::pclose(pipe);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    r.out += read("err");
    fs::remove(folder / "err");
    return r;
  }

  /// The answer of `sqlite3` on the database.
  std::string ask(const std::string& sql,
                  const std::string& database = "orcon.db") const {
    return run("sqlite3 " + database + " \"" + sql + "\"").out;
  }

  void verify(const std::string& database = "orcon.db") const {
    const auto r = run("orcon db verify --db " + database);
    CAF_MESSAGE(r.out);
    CAF_CHECK_EQUAL(r.code, 0);
  }

private:
  static std::string quoted(const std::string& text) {
    std::string q;
    for (auto c : text)
      q += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return q;
  }
};

} // namespace orcon::test
