#pragma once

#include <string>

#include <conductor/store.hpp>

/// What goes before an engine's connection to a database.
namespace conductor::sqlite {

/// The file that a path stands for: the lock beside it must be the same for
/// whoever comes by a symbolic link. A link to nothing names what will be.
std::string resolve_links(std::string path);

/// Refuses a file that is not ours, or not ours alone, before anything is put
/// beside it. Throws `store_error`.
void look_before(const std::string& path);

/// Makes sure that the file exists; a new one belongs to its owner only.
result<void> create_private(const std::string& path);

/// Takes a new database away that could not be finished or was not used. The
/// lock must be held; it goes last.
void remove_files(const std::string& path);

} // namespace conductor::sqlite
