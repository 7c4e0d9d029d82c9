#pragma once

#include <compare>
#include <optional>
#include <string>

#include <sys/types.h>

/// Which database files SQLite has open in this process. Closing any
/// descriptor of a file drops all POSIX locks that the process has on it,
/// those of SQLite's connections as well. A descriptor that we opened ourselves
/// is therefore closed only when no connection to that file is left. Safe to
/// use from any thread.
namespace conductor::sqlite {

/// Tells files apart whatever their names are.
struct file_id {
  dev_t device = 0;
  ino_t inode = 0;

  friend auto operator<=>(const file_id&, const file_id&) = default;
};

/// The file that a path leads to; nullopt if there is none.
std::optional<file_id> find_file(const std::string& path);

/// Makes sure that the descriptors 0 to 2 are taken, so that a file that is
/// opened next can never get what is printed.
void occupy_standard_descriptors();

/// Counts a connection from before it is opened until after it is closed.
class counted_connection {
public:
  explicit counted_connection(const std::string& path);
  ~counted_connection();
  counted_connection(const counted_connection&) = delete;
  counted_connection& operator=(const counted_connection&) = delete;

private:
  std::optional<file_id> file_;
};

/// A descriptor of the file that was given up but is still open; -1 if there
/// is none.
int reuse_descriptor(const file_id& file);

/// Closes a descriptor now, or with the last connection to its file.
void give_up_descriptor(int fd);

} // namespace conductor::sqlite
