#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <conductor/store.hpp>

namespace orcon {

/// The bytes of a base 64 text; characters of no meaning are passed over.
std::string decode_base64(std::string_view text);

/// Writes the standard outputs of a map's children to ours, whole and unmixed,
/// as they settle or in the order of the inputs. It follows the events of the
/// run from its beginning, so that a resumed run prints what had settled
/// before as well.
class map_printer {
public:
  map_printer(std::unique_ptr<conductor::store_reader> reader,
              conductor::run_key run, bool keep_order, std::string results,
              bool quiet);

  /// Prints what has settled since the last call; `make_room` is called before
  /// something is printed.
  void print(const std::function<void()>& make_room);
  /// How many succeeded and failed, on stderr.
  void print_totals(const std::string& database, const std::string& run_id);
  /// Set if our own output could not be written.
  const conductor::error& trouble() const { return trouble_; }

private:
  void settled(conductor::task_key task);
  void print_task(conductor::task_key task);
  void tell_failure(const conductor::task_record& task);
  void write_results(const conductor::task_record& task,
                     const std::string& text);

  std::unique_ptr<conductor::store_reader> reader_;
  conductor::run_key run_;
  bool keep_order_;
  std::string results_;
  bool quiet_;
  bool on_screen_; ///< the output shares a terminal with the progress
  std::function<void()> make_room_;
  conductor::id_space ids_;
  conductor::task_key base_ = 0;
  conductor::event_seq seen_ = 0;
  conductor::task_key next_ = 0; ///< with keep_order: to be printed next
  std::set<conductor::task_key> waiting_; ///< settled, but not yet their turn
  int failures_told_ = 0;
  conductor::error trouble_;
};

} // namespace orcon
