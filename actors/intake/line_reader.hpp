#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <conductor/error.hpp>
#include <conductor/submission.hpp>

namespace conductor {

/// Reads text line by line, in bounded memory.
class line_reader {
public:
  /// A regular file. Errors: not_found, invalid, file, overloaded.
  static result<line_reader> open(const std::string& path);
  /// Anything that can be read, such as standard input; `name` is what errors
  /// call it. The descriptor stays open.
  static line_reader of_descriptor(int fd, std::string name);
  line_reader(line_reader&& other) noexcept;
  line_reader& operator=(line_reader&&) = delete;
  ~line_reader();

  /// The next line without its end; false at the end or after an error. Valid
  /// until the next call.
  bool next(std::string_view& line);
  /// Why `next` returned false; none at the end.
  const error& failed() const { return error_; }
  /// Of the line that was returned last, from 1.
  std::int64_t line_number() const { return number_; }
  /// "NAME:LINE" of that line.
  std::string place() const { return name_ + ":" + std::to_string(number_); }

private:
  line_reader(int fd, std::string name, bool owned)
    : fd_(fd), owned_(owned), name_(std::move(name)) {}
  bool fill();

  int fd_;
  bool owned_;
  std::string name_;
  std::string buffer_;
  std::size_t used_ = 0;
  std::int64_t number_ = 0;
  error error_;
};

} // namespace conductor
