#define CAF_SUITE apps.yaml

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <conductor/definition.hpp>

#include "apps/orcon/definition/yaml.hpp"

#include <caf/test/unit_test.hpp>

using conductor::dump;
using conductor::errc;
using orcon::load_definition_file;

namespace {

/// A directory that goes away.
struct scratch_folder {
  std::filesystem::path folder;

  scratch_folder() {
    auto name = (std::filesystem::temp_directory_path() / "orconXXXXXX");
    auto text = name.string();
    if (!::mkdtemp(text.data()))
      CAF_FAIL("no temporary directory");
    folder = text;
  }
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::string write(const std::string& text, const char* name = "d.yaml") {
    const auto path = folder / name;
    std::ofstream{path, std::ios::binary} << text;
    return path.string();
  }

  conductor::result<orcon::document> load(const std::string& text,
                                          const char* name = "d.yaml") {
    return load_definition_file(write(text, name));
  }

  /// The value as JSON text.
  std::string value(const std::string& text, const char* name = "d.yaml") {
    const auto loaded = load(text, name);
    return loaded ? dump(loaded->value) : loaded.error().message;
  }

  /// The error without the folder.
  std::string trouble(const std::string& text, const char* name = "d.yaml") {
    const auto loaded = load(text, name);
    if (loaded)
      return "accepted " + dump(loaded->value).substr(0, 200);
    CAF_CHECK(loaded.error().code == errc::invalid);
    return without_folder(loaded.error().message);
  }

  std::string without_folder(const std::string& message) const {
    const auto prefix = folder.string() + '/';
    return message.starts_with(prefix) ? message.substr(prefix.size())
                                       : message;
  }
};

struct fixture : scratch_folder {};

} // namespace

CAF_TEST_FIXTURE_SCOPE(yaml_tests, fixture)

CAF_TEST(untyped scalars follow the core schema) {
  CAF_CHECK_EQUAL(value("[true, True, FALSE, null, Null, ~, ]"),
                  "[true,true,false,null,null,null]");
  CAF_CHECK_EQUAL(value("[no, on, yes, off, Yes, y, NO, tRUE, nULL]"),
                  R"(["no","on","yes","off","Yes","y","NO","tRUE","nULL"])");
  CAF_CHECK_EQUAL(value("[12, -7, +3, 0, 007, 0x1F, 0o17]"),
                  "[12,-7,3,0,7,31,15]");
  CAF_CHECK_EQUAL(value("[1.5, .5, 1., -2e3, +1E-2, 1e5]"),
                  "[1.5,0.5,1.0,-2000.0,0.01,100000.0]");
  CAF_CHECK_EQUAL(value("[1_000, 0b11, -0x1, 0o9, 0x, 1e, ., -, +., 1.2.3]"),
                  R"(["1_000","0b11","-0x1","0o9","0x","1e",".","-","+.",)"
                  R"("1.2.3"])");
  CAF_CHECK_EQUAL(value("[2026-11-23, 12:30:45, 5s, 1%, a b]"),
                  R"(["2026-11-23","12:30:45","5s","1%","a b"])");
  CAF_CHECK_EQUAL(value("[9223372036854775807, -9223372036854775808, "
                        "18446744073709551615]"),
                  "[9223372036854775807,-9223372036854775808,"
                  "18446744073709551615]");
  CAF_CHECK_EQUAL(value("a:\nb: \"\""), R"({"a":null,"b":""})");
}

CAF_TEST(quotes and tags decide) {
  CAF_CHECK_EQUAL(value(R"(['12', "true", 'null', "~", ! 5])"),
                  R"(["12","true","null","~","5"])");
  CAF_CHECK_EQUAL(value("[!!str 12, !!int '7', !!float 3, !!bool 'true']"),
                  R"(["12",7,3.0,true])");
  CAF_CHECK_EQUAL(value("a: |\n  12\n  13\nb: >-\n  x\n  y\n"),
                  R"({"a":"12\n13\n","b":"x y"})");
  CAF_CHECK_EQUAL(value("a: !!map {b: !!seq [1]}"), R"({"a":{"b":[1]}})");
  CAF_CHECK_EQUAL(trouble("a: !!int x"),
                  "d.yaml:1:4: this is not a value of the type "
                  "tag:yaml.org,2002:int");
  CAF_CHECK_EQUAL(trouble("a: !mine 5"),
                  "d.yaml:1:4: this is not a value of the type !mine");
  CAF_CHECK_EQUAL(trouble("a: !!set {b}"),
                  "d.yaml:1:4: the type tag:yaml.org,2002:set is not "
                  "supported");
}

