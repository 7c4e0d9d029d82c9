#define CAF_SUITE messages.json_text

#include <string>

#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

std::string trouble(std::string_view text, const json_limits& limits = {}) {
  const auto value = parse_json(text, limits);
  if (value)
    return "accepted " + dump(*value);
  return value.error().code == errc::invalid ? value.error().message
                                             : "wrong code";
}

bool begins(const std::string& text, std::string_view with) {
  if (!text.starts_with(with))
    CAF_MESSAGE("it is: " << text);
  return text.starts_with(with);
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

} // namespace

CAF_TEST(values come back as they were written) {
  const std::string text
    = R"({"a":[1,-2,3.5,true,false,null,"x\"y"],"b":{"c":{}},"d":[]})";
  const auto value = parse_json(text);
  CAF_REQUIRE(value.has_value());
  CAF_CHECK_EQUAL(dump(*value), text);
  CAF_CHECK_EQUAL(dump(*parse_json(" 12 ")), "12");
  CAF_CHECK_EQUAL(dump(*parse_json("\"\\u00e9\\ud83d\\ude00\"")),
                  "\"\xC3\xA9\xF0\x9F\x98\x80\"");
  CAF_CHECK_EQUAL(dump(*parse_json("\xEF\xBB\xBF[1]")), "[1]");
  CAF_CHECK(parse_json("-9223372036854775808")->is_number_integer());
  CAF_CHECK(parse_json("18446744073709551615")->is_number_unsigned());
}

CAF_TEST(syntax errors name line and column) {
  CAF_CHECK(begins(trouble(""), "line 1, column 1: "));
  CAF_CHECK(begins(trouble("{\n  \"a\": tru\n}"), "line 2, column "));
  CAF_CHECK(begins(trouble("[1, 2"), "line 1, column 6: "));
  CAF_CHECK(begins(trouble("[1] x"), "line 1, column 5: "));
  CAF_CHECK(begins(trouble("{\"a\" 1}"), "line 1, column 6: "));
  CAF_CHECK(begins(trouble("[1,]"), "line 1, column 4: "));
  CAF_CHECK(begins(trouble("[1e999]"), "line 1, column "));
  CAF_CHECK(begins(trouble("{'a': 1}"), "line 1, column 2: "));
  CAF_CHECK(begins(trouble("// no\n1"), "line 1, column "));
}

CAF_TEST(columns count characters) {
  CAF_CHECK(begins(trouble("[\"\xC3\xA9\xC3\xA9\" x]"), "line 1, column 7: "));
}

