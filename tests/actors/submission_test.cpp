#define CAF_SUITE actors.submission

#include <filesystem>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include "actors/intake/line_reader.hpp"
#include "actors/intake/manual_retry.hpp"

#include <conductor/event_payload.hpp>
#include <conductor/lifecycle.hpp>
#include <conductor/store.hpp>
#include <conductor/submission.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;
namespace fs = std::filesystem;

namespace {

/// A store, a folder for lists, and the change sets that were committed.
struct intake {
  fs::path folder = fs::temp_directory_path()
                    / ("orcon-intake-" + std::to_string(::getpid()));
  std::unique_ptr<store> db = make_memory_store();
  std::vector<change_set> commits;
  std::set<list_key> lists; ///< that were written and not removed
  error failing;            ///< set: commits fail so

  intake() { fs::create_directories(folder); }
  ~intake() { fs::remove_all(folder); }

  commit_fn commit() {
    return [this](change_set changes) {
      commits.push_back(changes);
      if (failing)
        return commit_reply{.failed = failing};
      auto reply
        = db->commit(std::span{&changes, 1}, from_ms(1000)).replies.at(0);
      lists.insert(reply.lists.begin(), reply.lists.end());
      if (reply.refusals.empty())
        for (const auto& part : changes.parts)
          if (const auto* drop = std::get_if<drop_items>(&part))
            lists.erase(drop->list);
      return reply;
    };
  }
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = (folder / name).string();
    std::ofstream{path, std::ios::binary} << text;
    return path;
  }
  result<submitted_run> submit(const fanout_source& source,
                               definition_context context = {}) {
    run_spec spec{"lists"};
    spec.task("noop", "job");
    spec.tasks[0].fanout = source;
    return submit_run(spec, context, commit(), 1'000'000);
  }
  result<submitted_run> submit_lines(const std::string& text) {
    return submit({.kind = source_kind::lines, .path = write("list", text)});
  }
  /// The items of task 1's children.
  std::vector<std::string> items() {
    const auto reader = db->open_reader();
    return reader->texts(text_kind::item, reader->load_parent(1)->range());
  }
  /// Whether neither a list nor a run is left.
  bool nothing_left() {
    return lists.empty() && db->open_reader()->runs({}).empty();
  }
  std::size_t items_committed() const {
    std::size_t count = 0;
    for (const auto& changes : commits)
      for (const auto& part : changes.parts)
        if (const auto* page = std::get_if<append_items>(&part))
          count += page->items.size();
    return count;
  }
};

std::string message_of(const result<submitted_run>& run) {
  return run ? "accepted" : run.error().message;
}

} // namespace

CAF_TEST(an error names its task as a JSON pointer does) {
  intake in;
  task_spec task{.name = "a~b", .handler = "noop"};
  task.fanout.kind = source_kind::lines;
  task.fanout.path = "/nowhere/at/all";
  run_spec spec{"names"};
  spec.tasks.push_back(task);
  const auto missing = resolve(spec, {}, in.commit());
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == errc::not_found);
  CAF_CHECK(missing.error().message.starts_with("/tasks/a~0b/input/fanout: "));

  spec.tasks[0].fanout = {.kind = source_kind::count, .count = 5};
  const auto wide = resolve(spec, {.max_width = 4}, in.commit());
  CAF_REQUIRE(!wide);
  CAF_CHECK(wide.error().code == errc::invalid);
  CAF_CHECK(wide.error().message.starts_with("/tasks/"));
  CAF_CHECK(wide.error().message.find("/tasks/a~b/") == std::string::npos);
  CAF_CHECK(in.commits.empty());
}

CAF_TEST(lines are read once and their file may go away) {
  intake in;
  const auto run = in.submit_lines("a\n\n\"q\"\nlast");
  CAF_REQUIRE(run);
  fs::remove(in.folder / "list");
  const std::vector<std::string> expected{"\"a\"", "\"\"", R"("\"q\"")",
                                          "\"last\""};
  CAF_CHECK(in.items() == expected);
  const auto parent = in.db->open_reader()->load_parent(1);
  CAF_CHECK_EQUAL(parent->total, 4);
  CAF_CHECK_EQUAL(parent->expanded, 4);
}

CAF_TEST(names that match a pattern are sorted) {
  intake in;
  for (const auto* name : {"b.png", "a.png", "c.txt"})
    in.write(name, "");
  CAF_REQUIRE(in.submit(
    {.kind = source_kind::glob, .path = in.folder.string() + "/*.png"}));
  const auto items = in.items();
  CAF_REQUIRE_EQUAL(items.size(), 2u);
  CAF_CHECK_EQUAL(items[0], "\"" + in.folder.string() + "/a.png\"");
  CAF_CHECK_EQUAL(items[1], "\"" + in.folder.string() + "/b.png\"");
}