CAF_TEST(numbers that JSON cannot hold are refused) {
  CAF_CHECK_EQUAL(trouble("a: .inf"),
                  "d.yaml:1:4: the number .inf is out of range");
  for (const auto* bad : {"-.INF", ".nan", "1e999", "0xFFFFFFFFFFFFFFFFF"})
    CAF_CHECK_EQUAL(trouble(std::string{"a: "} + bad),
                    std::string{"d.yaml:1:4: the number "} + bad
                      + " is out of range");
}

CAF_TEST(keys become text) {
  CAF_CHECK_EQUAL(value("1: a\ntrue: b\n~: c\n1.50: d\n0x1: e\n.inf: f\n"),
                  R"({".inf":"f","0x1":"e","1":"a","1.50":"d","null":"c",)"
                  R"("true":"b"})");
  CAF_CHECK_EQUAL(value("a: &x k\nb: {*x : 1}"), R"({"a":"k","b":{"k":1}})");
  CAF_CHECK_EQUAL(trouble("? [a]\n: b"), "d.yaml:1:3: a key must be a scalar");
  CAF_CHECK_EQUAL(trouble("a: &x [1]\nb: {*x : 1}"),
                  "d.yaml:2:5: a key must be a scalar");
}

CAF_TEST(duplicate keys are refused) {
  CAF_CHECK_EQUAL(trouble("a: 1\nb: 2\na: 3\n"),
                  "d.yaml:3:1: duplicate key \"a\", first in line 1");
  CAF_CHECK_EQUAL(trouble("x:\n  - {1: a, '1': b}\n"),
                  "d.yaml:2:12: duplicate key \"1\", first in line 2");
  CAF_CHECK_EQUAL(value("a: {b: 1}\nc: {b: 2}"),
                  R"({"a":{"b":1},"c":{"b":2}})");
}

CAF_TEST(aliases are expanded within limits) {
  CAF_CHECK_EQUAL(value("a: &x {b: [1]}\nc: *x\nd: [*x, *x]"),
                  R"({"a":{"b":[1]},"c":{"b":[1]},)"
                  R"("d":[{"b":[1]},{"b":[1]}]})");
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto n = std::to_string(i), last = std::to_string(i - 1);
    laughs += "a" + n + ": &a" + n + " [*a" + last;
    for (int j = 1; j < 10; ++j)
      laughs += ", *a" + last;
    laughs += "]\n";
  }
  CAF_CHECK(trouble(laughs).find("more than 5000000 values, aliases expanded")
            != std::string::npos);
  std::string wide = "a: &a " + std::string(1'000'000, 'x') + "\nb:\n";
  for (int i = 0; i < 300; ++i)
    wide += "- *a\n";
  CAF_CHECK(trouble(wide).find("bytes of text, aliases expanded")
            != std::string::npos);
  CAF_CHECK_EQUAL(trouble("a: &a [*a]"),
                  "d.yaml:1:8: an alias must not stand inside what it names");
  CAF_CHECK(trouble("a: *b").starts_with("d.yaml:1:4: "));
}

CAF_TEST(merge keys are refused) {
  CAF_CHECK_EQUAL(trouble("a: &x {b: 1}\nc:\n  <<: *x\n"),
                  "d.yaml:3:3: merge keys (<<) are not supported");
  CAF_CHECK_EQUAL(value("'<<': 1"), R"({"<<":1})");
}

