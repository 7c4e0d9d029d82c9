#pragma once

#include <optional>
#include <string>

#include <conductor/time.hpp>

namespace conductor {

/// How an attempt ended.
struct outcome {
  bool succeeded = true;
  /// JSON text; empty = none. A function that gives something else has failed
  /// with the type "output".
  std::string output;
  std::string error_type;    ///< of a failure, e.g. "exit"
  std::string error_message; ///< of a failure, for people
  /// Further members of `last_error`: the text of a JSON object; empty = none.
  /// A text that is not a JSON object is ignored.
  std::string error_details;
  bool retryable = true;                   ///< of a failure
  std::optional<milliseconds> retry_after; ///< instead of the policy's delay

  static outcome success(std::string output_json = {});
  static outcome failure(std::string type, std::string message);
};

} // namespace conductor