CAF_TEST(a pattern without matches succeeds without children) {
  for (const auto expand : {std::int64_t{1000}, std::int64_t{-1}}) {
    intake in;
    run_spec spec{"none"};
    spec.task("noop", "job");
    spec.tasks[0].fanout
      = {.kind = source_kind::glob, .path = in.folder.string() + "/*.none"};
    CAF_REQUIRE(submit_run(spec, {}, in.commit(), expand));
    const auto parent = in.db->open_reader()->load_parent(1);
    CAF_CHECK_EQUAL(parent->total, 0);
    CAF_CHECK(parent->state
              == (expand < 0 ? task_state::pending : task_state::succeeded));
  }
}

CAF_TEST(items of a definition become a list) {
  intake in;
  CAF_REQUIRE(in.submit(
    {.kind = source_kind::items, .count = 2, .items = {"1", R"({"a":"b"})"}}));
  CAF_CHECK(in.items() == (std::vector<std::string>{"1", R"({"a":"b"})"}));
  const auto origin = in.db->open_reader()->load_template(1);
  CAF_CHECK(origin->spec.fanout.items.empty());
  CAF_CHECK(origin->spec.fanout.kind == source_kind::items);
}

CAF_TEST(a list that was written before is used as it is) {
  intake in;
  item_writer writer{in.commit()};
  CAF_CHECK(!writer.add_text("x y"));
  CAF_CHECK(!writer.add("7"));
  const auto list = writer.finish();
  CAF_REQUIRE(list);
  const auto run = in.submit(
    {.kind = source_kind::list, .count = list->count, .list = list->key});
  CAF_REQUIRE(run);
  writer.keep();
  CAF_CHECK(in.items() == (std::vector<std::string>{"\"x y\"", "7"}));
}

CAF_TEST(an item with NUL is refused with its place) {
  intake in;
  item_writer writer{in.commit()};
  CAF_CHECK_EQUAL(writer.add(R"({"a":"b\u0000"})").message,
                  "contains NUL (U+0000) at byte 8");
  CAF_CHECK_EQUAL(writer.add(R"("\\\u0000")").message,
                  "contains NUL (U+0000) at byte 4");
  CAF_CHECK(!writer.add(R"("\\u0000")")); // a backslash, "u0000"
}

