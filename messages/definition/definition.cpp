#include <conductor/definition.hpp>

#include "messages/definition/definition_reader.hpp"

namespace conductor {

namespace detail {

namespace {

/// The reader of `when` cannot tell whether there is an `after`.
void check_when(const place& at, task_spec& task) {
  if (!at.value.contains("when"))
    return;
  const auto after = at.value.find("after");
  if (after == at.value.end() || *after == json::array())
    at.in.errors.add(at.path + "/when", when_alone);
  else if (task.after.empty()) // it was refused
    task.when = condition::succeeded;
}

void read_task(const place& at, std::string name, run_draft& draft) {
  const auto named = name.empty();
  task_spec task = draft.defaults;
  task.name = std::move(name);
  task.directory = at.in.context.directory;
  read_fields(at, task_fields(named), task);
  if (at.value.is_object()) {
    const auto name_path = named ? at.path + "/name" : at.path;
    if (named && !at.value.contains("name"))
      at.in.errors.add(name_path, "is required");
    if (task.handler.empty())
      at.in.errors.add(at.path + "/handler",
                       "is required, here or in /defaults");
    check_when(at, task);
    check_task(task, at.path, name_path, at.in.context, at.in.errors);
  }
  draft.spec.tasks.push_back(std::move(task));
}

void read_tasks(const place& at, run_draft& draft) {
  auto& [context, errors] = at.in;
  if (!at.value.is_structured())
    return at.refuse("must be an object of tasks by name or a list of tasks, "
                     "not "
                     + shown(at.value));
  check_task_count(at.value.size(), context, errors);
  if (at.value.size() > context.max_tasks)
    return;
  for (const auto& [key, value] : at.value.items())
    if (at.value.is_array())
      read_task({value, pointer(at.path, key), at.in}, {}, draft);
    else if (key.empty())
      at.in.errors.add(pointer(at.path, key), "a name must not be empty");
    else
      read_task({value, pointer(at.path, key), at.in}, key, draft);
  if (at.value.is_array())
    check_duplicates(draft.spec.tasks, errors);
  const auto path_of = [&](std::size_t i) {
    return at.value.is_array() ? pointer(at.path, i)
                               : pointer(at.path, draft.spec.tasks[i].name);
  };
  check_dependencies(draft.spec.tasks, path_of, errors);
}

} // namespace

} // namespace detail

definition_result read_definition(const json& document,
                                  const definition_context& context) {
  using namespace detail;
  reading in{context, {}};
  run_draft draft;
  draft.spec.name = "run";
  const place root{document, "", in};
  read_fields(root, run_fields(), draft);
  if (document.is_object()) {
    check_run(draft.spec, context, in.errors);
    if (draft.tasks)
      read_tasks({*draft.tasks, "/tasks", in}, draft);
    else
      in.errors.add("/tasks", "is required");
  }
  return {std::move(draft.spec), in.errors.take()};
}

} // namespace conductor
