#include <conductor/engine.hpp>

#include <thread>

#include <caf/all.hpp>

#include <conductor/actors.hpp>
#include <conductor/builtin_handlers.hpp>
#include <conductor/open_store.hpp>
#include <conductor/store.hpp>
#include <conductor/submission.hpp>

#include "actors/engine/engine_actor.hpp"
#include "actors/engine/engine_clock.hpp"
#include "actors/events/event_feed.hpp"

namespace conductor {

namespace {

struct engine_config : caf::actor_system_config {
  engine_config() {
    register_types(*this);
    // One queue for all: idle workers sleep instead of polling, and whichever
    // is awake takes what comes next. To wake another core may cost more than
    // all of a small task, so there are no more workers than the engine can
    // use: one commits while one plans.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
  }
};

/// In a system of its own the writer takes turns with the roles, which saves
/// waking a thread for each commit.
constexpr placements at_home{};

/// A host's workers must not wait for a disk, and the engine must not wait for
/// a host's workers.
constexpr placements as_guest{placement::guest, placement::guest,
                              placement::guest, placement::guest};

handler_map builtin_handlers(unsigned slots) {
  return {{"exec", make_exec_handler({.slots = slots})},
          {"noop", make_noop_handler()},
          {"sleep", make_sleep_handler(slots)},
          {"fail", make_fail_handler()}};
}

/// When unfinished work was written last: the wall clock may have been set back
/// while no engine was there, and the due times are from before.
timestamp latest_unfinished(store_reader& reader) {
  if (reader.load_open_runs(0, 1).empty())
    return no_time;
  const auto last = reader.list_events({}, reader.last_event() - 1, 1);
  return last.empty() ? no_time : last.front().at;
}

clock_fn clock_from(timestamp start) {
  return
    [clock = std::make_shared<engine_clock>(start)] { return clock->now(); };
}

result<std::unique_ptr<store>> open_database(const options& opts) {
  if (auto why = opts.validate())
    return tl::unexpected(why);
  return open_store("sqlite:" + opts.database,
                    {.create = opts.create, .now_ms = to_ms(system_now())});
}

error stopped_error() {
  return {errc::stopped, "the engine has stopped"};
}

} // namespace

/// The blocking side of the engine: it turns calls into messages, and messages
/// into waiting threads. It keeps no actor alive.
class engine::impl {
public:
  /// An engine on `db`; without a host it gets an actor system of its own.
  static result<engine> open(options opts, std::shared_ptr<store> db,
                             caf::actor_system* host);

  explicit impl(std::shared_ptr<engine_core> c) : core(std::move(c)) {}
  ~impl() { stop(milliseconds{0}); }

  std::int64_t stop(milliseconds patience) {
    const auto end = request<stopped>(actors.engine, stop_request{patience});
    return end ? end->unfinished : 0;
  }

  void start() {
    if (core->opts.work && core->handlers.seal())
      if (const auto front = actors.engine.lock())
        send_anonymously(front, start_request{});
  }

  /// Asks an actor, and waits for its reply.
  template <class Reply, class Actor, class Request>
  result<Reply> request(const weak_handle<Actor>& receiver,
                        Request question) const {
    result<Reply> answer = tl::unexpected(why_stopped());
    const auto actor = receiver.lock();
    if (!actor)
      return answer;
    caf::scoped_actor self{actor->home_system()};
    ask(self, actor, std::move(question))
      .receive([&](Reply& reply) { answer = std::move(reply); },
               [&](const caf::error& e) {
                 auto why = from_caf(e);
                 answer = tl::unexpected(
                   why.code == errc::stopped ? why_stopped() : std::move(why));
               });
    return answer;
  }

  commit_reply commit(change_set changes) const {
    if (const auto writer = actors.persistence.lock())
      return commit_and_wait(writer, std::move(changes));
    return {.failed = why_stopped()};
  }

  /// The reason for which the engine ended, if it ended by itself.
  error why_stopped() const {
    const auto storage = core->watch->storage();
    return storage.lost ? storage.reason : stopped_error();
  }

