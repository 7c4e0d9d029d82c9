#include "apps/orcon/map/map_exec.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <map>
#include <mutex>
#include <set>

#include <conductor/builtin_handlers.hpp>

namespace orcon {

using namespace conductor;

std::int64_t halt_rule::threshold(std::int64_t total) const {
  if (count > 0)
    return count;
  return std::max<std::int64_t>(
    1, static_cast<std::int64_t>(
         std::ceil(static_cast<double>(total) * percent / 100)));
}

result<halt_rule> halt_rule_of(const std::string& text) {
  halt_rule rule;
  if (text.empty() || text == "never")
    return rule;
  const auto bad = fail(
    errc::invalid, "--halt: \"" + text
                     + "\" is not \"never\", or \"now\" or \"soon\" with a "
                       "condition, as in \"now,fail=1\", \"soon,success=3\" "
                       "or \"soon,done=10%\"");
  std::string_view rest{text};
  const auto take = [&](std::string_view word) {
    const bool found = rest.starts_with(word);
    rest.remove_prefix(found ? word.size() : 0);
    return found;
  };
  rule.now = take("now,");
  if (!rule.now && !take("soon,"))
    return bad;
  rule.what = take("fail=")      ? halt_rule::kind::fail
              : take("success=") ? halt_rule::kind::success
              : take("done=")    ? halt_rule::kind::done
                                 : halt_rule::kind::never;
  const bool share = rest.ends_with('%');
  rest.remove_suffix(share ? 1 : 0);
  std::int64_t n = 0;
  const auto* end = rest.data() + rest.size();
  const auto [stop, wrong] = std::from_chars(rest.data(), end, n);
  if (rule.what == halt_rule::kind::never || wrong != std::errc{} || stop != end
      || n <= 0 || (share && n > 100))
    return bad;
  if (share)
    rule.percent = static_cast<double>(n);
  else
    rule.count = n;
  return rule;
}

/// Between the executor and the handler that runs processes. It does not
/// queue: an attempt begins only when the executor knows of the end of the one
/// before, and so does the rule.
class map_exec::proxy : public handler, private outcome_sink {
public:
  proxy(const halt_rule& rule, std::int64_t total, exec_options options)
    : rule_(rule), missing_(rule.threshold(total)),
      exec_(make_exec_handler(std::move(options))) {}

  handler_traits traits() const override {
    return {.queues = false, .own_timeout = true};
  }
  std::vector<definition_error> check(const json& input) const override {
    return exec_->check(input);
  }

  void start(attempt work, outcome_sink& sink) override {
    {
      const std::lock_guard guard{mutex_};
      sink_ = &sink;
      const attempt_key key{work.task, work.number};
      if (halted()) {
        held_.push_back(key);
        return;
      }
      const auto slot = free_slot();
      running_[key] = {slot, work.number > work.origin->spec.retry.max_retries};
      work.origin = origin_for(std::move(work.origin), slot);
    }
    exec_->start(std::move(work), *this);
  }

  void stop(attempt_key which, stop_reason reason) override {
    exec_->stop(which, reason);
  }

  std::optional<time_point> began_at(attempt_key which) override {
    return exec_->began_at(which);
  }

  std::vector<attempt_key> withdraw(time_point started_before) override {
    auto back = exec_->withdraw(started_before);
    const std::lock_guard guard{mutex_};
    back.insert(back.end(), held_.begin(), held_.end());
    held_.clear();
    return back;
  }

  bool halted() const { return missing_ <= 0; }

private:
  void report(attempt_key which, outcome result, execution_time ran) override {
    outcome_sink* sink = nullptr;
    {
      const std::lock_guard guard{mutex_};
      const auto known = running_.find(which);
      const bool last = known == running_.end() || known->second.last_try;
      if (known != running_.end()) {
        slots_.erase(known->second.slot);
        running_.erase(known);
      }
      if (counts(result, last))
        --missing_;
      sink = sink_;
    }
    sink->report(which, std::move(result), ran);
  }

  struct running {
    int slot;
    bool last_try;
  };

  /// The lowest number that no running command has, as in GNU parallel.
  int free_slot() {
    int slot = 1;
    for (const auto taken : slots_)
      if (taken == slot)
        ++slot;
    slots_.insert(slot);
    return slot;
  }

  /// The definition with the number of the slot in its command.
  std::shared_ptr<const task_template>
  origin_for(std::shared_ptr<const task_template> origin, int slot) {
    auto& kept = origins_[slot];
    if (origin->spec.input.find(slot_placeholder) == std::string::npos)
      return origin;
    if (kept.first == origin)
      return kept.second;
    auto copy = std::make_shared<task_template>(*origin);
    auto& input = copy->spec.input;
    const auto number = std::to_string(slot);
    for (auto at = input.find(slot_placeholder); at != std::string::npos;
         at = input.find(slot_placeholder, at + number.size()))
      input.replace(at, slot_placeholder.size(), number);
    kept = {std::move(origin), std::move(copy)};
    return kept.second;
  }

  bool counts(const outcome& result, bool last_try) const {
    const bool failed = !result.succeeded && (last_try || !result.retryable);
    switch (rule_.what) {
    case halt_rule::kind::fail: return failed;
    case halt_rule::kind::success: return result.succeeded;
    case halt_rule::kind::done: return result.succeeded || failed;
    case halt_rule::kind::never: break;
    }
    return false;
  }

  const halt_rule rule_;
  std::atomic<std::int64_t> missing_; ///< outcomes until the rule holds
  std::mutex mutex_;                  ///< guards what follows
  outcome_sink* sink_ = nullptr;
  std::map<attempt_key, running> running_;
  std::set<int> slots_; ///< that are taken
  using origin_ptr = std::shared_ptr<const task_template>;
  std::map<int, std::pair<origin_ptr, origin_ptr>>
    origins_; ///< as given, by slot
  std::vector<attempt_key> held_;
  /// Last: it reports to us until it is gone.
  const std::shared_ptr<handler> exec_;
};

map_exec::map_exec(halt_rule rule, std::int64_t total, exec_options options)
  : rule_(rule),
    proxy_(std::make_shared<proxy>(rule, total, std::move(options))) {}

std::shared_ptr<handler> map_exec::handler() const {
  return proxy_;
}

bool map_exec::halted() const {
  return rule_.what != halt_rule::kind::never && proxy_->halted();
}

} // namespace orcon
