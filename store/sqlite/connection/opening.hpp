#pragma once

#include <string>

#include <conductor/store.hpp>

/// What comes before an engine's connection to a database.
namespace conductor::sqlite {

/// The file that a path stands for, with symbolic links of its last part
/// followed: log and index lie beside that file. A link is followed if it
/// belongs to the caller, to root, or to the owner of its folder; others could
/// have placed any other. A link to nothing names what will be.
std::string resolve_links(std::string path);

/// Throws `store_error` if a single file is mounted at the path (as a
/// container's `-v FILE:FILE` does): log and index lie beside the name, so that
/// whoever comes by another name would not see them.
void refuse_mount_point(const std::string& path);

/// Refuses a file that is not ours, or not ours alone, before anything is put
/// beside it. Throws `store_error`.
void look_before(const std::string& path);

/// Makes sure that the file exists; a new one belongs to its owner only.
result<void> create_private(const std::string& path);

/// Removes a new database that could not be finished or was not used. The
/// engine lock must be held.
void remove_files(const std::string& path);

} // namespace conductor::sqlite
