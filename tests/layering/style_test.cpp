#define CAF_SUITE layering.style

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <caf/test/unit_test.hpp>

// The bounds that CONTRIBUTING.md promises, read from the sources.
namespace {

namespace fs = std::filesystem;

const fs::path project{CONDUCTOR_SOURCE_DIR};

constexpr std::size_t longest_file = 500;     ///< lines
constexpr std::size_t longest_function = 60;  ///< lines
constexpr std::size_t longest_test = 120;     ///< lines; most are tables
constexpr std::size_t longest_doc_line = 120; ///< characters
constexpr std::size_t most_files = 20;        ///< per folder, tests aside

using lines = std::vector<std::string>;

lines read(const fs::path& path) {
  lines all;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);)
    all.push_back(line);
  return all;
}

std::vector<fs::path> files_below(std::initializer_list<const char*> folders,
                                  std::set<std::string> extensions) {
  std::vector<fs::path> found;
  for (const auto* folder : folders)
    for (const auto& entry : fs::recursive_directory_iterator{project / folder})
      if (extensions.count(entry.path().extension().string()) != 0)
        found.push_back(entry.path());
  return found;
}

std::vector<fs::path> sources() {
  return files_below({"messages", "actors", "store", "monitor", "apps", "tests",
                      "bench/micro", "examples"},
                     {".cpp", ".hpp"});
}

std::string name_of(const fs::path& path) {
  return fs::relative(path, project).string();
}

/// Characters, not bytes, of UTF-8.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
    text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Whether a line of formatted code opens a function's body.
bool opens_function(const std::string& line) {
  static const std::regex statement{
    R"(^ *(if|for|while|switch|else|do|catch|try|return|namespace|struct|class|enum|union|extern|using|case)\b.*)"};
  static const std::regex opening{
    R"(.*\)( const| noexcept| override| final| mutable|&)*( -> [^;]*)?( requires .*)? \{$)"};
  return !line.empty() && line.find("= [") == std::string::npos
         && std::regex_match(line, opening)
         && !std::regex_match(line, statement);
}

std::size_t indent_of(const std::string& line) {
  return line.find_first_not_of(' ');
}

/// Whether a statement that this line is part of goes on in the next one.
bool continues(const std::string& line) {
  const auto end = line.find_last_not_of(' ');
  return end != std::string::npos
         && std::string_view{";{}:"}.find(line[end]) == std::string_view::npos
         && line.find("//") == std::string::npos && line.front() != '#';
}

struct long_function {
  std::size_t line = 0, length = 0;
};

/// Functions of a file that are too long, by the indent that clang-format
/// gives the closing brace. The head may take several lines.
std::vector<long_function> long_functions(const lines& file,
                                          std::size_t bound) {
  std::vector<long_function> found;
  for (std::size_t i = 0; i < file.size(); ++i) {
    if (!opens_function(file[i]))
      continue;
    auto head = i; // a head that is wrapped begins on an earlier line
    while (head > 0 && continues(file[head - 1]))
      --head;
    const auto indent = indent_of(file[head]);
    if (indent == std::string::npos || indent > 4)
      continue;
    const auto close = std::string(indent, ' ') + "}";
    auto end = i + 1;
    while (end < file.size() && !file[end].starts_with(close))
      ++end;
    if (end - i - 1 > bound)
      found.push_back({i + 1, end - i - 1});
    i = std::max(i, end - 1);
  }
  return found;
}

/// A token that only the files listed may use, tests aside.
struct reserved {
  const char* token;
  std::vector<const char*> owners; ///< beginnings of paths
  const char* why;
};

const std::array<reserved, 3> reserved_tokens{{
  {"\\\"retry_at\\\"",
   {"messages/event_payload.cpp", "store/sqlite/verify/",
    "store/sqlite/statements/"},
   "write and read payloads with event_payload.hpp"},
  {"json::parse(", {"messages/"}, "use parse_json or parse_stored"},
  {"dynamic_pointer_cast", {}, "say what a thing is with its type"},
}};

