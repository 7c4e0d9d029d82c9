#pragma once

#include <cstdint>

/// A disk that fails on request: a layer over SQLite's own file system, which
/// becomes the default one for as long as the object lives.
namespace conductor::test {

/// What a failing operation does.
enum class fault {
  write_error, ///< nothing is written, EIO
  short_write, ///< half of it is written, then EIO
  full,        ///< nothing is written, no room
  sync_error,  ///< fsync says EIO; the bytes are in the cache
};

class faulty_vfs {
public:
  faulty_vfs();
  ~faulty_vfs();
  faulty_vfs(const faulty_vfs&) = delete;
  faulty_vfs& operator=(const faulty_vfs&) = delete;

  /// The n-th operation (from 1, counted from now on) that `kind` is about
  /// fails; with `stays` all later ones do as well.
  void fail(fault kind, int n, bool stays);
  /// No more faults.
  void heal();
  /// Whether an operation has failed since `fail`.
  bool struck() const;
  /// Whether a file has unsynced bytes whose sync has failed, and no later one
  /// succeeded.
  bool unsynced() const;
};

} // namespace conductor::test
