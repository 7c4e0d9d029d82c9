#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <conductor/json_text.hpp>
#include <conductor/store.hpp>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/map/long_stderr.hpp"

namespace orcon {

/// The bytes of a base 64 text; characters of no meaning are passed over.
std::string decode_base64(std::string_view text);

/// Writes what a map's children wrote to our stdout and stderr, whole and
/// unmixed, as they settle or in the order of the inputs; as JSON, a row for
/// each. It follows the events of the run from its beginning, so that a resumed
/// run prints what had settled before as well.
class map_printer {
public:
  map_printer(std::unique_ptr<conductor::store_reader> reader,
              conductor::run_key run, bool keep_order, std::string results,
              const settings& s, std::shared_ptr<long_stderr> errors = {});

  /// Prints what has settled since the last call; `make_room` is called before
  /// something is printed.
  void print(const std::function<void()>& make_room);
  /// No more will be printed.
  void finish();
  /// How many succeeded and failed, on stderr.
  void print_totals(const std::string& run_id);
  /// Set if not all could be written that was asked for.
  const conductor::error& trouble() const { return trouble_; }

private:
  void settled(conductor::task_key task);
  void print_task(conductor::task_key task);
  std::string errors_of(const conductor::task_record& task,
                        const conductor::json& output);
  void print_texts(const std::string& text, const std::string& errors);
  void print_row(const conductor::task_record& task);
  void tell_failure(const conductor::task_record& task);
  void tell_cut(conductor::task_key task);
  void write_results(const conductor::task_record& task,
                     const std::string& text, const std::string& errors,
                     const conductor::json& output);

  std::unique_ptr<conductor::store_reader> reader_;
  conductor::run_key run_;
  bool keep_order_;
  std::string results_;
  settings settings_;
  std::shared_ptr<long_stderr> errors_; ///< null: only what the database has
  bool on_screen_; ///< the output shares a terminal with the progress
  std::function<void()> make_room_;
  conductor::id_space ids_;
  conductor::task_key base_ = 0;
  conductor::event_seq seen_ = 0;
  conductor::task_key next_ = 0; ///< with keep_order: to be printed next
  std::set<conductor::task_key> waiting_; ///< settled, but not yet their turn
  int failures_told_ = 0;
  std::int64_t rows_ = 0; ///< of JSON
  conductor::error trouble_;
};

} // namespace orcon
