#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <conductor/builtin_handlers.hpp>
#include <conductor/error.hpp>
#include <conductor/handler.hpp>

namespace orcon {

/// When a map ends before all inputs are done, in GNU parallel's words:
/// "now,fail=1", "soon,success=3", "soon,done=10%", "never".
struct halt_rule {
  enum class kind { never, fail, success, done };
  kind what = kind::never;
  bool now = false;       ///< what runs is stopped, too
  std::int64_t count = 0; ///< of outcomes of that kind; 0 = `percent` is set
  double percent = 0;     ///< of all inputs

  /// How many outcomes of `total` inputs it takes.
  std::int64_t threshold(std::int64_t total) const;
};

/// Reads what --halt was given. Errors: invalid.
conductor::result<halt_rule> halt_rule_of(const std::string& text);

/// Stands for the number of the job slot in the command of a definition; only
/// `map_exec` replaces it.
inline constexpr std::string_view slot_placeholder = "{map:slot}";

/// Runs commands as `exec` does, for what that alone cannot: it begins no more
/// of them from the moment at which the rule holds, and knows their job slots.
/// Outcomes that will be retried do not count for the rule.
class map_exec {
public:
  map_exec(halt_rule rule, std::int64_t total, conductor::exec_options options);

  std::shared_ptr<conductor::handler> handler() const;
  /// Whether the rule holds. From any thread.
  bool halted() const;

private:
  class proxy;
  halt_rule rule_;
  std::shared_ptr<proxy> proxy_;
};

} // namespace orcon
