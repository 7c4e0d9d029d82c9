#include <conductor/engine.hpp>

#include <filesystem>
#include <mutex>
#include <thread>

#include <caf/all.hpp>
#include <unistd.h>

#include <conductor/monitor.hpp>
#include <conductor/submission.hpp>

#include "actors/reopening.hpp"
#include "actors/run_watch.hpp"

namespace conductor {

namespace {

struct engine_config : caf::actor_system_config {
  engine_config() {
    register_types(*this);
    // One queue for all: idle workers sleep instead of polling, and a wake-up
    // from outside takes microseconds.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads",
        std::size_t{std::max(2u, std::thread::hardware_concurrency())});
  }
};

fact_listener::behavior_type
watch_facts(fact_listener::pointer, std::shared_ptr<run_watch> watch) {
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

} // namespace

struct engine::impl {
  options opts;
  std::unique_ptr<engine_config> config;       ///< of a system of our own
  std::unique_ptr<caf::actor_system> own_system;
  caf::actor_system* system = nullptr;
  std::shared_ptr<store> db;
  /// Outlives the handlers, which report to it from their own threads.
  std::shared_ptr<outcome_sink> outcomes = make_outbox();
  std::shared_ptr<engine_metrics> metrics = std::make_shared<engine_metrics>();
  handler_map handlers;
  engine_actors actors;
  fact_listener watcher;
  std::vector<event_subscriber> subscribers;
  std::shared_ptr<run_watch> watch = std::make_shared<run_watch>();
  std::mutex looking; ///< guards `reader`
  std::unique_ptr<store_reader> reader;
  bool started = false, stopped = false;