CAF_TEST(errors are short clean text) {
  const auto bad_byte = trouble("[\"abc\xFF\"]");
  CAF_CHECK(begins(bad_byte, "line 1, column 6: "));
  CAF_CHECK(valid_utf8(bad_byte));
  CAF_CHECK_LESS(trouble('"' + std::string(100'000, 'x')).size(), 300u);
  CAF_CHECK_LESS(trouble("{\"" + std::string(9000, 'k') + "\":1,\""
                         + std::string(9000, 'k') + "\":2}")
                   .size(),
                 300u);
}

CAF_TEST(duplicate keys are refused where they stand) {
  CAF_CHECK_EQUAL(trouble("{\"a\": 1,\n \"b\": 2, \"a\": 3}"),
                  "line 2, column 10: duplicate key \"a\"");
  CAF_CHECK_EQUAL(trouble(R"({"x\"": 1, "x\"": 2})"),
                  R"(line 1, column 12: duplicate key "x\"")");
  CAF_CHECK_EQUAL(trouble(R"({"a": 1, "\u0061": 2})"),
                  R"(line 1, column 10: duplicate key "a")");
  CAF_CHECK_EQUAL(trouble(R"({"": 1, "": 2})"),
                  R"(line 1, column 9: duplicate key "")");
  CAF_CHECK(parse_json(R"({"a": {"a": 1}, "b": {"a": 1}})").has_value());
}

CAF_TEST(depth is limited) {
  CAF_CHECK(parse_json(nested(64)).has_value());
  CAF_CHECK_EQUAL(trouble(nested(65)),
                  "line 1, column 65: nested deeper than 64 levels "
                  "(limit `depth`)");
  CAF_CHECK(begins(trouble(std::string(1'000'000, '[')), "line 1, column 65"));
  CAF_CHECK(parse_json("1", {.depth = 0}).has_value());
  CAF_CHECK(begins(trouble("{}", {.depth = 0}), "line 1, column 1: nested"));
}

CAF_TEST(the number of values is limited) {
  CAF_CHECK(parse_json("[1,2,{\"a\":3}]", {.values = 5}).has_value());
  const auto message = trouble("[1,2,{\"a\":3}]", {.values = 4});
  CAF_CHECK(message.find("more than 4 values (limit `values`)")
            != std::string::npos);
}

CAF_TEST(the number of bytes is limited) {
  CAF_CHECK(parse_json("[1,2]", {.bytes = 5}).has_value());
  CAF_CHECK_EQUAL(trouble("[1,2]", {.bytes = 4}),
                  "5 bytes of JSON; the limit `bytes` is 4");
}

CAF_TEST(dump replaces malformed bytes) {
  CAF_CHECK_EQUAL(dump("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  CAF_CHECK_EQUAL(dump(json::object()), "{}");
  CAF_CHECK_EQUAL(dump("\xC3\xA9\n"), "\"\xC3\xA9\\n\"");
}

CAF_TEST(some bytes are no text) {
  CAF_CHECK(valid_utf8(""));
  CAF_CHECK(valid_utf8("plain"));
  CAF_CHECK(valid_utf8(std::string_view{"\0", 1}));
  CAF_CHECK(valid_utf8("\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xEF\xBF\xBF"));
  CAF_CHECK(valid_utf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF \xED\x9F\xBF"));
  CAF_CHECK(!valid_utf8("\x80"));
  CAF_CHECK(!valid_utf8("\xC0\x80"));
  CAF_CHECK(!valid_utf8("\xC1\xBF"));
  CAF_CHECK(!valid_utf8("\xE0\x9F\xBF"));
  CAF_CHECK(!valid_utf8("\xED\xA0\x80"));
  CAF_CHECK(!valid_utf8("\xF0\x8F\xBF\xBF"));
  CAF_CHECK(!valid_utf8("\xF4\x90\x80\x80"));
  CAF_CHECK(!valid_utf8("\xF5\x80\x80\x80"));
  CAF_CHECK(!valid_utf8("\xC3"));
  CAF_CHECK(!valid_utf8("\xE2\x82"));
  CAF_CHECK(!valid_utf8("\xF0\x9F\x98"));
  CAF_CHECK(!valid_utf8("\xE2\x28\xA1"));
  CAF_CHECK(!valid_utf8("\xF0\x9F\x28\x80"));
}

CAF_TEST(what is JSON and what is not ) {
  for (const auto* good :
       {"1", "null", "\"\"", "\"plain text\"", "\"esc\\\"aped\"", "[1,{}]",
        " {\"a\":[\"b\"]} ", "\"h\xc3\xa4\""})
    CAF_CHECK(is_json(good));
  for (const auto* bad : {"", "\"", "plain", "\"a\"b\"", "\"a\\\"", "[1",
                          "\"a\nb\"", "\"\xff\"", "1 2", "{\"a\"}"})
    CAF_CHECK(!is_json(bad));
}

CAF_TEST(a NUL byte does not end a text) {
  using namespace std::string_literals;
  for (const auto& text :
       {"1\0"s, "{}\0{}"s, "\0"s, "[\0]"s, "\"a\0b\""s, "{\"a\":1}\n\0junk"s}) {
    CAF_CHECK(!is_json(text));
    CAF_CHECK(!parse_json(text));
  }
  CAF_CHECK_EQUAL(trouble("[1]\n \0junk"s),
                  "line 2, column 2: unexpected NUL byte");
  CAF_CHECK(is_json("\"a\\u0000b\""));
  CAF_CHECK_EQUAL(parse_json("\"a\\u0000b\"")->get<std::string>(), "a\0b"s);
}

CAF_TEST(long texts are looked at to their last byte) {
  for (const std::size_t size : {1u, 63u, 64u, 65u, 127u, 128u, 200u})
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      CAF_REQUIRE(valid_utf8(text));
      CAF_REQUIRE(conductor::quoted(text) == '"' + text + '"');
      text[at] = '\x1f';
      CAF_REQUIRE(valid_utf8(text));
      CAF_REQUIRE(conductor::quoted(text) == dump(text));
      CAF_REQUIRE(!is_json('"' + text + '"'));
      text[at] = '\xff';
      CAF_REQUIRE(!valid_utf8(text));
      CAF_REQUIRE(!is_json('"' + text + '"'));
      text.replace(at, 1, "\xf0\x9f\x98\x80"); // may lie across two blocks
      CAF_REQUIRE(valid_utf8(text));
      CAF_REQUIRE(is_json('"' + text + '"'));
      CAF_REQUIRE(conductor::quoted(text) == '"' + text + '"');
    }
}

CAF_TEST(texts of a damaged database are discarded) {
  const auto value = parse_stored(R"({"a":[1,"[[[\\\"{"]})");
  CAF_CHECK_EQUAL(value["a"][0], 1);
  CAF_CHECK_EQUAL(dump(parse_stored(R"([" \"[" ,2])")), R"([" \"[",2])");
  CAF_CHECK_EQUAL(parse_stored<ordered_json>(R"({"b":1,"a":2})").dump(),
                  R"({"b":1,"a":2})");
  for (const auto* text : {"", "{", "]", "[1", "\"\\", "{\"a\":}"})
    CAF_CHECK(parse_stored(text).is_discarded());
  const auto deepest = static_cast<std::size_t>(json_limits{}.depth);
  CAF_CHECK(parse_stored(nested(deepest)).is_array());
  CAF_CHECK(parse_stored(nested(deepest + 1)).is_discarded());
  CAF_CHECK(parse_stored(nested(1'000'000)).is_discarded());
  CAF_CHECK(parse_stored(std::string(1'000'000, '[')).is_discarded());
}
