#define CAF_SUITE actors.persistence

#include <optional>
#include <set>

#include <conductor/event_payload.hpp>

#include "actors/engine/parts.hpp"

// CAF's test macros need this name.
#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>

using namespace conductor;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// A store that fails as a test says, in front of the reference model. It
/// remembers what it was given.
class moody_store final : public store {
public:
  batch_result commit(std::span<const change_set> batch,
                      timestamp now) override {
    batches.emplace_back(batch.begin(), batch.end());
    if (failure)
      throw store_error{*failure};
    return inner->commit(batch, now);
  }
  std::int64_t epoch() const override { return inner->epoch(); }
  void maintain() override {}
  std::unique_ptr<store_reader> open_reader() override {
    return inner->open_reader();
  }

  std::unique_ptr<store> inner = make_memory_store();
  std::vector<std::vector<change_set>> batches;
  std::optional<store_error> failure;
};

const store_error in_doubt{{errc::io, "no answer from the disk"}, false, true};
const store_error disk_full{{errc::full, "no room"}, false};
const store_error lost{{errc::full, "no room"}, true};

struct fixture : test_coordinator_fixture<config> {
  std::shared_ptr<moody_store> db = std::make_shared<moody_store>();
  std::shared_ptr<std::int64_t> now = std::make_shared<std::int64_t>(1000);
  options opts;
  persistence_actor writer = spawn(opts);

  ~fixture() {
    caf::anon_send_exit(writer, caf::exit_reason::kill);
    consume_messages();
  }

  persistence_actor spawn(const options& with) {
    return spawn_persistence(sys, placement::shared, db, with,
                             [now = now] { return from_ms(*now); }, {});
  }

