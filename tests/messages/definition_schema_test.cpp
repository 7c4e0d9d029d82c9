// The schema and the reader must accept and refuse the same documents.
#define CAF_SUITE messages.definition_schema

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include <conductor/definition.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

/// As much of draft 2020-12 as our schema uses; a keyword that is not known
/// here fails the test.
class validator {
public:
  explicit validator(const json& root) : root_(root) {}

  bool accepts(const json& schema, const json& value) const {
    if (schema.is_boolean())
      return schema.get<bool>();
    return std::all_of(schema.items().begin(), schema.items().end(),
                       [&](const auto& rule) {
                         return holds(schema, rule.key(), rule.value(), value);
                       });
  }

private:
  bool holds(const json& schema, const std::string& key, const json& rule,
             const json& value) const {
    if (key == "$ref")
      return accepts(
        root_.at(json::json_pointer(rule.get<std::string>().substr(1))), value);
    if (key == "anyOf")
      return std::any_of(rule.begin(), rule.end(),
                         [&](const auto& s) { return accepts(s, value); });
    if (key == "if")
      return accepts(rule, value) || accepts(schema.at("else"), value);
    if (key == "const")
      return value == rule;
    if (key == "enum")
      return std::find(rule.begin(), rule.end(), value) != rule.end();
    if (key == "type")
      return has_type(rule, value);
    if (value.is_object())
      if (const auto answer = object_rule(schema, key, rule, value))
        return *answer;
    return size_rule(key, rule, value);
  }

  /// std::regex knows bytes, not characters.
  static std::string narrow(std::string pattern) {
    const std::string controls = "\\u0000-\\u001f\\u007f-\\u009f";
    if (const auto at = pattern.find(controls); at != std::string::npos)
      pattern.replace(at, controls.size(), "\\x01-\\x1f\\x7f");
    return pattern;
  }

  static bool has_type(const std::string& type, const json& value) {
    if (type == "integer")
      return value.is_number_integer()
             || (value.is_number_float()
                 && value.get<double>() == std::trunc(value.get<double>()));
    return (type == "object" && value.is_object())
           || (type == "array" && value.is_array())
           || (type == "string" && value.is_string())
           || (type == "number" && value.is_number());
  }

  std::optional<bool> object_rule(const json& schema, const std::string& key,
                                  const json& rule, const json& value) const {
    const auto each = [&](auto good) {
      const auto members = value.items();
      return std::all_of(members.begin(), members.end(), good);
    };
    const auto known = schema.value("properties", json::object());
    if (key == "properties")
      return each([&](const auto& m) {
        return !rule.contains(m.key()) || accepts(rule[m.key()], m.value());
      });
    if (key == "additionalProperties")
      return each([&](const auto& m) {
        return known.contains(m.key()) || accepts(rule, m.value());
      });
    if (key == "propertyNames")
      return each([&](const auto& m) { return accepts(rule, m.key()); });
    if (key == "dependentRequired")
      return each([&](const auto& m) {
        const auto needed = rule.value(m.key(), json::array());
        return std::all_of(needed.begin(), needed.end(), [&](const auto& name) {
          return value.contains(name.template get<std::string>());
        });
      });
    if (key == "required")
      return std::all_of(rule.begin(), rule.end(), [&](const auto& name) {
        return value.contains(name.template get<std::string>());
      });
    if (key == "minProperties")
      return value.size() >= rule.get<std::size_t>();
    if (key == "maxProperties")
      return value.size() <= rule.get<std::size_t>();
    return std::nullopt;
  }

  bool size_rule(const std::string& key, const json& rule,
                 const json& value) const {
    if (key == "minimum")
      return !value.is_number() || value >= rule;
    if (key == "maximum")
      return !value.is_number() || value <= rule;
    if (key == "minLength")
      return !value.is_string() || value.get<std::string>().size() >= rule;
    if (key == "maxLength")
      return !value.is_string() || value.get<std::string>().size() <= rule;
    if (key == "minItems")
      return !value.is_array() || value.size() >= rule;
    if (key == "maxItems")
      return !value.is_array() || value.size() <= rule;
    if (key == "items")
      return !value.is_array()
             || std::all_of(value.begin(), value.end(),
                            [&](const auto& v) { return accepts(rule, v); });
    if (key == "pattern")
      return !value.is_string()
             || std::regex_search(value.get<std::string>(),
                                  std::regex(narrow(rule)));
    static const std::vector<std::string> silent{
      "$schema",       "$defs",         "title",         "description",
      "else",          "properties",    "required",      "additionalProperties",
      "propertyNames", "minProperties", "maxProperties", "dependentRequired",
      "examples"};
    if (std::find(silent.begin(), silent.end(), key) == silent.end())
      CAF_ERROR("unknown keyword " << key);
    return true;
  }

