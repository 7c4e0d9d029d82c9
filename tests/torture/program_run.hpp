#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace orcon::test {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// A folder that goes away with the object.
class scratch_folder {
public:
  explicit scratch_folder(const std::string& name);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  const fs::path& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ / name; }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  /// Removes everything in the folder.
  void clear() const;

private:
  fs::path path_;
};

/// One run of `orcon`, started without a shell between.
struct program_run {
  fs::path folder;
  std::vector<std::string> words; ///< arguments
  std::string input;              ///< a file in the folder; "" = no input
  std::map<std::string, std::string> environment;
  /// Signals to send, each so long after the start.
  std::vector<std::pair<milliseconds, int>> signals;
  milliseconds patience{30'000}; ///< the program is killed after this
};

struct program_end {
  int code = -1;     ///< exit code, or -1
  int signal = 0;    ///< that ended it
  bool hung = false; ///< it had to be killed
  std::string out, err;
};

program_end run_program(const program_run& run);

/// The environment that puts the fault layer under a program.
std::map<std::string, std::string> fault_layer();

/// What `db verify` finds, one line each; "" = nothing.
std::string verify(const std::string& database);

/// The first column of the answer.
std::vector<std::string> ask(const std::string& database,
                             const std::string& sql);

std::vector<std::string> lines_of(const std::string& text);

} // namespace orcon::test
