#define CAF_SUITE store.sqlite_reader

#include <chrono>
#include <filesystem>
#include <functional>

#include <conductor/event_payload.hpp>

#include "tests/store/sqlite/sqlite_file.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::folder;
using test::open;

namespace {

const auto now = from_ms(1'700'000'000'000);

task_submission task(const std::string& name, std::int64_t total) {
  task_submission t{.total = total};
  t.spec.name = name;
  t.spec.handler = "h";
  if (total >= 0)
    t.spec.fanout = {.kind = source_kind::count, .count = total};
  return t;
}

commit_reply commit(store& db, const change_set& changes) {
  return db.commit(std::span{&changes, 1}, now).replies.front();
}

/// A run with the parents "a" (children 4 … 6, items in a list) and "c"
/// (children 7 … 2006), and the leaf "b". Child 4 waits for a retry, 5 FAILED,
/// 6 SUCCEEDED.
void fill(store& db) {
  change_set items;
  items.add(append_items{.items = {"\"x\"", "[1,2]", "3"}});
  submission run{.name = "r", .meta = R"({"team":"x"})"};
  run.tasks = {task("a", 3), task("b", -1), task("c", 2000)};
  run.tasks[0].items = commit(db, items).lists.at(0);
  change_set submit;
  submit.add(run);
  submit.add(append_event{new_run, 0, run_created("r", 3)});
  submit.add(append_event{new_run, new_task(0), task_created("a", 3)});
  commit(db, submit);
  change_set expand;
  expand.add(expand_parent{.run = 1, .parent = 1, .first = 1, .count = 3});
  expand.add(expand_parent{.run = 1, .parent = 3, .first = 1, .count = 2000});
  commit(db, expand);
  const move_tasks end{.run = 1,
                       .parent = 1,
                       .from = task_state::running,
                       .attempt = 1,
                       .error = R"({"type":"exit"})"};
  change_set claim;
  claim.add(claim_tasks{{{"h", 4}}, 4});
  commit(db, claim);
  change_set ends;
  for (const auto& [key, to] :
       {std::pair{4, task_state::retrying}, std::pair{5, task_state::failed},
        std::pair{6, task_state::succeeded}}) {
    auto& m = ends.add(end);
    m.tasks = {key, 1};
    m.to = to;
    m.retried = to == task_state::retrying;
    if (to == task_state::succeeded)
      m.outputs = {"\"done\""};
  }
  commit(db, ends);
}

std::string example(folder& dir) {
  const auto path = dir.next();
  fill(*open(path));
  return path;
}

std::unique_ptr<store_reader> read(const std::string& path) {
  auto reader = open_sqlite_reader(path);
  if (!reader)
    throw std::runtime_error{reader.error().message};
  return std::move(*reader);
}

std::vector<std::string> names(const std::vector<task_record>& tasks) {
  std::vector<std::string> out;
  for (const auto& t : tasks)
    out.push_back(t.name);
  return out;
}

using question = std::function<void(store_reader&)>;

/// What a question to a damaged copy of the example ends in.
error answer_after(const std::string& original, const std::string& damage,
                   const question& ask) {
  const auto path = original + ".copy";
  for (const auto* file : {"", "-wal", "-shm"})
    std::filesystem::remove(path + file);
  std::filesystem::copy_file(original, path);
  const auto sql = "PRAGMA ignore_check_constraints=ON;" + damage;
  CAF_REQUIRE_EQUAL(test::execute(path, sql.c_str()), SQLITE_OK);
  try {
    const auto reader = read(path);
    ask(*reader);
    return {};
  } catch (const store_error& e) {
    return e.why();
  }
}

const question all_tasks = [](store_reader& r) { r.tasks({}); };
const question named
  = [](store_reader& r) { r.tasks({.filter = {.run = 1, .name = "*#*9"}}); };
const question parents = [](store_reader& r) { r.parents({}); };
const question handlers = [](store_reader& r) { r.count_by_handler(0); };
const question retries = [](store_reader& r) { r.measure_retries(1); };
const question errors = [](store_reader& r) { r.count_errors(1, 9); };
const question events = [](store_reader& r) { r.list_events({}, 0, 9999); };
const question outputs = [](store_reader& r) {
  r.texts(text_kind::output, r.load_parent(1)->range());
};
const question items = [](store_reader& r) {
  r.texts(text_kind::item, {4, 3});
};
const question unsettled = [](store_reader& r) {
  r.groups({.of = group_query::kind::unsettled, .parent = 1});
};

struct damage {
  const char* sql;
  question ask;
};

const std::vector<damage>& damages() {
  static const std::vector<damage> all{
    {"UPDATE segments SET count = 1 << 40 WHERE first = 7", all_tasks},
    {"UPDATE segments SET count = 0 WHERE first = 4", all_tasks},
    {"UPDATE segments SET count = -5 WHERE first = 2", handlers},
    {"UPDATE segments SET count = 2 WHERE first = 4", all_tasks},
    {"UPDATE segments SET count = 1025 WHERE first = 4", unsettled},
    {"UPDATE segments SET count = 0 WHERE first = 4", retries},
    {"UPDATE segments SET count = 1 << 60 WHERE first = 5", errors},
    {"UPDATE segments SET state = 9 WHERE first = 2", all_tasks},
    {"UPDATE segments SET state = 0 WHERE first = 2", handlers},
    {"UPDATE segments SET attempt = -1 WHERE first = 2", all_tasks},
    {"UPDATE segments SET attempt = 1 << 40 WHERE first = 2", all_tasks},
    {"UPDATE segments SET block = 99999 WHERE first = 5", all_tasks},
    {"UPDATE segments SET error = 77 WHERE first = 5", all_tasks},
    {"DELETE FROM errors", errors},
    {"DELETE FROM errors",
     [](store_reader& r) {
       r.texts(text_kind::error, {5, 1});
     }},
    {"UPDATE blocks SET count = 1 << 60 WHERE parent = 1", named},
    {"UPDATE blocks SET count = 9 WHERE parent = 1", named},
    {"UPDATE blocks SET count = -1 WHERE parent = 3", named},
    {"DELETE FROM blocks WHERE parent = 1", events},
    {"DELETE FROM blocks", unsettled},
    {"DELETE FROM templates WHERE task = 2", all_tasks},
    {"DELETE FROM templates WHERE task = 3", all_tasks},
    {"DELETE FROM templates", [](store_reader& r) { r.load_template(4); }},
    {"PRAGMA foreign_keys=OFF; DELETE FROM definitions", handlers},
    {"PRAGMA foreign_keys=OFF; DELETE FROM handlers", handlers},
    {"UPDATE definitions SET spec = '{'",
     [](store_reader& r) { r.load_template(2); }},
    {"UPDATE definitions SET child_input = '{\"a\":'", all_tasks},
    {"UPDATE parents SET total = 1 << 60, expanded = 1 << 60 WHERE task = 1",
     parents},
    {"UPDATE parents SET total = 1 << 39, expanded = 1 << 39 WHERE task = 1",
     outputs},
    {"UPDATE parents SET expanded = -1 WHERE task = 1", parents},
    {"UPDATE parents SET failed = -1 WHERE task = 1", parents},
    {"UPDATE parents SET succeeded = 2001 WHERE task = 3", handlers},
    {"UPDATE parents SET state = 5 WHERE task = 1", parents},
    {"UPDATE parents SET items = -1 WHERE task = 1", items},
    {"UPDATE parents SET items = 5 WHERE task = 1", items},
    {"UPDATE parents SET items = 1 << 62 WHERE task = 1", all_tasks},
    {"UPDATE parents SET item_step = 1 << 62 WHERE task = 3", all_tasks},
    {"DELETE FROM parents WHERE task = 1", all_tasks},
    {"UPDATE item_blocks SET texts = '[\"x\",'", items},
    {"UPDATE item_blocks SET texts = '[\"x\"]'", items},
    {"UPDATE item_blocks SET texts = '{}'", all_tasks},
    {"UPDATE item_blocks SET texts = '[' || replace(hex(zeroblob(500000)), '0',"
     " '[') || replace(hex(zeroblob(500000)), '0', ']') || ',2,3]'",
     items},
    {"UPDATE event_spans SET count = 1 << 40 WHERE seq = 1", events},
    {"UPDATE event_spans SET count = 0, seq = 900000 WHERE seq = 1",
     [](store_reader& r) { r.list_event_spans(1, 0, 9999); }},
    {"UPDATE event_spans SET count = -1",
     [](store_reader& r) { r.count_events(event_kind::task_created, 1, {}); }},
    {"UPDATE run_rows SET state = 5", [](store_reader& r) { r.count_runs(); }},
    {"UPDATE run_rows SET tasks = 1 << 60",
     [](store_reader& r) { r.find_task(1, "a"); }},
    {"UPDATE run_rows SET failed = 4", [](store_reader& r) { r.runs({}); }},
    {"UPDATE run_rows SET meta = '{'",
     [](store_reader& r) { r.runs({.label = "team", .label_value = "x"}); }},
    {"DELETE FROM run_rows", all_tasks},
    {"DELETE FROM engine", [](store_reader& r) { r.load_engine(); }},
  };
  return all;
}

/// Makes child 2 of "c", task 8, a parent of three: names with two indices.
constexpr auto nested = R"(
  UPDATE segments SET first = 9, count = count - 2 WHERE first = 7;
  INSERT INTO segments
    SELECT 7, 1, block, handler, state, attempt, retries, lost, engine, error,
      due, created, started, updated, priority FROM segments WHERE first = 9;
  INSERT INTO segments
    SELECT 8, 1, block, 0, 2, 0, 0, 0, 0, 0, NULL, created, 0, updated, 0
    FROM segments WHERE first = 9;
  INSERT INTO blocks VALUES (5001, 3, 1, 8, 3, 'c#2#');
  INSERT INTO segments
    SELECT 5001, 3, 5001, handler, state, attempt, retries, lost, engine, error,
      due, created, started, updated, priority FROM segments WHERE first = 9;
  INSERT INTO parents
    SELECT 8, run, 2, 5001, 3, 3, 0, 0, 0, 0, 0, 0, 0, 1, 1, '', 1, 0, 0
    FROM parents WHERE task = 3;
)";

} // namespace

