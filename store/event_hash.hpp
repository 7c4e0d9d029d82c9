#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <conductor/event.hpp>

/// The hash chain of a run's events: one value a span, which all events of the
/// span carry. A changed, missing or inserted span changes every value after
/// it. It finds damage and careless edits, not a forger who recomputes it.
namespace conductor {

/// A span holds at most so many events; a store cuts longer ones.
inline constexpr std::int64_t longest_span = 1024;

namespace event_hash {

inline constexpr std::uint64_t basis = 0xCBF29CE484222325;
inline constexpr std::uint64_t prime = 0x100000001B3;

/// FNV-1a over words in place of bytes. A product carries upwards only, hence
/// the fold: without it the top byte of a word would reach no lower bit.
inline std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * prime;
  return hash ^ (hash >> 32);
}

/// Up to 8 bytes, the first one lowest, on every machine.
inline std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return word;
}

inline std::uint64_t mix(std::uint64_t hash, std::string_view bytes) {
  const auto size = bytes.size();
  while (bytes.size() >= 8) {
    hash = mix(hash, word_of(bytes.substr(0, 8)));
    bytes.remove_prefix(8);
  }
  // The size tells "" from "\0" and ends the text.
  return mix(mix(hash, word_of(bytes)), std::uint64_t{size});
}

} // namespace event_hash

/// The value of `span`, from that of the span before it in the same run (0 for
/// the first): previous, seq, first, count, kind, at (ms) and payload, mixed in
/// this order. Stored: must never change.
inline std::uint64_t chain(std::uint64_t previous, const event_span& span) {
  using event_hash::mix;
  auto hash = mix(event_hash::basis, previous);
  hash = mix(hash, static_cast<std::uint64_t>(span.seq));
  hash = mix(hash, static_cast<std::uint64_t>(span.first));
  hash = mix(hash, static_cast<std::uint64_t>(span.count));
  hash = mix(hash, static_cast<std::uint64_t>(span.kind));
  hash = mix(hash, static_cast<std::uint64_t>(to_ms(span.at)));
  return mix(hash, std::string_view{span.payload});
}

} // namespace conductor
