#define CAF_SUITE actors.persistence

#include <conductor/roles.hpp>

// CAF's test macros need this name.
#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>

using namespace conductor;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// A store whose commits may have happened although they fail; it remembers
/// how large each batch was.
class doubtful_store final : public store {
public:
  batch_result commit(std::vector<change_set>& batch) override {
    sizes.push_back(batch.size());
    if (doubtful)
      throw store_error{{errc::io, "no answer from the disk"}, false, true};
    return inner->commit(batch);
  }
  std::int64_t epoch() const override { return inner->epoch(); }
  void maintain() override {}
  std::unique_ptr<store_reader> open_reader() override {
    return inner->open_reader();
  }

  std::unique_ptr<store> inner = make_memory_store();
  std::vector<std::size_t> sizes;
  bool doubtful = false;
};

struct fixture : test_coordinator_fixture<config> {
  std::shared_ptr<doubtful_store> db = std::make_shared<doubtful_store>();
  options opts{.automatic = false};
  persistence_actor writer
    = spawn_persistence(sys, db, opts, event_hub_actor{}, false);

  ~fixture() {
    caf::anon_send_exit(writer, caf::exit_reason::kill);
    consume_messages();
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
  static change_set submission_of(const std::string& name) {
    change_set changes;
    changes.submissions.push_back({.name = name, .at = from_ms(1000)});
    return changes;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(persistence_tests, fixture)

CAF_TEST(a batch in doubt is committed again alone and whole) {
  db->doubtful = true;
  auto one = send(submission_of("one"));
  auto two = send(change_set{.released = {1}});
  consume_messages();
  // What comes meanwhile must wait for its own turn.
  auto three = send(change_set{.released = {2}});
  consume_messages();
  advance_time(opts.storage_retry);
  consume_messages();
  db->doubtful = false;
  advance_time(opts.storage_retry);
  consume_messages();
  // The submission was not refused: it may have been there all the time.
  const auto first = answer(one);
  CAF_CHECK(!first.trouble);
  CAF_CHECK_EQUAL(first.runs.size(), 1u);
  CAF_CHECK(!answer(two).trouble);
  CAF_CHECK(!answer(three).trouble);
  CAF_CHECK(db->sizes == std::vector<std::size_t>({2, 2, 2, 1}));
}

CAF_TEST(what is committed later does not seem to have happened before) {
  const auto note_at = [](std::int64_t ms) {
    change_set changes;
    changes.notes.push_back(
      {0, 0, from_ms(ms), {event_kind::health_changed, "{}"}});
    return changes;
  };
  // 60 s back is a clock that was set: that is told as it is.
  std::vector<std::int64_t> times;
  for (const auto ms : {100'000, 99'995, 100'001, 40'000, 40'000}) {
    auto sent = send(note_at(ms));
    consume_messages();
    answer(sent);
  }
  for (const auto& e : db->open_reader()->list_events({}, 0, 9))
    times.push_back(to_ms(e.at));
  const std::vector<std::int64_t> expected{100'000, 100'000, 100'001, 40'000,
                                           40'000};
  CAF_CHECK(times == expected);
}

CAF_TEST(a retry that is committed later keeps its whole delay) {
  change_set first = submission_of("one");
  first.submissions.front().tasks.push_back({.spec = {.name = "a"}});
  first.submissions.front().tasks.front().total = -1;
  auto submitted = send(first);
  consume_messages();
  CAF_REQUIRE(!answer(submitted).trouble);
  const auto move = [&](task_state from, task_state to, std::int32_t attempt,
                        std::int64_t at, std::int64_t until) {
    task_move m{.run = 1,
                .tasks = {1, 1},
                .from = from,
                .attempt = attempt,
                .to = to,
                .at = from_ms(at),
                .until = from_ms(until)};
    if (to == task_state::retrying)
      m.events.push_back({event_kind::task_failed,
                          R"({"retry_at":")" + to_iso(m.until) + "\"}"});
    auto sent = send(change_set{.moves = {m}});
    consume_messages();
    answer(sent);
  };
  using enum task_state;
  move(pending, running, 0, 1500, 9000);
  move(running, retrying, 1, 1490, 1590);
  const auto reader = db->open_reader();
  CAF_CHECK(reader->load_task(1)->due_at == from_ms(1600));
  const auto told = reader->list_events({.name = "task.failed"}, 0, 9);
  CAF_REQUIRE_EQUAL(told.size(), 1u);
  CAF_CHECK(told[0].at == from_ms(1500));
  CAF_CHECK_EQUAL(told[0].payload,
                  R"({"retry_at":")" + to_iso(from_ms(1600)) + "\"}");
}

CAF_TEST(only submissions are turned away for want of credit) {
  opts.max_waiting = 2;
  opts.batch = 10;
  auto small = spawn_persistence(sys, db, opts, event_hub_actor{}, false);
  const auto ask = [&](change_set changes) {
    return self->request(small, caf::infinite, std::move(changes));
  };
  auto one = ask(change_set{.released = {1}});
  auto two = ask(change_set{.released = {2}});
  auto role = ask(change_set{.released = {3}});
  auto person = ask(submission_of("late"));
  consume_messages();
  for (auto* handle : {&one, &two, &role})
    CAF_CHECK(!answer(*handle).trouble);
  CAF_CHECK(answer(person).trouble.code == errc::overloaded);
  caf::anon_send_exit(small, caf::exit_reason::kill);
}

CAF_TEST_FIXTURE_SCOPE_END()
