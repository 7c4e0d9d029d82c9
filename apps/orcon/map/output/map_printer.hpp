#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <conductor/json_text.hpp>
#include <conductor/store.hpp>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/map/output/live_output.hpp"
#include "apps/orcon/map/output/long_stderr.hpp"
#include "apps/orcon/map/output/map_files.hpp"

namespace orcon {

/// How a map's results are shown.
struct map_view {
  bool keep_order = false, tag = false;
  bool pipe = false;             ///< an item is what its command reads
  bool shell = false;            ///< the command is a text for `sh -c`
  std::vector<std::string> argv; ///< of the definition
  /// Whole stderr of commands; null: only what the database keeps.
  std::shared_ptr<long_stderr> errors;
  /// What commands write while they run; null: stdout is printed at their end.
  std::shared_ptr<live_output> live;
};

/// Writes what a map's children wrote to our stdout and stderr, whole and
/// unmixed, as they settle or in the order of the inputs, or line by line while
/// they run; as JSON, a row for each. It follows the events of the run from its
/// beginning, so that a resumed run prints what had settled before as well.
class map_printer {
public:
  map_printer(std::unique_ptr<conductor::store_reader> reader,
              conductor::run_key run, map_view view, map_files files,
              const settings& s);

  /// Prints what has settled since the last call, or until the program
  /// is told to stop; `make_room` is called before something is printed.
  void print(const std::function<void()>& make_room);
  /// No more will be printed.
  void finish();
  /// How many succeeded and failed, on stderr.
  void print_totals(const std::string& run_id);
  /// Set if not all could be written that was asked for.
  const conductor::error& trouble() const {
    return trouble_ ? trouble_ : files_.trouble();
  }

private:
  void hear(const conductor::event_record& e);
  bool was_printed(const conductor::task_record& task);
  void settled(conductor::task_key task);
  void print_task(conductor::task_key task);
  void print_live();
  std::string tag_of(const conductor::task_record& task) const;
  std::string errors_of(const conductor::task_record& task,
                        const conductor::json& kept);
  void print_texts(const conductor::task_record& task, std::string text,
                   std::string errors);
  void print_row(const conductor::task_record& task);
  void tell_failure(const conductor::task_record& task);
  void tell_cut(conductor::task_key task);

  std::unique_ptr<conductor::store_reader> reader_;
  conductor::run_key run_;
  map_view view_;
  map_files files_;
  settings settings_;
  bool on_screen_; ///< the output shares a terminal with the progress
  std::function<void()> make_room_;
  conductor::id_space ids_;
  conductor::task_key base_ = 0;
  conductor::event_seq seen_ = 0;
  conductor::task_key next_ = 0; ///< with keep_order: to be printed next
  std::set<conductor::task_key> waiting_; ///< settled, but not yet their turn
  /// Of failed tasks the attempt that was printed: a retry by hand lets a task
  /// fail again, and the events have both.
  std::map<conductor::task_key, std::int32_t> failures_printed_;
  int failures_told_ = 0;
  std::int64_t rows_ = 0; ///< of JSON
  conductor::error trouble_;
};

} // namespace orcon
