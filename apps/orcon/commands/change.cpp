#include "apps/orcon/commands/change.hpp"

#include <fmt/format.h>

#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

result<engine> open_for_change(const settings& s, bool settles) {
  return engine::open({.database = s.database,
                       .work = settles,
                       .execute = false,
                       .create = false});
}

int print_change(const settings& s, const change_reply& reply,
                 std::string_view done_text) {
  if (s.output != format::table)
    print_object(s, {{"run", reply.run_id},
                     {"tasks", reply.tasks},
                     {"changed", reply.changed}});
  if (s.quiet)
    return done;
  if (!reply.changed)
    tell("orcon: it is {} already\n", done_text);
  else if (reply.run_id.empty())
    tell("orcon: all runs are {}\n", done_text);
  else
    tell("orcon: {} ({} task(s)) in run {}\n", done_text,
         with_commas(reply.tasks), reply.run_id);
  return done;
}

} // namespace orcon
