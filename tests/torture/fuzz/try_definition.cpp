#include "tests/torture/fuzz/try_definition.hpp"

#include <conductor/definition.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include "apps/orcon/definition/yaml.hpp"

namespace orcon::test {

using namespace conductor;

namespace {

/// A file in memory with a name that can be opened.
struct memory_file {
  int fd = ::memfd_create("definition", MFD_CLOEXEC);
  explicit memory_file(const std::string& text) {
    (void)!::write(fd, text.data(), text.size());
  }
  ~memory_file() { ::close(fd); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }
};

std::string look_at_errors(const document& from, const std::string& name,
                           const std::vector<definition_error>& errors) {
  for (const auto& e : errors)
    if (e.message.empty() || (!e.path.empty() && e.path.front() != '/')
        || !place_name(from, name, e.path).starts_with(name))
      return "an error without its place: " + to_string(e);
  return "";
}

/// A spec that was accepted is kept by the store without a loss.
std::string look_at_spec(const run_spec& spec) {
  for (const auto& task : spec.tasks) {
    if (task.name.empty() || task.handler.empty())
      return "a task without name or handler was accepted";
    const auto stored = to_stored_text(task);
    const auto back = from_stored_text(stored);
    if (!back)
      return "what is stored cannot be read: " + back.error().message;
    if (to_stored_text(*back) != stored)
      return "a stored task changes when it is read";
  }
  return "";
}

} // namespace

std::string try_definition(const std::string& text) {
  const memory_file file{text};
  const auto name = file.path();
  auto read = load_definition_file(name);
  if (!read)
    return read.error().message.starts_with(name)
             ? ""
             : "an error without its file: " + read.error().message;
  auto result = read_definition(read->value, {.directory = "/"});
  const auto wrong = look_at_errors(*read, name, result.errors);
  if (!wrong.empty() || !result.errors.empty())
    return wrong;
  order_as_written(*read, result.spec);
  return look_at_spec(result.spec);
}

} // namespace orcon::test
