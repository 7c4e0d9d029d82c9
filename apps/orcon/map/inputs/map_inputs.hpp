#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/error.hpp>

#include "apps/orcon/map/inputs/item_list.hpp"
#include "apps/orcon/map/inputs/map_sources.hpp"

namespace orcon {

/// FNV-1a, 64 bits; continues from an earlier hash.
std::uint64_t hash_text(std::string_view text,
                        std::uint64_t from = 0xcbf29ce484222325);

/// As a shell would need it to be written.
std::string shell_quoted(const std::string& text);

/// How the lists of inputs become items.
struct input_rules {
  char delimiter = '\n';     ///< of the inputs in a file
  std::int64_t max_args = 1; ///< inputs in one command; 0 = as many as fit
  unsigned jobs = 1;         ///< commands that share the inputs if few fit
  /// --pipe: an item is a block of whole records with at most this many bytes;
  /// one record that is longer is a block of its own. 0 = an item is a record.
  std::size_t block = 0;
  std::int64_t records = 0; ///< in a block at most; 0 = as many as fit
};

struct map_inputs {
  item_list items;
  /// Files of the database itself that were in the list and were left out.
  std::int64_t left_out = 0;
};

/// Reads all lists and combines them as GNU parallel does: each input of one
/// with each of the others, the last list changing fastest; those of a linked
/// list one by one with the list before it, up to the shorter one's end.
conductor::result<map_inputs> read_inputs(const std::vector<input_source>& from,
                                          const input_rules& rules,
                                          const std::string& database);

} // namespace orcon
