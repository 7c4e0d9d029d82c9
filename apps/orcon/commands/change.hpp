#pragma once

#include <string_view>

#include <conductor/engine.hpp>

#include "apps/orcon/cli.hpp"

namespace orcon {

/// How long a command waits for what it has cancelled to end.
inline constexpr conductor::milliseconds longest_wait{24LL * 3600 * 1000};

/// An engine for one change. With `settles` it ends what is cancelled; it
/// executes nothing.
conductor::result<conductor::engine> open_for_change(const settings& s,
                                                     bool settles);

/// Says what was changed; `done_text` is a participle such as "paused".
int print_change(const settings& s, const conductor::change_reply& reply,
                 std::string_view done_text);

} // namespace orcon
