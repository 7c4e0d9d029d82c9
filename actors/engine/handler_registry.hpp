#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <conductor/definition.hpp>
#include <conductor/error.hpp>
#include <conductor/handler.hpp>

namespace conductor {

/// The handlers of an engine by name. Open until the engine starts.
/// Thread-safe.
class handler_registry {
public:
  using map = std::map<std::string, std::shared_ptr<handler>>;

  explicit handler_registry(map handlers) : handlers_(std::move(handlers)) {}

  /// Errors: conflict, once it is sealed.
  result<void> add(const std::string& name, std::shared_ptr<handler> work) {
    const std::lock_guard guard{mutex_};
    if (sealed_)
      return fail(errc::conflict,
                  "cannot register the handler \"" + name
                    + "\": the engine has started; register it before");
    handlers_[name] = std::move(work);
    return {};
  }

  /// From now on nothing is added. True the first time.
  bool seal() {
    const std::lock_guard guard{mutex_};
    return !std::exchange(sealed_, true);
  }

  map all() const {
    const std::lock_guard guard{mutex_};
    return handlers_;
  }

  bool has(const std::string& name) const {
    const std::lock_guard guard{mutex_};
    return handlers_.count(name) != 0;
  }

  std::vector<definition_error> check(const std::string& name,
                                      const json& input) const {
    const auto handlers = all();
    if (const auto found = handlers.find(name); found != handlers.end())
      return found->second->check(input);
    std::string known;
    for (const auto& [n, ignored] : handlers)
      known += (known.empty() ? "" : ", ") + n;
    return {
      {"/handler", "unknown handler \"" + name + "\"; there are: " + known}};
  }

  /// Ends all handlers; the destructors of some wait for what still runs.
  void clear() {
    map ending; // outside of the lock
    {
      const std::lock_guard guard{mutex_};
      sealed_ = true;
      ending.swap(handlers_);
    }
  }

private:
  mutable std::mutex mutex_;
  map handlers_;
  bool sealed_ = false;
};

} // namespace conductor
