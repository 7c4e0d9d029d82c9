#include <chrono>
#include <cstdio>

#include <conductor/engine.hpp>

int main() {
  using namespace std::chrono_literals;
  auto engine
    = conductor::engine::open({.database = "thumbnails.db", .workers = 8});
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  engine->handle("resize", [](const conductor::task_context& task) {
    if (task.cancelled())
      return conductor::outcome::failure("cancelled", "stopped early");
    return conductor::outcome::success(R"({"page":)"
                                       + std::to_string(task.index()) + "}");
  });
  auto run = engine->submit(
    conductor::run_spec{"thumbnails"}.task("resize").fanout(1000));
  if (!run) {
    std::fprintf(stderr, "%s\n", run.error().message.c_str());
    return 1;
  }
  auto state = engine->wait(run->id, 60s);
  return state && *state == conductor::run_state::succeeded ? 0 : 1;
}
