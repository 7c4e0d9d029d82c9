#define CAF_SUITE layering.includes

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <caf/test/unit_test.hpp>

// Which room may include which (docs/architecture.md), read from the include
// lines of all sources. That a wrong one does not link is not enough: most of
// what rooms say to each other is in headers.
namespace {

namespace fs = std::filesystem;

const fs::path project{CONDUCTOR_SOURCE_DIR};

/// A folder belongs to the room of the longest path that it begins with.
const std::map<std::string, std::set<std::string>> may_include{
  {"messages", {"messages"}},
  {"actors/rules", {"actors/rules", "messages"}},
  {"store", {"store", "messages"}},
  {"store/sqlite", {"store/sqlite", "store", "messages"}},
  {"monitor", {"monitor", "store", "messages"}},
  {"actors", {"actors", "actors/rules", "monitor", "store", "messages"}},
  {"apps", {"apps", "actors", "actors/rules", "monitor", "store", "messages"}},
};

/// Libraries that only some rooms, or single files, know.
const std::map<std::string, std::set<std::string>> libraries{
  {"caf/",
   {"messages/conductor/caf_compat.hpp", "messages/conductor/contracts.hpp",
    "monitor", "actors", "apps"}},
  {"sqlite3.h", {"store/sqlite", "apps"}},
  {"CLI/", {"apps"}},
  {"fmt/", {"apps"}},
  {"yaml-cpp/", {"apps"}},
};

std::string room_of(const std::string& path) {
  std::string room;
  for (const auto& [name, ignored] : may_include)
    if (path.starts_with(name + "/") && name.size() > room.size())
      room = name;
  return room;
}

/// Where a public header lives: <conductor/x.hpp> is in one room only.
std::string room_of_public(const std::string& header) {
  for (const auto& [name, ignored] : may_include)
    if (fs::exists(project / name / header))
      return name;
  return "";
}

/// What is wrong with a file of ours including something; "" if nothing is.
std::string complaint(const std::string& file, const std::string& included) {
  const auto room = room_of(file);
  const auto is_public = included.starts_with("conductor/");
  const auto other = is_public ? room_of_public(included) : room_of(included);
  if (is_public && other.empty())
    return "is in no room";
  if (!other.empty()) {
    if (may_include.at(room).count(other) == 0)
      return "is in " + other + ", which " + room + " does not know";
    // Of another room only what it says in public, except to programs.
    return is_public || room == other || room == "apps"
               || (room == "store/sqlite" && other == "store")
               || (room == "actors" && other == "actors/rules")
             ? ""
             : "is private to " + other;
  }
  for (const auto& [prefix, knowers] : libraries)
    if (included.starts_with(prefix)) {
      for (const auto& knower : knowers)
        if (file == knower || room == knower)
          return "";
      return "is a library that " + room + " does not know";
    }
  return "";
}

std::vector<std::string> includes_of(const fs::path& path) {
  std::vector<std::string> found;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("#include"))
      continue;
    const auto from = line.find_first_of("<\"");
    const auto to = line.find_first_of(">\"", from + 1);
    if (to != std::string::npos)
      found.push_back(line.substr(from + 1, to - from - 1));
  }
  return found;
}

} // namespace

CAF_TEST(rooms include what they may know and nothing else) {
  int files = 0, lines = 0;
  for (const auto* folder : {"messages", "actors", "store", "monitor", "apps"})
    for (const auto& entry :
         fs::recursive_directory_iterator{project / folder}) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp")
        continue;
      ++files;
      const auto file = fs::relative(entry.path(), project).string();
      for (const auto& included : includes_of(entry.path())) {
        ++lines;
        if (const auto wrong = complaint(file, included); !wrong.empty())
          CAF_ERROR(file << ": " << included << " " << wrong);
      }
    }
  CAF_CHECK(files > 100);
  CAF_CHECK(lines > 500);
}

CAF_TEST(a wrong include is noticed) {
  const std::vector<std::array<std::string, 2>> wrong{
    {"messages/ids.cpp", "conductor/store.hpp"},
    {"messages/ids.cpp", "caf/all.hpp"},
    {"actors/rules/retry_rules.cpp", "conductor/store.hpp"},
    {"actors/rules/retry_rules.cpp", "conductor/actors.hpp"},
    {"actors/rules/retry_rules.cpp", "caf/all.hpp"},
    {"store/texts.cpp", "conductor/retry_rules.hpp"},
    {"store/texts.cpp", "store/sqlite/statements/sql.hpp"},
    {"store/texts.cpp", "sqlite3.h"},
    {"store/sqlite/read/rows.cpp", "conductor/monitor.hpp"},
    {"monitor/health.cpp", "conductor/actors.hpp"},
    {"monitor/health.cpp", "store/texts.hpp"},
    {"actors/engine/engine.cpp", "store/sqlite/connection/database.hpp"},
    {"actors/engine/engine.cpp", "store/texts.hpp"},
    {"actors/engine/engine.cpp", "apps/orcon/cli.hpp"},
    {"actors/engine/engine.cpp", "sqlite3.h"},
    {"apps/orcon/cli.cpp", "conductor/nowhere.hpp"},
  };
  for (const auto& [file, included] : wrong)
    CAF_CHECK_NOT_EQUAL(complaint(file, included), "");
  CAF_CHECK_EQUAL(complaint("actors/engine/engine.cpp", "conductor/store.hpp"),
                  "");
  CAF_CHECK_EQUAL(complaint("apps/orcon/cli.cpp", "actors/roles/role.hpp"), "");
}
