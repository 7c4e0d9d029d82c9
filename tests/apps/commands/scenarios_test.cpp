#define CAF_SUITE apps.scenarios

#include <filesystem>

#include <caf/all.hpp>
#include <conductor/admin.hpp>
#include <unistd.h>

#include "apps/scenarios/scenarios.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// Plays a scenario; what did not hold, a line each.
std::string play(const scenarios::scenario& s, std::shared_ptr<store> db) {
  config cfg;
  caf::actor_system sys{cfg};
  std::string wrong;
  const auto reader = db->open_reader();
  options opts;
  opts.database = "scenario";
  int checks = 0;
  {
    scenarios::driver d{
      sys, spawn_coordinator(sys, db, opts, from_ms(1'767'225'600'000)),
      [](const std::string&) {},
      [&](const std::string& what, const std::string& expected,
          const std::string& actual) {
        ++checks;
        if (expected != actual)
          wrong += what + ": " + actual + ", expected " + expected + "\n";
      }};
    s.play(d, *reader);
  }
  return checks > 0 ? wrong : "nothing was checked";
}

} // namespace

CAF_TEST(scenarios hold on the memory store) {
  CAF_CHECK_EQUAL(scenarios::all().size(), 6u);
  for (const auto& s : scenarios::all())
    CAF_CHECK_EQUAL(play(s, make_memory_store()), "");
}

CAF_TEST(scenarios hold on SQLite) {
  const auto folder = std::filesystem::temp_directory_path()
                      / ("orcon-scenarios-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const auto& s : scenarios::all()) {
    const auto path = (folder / (std::to_string(s.number) + ".db")).string();
    {
      auto db = open_sqlite_store({.path = path});
      CAF_REQUIRE(db);
      CAF_CHECK_EQUAL(play(s, std::move(*db)), "");
    }
    const auto verdict = verify_database(path);
    CAF_REQUIRE(verdict);
    for (const auto& v : verdict->violations)
      CAF_CHECK_EQUAL(v.what, "");
  }
  std::filesystem::remove_all(folder);
}
