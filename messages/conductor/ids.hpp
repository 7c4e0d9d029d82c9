#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <conductor/time.hpp>

namespace conductor {

/// Keys are what the engine works with: small integers, handed out by the
/// store in order. The children of one fan-out have consecutive keys, so that
/// the key of child `index` is `base + index - 1`. Zero means "none".
using run_key = std::int64_t;
using task_key = std::int64_t;
using event_seq = std::int64_t;
/// A list of inputs in the database. Item `i` (from 0) of a list has the item
/// key `list * items_per_list + i`.
using list_key = std::int64_t;
inline constexpr std::int64_t items_per_list = std::int64_t{1} << 32;

/// A ULID: 48 bits of milliseconds and 80 further bits, 26 characters of
/// Crockford's base 32 (https://github.com/ulid/spec). Text order is time
/// order.
struct ulid {
  std::uint64_t ms = 0;            ///< 48 bits used
  std::uint64_t high = 0, low = 0; ///< 40 bits used of each

  friend auto operator<=>(const ulid&, const ulid&) = default;
};

std::string to_string(const ulid& id);

/// Reads exactly 26 characters of the alphabet (any case); nullopt for
/// anything else, or for a time beyond 48 bits.
std::optional<ulid> parse_ulid(std::string_view text);

enum class id_kind : std::uint8_t { run = 1, task = 2, event = 3 };

/// How keys become ids: time of creation, then 40 bits that mark this database
/// and the kind of record, then 40 bits of key. An id is found again by
/// arithmetic; no index of texts is needed.
struct id_space {
  std::uint64_t salt = 0; ///< 38 bits, drawn once for each database

  std::uint64_t mark(id_kind kind) const {
    return (salt & 0x3FFFFFFFFF) << 2 | static_cast<std::uint64_t>(kind);
  }
  std::string text(id_kind kind, timestamp created, std::int64_t key) const;
  /// The key within `id`, or nullopt if the id is not of this database and
  /// kind. The caller compares the time of creation with the record's.
  std::optional<std::int64_t> key(id_kind kind, const ulid& id) const;
};

} // namespace conductor
