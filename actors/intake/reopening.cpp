#include "actors/intake/reopening.hpp"

#include <map>

#include "actors/rules/aggregate_rules.hpp"
#include <conductor/json_text.hpp>
#include "actors/rules/reopen_rules.hpp"

namespace conductor {

namespace {

using rules::unsuccessful;

bool has_error_type(const task_record& task, const std::string& type) {
  if (type.empty())
    return true;
  const auto error = json::parse(task.last_error, nullptr, false);
  return error.is_object() && error.value("type", "") == type;
}

std::vector<unsuccessful> find_unsuccessful(store_reader& reader,
                                            task_filter which,
                                            const std::string& error_type) {
  std::vector<unsuccessful> found;
  which.texts = false;
  if (which.states.empty())
    which.states = {task_state::failed, task_state::cancelled};
  for (task_key after = 0;;) {
    const auto page = reader.list_tasks(which, after, 1000);
    for (const auto& t : page)
      if (!reader.load_fanout(t.key) && has_error_type(t, error_type))
        found.push_back(
          {{t.key, t.run, t.parent, t.attempt, t.retry_count, t.lost_count},
           t.state});
    if (page.size() < 1000)
      return found;
    after = page.back().key;
  }
}

/// Why a parent cannot go on with `reopened` of its failed children; none if it
/// can.
error cannot_go_on(store_reader& reader, const fanout_record& parent,
                   std::int64_t reopened) {
  const auto name = reader.load_task(parent.task)->name;
  if (parent.state == task_state::succeeded)
    return {errc::conflict, name
                              + " SUCCEEDED within its tolerance; its "
                                "failures cannot be retried"};
  if (!parent.broken.empty())
    return {errc::conflict, "not all children of " + name
                              + " were created; submit the run again"};
  auto then = parent;
  then.state = task_state::pending;
  then.children[task_state::failed] -= reopened;
  then.children[task_state::pending] += reopened;
  if (rules::should_fail_fast(then, reader.load_origin(parent.task)->spec))
    return {errc::conflict,
            name + " fails fast, and " + std::to_string(then.children.failed)
              + " of its other children FAILED: they would stop it again at "
                "once; retry all that failed in it"};
  return {};
}

/// Drops leaves whose parent cannot go on, and answers the parents of the
/// others, each once. Errors: conflict, if no leaf is left.
result<std::vector<fanout_record>>
find_parents(store_reader& reader, std::vector<unsuccessful>& leaves) {
  std::map<task_key, std::int64_t> failed; // children to reopen, by parent
  for (const auto& leaf : leaves)
    if (leaf.task.parent != 0)
      failed[leaf.task.parent] += leaf.state == task_state::failed;
  std::vector<fanout_record> found;
  error why;
  for (const auto& [key, reopened] : failed) {
    auto parent = *reader.load_fanout(key);
    if (auto trouble = cannot_go_on(reader, parent, reopened)) {
      why = std::move(trouble);
      std::erase_if(leaves, [k = key](const unsuccessful& leaf) {
        return leaf.task.parent == k;
      });
    } else {
      found.push_back(std::move(parent));
    }
  }
  if (leaves.empty())
    return tl::unexpected(why);
  return found;
}

} // namespace

result<reopening> plan_retry_by_hand(store_reader& reader, run_key run,
                                     const task_filter& which,
                                     const std::string& error_type,
                                     timestamp now) {
  const auto record = reader.load_run(run);
  if (!record)
    return fail(errc::not_found, "no such run");
  if (!settled(record->state))
    return fail(errc::conflict,
                "run " + record->id + " is " + to_string(record->state)
                  + "; what failed in it can be retried by hand "
                    "once it has ended");
  if (record->state == run_state::succeeded)
    return fail(errc::conflict,
                "run " + record->id + " SUCCEEDED; there is nothing to retry");
  auto filter = which;
  filter.run = run;
  auto leaves = find_unsuccessful(reader, filter, error_type);
  if (leaves.empty())
    return fail(errc::not_found,
                "nothing that failed in run " + record->id + " matches");
  const auto parents = find_parents(reader, leaves);
  if (!parents)
    return tl::unexpected(parents.error());
  return reopening{rules::plan_reopening(*record, leaves, *parents, now),
                   std::ssize(leaves)};
}

} // namespace conductor
