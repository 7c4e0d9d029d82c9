#pragma once

#include <fstream>
#include <string>

#include <conductor/error.hpp>
#include <conductor/json_text.hpp>
#include <conductor/records.hpp>

/// What `orcon map` writes beside its output: --results and --joblog.
namespace orcon {

/// One input's end.
struct map_result {
  const conductor::task_record& task;
  std::int64_t index;            ///< of the input, from 1
  const std::string& text;       ///< the bytes of stdout
  const std::string& errors;     ///< of stderr
  const conductor::json& output; ///< of the handler `exec`
  const std::string& command;    ///< as a person would type it
};

class map_files {
public:
  /// Whether both can be written is found out before work begins.
  conductor::error open(const std::string& results, const std::string& joblog);
  void write(const map_result& result);
  /// The first thing that could not be written.
  const conductor::error& trouble() const { return trouble_; }
  bool wanted() const { return !results_.empty() || joblog_.is_open(); }

private:
  void write_folder(const map_result& result);
  void write_line(const map_result& result);
  void note(const std::string& file);

  std::string results_, joblog_name_;
  std::ofstream joblog_;
  conductor::error trouble_;
};

/// The exit code as a shell reports it: 128 and the signal, 127 for a command
/// that was never started.
int exit_code_in(const conductor::json& output);

} // namespace orcon