  auto send(change_set changes) {
    return self->request(writer, caf::infinite, std::move(changes));
  }
  template <class Handle>
  commit_reply answer(Handle& handle) {
    commit_reply reply;
    handle.receive([&](commit_reply& r) { reply = std::move(r); },
                   [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
    return reply;
  }
  commit_reply commit(change_set changes) {
    auto sent = send(std::move(changes));
    consume_messages();
    return answer(sent);
  }
  void retry_storage() {
    advance_time(opts.storage_retry);
    consume_messages();
  }

  static change_set submission_of(const std::string& name) {
    change_set changes;
    auto& run = changes.add(submission{.name = name});
    run.tasks.push_back({.spec = {.name = "a", .handler = "noop"}});
    return changes;
  }
  /// What no one submits, so that it waits for the storage.
  static change_set report_of(const std::string& text) {
    change_set changes;
    changes.add(engine_report{text});
    return changes;
  }
  std::string report() { return db->open_reader()->load_engine().report; }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(persistence_tests, fixture)

CAF_TEST(changes that wait together share one commit) {
  auto one = send(submission_of("one"));
  auto two = send(submission_of("two"));
  auto three = send(submission_of("three"));
  consume_messages();
  CAF_CHECK_EQUAL(db->batches.size(), 1u);
  std::set<run_key> runs;
  for (auto* handle : {&one, &two, &three})
    runs.insert(answer(*handle).runs.at(0).key);
  CAF_CHECK_EQUAL(runs.size(), 3u);
}

CAF_TEST(a batch in doubt is committed again alone and whole) {
  db->failure = in_doubt;
  auto one = send(submission_of("one"));
  auto two = send(report_of("two"));
  consume_messages();
  // What comes meanwhile must wait for its own turn.
  auto three = send(report_of("three"));
  consume_messages();
  retry_storage();
  db->failure.reset();
  retry_storage();
  // The submission was not refused: it may have been there all the time.
  const auto first = answer(one);
  CAF_CHECK(!first.failed);
  CAF_CHECK_EQUAL(first.runs.size(), 1u);
  CAF_CHECK(!answer(two).failed);
  CAF_CHECK(!answer(three).failed);
  CAF_CHECK_EQUAL(report(), "three");
  CAF_REQUIRE_EQUAL(db->batches.size(), 4u);
  const std::vector<change_set> doubtful{submission_of("one"),
                                         report_of("two")};
  for (int i = 0; i < 3; ++i)
    CAF_CHECK(db->batches[std::size_t(i)] == doubtful);
  CAF_CHECK(db->batches[3] == std::vector{report_of("three")});
}

CAF_TEST(a full disk refuses submissions and keeps everything else) {
  CAF_REQUIRE(!commit(submission_of("before")).failed);
  db->failure = disk_full;
  CAF_CHECK(commit(submission_of("refused")).failed.code == errc::full);
  auto kept = send(report_of("kept"));
  consume_messages();
  CAF_CHECK(commit(submission_of("refused at once")).failed.code == errc::full);
  db->failure.reset();
  retry_storage();
  CAF_CHECK(!answer(kept).failed);
  CAF_CHECK_EQUAL(report(), "kept");
  CAF_CHECK(!commit(submission_of("after")).failed);
  CAF_CHECK_EQUAL(db->open_reader()->runs({}).size(), 2u);
}

CAF_TEST(only what submits is refused by a full disk) {
  db->failure = disk_full;
  auto whole = submission_of("mixed");
  whole.parts.insert(whole.parts.begin(), engine_report{"x"});
  auto mixed = send(whole);
  auto other = send(report_of("kept"));
  consume_messages();
  CAF_CHECK(answer(mixed).failed.code == errc::full);
  db->failure.reset();
  retry_storage();
  CAF_CHECK(!answer(other).failed);
  CAF_CHECK_EQUAL(report(), "kept");
}

CAF_TEST(promises are answered when the writer dies) {
  db->failure = disk_full;
  auto handle = send(report_of("x"));
  consume_messages();
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK(answer(handle).failed.code == errc::stopped);
}

CAF_TEST(a lost storage answers everybody) {
  db->failure = lost;
  CAF_CHECK(commit(report_of("x")).failed.code == errc::full);
  CAF_CHECK(commit(submission_of("late")).failed.code == errc::full);
  CAF_CHECK(commit(report_of("late")).failed.code == errc::full);
  CAF_CHECK_EQUAL(db->batches.size(), 1u);
}

CAF_TEST(commits are dated by the clock when they are made) {
  const auto health = [](std::int64_t i) {
    change_set changes;
    changes.add(append_event{.event = {event_kind::health_changed,
                                       "{\"n\":" + std::to_string(i) + "}"}});
    return changes;
  };
  std::vector<std::int64_t> times;
  std::int64_t n = 0;
  for (const auto ms : {100'000, 99'995, 100'001, 40'000}) {
    auto sent = send(health(++n));
    *now = ms; // between the plan and the commit
    consume_messages();
    times.push_back(to_ms(answer(sent).at));
  }
  // A clock that was set back does not make later commits earlier.
  const std::vector<std::int64_t> expected{100'000, 100'000, 100'001, 100'001};
  CAF_CHECK(times == expected);
  std::vector<std::int64_t> told;
  for (const auto& e : db->open_reader()->list_events({}, 0, 9))
    told.push_back(to_ms(e.at));
  CAF_CHECK(told == expected);
}

CAF_TEST(a retry that is committed later keeps its whole delay) {
  CAF_REQUIRE(!commit(submission_of("one")).failed);
  change_set claim;
  claim.add(claim_tasks{.rooms = {{"noop", 1}}, .limit = 1});
  CAF_REQUIRE_EQUAL(commit(claim).granted.size(), 1u);
  change_set failure;
  failure.add(move_tasks{.run = 1,
                         .tasks = {1, 1},
                         .from = task_state::running,
                         .attempt = 1,
                         .to = task_state::retrying,
                         .delay = milliseconds{100},
                         .events = {task_failed(1, "{}", true)}});
  auto sent = send(failure);
  *now = 1500;
  consume_messages();
  CAF_CHECK(answer(sent).refusals.empty());
  const auto reader = db->open_reader();
  CAF_CHECK(reader->load_task(1)->due_at == from_ms(1600));
  const auto told = reader->list_events({.name = "task.failed"}, 0, 9);
  CAF_REQUIRE_EQUAL(told.size(), 1u);
  CAF_CHECK(told[0].at == from_ms(1500));
  CAF_CHECK(parse_event(told[0].payload)->retry_at == from_ms(1600));
}

CAF_TEST(only submissions are turned away without credit) {
  opts.max_waiting = 2;
  opts.batch = 10;
  auto small = spawn(opts);
  const auto ask = [&](change_set changes) {
    return self->request(small, caf::infinite, std::move(changes));
  };
  auto one = ask(report_of("1"));
  auto two = ask(report_of("2"));
  auto role = ask(report_of("3"));
  auto person = ask(submission_of("late"));
  consume_messages();
  for (auto* handle : {&one, &two, &role})
    CAF_CHECK(!answer(*handle).failed);
  CAF_CHECK(answer(person).failed.code == errc::overloaded);
  caf::anon_send_exit(small, caf::exit_reason::kill);
}

CAF_TEST_FIXTURE_SCOPE_END()
