#pragma once

#include <map>
#include <memory>

#include <conductor/error.hpp>
#include <conductor/store.hpp>

namespace conductor {

/// What tasks were submitted as. Those of parents are kept for their children
/// until the parent settles; a top-level leaf needs its own once.
class template_cache {
public:
  using pointer = std::shared_ptr<const task_template>;

  pointer find(task_key task, task_key parent, store_reader& reader) {
    if (const auto known = parents_.find(parent); known != parents_.end())
      return known->second;
    auto loaded = reader.load_template(parent ? parent : task);
    if (!loaded)
      throw store_error{{errc::corrupt, "a task has no definition"}, true};
    auto made = std::make_shared<const task_template>(std::move(*loaded));
    if (parent != 0) {
      if (parents_.size() >= most_kept)
        parents_.erase(parents_.begin());
      parents_.emplace(parent, made);
    }
    return made;
  }

  void forget(task_key parent) { parents_.erase(parent); }

private:
  static constexpr std::size_t most_kept = 10'000;
  std::map<task_key, pointer> parents_;
};

} // namespace conductor
