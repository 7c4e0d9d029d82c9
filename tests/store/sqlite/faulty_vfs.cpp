#include "tests/store/sqlite/faulty_vfs.hpp"

#include <array>
#include <cstddef>

#include <sqlite3.h>

namespace conductor::test {

namespace {

/// One thread writes in these tests; nothing here is locked.
struct plan {
  fault kind{};
  int n = 0; ///< until the next failure; 0 = none
  bool stays = false, struck = false, unsynced = false;
} now;

bool strikes(bool is_sync) {
  if (now.n == 0 || (now.kind == fault::sync_error) != is_sync)
    return false;
  if (now.n > 1) {
    --now.n;
    return false;
  }
  if (!now.stays)
    now.n = 0;
  now.struck = true;
  return true;
}

/// What SQLite sees; the real file stands behind it in the same memory.
struct shim {
  sqlite3_file base;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<shim*>(file) + 1);
}

sqlite3_vfs* real_vfs(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

int close(sqlite3_file* f) {
  return real(f)->pMethods->xClose(real(f));
}

int read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
  return real(f)->pMethods->xRead(real(f), to, n, at);
}

int write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
  if (!strikes(false))
    return real(f)->pMethods->xWrite(real(f), from, n, at);
  if (now.kind == fault::full)
    return SQLITE_FULL;
  if (now.kind == fault::short_write)
    real(f)->pMethods->xWrite(real(f), from, n / 2, at);
  return SQLITE_IOERR_WRITE;
}

int truncate(sqlite3_file* f, sqlite3_int64 size) {
  return real(f)->pMethods->xTruncate(real(f), size);
}

/// Nobody cuts the power here, so that nothing needs to reach the real disk.
int sync(sqlite3_file*, int) {
  now.unsynced = strikes(true);
  return now.unsynced ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

int size(sqlite3_file* f, sqlite3_int64* to) {
  return real(f)->pMethods->xFileSize(real(f), to);
}
int lock(sqlite3_file* f, int level) {
  return real(f)->pMethods->xLock(real(f), level);
}
int unlock(sqlite3_file* f, int level) {
  return real(f)->pMethods->xUnlock(real(f), level);
}
int check_lock(sqlite3_file* f, int* to) {
  return real(f)->pMethods->xCheckReservedLock(real(f), to);
}
int control(sqlite3_file* f, int op, void* arg) {
  return real(f)->pMethods->xFileControl(real(f), op, arg);
}
int sector(sqlite3_file* f) {
  return real(f)->pMethods->xSectorSize(real(f));
}
int traits(sqlite3_file* f) {
  return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
int map_shm(sqlite3_file* f, int page, int bytes, int extend,
            void volatile** to) {
  return real(f)->pMethods->xShmMap(real(f), page, bytes, extend, to);
}
int lock_shm(sqlite3_file* f, int offset, int n, int flags) {
  return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
void barrier(sqlite3_file* f) {
  real(f)->pMethods->xShmBarrier(real(f));
}
int unmap_shm(sqlite3_file* f, int remove) {
  return real(f)->pMethods->xShmUnmap(real(f), remove);
}

const sqlite3_io_methods methods{
  2,        close,   read,       write,   truncate, sync,   size,
  lock,     unlock,  check_lock, control, sector,   traits, map_shm,
  lock_shm, barrier, unmap_shm,  nullptr, nullptr};

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
         int* out) {
  file->pMethods = nullptr;
  const auto code
    = real_vfs(vfs)->xOpen(real_vfs(vfs), name, real(file), flags, out);
  if (code == SQLITE_OK)
    file->pMethods = &methods;
  return code;
}

sqlite3_vfs layer;

} // namespace

faulty_vfs::faulty_vfs() {
  now = {};
  auto* below = sqlite3_vfs_find(nullptr);
  // Whatever is not about open files goes straight to the real one, which
  // takes its own table from us: it has no state in it.
  layer = *below;
  layer.szOsFile = below->szOsFile + static_cast<int>(sizeof(shim));
  layer.zName = "faulty";
  layer.pAppData = below;
  layer.xOpen = open;
  layer.pNext = nullptr;
  sqlite3_vfs_register(&layer, 1);
}

faulty_vfs::~faulty_vfs() {
  sqlite3_vfs_unregister(&layer);
}

void faulty_vfs::fail(fault kind, int n, bool stays) {
  now = {kind, n, stays, false, now.unsynced};
}

void faulty_vfs::heal() {
  now.n = 0;
}

bool faulty_vfs::struck() const {
  return now.struck;
}

bool faulty_vfs::unsynced() const {
  return now.unsynced;
}

} // namespace conductor::test