CAF_TEST(damaged rows are reported with their place) {
  folder dir;
  const auto original = example(dir);
  for (const auto& [sql, ask] : damages()) {
    const auto start = std::chrono::steady_clock::now();
    const auto answer = answer_after(original, sql, ask);
    const auto took = std::chrono::steady_clock::now() - start;
    CAF_MESSAGE(sql << ": " << answer.message);
    CAF_CHECK_EQUAL(answer.code, errc::corrupt);
    CAF_CHECK(answer.message.find("restore a backup") != std::string::npos);
    CAF_CHECK(took < std::chrono::seconds{10});
  }
}

CAF_TEST(the example is readable as long as it is not damaged) {
  folder dir;
  const auto original = example(dir);
  for (const auto& [sql, ask] : damages())
    CAF_CHECK_EQUAL(answer_after(original, "", ask).message, "");
}

CAF_TEST(a snapshot sees one commit while others follow) {
  folder dir;
  const auto path = dir.next();
  const auto db = open(path);
  fill(*db);
  const auto reader = db->open_reader();
  const auto events_before = reader->last_event();
  change_set claim;
  claim.add(claim_tasks{{{"h", 5}}, 5});
  {
    const auto moment = reader->snapshot();
    CAF_CHECK_EQUAL(reader->last_event(), events_before);
    commit(*db, claim);
    {
      const auto inner = reader->snapshot();
      commit(*db, claim);
    }
    CAF_CHECK_EQUAL(reader->last_event(), events_before);
    CAF_CHECK_EQUAL(reader->count_leaves(1).running, 1);
    CAF_CHECK_EQUAL(
      reader->tasks({.filter = {.states = {task_state::running}}}).size(), 1u);
  }
  CAF_CHECK_EQUAL(reader->count_leaves(1).running, 11);
  CAF_CHECK(reader->last_event() > events_before);
}