/// Phrases that plain English does not use, in documentation and in the
/// program's own texts and comments.
bool has_banned_phrase(const std::string& line) {
  static const std::regex banned{
    R"(.*(\b(goes|going|go) on\b|\banew\b|\bfor want of\b)"
    R"(|\bat most so many\b|\bare told\b|\btold by\b).*)"};
  return std::regex_match(line, banned);
}

/// SQL that names a state by its number instead of by `states.hpp`.
bool names_state_by_number(const std::string& line) {
  static const std::regex bare{
    R"(.*"[^"]*\bstate *(<|=|<>|>| IN ?\() *[0-9].*)"};
  return std::regex_match(line, bare);
}

} // namespace

CAF_TEST(files and functions stay short) {
  for (const auto& path : sources()) {
    const auto file = read(path);
    if (file.size() > longest_file)
      CAF_ERROR(name_of(path) << " has " << file.size() << " lines");
    const auto bound
      = name_of(path).starts_with("tests/") ? longest_test : longest_function;
    for (const auto& f : long_functions(file, bound))
      CAF_ERROR(name_of(path)
                << ":" << f.line << ": a function of " << f.length << " lines");
  }
}

CAF_TEST(a long function is noticed) {
  lines file{"int f(int x) {"};
  file.insert(file.end(), longest_function + 1, "  ++x;");
  file.emplace_back("}");
  CAF_CHECK_EQUAL(long_functions(file, longest_function).size(), 1u);
  file.erase(file.begin() + 1);
  CAF_CHECK_EQUAL(long_functions(file, longest_function).size(), 0u);
}

CAF_TEST(folders hold few files) {
  std::map<fs::path, std::size_t> counts;
  for (const auto& path : sources())
    if (!name_of(path).starts_with("tests/"))
      ++counts[path.parent_path()];
  for (const auto& [folder, count] : counts)
    if (count > most_files)
      CAF_ERROR(name_of(folder) << " holds " << count << " files");
}

CAF_TEST(what one module owns stays there) {
  for (const auto& path : sources()) {
    const auto name = name_of(path);
    if (name.starts_with("tests/"))
      continue;
    const auto file = read(path);
    for (const auto& [token, owners, why] : reserved_tokens) {
      if (std::any_of(owners.begin(), owners.end(),
                      [&](const char* o) { return name.starts_with(o); }))
        continue;
      for (std::size_t i = 0; i < file.size(); ++i)
        if (file[i].find(token) != std::string::npos)
          CAF_ERROR(name << ":" << i + 1 << ": " << token << ": " << why);
    }
    if (!name.starts_with("store/sqlite/statements/"))
      for (std::size_t i = 0; i < file.size(); ++i)
        if (names_state_by_number(file[i]))
          CAF_ERROR(name << ":" << i + 1 << ": SQL with the number of a state");
  }
}

CAF_TEST(a state by its number is noticed) {
  const std::string bad = "  \"SELECT 1 FROM t WHERE state=3\"";
  const std::string list = "  \" AND state IN(4,6)\"";
  const std::string code = "  if (state == 3) // a comment";
  CAF_CHECK(names_state_by_number(bad));
  CAF_CHECK(names_state_by_number(list));
  CAF_CHECK(!names_state_by_number(code));
}

CAF_TEST(lines of the documentation fit a screen) {
  auto docs = files_below({"docs"}, {".md"});
  for (const auto* name : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    docs.push_back(project / name);
  for (const auto& path : docs) {
    const auto file = read(path);
    for (std::size_t i = 0; i < file.size(); ++i)
      if (width(file[i]) > longest_doc_line && !file[i].starts_with("|"))
        CAF_ERROR(name_of(path) << ":" << i + 1 << " has " << width(file[i])
                                << " characters");
  }
}

CAF_TEST(documentation and help are in plain English) {
  auto texts = files_below({"docs", "apps/orcon"}, {".md", ".cpp", ".hpp"});
  for (const auto* name : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    texts.push_back(project / name);
  for (const auto& path : texts) {
    const auto file = read(path);
    for (std::size_t i = 0; i < file.size(); ++i)
      if (has_banned_phrase(file[i]))
        CAF_ERROR(name_of(path) << ":" << i + 1 << ": " << file[i]);
  }
  CAF_CHECK(has_banned_phrase("the run goes on"));
  CAF_CHECK(!has_banned_phrase("the run resumes"));
}
