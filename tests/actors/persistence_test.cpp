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
