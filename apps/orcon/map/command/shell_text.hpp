#pragma once

#include <string>
#include <string_view>

namespace orcon {

/// Follows a POSIX shell's text byte by byte: in which quotes the next byte
/// stands. It does not know the whole grammar; where a text leaves what it
/// knows, `doubt` says why, and nothing may be put in from there on.
class shell_text {
public:
  enum class place { plain, double_quoted, single_quoted };

  void read(char c);

  place now() const;
  /// Whether the next byte is not part of the program: escaped, or a comment.
  bool literal() const { return escaped_ || comment_; }
  /// Empty while the place of the next byte is certain.
  const std::string& doubt() const { return doubt_; }

private:
  void read_plain(char c);
  void read_double_quoted(char c);
  void open_substitution(char c);

  /// What is open, the innermost last: '\'' and '"' quotes, '(' a command
  /// substitution or subshell.
  std::string open_;
  std::string word_; ///< that is being read, unquoted
  char last_ = ' ';
  bool escaped_ = false, comment_ = false;
  std::string doubt_;
};

} // namespace orcon