  const json& root_;
};

/// Good and bad values of every field.
struct samples {
  std::vector<json> good;
  std::vector<json> bad;
};

const std::map<std::string, samples>& field_samples() {
  static const samples duration{{"250ms", "5s", "10m", "2h", "1.5s", 0, "0"},
                                {"5 parsecs", "5", 5, "", nullptr, "-1s", "1d",
                                 " 1s", "1s ", "-0s", ".5s", "5.s", "0.0",
                                 "00"}};
  auto moment = duration;
  for (const auto* good :
       {"2026-11-24T18:00Z", "2026-11-24T18:00:00Z",
        "2026-11-24T18:00:00.123456Z", "2026-11-24T18:00:00+00:00"})
    moment.good.emplace_back(good);
  for (const auto* bad :
       {"2026-11-24", "2026-11-24T18:00:00", "2026-11-24T18:00:00+01:00",
        "2026-11-24 18:00:00Z", "2026-13-24T18:00:00Z", "2026-11-24T24:00:00Z",
        "2026-11-24T18:00:00.Z"})
    moment.bad.emplace_back(bad);
  static const samples moments = moment;
  static const samples priority{{1, 5, 3.0}, {0, 6, "1", 1.5, nullptr}};
  static const samples share{
    {0, 10, "5%", "0.5%", "100%", "0%", "099.5%", "100.0%"},
    {-1, 1.5, "5", "101%", "100.1%", "%", ".5%", "5.%", "1e1%", nullptr}};
  static const samples retries{{0, 3, 1'000'000, 3.0},
                               {-1, 1'000'001, "3", 1.5}};
  static const samples label{{"exec", "a/b"}, {"", 5, "a\tb", nullptr}};
  static const samples name{{"a", "a b"}, {"", "a/b", "a#b", "a\x7f", 5}};
  static const samples object{{json::object(), {{"a", 1}}}, {5, json::array()}};
  static const std::map<std::string, samples> all{
    {"version", {{1}, {0, 2, "1", nullptr}}},
    {"name", name},
    {"meta", object},
    {"idempotency_key", label},
    {"retry_budget", share},
    {"handler", label},
    {"max_retries", retries},
    {"timeout", duration},
    {"deadline", moments},
    {"not_before", moments},
    {"priority", priority},
    {"after",
     {{"b", {"b"}, {"b", "b"}},
      {5, nullptr, json::object(), "", {""}, {5}, "b#1", {"b/1"}}}},
    {"when", {{"succeeded", "settled", "failed"}, {"done", 1, nullptr}}},
    {"max_concurrency", {{1, 8}, {0, -1, "1"}}},
    {"tolerate", share},
    {"on_failure", {{"wait", "fail_fast"}, {"stop", 1}}},
    {"collect", {{"none", "outputs"}, {"reduce", json::object()}}},
    {"backoff", {{"fixed", "linear", "exponential"}, {"Fixed", 1}}},
    {"delay", duration},
    {"factor", {{1, 1.5, 1000}, {0.5, 1001, "2"}}},
    {"max_delay", duration},
    {"jitter", {{"none", "full", "equal"}, {"half", nullptr}}},
    {"non_retryable",
     {{json::array(), {"exit", "signal"}}, {"exit", {""}, {5}}}},
    {"fanout", {{0, 12, json::array({1, 2})}, {-1, 1.5, "12", nullptr}}},
    {"lines", {{"a.txt"}, {"", 5}}},
    {"glob", {{"*.txt"}, {"", 5}}},
    {"items", {{json::array(), {1, 2}}, {5, "a"}}},
    {"range",
     {{{1, 9}, {1, 9, 2}}, {9, json::array({1}), {1, 2, 3, 4}, {1, "x"}}}},
  };
  return all;
}

json sound() {
  return {{"tasks",
           {{"a", {{"handler", "noop"}, {"after", "b"}}},
            {"b", {{"handler", "noop"}}}}},
          {"defaults", {{"handler", "noop"}}}};
}

/// Both must say `good` of the document.
void judge(const json& schema, const json& document, bool good) {
  const auto read = read_definition(document, {});
  if (validator{schema}.accepts(schema, document) != good)
    CAF_ERROR("the schema is wrong about " << dump(document));
  if (read.errors.empty() != good)
    CAF_ERROR("the reader is wrong about "
              << dump(document)
              << (read.errors.empty() ? "" : to_string(read.errors[0])));
}