  std::unique_ptr<caf::actor_system_config> config; ///< of our own system
  std::unique_ptr<caf::actor_system> own_system;
  const std::shared_ptr<engine_core> core;
  engine_actors actors;
  weak_handle<fact_router_actor> router;
};

result<engine> engine::impl::open(options opts, std::shared_ptr<store> db,
                                  caf::actor_system* host) {
  if (auto why = opts.validate())
    return tl::unexpected(why);
  if (!db)
    return fail(errc::invalid, "an engine needs a store");
  if (opts.workers == 0)
    opts.workers = std::max(1u, std::thread::hardware_concurrency());
  timestamp start;
  try {
    start = latest_unfinished(*db->open_reader());
  } catch (const store_error& e) {
    return tl::unexpected(e.why());
  }
  auto i = std::make_unique<impl>(std::make_shared<engine_core>(
    opts, clock_from(start), db, builtin_handlers(opts.workers),
    host ? as_guest : at_home));
  if (!host) {
    i->config = std::make_unique<engine_config>();
    i->own_system = std::make_unique<caf::actor_system>(*i->config);
    host = i->own_system.get();
  }
  wiring parts{*host, i->core, std::move(db)};
  i->actors.persistence = weak_handle{parts.persistence};
  i->router = weak_handle{parts.router};
  i->actors.engine
    = weak_handle{spawn_engine_actor(std::move(parts), i->core->where.front)};
  return engine{std::move(i)};
}

engine::engine(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
engine::engine(engine&&) noexcept = default;
engine& engine::operator=(engine&&) noexcept = default;
engine::~engine() = default;

result<engine> engine::open(const options& opts) {
  return open_database(opts).and_then(
    [&](auto&& db) { return open(opts, std::move(db)); });
}

result<engine> engine::open(const options& opts, caf::actor_system& host) {
  return open_database(opts).and_then(
    [&](auto&& db) { return open(opts, std::move(db), host); });
}

result<engine> engine::open(const options& opts, std::unique_ptr<store> db) {
  return impl::open(opts, std::move(db), nullptr);
}

result<engine> engine::open(const options& opts, std::unique_ptr<store> db,
                            caf::actor_system& host) {
  return impl::open(opts, std::move(db), &host);
}

result<void> engine::handle(const std::string& name,
                            std::function<outcome(const task_context&)> work) {
  return handle(
    name, make_function_handler(std::move(work), impl_->core->opts.workers));
}

result<void> engine::handle(const std::string& name,
                            std::shared_ptr<handler> work) {
  return impl_->core->handlers.add(name, std::move(work));
}

void engine::start() {
  impl_->start();
}

result<submitted_run> engine::submit(const run_spec& spec) {
  start();
  auto& core = *impl_->core;
  if (core.stopping)
    return tl::unexpected(impl_->why_stopped());
  // On the caller's thread, so that a list that takes long to read delays
  // nobody else.
  return submit_run(
    spec, core.definitions(),
    [this](change_set changes) { return impl_->commit(std::move(changes)); },
    core.expand_up_to());
}

result<fanout_source> engine::write_items(
  const std::function<error(const std::function<error(const std::string&)>&)>&
    produce) {
  item_writer writer{
    [this](change_set changes) { return impl_->commit(std::move(changes)); }};
  if (auto failed
      = produce([&](const std::string& item) { return writer.add(item); }))
    return tl::unexpected(failed);
  const auto list = writer.finish();
  if (!list)
    return tl::unexpected(list.error());
  writer.keep();
  return fanout_source{
    .kind = source_kind::list, .count = list->count, .list = list->key};
}

result<retry_reply> engine::retry(const std::string& run_id,
                                  const retry_filter& which, bool dry_run) {
  return impl_->request<retry_reply>(
    impl_->actors.engine, manual_retry_request{run_id, which, dry_run});
}

result<change_reply> engine::change(const run_change& asked) {
  return impl_->request<change_reply>(impl_->actors.engine, asked);
}

result<change_reply> engine::change(const task_change& asked) {
  return impl_->request<change_reply>(impl_->actors.engine, asked);
}

result<run_state> engine::wait(const std::string& run_id,
                               milliseconds timeout) {
  start();
  auto& core = *impl_->core;
  try {
    auto run = core.look_up(run_id);
    if (!run)
      return fail(errc::not_found, "no run " + run_id);
    if (settled(run->state))
      return run->state;
    if (!core.opts.work)
      return fail(errc::conflict,
                  "this engine accepts runs and does not work on them");
    const auto end = core.watch->expect(run->key);
    run = core.look_up(run_id); // it may have ended before we listened
    if (run && settled(run->state))
      return run->state;
    if (const auto state = end.wait(timeout))
      return *state;
    if (const auto storage = core.watch->storage(); storage.lost)
      return tl::unexpected(storage.reason);
    return fail(errc::timeout, "run " + run_id + " has not ended in time");
  } catch (const store_error& e) {
    return tl::unexpected(core.stopping ? impl_->why_stopped() : e.why());
  }
}

result<run_summary> engine::report(const std::string& run_id) {
  return impl_->request<run_summary>(impl_->actors.engine,
                                     report_request{run_id});
}

result<health_report> engine::health() {
  return impl_->request<health_report>(impl_->actors.engine, health_request{});
}

result<subscription>
engine::subscribe(std::function<void(const event_record&)> each,
                  const std::string& run_id, event_seq after) {
  auto& core = *impl_->core;
  feed_context feed{
    .router = impl_->router.lock(), .core = impl_->core, .after = after};
  try {
    if (!run_id.empty()) {
      const auto run = core.look_up(run_id);
      if (!run)
        return fail(errc::not_found, "no run " + run_id);
      feed.filter.run = run->key;
    }
  } catch (const store_error& e) {
    return tl::unexpected(core.stopping ? impl_->why_stopped() : e.why());
  }
  const auto gate = std::make_shared<callback_gate>(std::move(each));
  feed.callback = gate;
  const auto front = impl_->actors.engine.lock();
  if (!front || !feed.router)
    return tl::unexpected(impl_->why_stopped());
  const auto actor = spawn_event_feed(front->home_system(), std::move(feed));
  gate->on_close([weak = weak_handle{actor}] {
    if (const auto ending = weak.lock())
      send_anonymously(ending, stop_request{});
  });
  send_anonymously(front, feed_started{actor});
  return subscription{gate};
}

std::int64_t engine::stop(milliseconds patience) {
  return impl_->stop(patience);
}

storage_state engine::storage() const {
  return impl_->core->watch->storage();
}

const engine_metrics& engine::metrics() const {
  return *impl_->core->metrics;
}

bool engine::has_handler(const std::string& name) const {
  return impl_->core->handlers.has(name);
}

result<std::unique_ptr<store_reader>> engine::open_reader() const {
  try {
    return impl_->core->open_reader();
  } catch (const store_error& e) {
    return tl::unexpected(e.why());
  }
}

definition_context engine::context(const std::string& directory) const {
  return impl_->core->definitions(directory);
}

const engine_actors& engine::actors() const {
  return impl_->actors;
}

} // namespace conductor
