#pragma once

#include <functional>
#include <vector>

#include <conductor/store.hpp>

namespace orcon {

/// With -v: a line on stderr for each attempt that fails from now on.
class attempt_log {
public:
  attempt_log(std::vector<conductor::run_key> runs, conductor::timestamp since)
    : runs_(std::move(runs)), since_(since), seen_(runs_.size()) {}

  /// Tells what is new. `make_room` is called before something is printed.
  void print(conductor::store_reader& reader,
             const std::function<void()>& make_room);

private:
  std::vector<conductor::run_key> runs_;
  conductor::timestamp since_;
  std::vector<conductor::event_seq> seen_; ///< by run
};

} // namespace orcon