  std::function<std::unique_ptr<store_reader>()> reader_factory() const {
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

  /// Looks a run up, by the reader that all callers share: opening one costs
  /// more than a short run.
  std::optional<run_record> look_up(const std::string& run_id) {
    const std::lock_guard guard{looking};
    if (!reader)
      reader = reader_factory()();
    const auto run = reader->find_run(run_id);
    return run ? reader->load_run(*run) : std::nullopt;
  }

  /// Asks the writer, and waits for its answer.
  commit_reply commit(change_set changes) {
    commit_reply answer{.trouble = {errc::stopped, "the engine has stopped"}};
    caf::scoped_actor self{*system};
    self->request(actors.persistence, caf::infinite, std::move(changes))
      .receive([&](commit_reply& reply) { answer = std::move(reply); },
               [](const caf::error&) {});
    return answer;
  }

  void spawn_writer() {
    auto& sys = *system;
    actors.hub = spawn_event_hub(sys, reader_factory(), metrics);
    watcher = sys.spawn(watch_facts, watch);
    caf::anon_send(actors.hub, listen{watcher});
    actors.persistence = spawn_persistence(sys, db, opts, actors.hub, true,
                                           metrics);
  }

  void spawn_roles() {
    auto& sys = *system;
    const role_context context{opts, system_now, actors.persistence,
                               reader_factory(), db->epoch(), outcomes,
                               metrics};
    actors.fanout = spawn_fanout(sys, context);
    actors.aggregate = spawn_aggregate(sys, context);
    actors.retry = spawn_retry(sys, context);
    actors.executor = spawn_executor(sys, context, handlers);
    actors.monitor = spawn_monitor(
      sys, {.open_reader = context.open_reader,
            .clock = context.clock,
            .writer = actors.persistence,
            .database = opts.database,
            .thresholds = {.stuck_after = opts.stuck_after},
            .metrics = metrics,
            .automatic = opts.automatic});
    // The executor hears first: it is what work waits for.
    for (const fact_listener& role :
         {fact_listener{actors.executor}, fact_listener{actors.fanout},
          fact_listener{actors.aggregate}, fact_listener{actors.retry},
          fact_listener{actors.monitor}})
      caf::anon_send(actors.hub, listen{role});
    db.reset(); // the writer owns it now
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
};

engine::engine(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
engine::engine(engine&&) noexcept = default;
engine& engine::operator=(engine&&) noexcept = default;

engine::~engine() {
  if (impl_)
    stop(milliseconds{0});
}

result<engine> engine::open(const options& opts) {
  auto config = std::make_unique<engine_config>();
  auto system = std::make_unique<caf::actor_system>(*config);
  auto opened = open(opts, *system);
  if (opened) {
    opened->impl_->config = std::move(config);
    opened->impl_->own_system = std::move(system);
  }
  return opened;
}

result<engine> engine::open(const options& opts, caf::actor_system& host) {
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
    sweep_spools(*i->db->open_reader(), opts.database);
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
  i->spawn_writer();
  return engine{std::move(i)};
}

void engine::handle(const std::string& name,
                    std::function<outcome(const task_context&)> work) {
  handle(name, make_function_handler(std::move(work), impl_->opts.workers));
}

void engine::handle(const std::string& name, std::shared_ptr<handler> work) {
  impl_->handlers[name] = std::move(work);
}

void engine::start() {
  if (!std::exchange(impl_->started, true))
    impl_->spawn_roles();
}

definition_context engine::context(const std::string& directory) const {
  return {.directory = directory,
          .check_handler = [this](const std::string& name, const json& input)
            -> std::vector<definition_error> {
            const auto found = impl_->handlers.find(name);
            if (found != impl_->handlers.end())
              return found->second->check(input);
            std::string known;
            for (const auto& [n, ignored] : impl_->handlers)
              known += (known.empty() ? "" : ", ") + n;
            return {{"/handler", "unknown handler \"" + name
                                   + "\"; there are: " + known}};
          }};
}

result<submitted_run> engine::submit(const run_spec& spec) {
  start();
  std::error_code ignored;
  auto resolved
    = resolve(spec, context(std::filesystem::current_path(ignored).string()),
              impl_->opts.database, system_now());
  if (!resolved)
    return tl::unexpected(resolved.error());
  const auto spools = spools_of(*resolved);
  change_set changes;
  changes.submissions.push_back(std::move(*resolved));
  const auto reply = impl_->commit(std::move(changes));
  result<submitted_run> answer = tl::unexpected(reply.trouble);
  if (!reply.trouble)
    answer = reply.runs.front();
  if (!answer || answer->existed)
    for (const auto& path : spools)
      ::unlink(path.c_str());
  return answer;
}

result<std::int64_t> engine::retry(const std::string& run_id,
                                   const task_filter& which,
                                   const std::string& error_type) {
  try {
    const auto reader = open_reader();
    const auto run = reader->find_run(run_id);
    if (!run)
      return fail(errc::not_found, "no run " + run_id);
    auto plan = plan_retry_by_hand(*reader, *run, which, error_type,
                                   system_now());
    if (!plan)
      return tl::unexpected(plan.error());
    const auto reply = impl_->commit(std::move(plan->changes));
    if (reply.trouble)
      return tl::unexpected(reply.trouble);
    return plan->leaves - std::ssize(reply.refusals);
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<run_state> engine::wait(const std::string& run_id,
                               milliseconds timeout) {
  start();
  try {
    auto run = impl_->look_up(run_id);
    if (!run)
      return fail(errc::not_found, "no run " + run_id);
    if (settled(run->state))
      return run->state;
    impl_->watch->expect(run->key);
    run = impl_->look_up(run_id); // it may have ended before we listened
    auto state = settled(run->state) ? std::optional{run->state}
                                     : impl_->watch->wait(run->key, timeout);
    impl_->watch->forget(run->key);
    if (state)
      return *state;
    const auto storage = impl_->watch->storage();
    if (storage.lost)
      return tl::unexpected(storage.reason);
    return fail(errc::timeout, "run " + run_id + " has not ended in time");
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<run_summary> engine::report(const std::string& run_id) {
  try {
    const auto reader = open_reader();
    const auto run = reader->find_run(run_id);
    if (!run)
      return fail(errc::not_found, "no run " + run_id);
    return summarise(*reader, *run, system_now());
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<health_report> engine::health() {
  try {
    const auto reader = open_reader();
    return assess_health(observe(*reader, impl_->opts.database, system_now(),
                                 {.stuck_after = impl_->opts.stuck_after}),
                         {.stuck_after = impl_->opts.stuck_after});
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

void engine::subscribe(std::function<void(const event_record&)> each,
                       const std::string& run_id, event_seq after) {
  run_key run = 0;
  if (!run_id.empty())
    run = open_reader()->find_run(run_id).value_or(0);
  auto subscriber = impl_->system->spawn(call_back, std::move(each));
  impl_->subscribers.push_back(subscriber);
  caf::anon_send(impl_->actors.hub,
                 conductor::subscribe{subscriber, after, run, ""});
}

std::int64_t engine::stop(milliseconds patience) {
  auto& i = *impl_;
  if (std::exchange(i.stopped, true))
    return 0;
  // The order: intake ends with the executor's claims; what is leased may end;
  // then the roles, the monitor and the hub; the writer last of all.
  caf::scoped_actor self{*i.system};
  const auto unfinished = i.stop_actor(self, i.actors.executor, patience);
  for (const auto& role : {i.actors.fanout, i.actors.aggregate, i.actors.retry})
    i.stop_actor(self, role, milliseconds{0});
  i.stop_actor(self, i.actors.monitor, milliseconds{0});
  i.stop_actor(self, i.actors.hub, milliseconds{0});
  {
    const std::lock_guard guard{i.looking};
    i.reader.reset(); // the last connection that closes tidies up
  }
  i.stop_actor(self, i.actors.persistence, milliseconds{0});
  for (const auto& subscriber : i.subscribers)
    self->send_exit(subscriber, caf::exit_reason::user_shutdown);
  self->send_exit(i.watcher, caf::exit_reason::user_shutdown);
  i.watch->hear(storage_state{
    false, true, {errc::stopped, "the engine has stopped"}});
  i.handlers.clear();
  i.db.reset();
  return unfinished;
}

storage_state engine::storage() const { return impl_->watch->storage(); }

const engine_metrics& engine::metrics() const { return *impl_->metrics; }

bool engine::has_handler(const std::string& name) const {
  return impl_->handlers.count(name) != 0;
}

std::unique_ptr<store_reader> engine::open_reader() const {
  return impl_->reader_factory()();
}

const engine_actors& engine::actors() const { return impl_->actors; }

} // namespace conductor