CAF_TEST(depth is limited) {
  const auto nested = [](std::size_t n) {
    return "a: " + std::string(n, '[') + std::string(n, ']');
  };
  CAF_CHECK(load(nested(63)).has_value());
  CAF_CHECK_EQUAL(trouble(nested(64)),
                  "d.yaml:1:67: nested deeper than 64 levels");
  CAF_CHECK(trouble(std::string(100'000, '[')).starts_with("d.yaml:1:"));
  std::string dashes;
  for (int i = 0; i < 5000; ++i)
    dashes += "- ";
  CAF_CHECK_EQUAL(trouble(dashes + "x"),
                  "d.yaml:1:129: nested deeper than 64 levels");
  CAF_CHECK_EQUAL(trouble("a: &a " + std::string(40, '[') + std::string(40, ']')
                          + "\nb: " + std::string(30, '[') + "*a"
                          + std::string(30, ']')),
                  "d.yaml:2:34: nested deeper than 64 levels");
}

CAF_TEST(there is one document) {
  CAF_CHECK_EQUAL(value("%YAML 1.2\n---\na: 1\n...\n"), R"({"a":1})");
  CAF_CHECK_EQUAL(trouble("a: 1\n---\nb: 2\n"),
                  "d.yaml:2:1: there must be one document only");
  CAF_CHECK(trouble("{a: 1} b").starts_with("d.yaml:1:8: "));
  CAF_CHECK_EQUAL(trouble(""), "d.yaml: is empty");
  CAF_CHECK_EQUAL(trouble(" \n\t\n"), "d.yaml: is empty");
  CAF_CHECK_EQUAL(trouble("# only a comment\n"), "d.yaml: is empty");
  CAF_CHECK_EQUAL(trouble(" ", "d.json"), "d.json: is empty");
}

CAF_TEST(syntax errors name their place) {
  CAF_CHECK(trouble("a: 1\n]").starts_with("d.yaml:2:1: "));
  CAF_CHECK(trouble("a: [1,\nb: 2\n").starts_with("d.yaml:3:"));
  CAF_CHECK(trouble("a: b: c\n").starts_with("d.yaml:1:5: "));
  CAF_CHECK(trouble("tasks:\n\ta: 1\n")
              .ends_with("(indentation takes spaces, not tabs)"));
  CAF_CHECK_EQUAL(trouble("a: 1\nb: 2\x04\nc: 3\n"),
                  "d.yaml:2:5: a control character does not belong here");
  CAF_CHECK_EQUAL(trouble(std::string{"a: \0", 4}),
                  "d.yaml:1:4: a control character does not belong here");
  CAF_CHECK_EQUAL(trouble("a: \xFF"), "d.yaml: is not UTF-8 text");
  CAF_CHECK(trouble(R"(a: "x\_y")").starts_with("d.yaml:1:4: the escapes"));
  CAF_CHECK(trouble(R"("\N": 1)").starts_with("d.yaml:1:1: the escapes"));
  CAF_CHECK_EQUAL(value(R"(a: "\u00e9\xe9")"), "{\"a\":\"\xC3\xA9\xC3\xA9\"}");
}

CAF_TEST(half a text is not taken for a whole one) {
  const std::string message = ": this quoted text has no end";
  CAF_CHECK_EQUAL(trouble("a: 'x\n"), "d.yaml:1:4" + message);
  CAF_CHECK_EQUAL(trouble("a: \"x\\\"\n"), "d.yaml:1:4" + message);
  CAF_CHECK_EQUAL(trouble("a: 'x''\n"), "d.yaml:1:4" + message);
  CAF_CHECK_EQUAL(trouble("b: 1\na: &x !!str # c\n  'x\n"),
                  "d.yaml:2:4" + message);
  CAF_CHECK_EQUAL(value("a: 'x''y'\n"), R"({"a":"x'y"})");
  CAF_CHECK_EQUAL(value("a: &x !!str \"\\\"\""), R"({"a":"\""})");
  CAF_CHECK_EQUAL(value("a: it's"), R"({"a":"it's"})");
}

CAF_TEST(JSON is told by its name or its first character) {
  CAF_CHECK_EQUAL(value("[1, 2]", "d.json"), "[1,2]");
  CAF_CHECK_EQUAL(trouble("a: 1", "d.json").substr(0, 12), "d.json:1:1: ");
  CAF_CHECK_EQUAL(value("\xEF\xBB\xBF \n{\"a\": \"\\ud83d\\ude00\"}", "d"),
                  "{\"a\":\"\xF0\x9F\x98\x80\"}");
  CAF_CHECK_EQUAL(trouble("{\"a\": 1,\n \"a\": 2}", "d"),
                  "d:2:2: duplicate key \"a\"");
  CAF_CHECK_EQUAL(trouble("{\"a\": tru]}", "d").substr(0, 4), "d:1:");
  CAF_CHECK_EQUAL(value("{a: 1, b: [x]}"), R"({"a":1,"b":["x"]})");
  CAF_CHECK_EQUAL(trouble("{a: 1, a: 2}"),
                  "d.yaml:1:8: duplicate key \"a\", first in line 1");
}

CAF_TEST(places are known) {
  const std::string yaml
    = "name: x\r\n"
      "tasks:\r\n"
      "  \xC3\xA9: {handler: noop, input: {argv: [a, b]}}\r\n"
      "  a/b~c:\r\n"
      "    retry:\r\n"
      "      delay: 1\r\n";
  const auto check = [](const orcon::document& from, const std::string& pointer,
                        int line, int column) {
    const auto found = from.places.find(pointer);
    CAF_REQUIRE(found != from.places.end());
    CAF_CHECK_EQUAL(found->second.first, line);
    CAF_CHECK_EQUAL(found->second.second, column);
  };
  const auto from_yaml = load("\xEF\xBB\xBF" + yaml);
  CAF_REQUIRE(from_yaml.has_value());
  check(*from_yaml, "", 1, 1);
  check(*from_yaml, "/name", 1, 1);
  check(*from_yaml, "/tasks/\xC3\xA9", 3, 3);
  check(*from_yaml, "/tasks/\xC3\xA9/input", 3, 22);
  check(*from_yaml, "/tasks/\xC3\xA9/input/argv/1", 3, 40);
  check(*from_yaml, "/tasks/a~1b~0c/retry/delay", 6, 7);
  const auto from_json = load("{\n \"a\\u0062\": [10, {\"x\": []},\n"
                              "  \"\xC3\xA9\", true],\n \"c/d\": {} }");
  CAF_REQUIRE(from_json.has_value());
  CAF_CHECK_EQUAL(from_json->places.size(), 8u);
  check(*from_json, "", 1, 1);
  check(*from_json, "/ab", 2, 2);
  check(*from_json, "/ab/0", 2, 14);
  check(*from_json, "/ab/1", 2, 18);
  check(*from_json, "/ab/1/x", 2, 19);
  check(*from_json, "/ab/2", 3, 3);
  check(*from_json, "/ab/3", 3, 8);
  check(*from_json, "/c~1d", 4, 2);
  CAF_CHECK_EQUAL(orcon::place_name(*from_json, "f", "/ab/3"), "f:3:8");
  CAF_CHECK_EQUAL(orcon::place_name(*from_json, "f", "/ab/1/x/y/z"), "f:2:19");
  CAF_CHECK_EQUAL(orcon::place_name(*from_json, "f", "/none"), "f:1:1");
  CAF_CHECK_EQUAL(orcon::place_name({}, "f", "/none"), "f");
}

CAF_TEST(very long lists are not listed whole) {
  std::string text = "tasks: {a: {b: [0";
  for (int i = 1; i < 150'000; ++i)
    text += ", " + std::to_string(i % 10);
  text += "]}, z: 1}\n";
  for (const auto* name : {"d.yaml", "d"}) {
    const auto loaded = load("{\"tasks\"" + text.substr(5) + "}", name);
    CAF_REQUIRE(loaded.has_value());
    CAF_CHECK_LESS(loaded->places.size(), 110'000u);
    CAF_CHECK(loaded->places.contains("/tasks/z"));
  }
}

CAF_TEST(tasks keep the order of the file) {
  for (const auto* text :
       {"tasks:\n  z: {handler: h}\n  a: {handler: h}\n  m/: {handler: h}\n",
        R"({"tasks": {"z": {}, "a": {}, "m/": {}}})"}) {
    const auto loaded = load(text);
    CAF_REQUIRE(loaded.has_value());
    auto spec = conductor::read_definition(loaded->value, {}).spec;
    CAF_REQUIRE_EQUAL(spec.tasks.size(), 3u);
    CAF_CHECK_EQUAL(spec.tasks[0].name, "a");
    orcon::order_as_written(*loaded, spec);
    CAF_CHECK_EQUAL(spec.tasks[0].name, "z");
    CAF_CHECK_EQUAL(spec.tasks[1].name, "a");
    CAF_CHECK_EQUAL(spec.tasks[2].name, "m/");
  }
}

CAF_TEST(files that cannot be read) {
  const auto missing = load_definition_file((folder / "none").string());
  CAF_REQUIRE(!missing.has_value());
  CAF_CHECK(missing.error().code == errc::not_found);
  CAF_CHECK_EQUAL(without_folder(missing.error().message),
                  "none: No such file or directory");
  const auto directory = load_definition_file(folder.string());
  CAF_REQUIRE(!directory.has_value());
  CAF_CHECK(directory.error().code == errc::invalid);
  CAF_CHECK(directory.error().message.ends_with("is a directory, not a file"));
  const auto large = write("", "large.yaml");
  std::filesystem::resize_file(large, (64u << 20) + 1);
  const auto loaded = load_definition_file(large);
  CAF_REQUIRE(!loaded.has_value());
  CAF_CHECK(loaded.error().message.find("is larger than 64 MiB")
            != std::string::npos);
  if (::geteuid() != 0) {
    const auto secret = write("a: 1", "secret.yaml");
    std::filesystem::permissions(secret, std::filesystem::perms::none);
    const auto closed = load_definition_file(secret);
    CAF_CHECK(!closed && closed.error().code == errc::io);
  }
}

CAF_TEST(a dash is standard input) {
  const auto path = write("a: [1, 2]\nb: {");
  const auto before = ::dup(STDIN_FILENO);
  const auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  CAF_REQUIRE(before >= 0 && file >= 0);
  ::dup2(file, STDIN_FILENO);
  const auto loaded = load_definition_file("-");
  ::dup2(before, STDIN_FILENO);
  ::close(before);
  ::close(file);
  CAF_REQUIRE(!loaded.has_value());
  CAF_CHECK(loaded.error().message.starts_with("stdin:2:"));
}

CAF_TEST_FIXTURE_SCOPE_END()
