#define CAF_SUITE messages.definition_fanout

#include <string>

#include "tests/messages/definition_help.hpp"

using namespace definition_help;

CAF_TEST(fanouts of every kind) {
  CAF_CHECK(fanout_of("0")
            == (fanout_source{.kind = source_kind::count, .count = 0}));
  CAF_CHECK_EQUAL(fanout_of("12.0").count, 12);
  const fanout_source items{
    .kind = source_kind::items, .count = 2, .items = {"1", R"({"a":"b"})"}};
  CAF_CHECK(fanout_of(R"([1, {"a": "b"}])") == items);
  CAF_CHECK(fanout_of(R"({"items": [1, {"a": "b"}]})") == items);
  CAF_CHECK(fanout_of("[]")
            == (fanout_source{.kind = source_kind::items, .count = 0}));
  CAF_CHECK(fanout_of(R"({"lines": "in/a.txt"})")
            == (fanout_source{.kind = source_kind::lines,
                              .path = "/home/ops/in/a.txt"}));
  CAF_CHECK_EQUAL(fanout_of(R"({"lines": "/a.txt"})").path, "/a.txt");
  CAF_CHECK(
    fanout_of(R"({"glob": "*.png"})")
    == (fanout_source{.kind = source_kind::glob, .path = "/home/ops/*.png"}));
  const auto task = task_of(R"("input": {"fanout": {"lines": "a"}})");
  CAF_CHECK_EQUAL(task.input, R"({"fanout":{"lines":"a"}})");
}

CAF_TEST(ranges are counted) {
  const auto count = [](const std::string& range) {
    return fanout_of("{\"range\": " + range + "}").count;
  };
  CAF_CHECK_EQUAL(count("[1, 9]"), 9);
  CAF_CHECK_EQUAL(count("[1, 9, 4]"), 3);
  CAF_CHECK_EQUAL(count("[1, 8, 4]"), 2);
  CAF_CHECK_EQUAL(count("[9, 1, -3]"), 3);
  CAF_CHECK_EQUAL(count("[5, 5]"), 1);
  CAF_CHECK_EQUAL(count("[1, 0]"), 0);
  CAF_CHECK_EQUAL(count("[0, 1, -1]"), 0);
  CAF_CHECK_EQUAL(count("[1, 9223372036854775807, 9223372036854775806]"), 2);
  CAF_CHECK_EQUAL(count("[-1, -9223372036854775807, -9223372036854775806]"), 2);
  const auto source = fanout_of(R"({"range": [1, 9, 4]})");
  CAF_CHECK(source.kind == source_kind::range && source.from == 1
            && source.to == 9 && source.step == 4);
  const std::string at = "/tasks/a/input/fanout/range: ";
  // SQLite would go on with floating point.
  for (const auto* wide :
       {"[-9223372036854775808, 9223372036854775807]",
        "[-9223372036854775808, 9223372036854775807, 9223372036854775807]",
        "[0, -9223372036854775808, -9223372036854775808]"})
    CAF_CHECK_EQUAL(fanout_errors("{\"range\": " + std::string{wide} + "}"),
                    at
                      + "is too wide: its ends are further apart than 64 bits "
                        "can tell");
  const std::string shape = "must be [from, to] or [from, to, step]";
  CAF_CHECK_EQUAL(fanout_errors(R"({"range": [1]})"), at + shape);
  CAF_CHECK_EQUAL(fanout_errors(R"({"range": [1, 2, 3, 4]})"), at + shape);
  CAF_CHECK_EQUAL(fanout_errors(R"({"range": 9})"), at + shape);
  CAF_CHECK_EQUAL(fanout_errors(R"({"range": [1, 9, 0]})"),
                  "/tasks/a/input/fanout/range/2: must not be 0");
  CAF_CHECK_EQUAL(fanout_errors(R"({"range": [1, "x"]})"),
                  "/tasks/a/input/fanout/range/1: \"x\" is not a whole number");
}

CAF_TEST(fanouts that cannot be) {
  const std::string at = "/tasks/a/input/fanout";
  CAF_CHECK_EQUAL(fanout_errors("-1"), at + ": must be 0 or more, not -1");
  CAF_CHECK_EQUAL(fanout_errors("1.5"), at + ": 1.5 is not a whole number");
  CAF_CHECK_EQUAL(fanout_errors("18446744073709551615"),
                  at
                    + ": 18446744073709551615 is too large for a whole number");
  for (const auto* bad : {"\"12\"", "null", "true"})
    CAF_CHECK_EQUAL(fanout_errors(bad),
                    at
                      + ": must be a count, a list, or an object with one of "
                        "lines, glob, items or range, not "
                      + bad);
  const auto one
    = at + ": must have exactly one of lines, glob, items or range";
  CAF_CHECK_EQUAL(fanout_errors("{}"), one);
  CAF_CHECK_EQUAL(fanout_errors(R"({"lines": "a", "glob": "b"})"), one);
  CAF_CHECK_EQUAL(fanout_errors(R"({"line": "a"})"),
                  at
                    + "/line: unknown field \"line\"; did you mean \"lines\"?");
  CAF_CHECK_EQUAL(fanout_errors(R"({"lines": 5})"),
                  at + "/lines: must be text, not 5");
  CAF_CHECK_EQUAL(fanout_errors(R"({"glob": ""})"),
                  at + "/glob: must not be empty");
  CAF_CHECK_EQUAL(fanout_errors(R"({"items": 5})"),
                  at + "/items: must be a list, not 5");
  CAF_CHECK_EQUAL(fanout_errors(R"({"lines": "a\u0000b"})"),
                  at + "/lines: must not contain NUL (U+0000)\n" + at
                    + ": must name a file");
}
