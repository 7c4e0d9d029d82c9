#include "tests/support/dice.hpp"

namespace conductor::test {

namespace {

task_submission random_task(dice& d, int number) {
  task_submission out;
  auto& spec = out.spec;
  spec.handler = "handler" + std::to_string(d.pick(1, 3));
  spec.directory = "/somewhere";
  spec.retry.max_retries = static_cast<std::int32_t>(d.pick(0, 5));
  spec.timeout = milliseconds{d.pick(0, 1) * 1'500};
  spec.name = "task" + std::to_string(number);
  if (d.chance(40))
    return out;
  spec.name = "fan " + std::to_string(number);
  spec.input = R"({"z":[1.5,null],"fanout":7,"a":{"b":"ä\n"},"item":0})";
  out.total = d.chance(10) ? 0 : d.pick(1, 12);
  auto& source = spec.fanout;
  source.kind = d.one_of(std::vector{source_kind::count, source_kind::range,
                                     source_kind::items, source_kind::lines});
  spec.max_concurrency = d.chance(40) ? d.pick(1, 4) : 0;
  source.count = out.total;
  if (source.kind == source_kind::range)
    source.from = 10, source.step = -3, source.to = 10 - 3 * (out.total - 1);
  return out;
}

} // namespace

submission random_submission(dice& d, int number,
                             const std::vector<list_key>& lists) {
  submission out;
  const auto text = std::to_string(number);
  out.name = "run \"" + text + "\"";
  out.meta = R"({"number":)" + text + "}";
  if (d.chance(50))
    out.idempotency_key = "key" + std::to_string(d.pick(1, 4));
  if (d.chance(30))
    out.retry_budget = {0, 12.5};
  for (int i = 1, n = static_cast<int>(d.pick(1, 4)); i <= n; ++i)
    out.tasks.push_back(random_task(d, i));
  for (auto& task : out.tasks) {
    const auto kind = task.spec.fanout.kind;
    if (kind != source_kind::items && kind != source_kind::lines)
      continue;
    if (lists.empty())
      task.spec.fanout.kind = source_kind::count;
    else
      task.items = d.one_of(lists);
  }
  return out;
}

} // namespace conductor::test