CAF_TEST(a snapshot that only lives sees the commit that it began with) {
  folder dir;
  const auto db = open(dir.next());
  const auto reader = db->open_reader();
  const auto moment = reader->snapshot();
  fill(*db);
  CAF_CHECK_EQUAL(reader->last_event(), 0);
}

CAF_TEST(nested children have names with two indices) {
  folder dir;
  const auto path = example(dir);
  CAF_REQUIRE_EQUAL(test::execute(path, nested), SQLITE_OK);
  const auto reader = read(path);
  const auto find
    = [&](const char* name) { return reader->find_task(1, name).value_or(0); };
  CAF_CHECK_EQUAL(find("c#2"), 8);
  CAF_CHECK_EQUAL(find("c#2#3"), 5003);
  CAF_CHECK_EQUAL(find("c#2#4"), 0);
  CAF_CHECK_EQUAL(find("c#2#"), 0);
  CAF_CHECK_EQUAL(find("c#02#3"), 0);
  CAF_CHECK_EQUAL(find("c#1#1"), 0);
  CAF_CHECK_EQUAL(reader->load_task(5003)->name, "c#2#3");
  CAF_CHECK_EQUAL(reader->load_task(5003)->parent, 8);
  CAF_CHECK_EQUAL(names(reader->tasks({.filter = {.name = "*#2#*"}})),
                  (std::vector<std::string>{"c#2#1", "c#2#2", "c#2#3"}));
}

CAF_TEST(a page may begin and end inside a segment) {
  folder dir;
  const auto reader = read(example(dir));
  const auto page = reader->tasks(
    {.filter = {.parent = 3, .texts = false}, .after = 500, .limit = 1500});
  CAF_REQUIRE_EQUAL(page.size(), 1500u);
  CAF_CHECK_EQUAL(page.front().key, 501);
  CAF_CHECK_EQUAL(page.front().name, "c#495");
  CAF_CHECK_EQUAL(page.back().key, 2000);
  CAF_CHECK_EQUAL(names(reader->tasks({.keys = {1030, 2}})),
                  (std::vector<std::string>{"c#1024", "c#1025"}));
}

CAF_TEST(patterns select children without their names being made) {
  folder dir;
  const auto reader = read(example(dir));
  const auto find = [&](const char* pattern) {
    return names(
      reader->tasks({.filter = {.run = 1, .name = pattern, .texts = false}}));
  };
  using list = std::vector<std::string>;
  CAF_CHECK_EQUAL(find("c#199*").size(), 11u);
  CAF_CHECK_EQUAL(find("*#2000"), list{"c#2000"});
  CAF_CHECK_EQUAL(find("c#2000*"), list{"c#2000"});
  CAF_CHECK_EQUAL(find("c#0*"), list{});
  CAF_CHECK_EQUAL(find("c#2001"), list{});
  CAF_CHECK_EQUAL(find("?#1"), (list{"a#1", "c#1"}));
  CAF_CHECK_EQUAL(find("*777"), (list{"c#777", "c#1777"}));
}
