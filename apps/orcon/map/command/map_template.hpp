#pragma once

#include <optional>
#include <string>
#include <vector>

#include <conductor/error.hpp>

/// The command of `orcon map`, its placeholders translated to those of the
/// handler `exec`.
namespace orcon {

/// What the placeholders of a command stand for.
struct template_inputs {
  std::size_t lists = 1; ///< of inputs that are combined
  bool several = false;  ///< a command gets several inputs of one list
  bool repeat = false;   ///< -X: the word around {} comes once for each
  bool none = false;     ///< --pipe: the input is not part of the command
};

struct map_template {
  std::vector<std::string> argv;
  /// What is worth a word on stderr; empty if nothing.
  std::vector<std::string> warnings;
};

/// Translates the words of a command. The input becomes the last argument
/// where no word names one. Errors: invalid (an unknown placeholder).
conductor::result<map_template>
template_of_words(std::vector<std::string> words, const template_inputs& in);

/// The same of a text for `sh -c`: what a placeholder stands for is quoted.
conductor::result<map_template> template_of_shell(const std::string& text,
                                                  const template_inputs& in);

/// A command with the inputs of one item in place.
conductor::result<std::vector<std::string>>
command_for(const std::vector<std::string>& argv, const std::string& item,
            std::int64_t index);

/// As a person would type it: the shell text itself, or quoted words.
std::string command_text(const std::vector<std::string>& argv, bool shell);

/// Whether {%} is among the placeholders.
bool uses_slots(const map_template& t);

} // namespace orcon
