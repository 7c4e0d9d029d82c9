#include <conductor/engine.hpp>

#include <filesystem>

#include <conductor/monitor.hpp>
#include <conductor/submission.hpp>

#include "actors/engine/engine_impl.hpp"
#include "actors/intake/manual_retry.hpp"

namespace conductor {

engine::engine(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
engine::engine(engine&&) noexcept = default;
engine& engine::operator=(engine&&) noexcept = default;

engine::~engine() {
  if (impl_)
    stop(milliseconds{0});
}

result<engine> engine::open(const options& opts) {
  auto opened = impl::open(opts);
  if (!opened)
    return tl::unexpected(opened.error());
  (*opened)->spawn_writer();
  return engine{std::move(*opened)};
}

result<engine> engine::open(const options& opts, caf::actor_system& host) {
  auto opened = impl::open(opts, host);
  if (!opened)
    return tl::unexpected(opened.error());
  (*opened)->spawn_writer();
  return engine{std::move(*opened)};
}

void engine::handle(const std::string& name,
                    std::function<outcome(const task_context&)> work) {
  handle(name, make_function_handler(std::move(work), impl_->opts.workers));
}

void engine::handle(const std::string& name, std::shared_ptr<handler> work) {
  impl_->handlers[name] = std::move(work);
}

void engine::start() {
  const std::lock_guard guard{impl_->turning};
  if (!impl_->stopped && !std::exchange(impl_->started, true))
    impl_->spawn_roles();
}

definition_context engine::context(const std::string& directory) const {
  return {.directory = directory,
          .check_handler
          = [this](const std::string& name,
                   const json& input) -> std::vector<definition_error> {
            const auto found = impl_->handlers.find(name);
            if (found != impl_->handlers.end())
              return found->second->check(input);
            std::string known;
            for (const auto& [n, ignored] : impl_->handlers)
              known += (known.empty() ? "" : ", ") + n;
            return {{"/handler",
                     "unknown handler \"" + name + "\"; there are: " + known}};
          }};
}

result<submitted_run> engine::submit(const run_spec& spec) {
  start();
  if (impl_->stopped)
    return fail(errc::stopped, "the engine has stopped");
  std::error_code ignored;
  return submit_run(
    spec, context(std::filesystem::current_path(ignored).string()),
    [this](change_set changes) { return impl_->commit(std::move(changes)); },
    impl_->opts.automatic ? impl_->opts.fanout_page : -1);
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

result<std::int64_t> engine::retry(const std::string& run_id,
                                   const task_filter& which,
                                   const std::string& error_type) {
  try {
    const auto reader = open_reader();
    const auto run = reader->find_run(run_id);
    if (!run)
      return fail(errc::not_found, "no run " + run_id);
    auto filter = which;
    if (!error_type.empty())
      filter.error = error_type;
    auto plan = plan_manual_retry(*reader, *run, filter);
    if (!plan)
      return tl::unexpected(plan.error());
    const auto reply = impl_->commit(std::move(plan->changes));
    if (reply.failed)
      return tl::unexpected(reply.failed);
    return plan->reopened(reply);
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
    return summarise(*reader, *run, impl_->clock->now());
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<health_report> engine::health() {
  try {
    const auto reader = open_reader();
    return assess_health(observe(*reader, impl_->opts.database,
                                 impl_->clock->now(),
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
  impl_->subscribe(std::move(each), run, after);
}

std::int64_t engine::stop(milliseconds patience) {
  return impl_->stop(patience);
}

storage_state engine::storage() const {
  return impl_->watch->storage();
}

const engine_metrics& engine::metrics() const {
  return *impl_->metrics;
}

bool engine::has_handler(const std::string& name) const {
  return impl_->handlers.count(name) != 0;
}

std::unique_ptr<store_reader> engine::open_reader() const {
  return impl_->reader_factory()();
}

const engine_actors& engine::actors() const {
  return impl_->actors;
}

} // namespace conductor
