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

json tasks_schema() {
  auto named = schema_of(task_fields(true));
  named["required"] = {"name"};
  return {{"anyOf",
           {{{"type", "object"},
             {"minProperties", 1},
             {"propertyNames", {{"$ref", "#/$defs/name"}}},
             {"additionalProperties", schema_of(task_fields(false))}},
            {{"type", "array"}, {"minItems", 1}, {"items", named}}}}};
}

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
