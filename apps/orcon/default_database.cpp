#include "apps/orcon/default_database.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

namespace orcon {

using namespace conductor;

namespace fs = std::filesystem;

namespace {

constexpr auto local_database = "orcon.db";

/// The value of a variable that must be an absolute path: the XDG
/// specification has relative ones ignored.
fs::path absolute_path_in(const char* variable) {
  const auto* value = std::getenv(variable);
  return value && fs::path{value}.is_absolute() ? fs::path{value} : fs::path{};
}

/// Creates a folder and its parents, those that are new with mode 0700.
bool make_private_folders(const fs::path& folder) {
  if (folder.has_parent_path() && folder.parent_path() != folder
      && ::access(folder.parent_path().c_str(), F_OK) != 0
      && !make_private_folders(folder.parent_path()))
    return false;
  return ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
}

} // namespace

std::string state_database() {
  auto folder = absolute_path_in("XDG_STATE_HOME");
  if (folder.empty()) {
    folder = absolute_path_in("HOME");
    if (folder.empty())
      return {};
    folder = folder / ".local" / "state";
  }
  return (folder / "orcon" / local_database).string();
}

void choose_database(settings& s) {
  s.database_named = !s.database.empty();
  if (s.database_named)
    return;
  std::error_code ignored;
  s.database = local_database;
  if (fs::exists(s.database, ignored))
    return;
  if (auto path = state_database(); !path.empty()) {
    s.database = std::move(path);
    s.state_database = true;
  }
}

error make_database_folder(const settings& s) {
  const auto folder = fs::path{s.database}.parent_path();
  if (!s.state_database || make_private_folders(folder))
    return {};
  return {errc::io, "cannot create " + folder.string() + ": "
                      + std::strerror(errno)
                      + "; name a database with --db FILE"};
}

bool is_file_of_database(const std::string& path, const std::string& database) {
  const auto base = fs::path{database}.filename().string();
  const auto name = std::string_view{path}.substr(path.rfind('/') + 1);
  if (!name.starts_with(base))
    return false;
  const auto rest = name.substr(base.size());
  if (!rest.empty() && rest.front() != '-' && rest.front() != '.')
    return false;
  std::error_code bad;
  const auto folder_of = [](const std::string& file) {
    const auto folder = fs::path{file}.parent_path();
    return folder.empty() ? fs::path{"."} : folder;
  };
  return fs::equivalent(folder_of(path), folder_of(database), bad) && !bad;
}

} // namespace orcon