CAF_TEST(what cannot be a list refuses the submission and leaves nothing) {
  using namespace std::string_literals;
  // Long enough that pages are in the database before the error.
  std::string good;
  for (int i = 0; i < 20'000; ++i)
    good += std::to_string(i) + "\n";
  const struct {
    std::string text, expected;
  } cases[]{
    {good + "a\0b\n"s, ":20001: the line contains a NUL byte"},
    {good + "\xff\n", ":20001: the line is not valid UTF-8"},
    {good + std::string(max_line_bytes + 1, 'x'),
     ":20001: the line is longer than 1048576 bytes"},
  };
  for (const auto& c : cases) {
    intake in;
    const auto run = in.submit_lines(c.text);
    CAF_REQUIRE(!run);
    CAF_CHECK(run.error().code == errc::invalid);
    CAF_CHECK_EQUAL(run.error().message,
                    "/tasks/job/input/fanout: " + in.folder.string() + "/list"
                      + c.expected);
    CAF_CHECK(in.items_committed() > 0);
    CAF_CHECK(in.nothing_left());
  }
  intake in;
  CAF_CHECK_NOT_EQUAL(message_of(in.submit({.kind = source_kind::lines,
                                            .path = in.folder.string()}))
                        .find("is not a regular file"),
                      std::string::npos);
  const auto wide = in.submit(
    {.kind = source_kind::lines, .path = in.write("list", "a\nb\nc\n")},
    {.max_width = 2});
  CAF_REQUIRE(!wide);
  CAF_CHECK(wide.error().message.ends_with(
    ":3: the line exceeds the limit of 2 items"));
  CAF_CHECK(in.nothing_left());
}

CAF_TEST(a list of another task goes when a later one is refused) {
  intake in;
  run_spec spec{"two"};
  spec.task("noop", "one").fanout(std::vector<std::string>{"1", "2"});
  spec.task("noop", "two");
  spec.tasks[1].fanout = {.kind = source_kind::lines, .path = "/nowhere"};
  CAF_CHECK(!submit_run(spec, {}, in.commit(), 1000));
  CAF_CHECK(in.items_committed() > 0);
  CAF_CHECK(in.nothing_left());
}

CAF_TEST(a run that is known already leaves no second list) {
  intake in;
  run_spec spec{"once"};
  spec.idempotency_key = "once";
  spec.task("noop", "job").fanout(std::vector<std::string>{"1", "2"});
  const auto first = submit_run(spec, {}, in.commit(), 1000);
  const auto second = submit_run(spec, {}, in.commit(), 1000);
  CAF_REQUIRE(first && second);
  CAF_CHECK(!first->existed && second->existed);
  CAF_CHECK_EQUAL(first->key, second->key);
  const auto& last = in.commits.back().parts;
  CAF_REQUIRE_EQUAL(last.size(), 1u);
  CAF_CHECK(std::holds_alternative<drop_items>(last[0]));
  CAF_CHECK(in.items() == (std::vector<std::string>{"1", "2"}));
}

CAF_TEST(a commit that fails ends the list) {
  intake in;
  in.failing = {errc::full, "no room"};
  item_writer writer{in.commit()};
  error why;
  for (int i = 0; i < 20'000 && !why; ++i)
    why = writer.add("1");
  CAF_CHECK(why.code == errc::full);
  in.failing = {};
  CAF_CHECK(writer.add("1").code == errc::full);
  CAF_CHECK(!writer.finish());
  CAF_CHECK_EQUAL(in.commits.size(), 1u);
  CAF_CHECK(in.submit_lines("a\n"));
  CAF_CHECK(writer.add("{").code != errc::none);
}

CAF_TEST(pages are bounded by items and by bytes) {
  intake in;
  {
    item_writer writer{in.commit()};
    for (int i = 0; i < 20'000; ++i)
      writer.add("1");
    CAF_REQUIRE(writer.finish());
    CAF_REQUIRE_EQUAL(in.commits.size(), 3u);
    for (const auto& changes : in.commits)
      CAF_CHECK(std::get<append_items>(changes.parts.at(0)).items.size()
                <= 8192);
    in.commits.clear();
    const std::string large(400'000, 'x');
    item_writer other{in.commit()};
    for (int i = 0; i < 7; ++i)
      CAF_CHECK(!other.add_text(large));
    CAF_CHECK_EQUAL(in.commits.size(), 2u);
    in.commits.clear();
  }
  // Both are removed with their writers.
  CAF_REQUIRE_EQUAL(in.commits.size(), 2u);
  CAF_CHECK(in.nothing_left());
}

CAF_TEST(a descriptor is read line by line) {
  intake in;
  const auto path = in.write("list", "a\n\nlast");
  const auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  {
    auto reader = line_reader::of_descriptor(fd, "standard input");
    std::vector<std::string> lines;
    for (std::string_view line; reader.next(line);)
      lines.emplace_back(line);
    CAF_CHECK(!reader.failed());
    CAF_CHECK(lines == (std::vector<std::string>{"a", "", "last"}));
  }
  CAF_CHECK_EQUAL(::close(fd), 0); // it was left open
}

// -- retry by hand
// -------------------------------------------------------------

namespace {

/// A run with one parent of twelve children that settles as a test says.
struct settled_run : intake {
  std::unique_ptr<store_reader> reader = db->open_reader();

  explicit settled_run(std::int64_t expanded = 12) {
    task_submission parent{.total = 12};
    parent.spec = {.name = "job", .handler = "noop"};
    parent.spec.fanout = {.kind = source_kind::count, .count = 12};
    parent.spec.on_failure = on_failure::fail_fast;
    change_set changes;
    changes.add(submission{.name = "r", .tasks = {parent}});
    changes.add(start_of_run(new_run));
    changes.add(
      expand_parent{.run = new_run, .parent = new_task(0), .count = expanded});
    changes.add(claim_tasks{{{"noop", 12}}, 12});
    apply(std::move(changes));
  }
  commit_reply apply(change_set changes) {
    return commit()(std::move(changes));
  }
  void move(task_key parent, task_range tasks, task_state from,
            std::int32_t attempt, task_state to) {
    change_set changes;
    changes.add(move_tasks{.run = 1,
                           .parent = parent,
                           .tasks = tasks,
                           .from = from,
                           .attempt = attempt,
                           .to = to,
                           .error = to == task_state::failed
                                      ? R"({"type":"exit","message":"m"})"
                                      : ""});
    CAF_REQUIRE(apply(std::move(changes)).refusals.empty());
  }
  void settle_children(task_range tasks, task_state to) {
    using enum task_state;
    move(1, tasks, running, 1, to);
  }
  void end(task_state parent, run_state run) {
    move(0, {1, 1}, task_state::pending, 0, parent);
    change_set changes;
    changes.add(move_run{1, run_state::running, run, {}});
    CAF_REQUIRE(apply(std::move(changes)).refusals.empty());
  }
  result<manual_retry> plan(const task_filter& which = {}) {
    return plan_manual_retry(*reader, 1, which);
  }
};

} // namespace

CAF_TEST(all that failed or was cancelled is reopened in groups) {
  using enum task_state;
  settled_run r;
  r.settle_children({2, 3}, succeeded);
  r.settle_children({5, 4}, failed);
  r.settle_children({9, 5}, cancelled);
  CAF_CHECK(r.plan().error().code == errc::conflict); // it has not ended
  r.end(failed, run_state::failed);
  const auto plan = r.plan();
  CAF_REQUIRE(plan);
  CAF_CHECK_EQUAL(plan->leaves, 9);
  // Two groups, the parent, the run.
  CAF_CHECK_EQUAL(plan->changes.parts.size(), 4u);
  const auto reply = r.apply(plan->changes);
  CAF_CHECK(reply.refusals.empty());
  CAF_CHECK_EQUAL(plan->reopened(reply), 9);
  CAF_CHECK_EQUAL(reply.tasks_changed, 10);
  CAF_CHECK_EQUAL(r.reader->load_parent(1)->children.pending, 9);
  CAF_CHECK(r.reader->load_run(1)->state == run_state::running);
  // Nothing of it can be reopened twice.
  CAF_CHECK_EQUAL(plan->reopened(r.apply(plan->changes)), 0);
}

CAF_TEST(names and errors choose among the leaves) {
  using enum task_state;
  settled_run r;
  r.settle_children({2, 12}, failed);
  r.end(failed, run_state::failed);
  const auto leaves = [&](task_filter which) {
    const auto plan = r.plan(which);
    return plan ? plan->leaves : -1;
  };
  CAF_CHECK_EQUAL(leaves({.error = "exit"}), 12);
  CAF_CHECK_EQUAL(leaves({.error = "timeout"}), -1);
  CAF_CHECK_EQUAL(leaves({.parent = 1}), 12);
  CAF_CHECK_EQUAL(leaves({.top_level = true}), -1);
  CAF_CHECK_EQUAL(leaves({.states = {cancelled}}), -1);
  CAF_CHECK_EQUAL(leaves({.states = {succeeded, pending}}), -1);
  // One child alone: the others would stop it again.
  const auto one = r.plan({.name = "job#3"});
  CAF_REQUIRE(!one);
  CAF_CHECK(one.error().code == errc::conflict);
  CAF_CHECK_NOT_EQUAL(one.error().message.find("11 of its other children"),
                      std::string::npos);
}

CAF_TEST(cancelled children alone cannot continue beside failed ones) {
  using enum task_state;
  settled_run r;
  r.settle_children({2, 1}, failed);
  r.settle_children({3, 11}, cancelled);
  r.end(failed, run_state::failed);
  const auto before = r.commits.size();
  const auto plan = r.plan({.states = {cancelled}});
  CAF_REQUIRE(!plan);
  CAF_CHECK(plan.error().code == errc::conflict);
  CAF_CHECK_NOT_EQUAL(plan.error().message.find("job fails fast, and 1 of"),
                      std::string::npos);
  CAF_CHECK_EQUAL(r.commits.size(), before);
  const auto all = r.plan();
  CAF_REQUIRE(all);
  CAF_CHECK_EQUAL(all->leaves, 12);
}

CAF_TEST(a fan out that fail fast cut short stays refused) {
  using enum task_state;
  settled_run r{5};
  r.settle_children({2, 5}, failed);
  change_set changes;
  changes.add(expand_parent{.run = 1,
                            .parent = 1,
                            .first = 6,
                            .count = 0,
                            .expansion_error = R"({"type":"x"})"});
  r.apply(std::move(changes));
  r.end(failed, run_state::failed);
  const auto plan = r.plan();
  CAF_REQUIRE(!plan);
  CAF_CHECK(plan.error().code == errc::conflict);
  CAF_CHECK_NOT_EQUAL(plan.error().message.find("submit the run again"),
                      std::string::npos);
}

CAF_TEST(a fan out that a cancel cut short continues where it stopped) {
  using enum task_state;
  settled_run r{5};
  r.settle_children({2, 5}, cancelled);
  r.end(cancelled, run_state::cancelled);
  const auto plan = r.plan();
  CAF_REQUIRE(plan);
  CAF_CHECK(r.apply(plan->changes).refusals.empty());
  change_set page;
  page.add(expand_parent{.run = 1, .parent = 1, .first = 6, .count = 7});
  CAF_CHECK(r.apply(std::move(page)).refusals.empty());
  CAF_CHECK_EQUAL(r.reader->load_parent(1)->children.pending, 12);
}
