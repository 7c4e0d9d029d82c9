#pragma once

#include <string>
#include <vector>

#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

/// What the database's ids are made with.
id_space load_ids(database& db);

/// Reads a row selected with `sql::run_columns`.
run_record to_run(const statement& row);
/// Reads a row selected with `sql::fanout_columns`.
fanout_record to_fanout(const statement& row);
/// Fills in what is derived from the cursors: `pending` and `unborn`.
void derive_counts(fanout_record& fanout);

/// Reads sums over fan-outs: seven columns from `first` on, total, expanded,
/// running, retrying, succeeded, failed, cancelled.
state_counts to_counts(const statement& row, int first);

/// The part of a child's input that it shares with its siblings.
std::string shared_input(const std::string& parent_input);

/// States or kinds as they are stored, for `IN (…)`.
template <class Code>
std::string code_list(const std::vector<Code>& codes) {
  std::string list;
  for (auto code : codes)
    list += (list.empty() ? "" : ",") + std::to_string(static_cast<int>(code));
  return list;
}

std::optional<run_record> load_run(database& db, run_key run);
std::optional<fanout_record> load_fanout(database& db, task_key parent);

} // namespace conductor::sqlite
