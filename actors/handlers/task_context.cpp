#include <conductor/task_context.hpp>

#include <conductor/handler.hpp>

namespace conductor {

const std::string& task_context::run_id() const {
  return work_.origin->run_id;
}

std::string task_context::task_id() const {
  return work_.task_id();
}

std::string task_context::name() const {
  return work_.name();
}

std::int64_t task_context::index() const {
  return work_.index;
}

std::int32_t task_context::attempt() const {
  return work_.number;
}

const std::string& task_context::item_text() const {
  return work_.item;
}

std::string task_context::input_text() const {
  return dump(work_.input());
}

} // namespace conductor
