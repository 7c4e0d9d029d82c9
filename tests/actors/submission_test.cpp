#define CAF_SUITE actors.submission

#include <conductor/submission.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

CAF_TEST(an error names its task as a JSON pointer does) {
  task_spec task{.name = "a~b", .handler = "noop"};
  task.fanout.kind = source_kind::lines;
  task.fanout.path = "/nowhere/at/all";
  run_spec spec{"names"};
  spec.tasks.push_back(task);
  const auto missing = resolve(spec, {}, "unused.db", from_ms(1));
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == errc::not_found);
  CAF_CHECK(missing.error().message.starts_with("/tasks/a~0b/input/fanout: "));

  spec.tasks[0].fanout = {.kind = source_kind::count, .count = 5};
  const auto wide = resolve(spec, {.max_width = 4}, "unused.db", from_ms(1));
  CAF_REQUIRE(!wide);
  CAF_CHECK(wide.error().code == errc::invalid);
  CAF_MESSAGE(wide.error().message);
  CAF_CHECK(wide.error().message.starts_with("/tasks/"));
  CAF_CHECK(wide.error().message.find("/tasks/a~b/") == std::string::npos);
}
