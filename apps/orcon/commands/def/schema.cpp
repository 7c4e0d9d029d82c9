#include <conductor/definition.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

command def_schema_command() {
  return {.path = "def schema",
          .summary = "Print the JSON Schema",
          .examples = "orcon def schema > run.schema.json",
          .exits = {done},
          .prepare = without_options([](const settings& s) {
            const auto indent = s.output == format::jsonl ? -1 : 2;
            put("{}\n", conductor::definition_schema().dump(indent));
            return int{done};
          })};
}

} // namespace orcon
