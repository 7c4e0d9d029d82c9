#include "store/sqlite/read/task_texts.hpp"

#include <algorithm>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

namespace {

/// Reading so many rows that nobody wants is as quick as another query.
constexpr std::int64_t gap = 64;

} // namespace

const std::string& item_reader::item(list_key list, std::int64_t index) {
  if (list < 1 || list >= INT64_MAX / items_per_list || index < 1
      || index > items_per_list)
    throw damaged("list", list, "it has no item " + std::to_string(index));
  const auto key = list * items_per_list + index - 1;
  const auto holds = [&] {
    return key >= first_
           && key - first_ < static_cast<std::int64_t>(texts_.size());
  };
  if (!holds())
    db_.prepared(sql::item_block)
      .each(
        [&](statement& row) {
          first_ = row.integer(0);
          texts_.clear();
          if (first_ < list * items_per_list)
            return; // of another list
          auto texts = split_array(row.text(2));
          if (!texts || row.integer(1) != std::int64_t(texts->size()))
            throw damaged("list", list, "its items cannot be read");
          texts_ = std::move(*texts);
        },
        key);
  if (!holds())
    throw damaged("list", list,
                  "item " + std::to_string(index) + " is missing");
  return texts_[static_cast<std::size_t>(key - first_)];
}

std::string derived_item(std::int64_t from, std::int64_t step,
                         std::int64_t index, task_key task) {
  std::int64_t way = 0, item = 0;
  if (__builtin_mul_overflow(index - 1, step, &way)
      || __builtin_add_overflow(from, way, &item))
    throw damaged("task", task, "its item is out of range");
  return std::to_string(item);
}

void add_outputs(database& db, std::vector<task_record>& tasks) {
  std::vector<task_record*> by_key;
  for (auto& task : tasks)
    by_key.push_back(&task);
  std::ranges::sort(by_key, {}, &task_record::key);
  for (std::size_t i = 0; i < by_key.size();) {
    auto end = i + 1;
    while (end < by_key.size() && by_key[end]->key - by_key[end - 1]->key < gap)
      ++end;
    auto place = i;
    // The primary key brings the rows in order.
    db.prepared(sql::outputs_between)
      .each(
        [&](statement& row) {
          while (place < end && by_key[place]->key < row.integer(0))
            ++place;
          if (place < end && by_key[place]->key == row.integer(0))
            by_key[place]->output = row.text(1);
        },
        by_key[i]->key, by_key[end - 1]->key);
    i = end;
  }
}

} // namespace conductor::sqlite
