#include "store/glob.hpp"
#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

std::vector<std::string> names(const std::vector<task_record>& records) {
  std::vector<std::string> out;
  for (const auto& r : records)
    out.push_back(r.name);
  return out;
}

void names_among_many(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 1000), parent("pq", 30), leaf("p#7"), leaf("x")});
  w.expand(1, 1, 1000);
  w.expand(2, 1, 30);
  std::vector<std::string> all;
  for (const auto& t :
       w.reader->list_tasks({.run = 1, .texts = false}, 0, 9999))
    all.push_back(t.name);
  require_same("all of them", all.size(), std::size_t{1034});
  for (const auto* pattern :
       {"p#1*", "*#999", "*9", "*#9", "p#[3-5]?", "pq#2*", "p*", "*x", "p#7",
        "p#07", "nobody*", "?#1??", "*#1*9*", "[p]#40", "*#", "p#1000",
        "p#1001", "*#*#*"}) {
    std::vector<std::string> wanted;
    for (const auto& name : all)
      if (glob_match(pattern, name))
        wanted.push_back(name);
    std::vector<std::string> found;
    for (task_key after = 0;;) {
      const auto page
        = w.reader->list_tasks({.run = 1, .name = pattern}, after, 17);
      for (const auto& t : page)
        found.push_back(t.name);
      if (page.size() < 17)
        break;
      after = page.back().key;
    }
    require_same(pattern, found, wanted);
  }
}

void errors_of_tasks(const store_factory& make) {
  workbench w{make};
  w.submit_children(4);
  w.submit({leaf("other")});
  using when = std::optional<timestamp>;
  require_same("nothing settled", w.reader->last_settled(1), when{});
  w.lease(1, {2, 4}, 0);
  const auto end = [&](task_key key, task_state to, const char* error) {
    w.now += milliseconds{10};
    auto m = w.plan(1, {key, 1}, running, 1, to);
    m.error = error;
    m.events = {task_failed(1, error, to == retrying)};
    w.move(m);
  };
  end(3, failed, R"({"message":"m","type":"exit"})");
  const auto settled_at = w.now;
  end(2, retrying, R"({"message":"exit","type":"timeout"})");
  const auto list = [&](run_key run, task_key after, std::size_t limit) {
    return names(w.reader->tasks({.filter = {.run = run},
                                  .with_error = true,
                                  .after = after,
                                  .limit = limit}));
  };
  require_same("errors", list(1, 0, 9), {"p#1", "p#2"});
  require_same("page", list(1, 2, 9), {"p#2"});
  require_same("limit", list(1, 0, 1), {"p#1"});
  require_same("another run", list(2, 0, 9), {});
  require_same("settled", w.reader->last_settled(1), when{settled_at});
  const auto find = [&](task_filter filter) {
    filter.run = 1;
    return names(w.reader->list_tasks(filter, 0, 9));
  };
  require_same("type", find({.error = "exit"}), {"p#2"});
  require_same("type and state", find({.states = {retrying}, .error = "exit"}),
               {});
  require_same("type and name", find({.name = "*#1", .error = "timeout"}),
               {"p#1"});
  require_same("no such type", find({.error = "ex"}), {});
}

void errors_are_counted(const store_factory& make) {
  workbench w{make};
  w.submit_children(6); // 2…7
  w.submit({parent("q", 0), leaf("other")});
  w.lease(1, {2, 6}, 0);
  const auto fail = [&](task_range tasks, task_state to, const char* error) {
    w.now += milliseconds{10};
    auto m = w.plan(1, tasks, running, 1, to);
    m.error = error;
    w.move(m);
    return w.now;
  };
  const auto *a = R"({"type":"a"})", *b = R"({"type":"b"})";
  const auto first = fail({3, 1}, failed, a);
  const auto second = fail({4, 1}, retrying, b);
  const auto third = fail({5, 2}, retrying, a);
  fail({7, 1}, retrying, b);
  w.move(w.plan(1, {7, 1}, retrying, 1, pending)); // it waits no longer
  auto parents = w.plan(0, {8, 1}, pending, 0, failed);
  parents.run = 2;
  w.move(parents);
  const error_count of_a{a, 1, 2, first, third, 3};
  const error_count of_b{b, 0, 1, second, second, 4};
  require_same("all", w.reader->count_errors(0, 9), {of_a, of_b});
  require_same("run", w.reader->count_errors(1, 9), {of_a, of_b});
  require_same("limit", w.reader->count_errors(1, 1), {of_a});
  require_same("leaves only", w.reader->count_errors(2, 9), {});
}

} // namespace

const std::vector<conformance_case>& filter_cases() {
  static const std::vector<conformance_case> cases{
    {"names among many", names_among_many},
    {"errors of tasks", errors_of_tasks},
    {"errors are counted", errors_are_counted},
  };
  return cases;
}

} // namespace conductor::test
