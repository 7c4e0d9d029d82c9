#pragma once

#include <string>

#include <conductor/store.hpp>

namespace orcon {

/// The item of a child as people read it: its inputs, unquoted, in one line;
/// empty for a task that has none.
std::string item_text(conductor::store_reader& reader,
                      conductor::task_key task);

/// The same of a JSON text.
std::string item_text(const std::string& item);

/// "map#4 (b.txt)", or only the name where there is no item.
std::string labelled(const std::string& name, const std::string& item);

/// "2026-11-24 14:03:07, 5m 02s ago" in the time zone of the user, for people
/// at a terminal; elsewhere as JSON has it.
std::string time_text(conductor::timestamp t, conductor::timestamp now);

/// Whether times are shown so: stdout is a terminal.
bool times_are_local();

} // namespace orcon
