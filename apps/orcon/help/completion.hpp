#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/orcon/cli.hpp"

/// Shell completion: the program knows what may come next, thin scripts ask it.
namespace orcon {

/// One thing that may stand where the cursor is.
struct candidate {
  std::string text;
  std::string note; ///< for shells that show one
};

/// Candidates, and what only the shell can list.
struct candidates {
  std::vector<candidate> words;
  /// "", "files", "folders" or "commands".
  std::string_view also;
};

/// What may replace the last of the words after `orcon`. Asks the database
/// for ids and names, and is content without one.
candidates complete_words(CLI::App& app, settings& s,
                          std::vector<std::string> words);

/// The hidden command `orcon complete -- WORD...`: a candidate per line, its
/// note after a tab; ":files" and the like for the shell. Never complains.
int complete(CLI::App& app, settings& s, std::vector<std::string> words);

/// The script for bash, zsh or fish; empty for another shell.
std::string_view completion_script(std::string_view shell);

} // namespace orcon
