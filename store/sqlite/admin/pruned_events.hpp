#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

/// Seqs of events that were pruned: ranges in which some may be gone, and how
/// many are.
class pruned_events {
public:
  explicit pruned_events(database& db) {
    db.prepared("SELECT first_seq,last_seq,events FROM prunings ORDER BY "
                "first_seq")
      .each([&](statement& row) {
        count_ += row.integer(2);
        last_ = std::max(last_, row.integer(1));
        if (!ranges_.empty() && row.integer(0) <= ranges_.back().second + 1)
          ranges_.back().second
            = std::max(ranges_.back().second, row.integer(1));
        else
          ranges_.emplace_back(row.integer(0), row.integer(1));
      });
  }
  /// Whether pruning may explain that first … last are missing.
  bool cover(event_seq first, event_seq last) const {
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& r) {
      return r.first <= first && last <= r.second;
    });
  }
  std::int64_t count() const { return count_; }
  event_seq last() const { return last_; }

private:
  std::vector<std::pair<event_seq, event_seq>> ranges_;
  std::int64_t count_ = 0;
  event_seq last_ = 0;
};

} // namespace conductor::sqlite
