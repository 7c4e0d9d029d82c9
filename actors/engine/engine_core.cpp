#include "actors/engine/engine_core.hpp"

#include <filesystem>

#include <caf/all.hpp>

namespace conductor {

commit_reply commit_and_wait(const persistence_actor& writer,
                             change_set changes) {
  commit_reply answer{.failed = {errc::stopped, "the engine has stopped"}};
  caf::scoped_actor self{writer->home_system()};
  ask(self, writer, std::move(changes))
    .receive([&](commit_reply& reply) { answer = std::move(reply); },
             [](const caf::error&) {});
  return answer;
}

std::unique_ptr<store_reader> engine_core::open_reader() const {
  const auto alive = db_.lock();
  if (!alive)
    throw store_error{{errc::stopped, "the engine has stopped"}, true};
  return alive->open_reader();
}

reader_factory engine_core::readers() const {
  return [core = shared_from_this()] { return core->open_reader(); };
}

std::optional<run_record> engine_core::look_up(const std::string& run_id) {
  const std::lock_guard guard{looking_};
  if (stopping)
    throw store_error{{errc::stopped, "the engine has stopped"}, true};
  if (!reader_)
    reader_ = open_reader();
  const auto run = reader_->find_run(run_id);
  return run ? reader_->load_run(*run) : std::nullopt;
}

void engine_core::close_shared_reader() {
  const std::lock_guard guard{looking_};
  reader_.reset();
}

definition_context
engine_core::definitions(const std::string& directory) const {
  return {.directory = directory,
          .check_handler = [core = shared_from_this()](const std::string& name,
                                                       const json& input) {
            return core->handlers.check(name, input);
          }};
}

definition_context engine_core::definitions() const {
  if (stepwise)
    return {};
  std::error_code ignored;
  return definitions(std::filesystem::current_path(ignored).string());
}

} // namespace conductor
