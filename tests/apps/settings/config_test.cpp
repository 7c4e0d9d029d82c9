#define CAF_SUITE apps.config

#include "apps/orcon/common_options.hpp"
#include "tests/support/program.hpp"

// Flag before environment before configuration file before default.
using namespace orcon::test;

namespace {

bool has(const program_result& r, const std::string& text) {
  return r.says(text);
}

/// The output format shows by what `orcon version` prints.
constexpr auto as_json = "{\n  \"version\"";
constexpr auto as_jsonl = "{\"version\"";
constexpr auto as_table = "orcon 0";

} // namespace

CAF_TEST(each layer gives way to the one above) {
  const bench b;
  b.write("c.yaml", "# mine\noutput: json\n");
  CAF_CHECK(b.run("orcon version").out.starts_with(as_table));
  CAF_CHECK(b.run("orcon version --config c.yaml").out.starts_with(as_json));
  CAF_CHECK(
    b.run("ORCON_CONFIG=c.yaml orcon version").out.starts_with(as_json));
  CAF_CHECK(b.run("ORCON_OUTPUT=jsonl orcon version --config c.yaml")
              .out.starts_with(as_jsonl));
  CAF_CHECK(b.run("ORCON_OUTPUT=jsonl orcon version --config c.yaml -o table")
              .out.starts_with(as_table));
  b.write("d.yaml", "output: jsonl\n");
  CAF_CHECK(b.run("ORCON_CONFIG=c.yaml orcon version --config d.yaml")
              .out.starts_with(as_jsonl));
}

CAF_TEST(the file is found where others keep theirs) {
  const bench b;
  fs::create_directories(b.folder / "xdg/orcon");
  fs::create_directories(b.folder / "home/.config/orcon");
  b.write("xdg/orcon/config.json", R"({"output": "json"})");
  b.write("home/.config/orcon/config.yaml", "output: jsonl");
  CAF_CHECK(b.run("XDG_CONFIG_HOME=$PWD/xdg HOME=$PWD/home orcon version")
              .out.starts_with(as_json));
  CAF_CHECK(b.run("unset XDG_CONFIG_HOME; HOME=$PWD/home orcon version")
              .out.starts_with(as_jsonl));
  CAF_CHECK(b.run("XDG_CONFIG_HOME=xdg HOME=$PWD/home orcon version")
              .out.starts_with(as_jsonl));
  // The way to do without.
  CAF_CHECK(b.run("HOME=$PWD/home orcon version --config /dev/null")
              .out.starts_with(as_table));
  CAF_CHECK(b.run("unset HOME XDG_CONFIG_HOME; orcon version")
              .out.starts_with(as_table));
}

CAF_TEST(what is wrong is said with its place) {
  const bench b;
  const auto refused = [&](const std::string& text, const std::string& what) {
    b.write("c.yaml", text);
    const auto r = b.run("orcon version --config c.yaml");
    CAF_MESSAGE(r.out);
    CAF_CHECK_EQUAL(r.code, 2);
    CAF_CHECK(has(r, what));
  };
  refused("output: json\ncolour: always\n",
          "c.yaml:2:1: /colour: unknown key; did you mean \"color\"?");
  refused("zzz: 1", "c.yaml:1:1: /zzz: unknown key; there are db, output");
  refused("output: xml", "c.yaml:1:1: /output: ");
  refused("color: red", "\"red\" is not auto, always or never");
  refused("workers: many", "/workers: must be a whole number");
  refused("workers: -1", "/workers: ");
  refused("quiet: 1", "/quiet: must be true or false");
  refused("db: [a]", "/db: must be text");
  refused("db: ''", "/db: must not be empty");
  refused("- db", "must be a map of settings");
  refused("output: json\noutput: json\n", "c.yaml:2:1");
  refused("a: 1\nb: 2\n", "c.yaml:2:1: /b");
  CAF_CHECK_EQUAL(b.run("orcon version --config gone.yaml").code, 5);
  b.write("c.yaml", "# nothing but a comment\n");
  CAF_CHECK_EQUAL(b.run("orcon version --config c.yaml").code, 0);
  b.write("c.yaml", "");
  CAF_CHECK_EQUAL(b.run("orcon version --config c.yaml").code, 0);
  // Scripts for shells come whatever the file says.
  b.write("c.yaml", "oops");
  CAF_CHECK_EQUAL(b.run("ORCON_CONFIG=c.yaml orcon completion bash").code, 0);
}

CAF_TEST(a database in a configuration file is relative to that file) {
  const bench b;
  fs::create_directories(b.folder / "conf");
  b.write("conf/c.yaml", "db: work.db\nquiet: true\nworkers: 2\n");
  const auto r
    = b.run("env -u ORCON_DB orcon map --config conf/c.yaml -- echo ::: a");
  CAF_CHECK_EQUAL(r.out, "a\n");
  CAF_CHECK(fs::exists(b.folder / "conf/work.db"));
  CAF_CHECK(!fs::exists(b.folder / "orcon.db"));
  b.run("orcon map --config conf/c.yaml --db flag.db -- echo ::: a");
  CAF_CHECK(fs::exists(b.folder / "flag.db"));
  b.run("ORCON_DB=env.db orcon map --config conf/c.yaml -- echo ::: a");
  CAF_CHECK(fs::exists(b.folder / "env.db"));
  // A benchmark fills the database only of who names it on purpose.
  b.run("orcon bench fanout --tasks 10 --config conf/c.yaml");
  CAF_CHECK_EQUAL(b.run("sqlite3 conf/work.db 'select count(*) from runs'").out,
                  "1\n");
}

CAF_TEST(paths in a configuration file) {
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  CAF_CHECK_EQUAL(orcon::path_in_config("/a/b.db", "/etc/c.yaml"), "/a/b.db");
  CAF_CHECK_EQUAL(orcon::path_in_config("b.db", "/etc/c.yaml"), "/etc/b.db");
  CAF_CHECK_EQUAL(orcon::path_in_config("b.db", "c.yaml"), "b.db");
  if (!home.empty())
    CAF_CHECK_EQUAL(orcon::path_in_config("~/b.db", "c.yaml"), home + "/b.db");
}

CAF_TEST(verbose says where the settings are from and quiet wins) {
  const bench b;
  b.write("c.yaml", "output: json\n");
  CAF_CHECK(has(b.run("orcon version -v --config c.yaml"),
                "orcon: settings from c.yaml"));
  CAF_CHECK(!has(b.run("orcon version --config c.yaml"), "settings from"));
  CAF_CHECK(
    !has(b.run("orcon version -v -q --config c.yaml"), "settings from"));
}
