#define CAF_SUITE messages.time

#include <string>
#include <utility>

#include <conductor/time.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

CAF_TEST(moments come back from their text) {
  for (std::int64_t ms :
       {std::int64_t{0}, std::int64_t{1},
        std::int64_t{951'782'400'000}, // 29 February 2000
        std::int64_t{1'767'225'599'999}, std::int64_t{253'402'300'799'999}})
    CAF_CHECK(parse_iso(to_iso(from_ms(ms))) == from_ms(ms));
  CAF_CHECK_EQUAL(to_iso(no_time), "1970-01-01T00:00:00.000Z");
  CAF_CHECK_EQUAL(to_iso(from_ms(951'782'400'007)), "2000-02-29T00:00:00.007Z");
  CAF_CHECK_EQUAL(to_iso(from_ms(-1)), "1969-12-31T23:59:59.999Z");
  CAF_CHECK_EQUAL(to_iso(from_ms(1'767'225'599'999)),
                  "2025-12-31T23:59:59.999Z");
}

CAF_TEST(what is no moment is refused) {
  const std::string good = "2026-11-23T04:01:37.123Z";
  CAF_CHECK(parse_iso(good).has_value());
  // No character may be another one that the form does not allow there.
  for (std::size_t at = 0; at < good.size(); ++at)
    for (char c : {'x', ' ', '+', '/', '\0'}) {
      auto text = good;
      text[at] = c;
      CAF_CHECK(!parse_iso(text));
    }
  for (const auto* text :
       {"", "2026-11-23", "2026-11-23T04:01:37Z", "2026-11-23T04:01:37.123",
        "2026-11-23T04:01:37.1234Z", "2026-11-23t04:01:37.123z",
        "2026-00-23T04:01:37.123Z", "2026-13-23T04:01:37.123Z",
        "2026-11-00T04:01:37.123Z", "2026-11-31T04:01:37.123Z",
        "2026-02-29T04:01:37.123Z", "2100-02-29T04:01:37.123Z",
        "2026-11-23T24:00:00.000Z", "2026-11-23T04:60:37.123Z",
        "2026-11-23T04:01:60.123Z", "2026-11-23T04:01:37.123Z "})
    CAF_CHECK(!parse_iso(text));
}

CAF_TEST(times are read as people write them) {
  const auto minute = parse_iso("2026-11-23T04:01:00.000Z");
  const auto second = parse_iso("2026-11-23T04:01:37.000Z");
  for (const std::string zone : {"Z", "+00:00"}) {
    CAF_CHECK(parse_utc("2026-11-23T04:01" + zone) == minute);
    CAF_CHECK(parse_utc("2026-11-23T04:01:37" + zone) == second);
    CAF_CHECK(parse_utc("2026-11-23T04:01:37.1" + zone)
              == *second + milliseconds{100});
    CAF_CHECK(parse_utc("2026-11-23T04:01:37.123" + zone)
              == *second + milliseconds{123});
    CAF_CHECK(parse_utc("2026-11-23T04:01:37.123999999" + zone)
              == *second + milliseconds{123});
  }
  for (const auto* text : {"",
                           "Z",
                           "2026-11-23",
                           "2026-11-23Z",
                           "2026-11-23T04Z",
                           "2026-11-23T04:01",
                           "2026-11-23T04:01:37",
                           "2026-11-23T04:01+01:00",
                           "2026-11-23T04:01z",
                           "2026-11-23 04:01Z",
                           "2026-11-23T04:01:Z",
                           "2026-11-23T04:01:3Z",
                           "2026-11-23T04:01:37.Z",
                           "2026-11-23T04:01:37,1Z",
                           "2026-11-23T04:01:37.x1Z",
                           "2026-11-23T04:01.5Z",
                           "2026-11-23T04:01:37.1234567890Z",
                           "2026-02-29T04:01Z",
                           "2026-11-23T24:01Z",
                           " 2026-11-23T04:01Z"})
    CAF_CHECK(!parse_utc(text));
}

CAF_TEST(durations) {
  const std::pair<const char*, std::int64_t> good[]
    = {{"0", 0},
       {"0.0s", 0},
       {"0ms", 0},
       {"0h", 0},
       {"250ms", 250},
       {"5s", 5000},
       {"1.5s", 1500},
       {"0.0004s", 1},
       {"10m", 600'000},
       {"0.5m", 30'000},
       {"2h", 7'200'000},
       {"007s", 7000},
       {"36500h", 131'400'000'000}};
  for (const auto& [text, ms] : good) {
    const auto d = parse_duration(text);
    CAF_MESSAGE(text);
    CAF_REQUIRE(d.has_value());
    CAF_CHECK_EQUAL(d->count(), ms);
  }
  for (const auto* text :
       {"",       "5",     "-5s",          "-0.1ms",    "+5s", " 5s",
        "5 s",    "5s ",   "5S",           "5sec",      "5d",  "s",
        "ms",     ".",     "1e3s",         "nan",       "inf", "infs",
        "nans",   "1,5s",  "5m30s",        "5 parsecs", "-0s", "-0",
        ".5s",    "5.s",   ".s",           "5.",        "0.0", "00",
        "1.2.3s", "0x10s", "999999999999h"})
    CAF_CHECK_EQUAL(parse_duration(text).has_value(), false);
}

CAF_TEST(durations come back from their text) {
  for (std::int64_t ms : {0, 1, 999, 1000, 1001, 1500, 59'000, 60'000, 61'000,
                          90'000, 3'600'000, 5'400'000, 7'200'000}) {
    const milliseconds d{ms};
    CAF_CHECK(parse_duration(to_text(d)) == d);
  }
  CAF_CHECK_EQUAL(to_text(milliseconds{0}), "0s");
  CAF_CHECK_EQUAL(to_text(milliseconds{1500}), "1500ms");
  CAF_CHECK_EQUAL(to_text(milliseconds{5000}), "5s");
  CAF_CHECK_EQUAL(to_text(milliseconds{300'000}), "5m");
  CAF_CHECK_EQUAL(to_text(milliseconds{7'200'000}), "2h");
}
