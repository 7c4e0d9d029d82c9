#include "store/guards.hpp"

namespace conductor {

namespace {

/// Calls `each` with every list whose parts may name what is new.
template <class Each>
void each_list(change_set& changes, Each each) {
  each(changes.leading);
  each(changes.run_starts);
  each(changes.expansions);
  each(changes.moves);
  each(changes.run_moves);
  each(changes.notes);
}

struct placement {
  const submitted_run& created;

  void run(run_key& key) const {
    if (key == new_run)
      key = created.key;
  }
  void task(task_key& key) const {
    if (key < 0)
      key = created.first_task + (new_task(0) - key);
  }
  void part(note& n) const {
    run(n.run);
    task(n.task);
  }
  void part(run_move& m) const { run(m.run); }
  void part(expansion& e) const {
    run(e.run);
    task(e.parent);
    for (auto& n : e.notes)
      part(n);
  }
  void part(task_move& m) const {
    run(m.run);
    task(m.parent);
    task(m.tasks.first);
  }
};

} // namespace

void place(change_set& changes, const submitted_run& created) {
  each_list(changes, [&](auto& list) {
    if (created.existed)
      std::erase_if(list, [](const auto& part) { return part.run == new_run; });
    else
      for (auto& part : list)
        placement{created}.part(part);
  });
}

} // namespace conductor
