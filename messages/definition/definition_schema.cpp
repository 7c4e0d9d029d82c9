#include <conductor/definition.hpp>

#include "messages/definition/definition_reader.hpp"

namespace conductor {

namespace {

using namespace detail;

template <class T>
json schema_of(const fields<T>& table) {
  json properties = json::object();
  for (const auto& f : table) {
    if (!f.read)
      continue;
    auto schema = f.schema();
    schema["description"] = std::string{f.note};
    schema["examples"] = {json::parse(f.example)};
    properties[std::string{f.name}] = std::move(schema);
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

json fanout_schema() {
  auto object = schema_of(fanout_fields());
  object["minProperties"] = 1;
  object["maxProperties"] = 1;
  return {{"description", "makes the task a parent: one child an element"},
          {"anyOf",
           {{{"type", "integer"}, {"minimum", 0}},
            {{"type", "array"}},
            std::move(object)}}};
}

/// `when` is about the tasks that `after` names.
json task_schema(bool named) {
  auto schema = schema_of(task_fields(named));
  schema["dependentRequired"] = {{"when", {"after"}}};
  return schema;
}

json tasks_schema() {
  auto named = task_schema(true);
  named["required"] = {"name"};
  return {{"anyOf",
           {{{"type", "object"},
             {"minProperties", 1},
             {"propertyNames", {{"$ref", "#/$defs/name"}}},
             {"additionalProperties", task_schema(false)}},
            {{"type", "array"}, {"minItems", 1}, {"items", named}}}}};
}

constexpr auto time_pattern
  = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    "T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?"
    "(Z|\\+00:00)$";

json value_schemas() {
  const definition_context limits;
  const auto label = [&](const char* pattern) -> json {
    return {{"type", "string"},
            {"minLength", 1},
            {"maxLength", limits.max_name},
            {"pattern", pattern}};
  };
  return {
    {"name", label("^[^\\u0000-\\u001f\\u007f-\\u009f#/]+$")},
    {"label", label("^[^\\u0000-\\u001f\\u007f-\\u009f]+$")},
    {"duration",
     {{"description", "250ms, 5s, 10m or 2h; 0"},
      {"anyOf",
       {{{"type", "string"}, {"pattern", "^([0-9]+(\\.[0-9]+)?(ms|s|m|h)|0)$"}},
        {{"const", 0}}}}}},
    {"moment",
     {{"description", "10m, or a time in UTC such as 2026-11-24T18:00:00Z; 0"},
      {"anyOf",
       {{{"$ref", "#/$defs/duration"}},
        {{"type", "string"}, {"pattern", time_pattern}}}}}},
    {"share",
     {{"description", "a count, or a share such as \"5%\""},
      {"anyOf",
       {{{"type", "integer"}, {"minimum", 0}},
        {{"type", "string"},
         {"pattern", "^0*(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]+)?)%$"}}}}}},
    {"error_types",
     {{"type", "array"},
      {"items", {{"$ref", "#/$defs/label"}}},
      {"maxItems", most_error_types}}},
    {"input",
     {{"type", "object"}, {"properties", {{"fanout", fanout_schema()}}}}},
  };
}

/// A handler may be left out only where the defaults name one.
json handler_condition() {
  const json handler_required{{"required", {"handler"}}};
  const json by_default{{"required", {"defaults"}},
                        {"properties", {{"defaults", handler_required}}}};
  const json each_task{{"properties",
                        {{"tasks",
                          {{"additionalProperties", handler_required},
                           {"items", handler_required}}}}}};
  return {{"if", by_default}, {"else", each_task}};
}

} // namespace

json definition_schema() {
  auto schema = schema_of(run_fields());
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "Origin Conductor run definition";
  schema["required"] = {"tasks"};
  schema.update(handler_condition());
  auto& defs = schema["$defs"] = value_schemas();
  defs["retry"] = schema_of(retry_fields());
  defs["defaults"] = schema_of(defaults_fields());
  defs["tasks"] = tasks_schema();
  return schema;
}

} // namespace conductor
