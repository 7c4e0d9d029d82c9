#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "apps/orcon/report/report_replay.hpp"

/// Drawings over the time of a run. They stretch with the page; the texts of
/// their axes stand beside them and keep their size.
namespace orcon::report {

/// Neighbouring slices told as one.
struct column {
  std::size_t from = 0, to = 0; ///< slices [from, to)
};

/// All slices, in at most `most` columns.
std::vector<column> columns_of(const timeline& t, std::size_t most);

/// A drawing with axes, grid, name and description. What is drawn in between
/// has the slices as its x and `y(value)` as its y.
class plot {
public:
  /// `most` is the largest value, `size` the class of its height.
  plot(std::ostream& out, const timeline& t, std::int64_t most,
       const char* size, const std::string& name, const std::string& text);
  int y(double value) const;
  /// Ends it; `tell(column)` is what is shown under the pointer.
  void close(const std::function<std::string(column)>& tell);

private:
  std::ostream& out_;
  const timeline& time_;
  double scale_ = 1;
};

/// A path round the area between two lines, one y a slice.
std::string area(const std::vector<int>& lower, const std::vector<int>& upper);
/// A path of steps, one y a slice.
std::string steps(const std::vector<int>& values);

} // namespace orcon::report
