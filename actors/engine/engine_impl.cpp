#include "actors/engine/engine_impl.hpp"

#include <thread>

#include <conductor/monitor.hpp>

namespace conductor {

namespace {

struct engine_config : caf::actor_system_config {
  engine_config() {
    register_types(*this);
    // One queue for all: idle workers sleep instead of polling, and whoever is
    // awake takes what comes next. To wake another core may cost more than all
    // of a small task, so there are no more workers than the wheel can use: one
    // commits while one plans.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
  }
};

fact_listener::behavior_type watch_facts(fact_listener::pointer,
                                         std::shared_ptr<run_watch> watch) {
  return {
    [=](const committed& fact) { watch->hear(fact); },
    [=](const storage_state& news) { watch->hear(news); },
  };
}

event_subscriber::behavior_type
call_back(event_subscriber::pointer,
          std::function<void(const event_record&)> each) {
  return {
    [=](const event_batch& batch) {
      for (const auto& event : batch.events)
        each(event);
      return event_ack{};
    },
  };
}

template <class Actor>
std::int64_t stop_actor(caf::scoped_actor& self, const Actor& actor,
                        milliseconds patience) {
  std::int64_t unfinished = 0;
  if (actor)
    self
      ->request(actor, patience + std::chrono::seconds{30},
                stop_request{patience})
      .receive([&](const class stopped& s) { unfinished = s.unfinished; },
               [&](const caf::error&) {
                 self->send_exit(actor, caf::exit_reason::kill);
               });
  return unfinished;
}

/// When unfinished work was written last: the wall clock may have been set back
/// while no engine was there, and its due times are of before.
timestamp work_goes_on_from(store_reader& reader) {
  if (reader.load_open_runs(0, 1).empty())
    return no_time;
  const auto last = reader.list_events({}, reader.last_event() - 1, 1);
  return last.empty() ? no_time : last.front().at;
}

} // namespace

result<std::unique_ptr<engine::impl>>
engine::impl::open(const options& opts, caf::actor_system& host) {
  if (auto why = opts.validate())
    return tl::unexpected(why);
  auto i = std::make_unique<impl>();
  i->opts = opts;
  auto db = open_sqlite_store({.path = opts.database,
                               .now_ms = to_ms(system_now()),
                               .create = opts.create});
  if (!db)
    return tl::unexpected(db.error());
  i->db = std::move(*db);
  try {
    const auto reader = i->db->open_reader();
    i->clock = std::make_shared<engine_clock>(work_goes_on_from(*reader));
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
  i->system = &host;
  const auto slots = opts.workers
                       ? opts.workers
                       : std::max(1u, std::thread::hardware_concurrency());
  i->opts.workers = slots;
  i->handlers = {{"exec", make_exec_handler({.slots = slots})},
                 {"noop", make_noop_handler()},
                 {"sleep", make_sleep_handler(slots)},
                 {"fail", make_fail_handler()}};
  return i;
}

result<std::unique_ptr<engine::impl>> engine::impl::open(const options& opts) {
  auto config = std::make_unique<engine_config>();
  auto system = std::make_unique<caf::actor_system>(*config);
  auto opened = open(opts, *system);
  if (opened) {
    (*opened)->config = std::move(config);
    (*opened)->own_system = std::move(system);
  }
  return opened;
}

void engine::impl::spawn_writer() {
  auto& sys = *system;
  actors.hub = spawn_event_hub(sys, reader_factory(), metrics);
  watcher = sys.spawn(watch_facts, watch);
  caf::anon_send(actors.hub, listen{watcher, topics::ended});
  // In a system of our own the writer takes turns with the roles, which saves
  // waking its thread for each commit. A host's workers must not wait for a
  // disk.
  const auto detached = own_system == nullptr;
  actors.persistence = spawn_persistence(
    sys, db, opts, [clock = clock] { return clock->now(); }, actors.hub,
    detached, metrics);
}

void engine::impl::spawn_roles() {
  auto& sys = *system;
  const role_context context{opts,
                             [clock = clock] { return clock->now(); },
                             actors.persistence,
                             actors.hub,
                             reader_factory(),
                             db->epoch(),
                             outcomes,
                             metrics};
  actors.fanout = spawn_fanout(sys, context);
  actors.aggregate = spawn_aggregate(sys, context);
  actors.retry = spawn_retry(sys, context);
  actors.executor = spawn_executor(sys, context, handlers);
  actors.monitor
    = spawn_monitor(sys, {.open_reader = context.open_reader,
                          .clock = context.clock,
                          .writer = actors.persistence,
                          .database = opts.database,
                          .thresholds = {.stuck_after = opts.stuck_after},
                          .metrics = metrics,
                          .automatic = opts.automatic});
  // The executor hears first: it is what work waits for.
  using namespace topics;
  for (const auto& wish :
       {listen{actors.executor, submissions | parents | due | cancels | ended},
        listen{actors.fanout, submissions | due},
        listen{actors.aggregate, parents | done},
        listen{actors.retry, retries}})
    caf::anon_send(actors.hub, wish);
  db.reset(); // the writer owns it now
}

void engine::impl::subscribe(std::function<void(const event_record&)> each,
                             run_key run, event_seq after) {
  auto subscriber = system->spawn(call_back, std::move(each));
  subscribers.push_back(subscriber);
  caf::anon_send(actors.hub, conductor::subscribe{subscriber, after, run, ""});
}

std::int64_t engine::impl::stop(milliseconds patience) {
  {
    const std::lock_guard guard{turning};
    if (stopped.exchange(true)) {
      // Somebody waits for the end already: with less patience now.
      if (actors.executor)
        caf::anon_send(actors.executor, stop_request{patience});
      return 0;
    }
  }
  // The order: intake ends with the executor's claims; what is leased may end;
  // then the roles, the monitor and the hub; the writer last of all.
  caf::scoped_actor self{*system};
  const auto unfinished = stop_actor(self, actors.executor, patience);
  for (const auto& role : {actors.fanout, actors.aggregate, actors.retry})
    stop_actor(self, role, milliseconds{0});
  stop_actor(self, actors.monitor, milliseconds{0});
  stop_actor(self, actors.hub, milliseconds{0});
  // Before the file is let go: no attempt may still run when another engine
  // begins the next one.
  handlers.clear();
  {
    const std::lock_guard guard{looking};
    reader.reset(); // the last connection that closes tidies up
  }
  stop_actor(self, actors.persistence, milliseconds{0});
  for (const auto& subscriber : subscribers)
    self->send_exit(subscriber, caf::exit_reason::user_shutdown);
  self->send_exit(watcher, caf::exit_reason::user_shutdown);
  watch->hear(
    storage_state{false, true, {errc::stopped, "the engine has stopped"}});
  db.reset();
  return unfinished;
}

std::function<std::unique_ptr<store_reader>()>
engine::impl::reader_factory() const {
  // The store outlives its readers' makers, but not the writer's end.
  std::weak_ptr<store> weak = db;
  const auto path = opts.database;
  return [weak, path]() -> std::unique_ptr<store_reader> {
    if (const auto alive = weak.lock())
      return alive->open_reader();
    auto beside = open_sqlite_reader(path);
    if (!beside)
      throw store_error{beside.error(), true};
    return std::move(*beside);
  };
}

std::optional<run_record> engine::impl::look_up(const std::string& run_id) {
  const std::lock_guard guard{looking};
  if (!reader)
    reader = reader_factory()();
  const auto run = reader->find_run(run_id);
  return run ? reader->load_run(*run) : std::nullopt;
}

commit_reply engine::impl::commit(change_set changes) {
  commit_reply answer{.failed = {errc::stopped, "the engine has stopped"}};
  caf::scoped_actor self{*system};
  self->request(actors.persistence, caf::infinite, std::move(changes))
    .receive([&](commit_reply& reply) { answer = std::move(reply); },
             [](const caf::error&) {});
  return answer;
}

} // namespace conductor
