#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include <conductor/error.hpp>
#include <conductor/json_text.hpp>

namespace orcon {

/// The items of a fan-out while they are gathered: a short list in memory, a
/// long one in a temporary file that has no name.
class item_list {
public:
  conductor::error add(const conductor::json& item);
  /// No more items come.
  conductor::error finish();

  std::int64_t count() const { return count_; }
  /// Tells apart lists that differ.
  std::uint64_t hash() const { return hash_; }
  /// Calls `one` with the JSON text of each item, in order, until it fails.
  conductor::error
  each(const std::function<conductor::error(const std::string&)>& one) const;

private:
  struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  conductor::error spill();
  bool write(const std::string& text);

  std::string short_; ///< JSON texts, one per line
  std::unique_ptr<std::FILE, closer> file_;
  std::int64_t count_ = 0;
  std::uint64_t hash_ = 0;
};

} // namespace orcon
