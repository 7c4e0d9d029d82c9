#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <conductor/error.hpp>
#include <conductor/records.hpp>

namespace conductor {

/// Longer lines are refused wherever lists of inputs come in.
inline constexpr std::size_t max_line_bytes = 1 << 20;

/// Reads a text file line by line from an offset, in bounded memory.
class line_reader {
public:
  static result<line_reader> open(const std::string& path, std::int64_t offset);
  line_reader(line_reader&& other) noexcept;
  line_reader& operator=(line_reader&&) = delete;
  ~line_reader();

  /// The next line without its end; false at the end or in trouble. Valid
  /// until the next call.
  bool next(std::string_view& line);
  const error& trouble() const { return error_; }
  /// Of the byte after the last line that was returned.
  std::int64_t offset() const { return offset_; }
  const source_file& file() const { return file_; }

private:
  line_reader(int fd, std::int64_t offset)
    : fd_(fd), next_(offset), offset_(offset) {}
  bool fill();

  int fd_;
  source_file file_;
  std::string buffer_;
  std::size_t used_ = 0;
  std::int64_t next_;   ///< where to read on
  std::int64_t offset_; ///< where the next line begins
  error error_;
};

} // namespace conductor
