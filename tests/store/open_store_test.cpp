#define CAF_SUITE store.open_store

#include <conductor/open_store.hpp>

#include <unistd.h>

#include <caf/test/unit_test.hpp>

using namespace conductor;

CAF_TEST(a URL names the backend) {
  const auto memory = open_store("memory:");
  CAF_REQUIRE(memory);
  CAF_CHECK_EQUAL((*memory)->open_reader()->last_event(), 0);
}

CAF_TEST(other texts are refused with what to write) {
  for (const auto* url :
       {"", "orcon.db", "sqlite:", "memory:x", "postgres:x"}) {
    const auto opened = open_store(url);
    CAF_REQUIRE(!opened);
    CAF_CHECK(opened.error().code == errc::invalid);
    CAF_CHECK(opened.error().message.find("sqlite:PATH") != std::string::npos);
  }
}

CAF_TEST(a missing file is created only if that is wanted) {
  const std::string path
    = "/tmp/orcon-open-store-" + std::to_string(::getpid());
  const auto missing = open_store("sqlite:" + path, {.create = false});
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == errc::not_found);
  CAF_CHECK(open_store("sqlite:" + path).has_value());
  discard_unused_database(path);
}
