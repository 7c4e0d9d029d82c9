#pragma once

#include <string_view>
#include <vector>

namespace conductor::detail {

/// The name that was probably meant by what was written; empty if none is
/// near.
std::string_view nearest_name(std::string_view written,
                              const std::vector<std::string_view>& known);

} // namespace conductor::detail
