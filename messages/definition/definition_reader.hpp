#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/definition/definition_checks.hpp"
#include "messages/definition/definition_names.hpp"

/// How definitions are read: each object of a definition is a table of fields,
/// and each field knows how to read itself and what its JSON Schema is. So the
/// reader and the schema cannot disagree about what fields there are.
namespace conductor::detail {

/// Why a field is refused that will come.
inline constexpr std::string_view later = "is not supported yet";

struct reading {
  const definition_context& context;
  error_list errors;
};

/// A value of the document, and where it stands.
struct place {
  const json& value;
  std::string path;
  reading& in;

  place member(const std::string& key) const {
    return {value.at(key), pointer(path, key), in};
  }
  place element(std::size_t index) const {
    return {value.at(index), pointer(path, index), in};
  }
  void refuse(std::string message) const {
    in.errors.add(path, std::move(message));
  }
};

template <class T>
struct field {
  std::string_view name;
  void (*read)(const place&, T&); ///< null: the field is refused with `note`
  json (*schema)();               ///< null where the field is refused
  std::string_view note;          ///< the description; else why it is refused
  std::string_view example = {};  ///< a value, in JSON
};

template <class T>
using fields = std::vector<field<T>>;

/// What is read before the tasks can be: they start from the defaults.
struct run_draft {
  run_spec spec;
  task_spec defaults;
  const json* tasks = nullptr;
};

const fields<run_draft>& run_fields();
const fields<task_spec>& defaults_fields();
/// `named`: in a list, where a task has its name inside.
const fields<task_spec>& task_fields(bool named);
const fields<retry_policy>& retry_fields();
const fields<fanout_source>& fanout_fields();

/// Readers of one value: nullopt after saying what is wrong with it.
std::optional<std::string> read_text(const place& at);
/// Text without control characters that is not longer than a name may be.
std::optional<std::string> read_label(const place& at);
std::optional<std::int64_t>
read_integer(const place& at,
             std::int64_t least = std::numeric_limits<std::int64_t>::min(),
             std::int64_t most = std::numeric_limits<std::int64_t>::max());
std::optional<double> read_number(const place& at, double least, double most);
std::optional<milliseconds> read_duration(const place& at);
/// A duration, or an ISO 8601 time in UTC.
std::optional<moment> read_moment(const place& at);
std::optional<count_or_percent> read_share(const place& at);
bool require_object(const place& at);
bool require_list(const place& at);

/// `not_yet`: other words may come to mean something.
template <class E, std::size_t N>
void read_choice(const place& at, const std::array<choice<E>, N>& names,
                 E& target, bool not_yet = false) {
  if (at.value.is_string())
    if (const auto found
        = value_of(names, at.value.get_ref<const std::string&>())) {
      target = *found;
      return;
    }
  std::string known;
  for (std::size_t i = 0; i < N; ++i)
    known += (i == 0       ? ""
              : i + 1 == N ? " or "
                           : ", ")
             + std::string{names[i].name};
  at.refuse(not_yet
              ? shown(at.value) + " is not supported yet (write " + known + ")"
              : "must be " + known + ", not " + shown(at.value));
}

/// `unknown field "foo"; did you mean "bar"?`
std::string unknown_field(std::string_view name,
                          const std::vector<std::string_view>& known);

/// Reads each member of an object into the target; says what is unknown.
template <class T>
void read_fields(const place& at, const fields<T>& table, T& target) {
  if (!require_object(at))
    return;
  for (const auto& [key, value] : at.value.items()) {
    const auto found = std::find_if(
      table.begin(), table.end(), [&](const auto& f) { return f.name == key; });
    if (found != table.end() && found->read) {
      found->read({value, pointer(at.path, key), at.in}, target);
    } else if (found != table.end()) {
      at.member(key).refuse('"' + key + "\" " + std::string{found->note});
    } else {
      std::vector<std::string_view> known;
      for (const auto& f : table)
        if (f.read)
          known.push_back(f.name);
      at.member(key).refuse(unknown_field(key, known));
    }
  }
}

void read_fanout(const place& at, const std::string& directory,
                 fanout_source& source);

} // namespace conductor::detail
