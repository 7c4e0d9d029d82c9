#pragma once

#include <string>

#include <conductor/error.hpp>

#include "store/sqlite/connection/open_files.hpp"

namespace conductor::sqlite {

/// The right to be the one engine of a database: an flock on the database's
/// own inode, so that it holds under whatever name the file is opened. It ends
/// with the process however that dies. Take it before SQLite opens the file.
class engine_lock {
public:
  /// `path` must not be a symbolic link (`resolve_links`). A file that is
  /// missing is created, empty and for its owner only, unless `create` is
  /// false. Errors: locked, not_found, not_ours, full, io.
  static result<engine_lock> acquire(const std::string& path,
                                     bool create = true);
  engine_lock(engine_lock&& other) noexcept;
  engine_lock& operator=(engine_lock&&) = delete;
  ~engine_lock();

  /// Whether the name still leads to the file that is locked; false once the
  /// database was deleted or replaced. One system call.
  bool still_in_place() const;
  /// Throws a fatal `store_error` (io) unless `still_in_place`.
  void require_in_place() const;
  /// Whether `acquire` created the file.
  bool created() const { return created_; }

private:
  engine_lock(int fd, std::string path, file_id file, bool created)
    : fd_(fd), path_(std::move(path)), file_(file), created_(created) {}

  int fd_;
  std::string path_;
  file_id file_;
  bool created_;
};

} // namespace conductor::sqlite