/// Tries all samples of all properties of the object schema at `where`, put
/// into a sound document at `place`.
void judge_object(const json& schema, const std::string& where,
                  const std::string& place, const json& base = sound()) {
  const auto& object = schema.at(json::json_pointer(where));
  CAF_CHECK_EQUAL(object.at("additionalProperties"), false);
  for (const auto& [name, rule] : object.at("properties").items()) {
    CAF_CHECK(rule.contains("description"));
    CAF_REQUIRE(rule.contains("examples"));
    for (const auto& example : rule["examples"])
      CAF_CHECK(validator{schema}.accepts(rule, example));
    const auto found = field_samples().find(name);
    if (found == field_samples().end()) {
      // These are objects that are tried themselves.
      CAF_CHECK(name == "retry" || name == "input" || name == "defaults"
                || name == "tasks");
      continue;
    }
    for (const auto good : {true, false})
      for (const auto& value : good ? found->second.good : found->second.bad) {
        auto document = base;
        document[json::json_pointer(place + "/" + name)] = value;
        judge(schema, document, good);
      }
  }
  auto document = base;
  document[json::json_pointer(place + "/zebra")] = 1;
  judge(schema, document, false);
}

} // namespace

CAF_TEST(every field of the schema is read and judged alike) {
  const auto schema = definition_schema();
  judge_object(schema, "", "");
  judge_object(schema, "/$defs/defaults", "/defaults");
  judge_object(schema, "/$defs/retry", "/defaults/retry");
  judge_object(schema, "/$defs/retry", "/tasks/a/retry");
  judge_object(schema, "/$defs/tasks/anyOf/0/additionalProperties", "/tasks/a");
  auto listed = sound();
  listed["tasks"]
    = json::array({{{"name", "z"}, {"handler", "noop"}, {"after", {"b"}}},
                   {{"name", "b"}, {"handler", "noop"}}});
  judge_object(schema, "/$defs/tasks/anyOf/1/items", "/tasks/0", listed);
}

CAF_TEST(fanouts are judged alike) {
  const auto schema = definition_schema();
  const auto judge_fanout = [&](const json& fanout, bool good) {
    auto document = sound();
    document["tasks"]["a"]["input"]["fanout"] = fanout;
    judge(schema, document, good);
  };
  const auto& kinds = schema.at(
    "/$defs/input/properties/fanout/anyOf/2/properties"_json_pointer);
  CAF_CHECK_EQUAL(kinds.size(), 4u);
  for (const auto& [kind, rule] : kinds.items()) {
    for (const auto& value : field_samples().at(kind).good)
      judge_fanout({{kind, value}}, true);
    for (const auto& value : field_samples().at(kind).bad)
      judge_fanout({{kind, value}}, false);
  }
  for (const auto& value : field_samples().at("fanout").good)
    judge_fanout(value, true);
  for (const auto& value : field_samples().at("fanout").bad)
    judge_fanout(value, false);
  judge_fanout(json::object(), false);
  judge_fanout({{"lines", "a"}, {"glob", "b"}}, false);
  judge_fanout({{"from", "a"}}, false);
}

CAF_TEST(shapes of the whole are judged alike) {
  const auto schema = definition_schema();
  const auto text = [&](const std::string& document, bool good) {
    judge(schema, *parse_json(document), good);
  };
  text("[]", false);
  text("{}", false);
  text(R"({"tasks": {}})", false);
  text(R"({"tasks": []})", false);
  text(R"({"tasks": 5})", false);
  text(R"({"tasks": {"a": {}}})", false);
  text(R"({"tasks": {"a": {}}, "defaults": {"max_retries": 1}})", false);
  text(R"({"tasks": {"a": {}}, "defaults": {"handler": "noop"}})", true);
  text(R"({"tasks": {"a": {"handler": "noop", "when": "failed"}}})", false);
  text(R"({"tasks": {"a#b": {"handler": "noop"}}})", false);
  text(R"({"tasks": [{"handler": "noop"}]})", false);
  text(R"({"tasks": [{"name": "a"}]})", false);
  text(R"({"tasks": [{"name": "a", "handler": "noop"}]})", true);
  text(R"({"tasks": {"a": {"name": "a", "handler": "noop"}}})", false);
}

CAF_TEST(the schema says what it is) {
  const auto schema = definition_schema();
  CAF_CHECK_EQUAL(schema["$schema"],
                  "https://json-schema.org/draft/2020-12/schema");
  CAF_CHECK_EQUAL(schema["type"], "object");
  CAF_CHECK_EQUAL(schema["required"], json::array({"tasks"}));
}
