#include "apps/orcon/report/report_plot.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

constexpr int height = 1000; // of a drawing; its width is the number of slices

std::string span_text(const timeline& t, column c) {
  return duration(t.at(c.from) - t.begin) + " to "
         + duration(t.at(c.to) - t.begin);
}

} // namespace

std::vector<column> columns_of(const timeline& t, std::size_t most) {
  const auto n = t.slices.size();
  const auto count = std::min(n, most);
  std::vector<column> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({i * n / count, (i + 1) * n / count});
  return out;
}

plot::plot(std::ostream& out, const timeline& t, std::int64_t most,
           const char* size, const std::string& name, const std::string& text)
  : out_(out), time_(t) {
  const auto steps = round_steps(most, 5);
  const auto top = std::max<std::int64_t>(steps.back(), 1);
  scale_ = height / static_cast<double>(top);
  fmt::print(out,
             "<div class=\"plot\"><div class=\"y\" aria-hidden=\"true\">"
             "<span>{}</span>",
             with_commas(top));
  for (auto step : steps)
    fmt::print(out, "<b style=\"bottom:{:.1f}%\">{}</b>",
               100.0 * static_cast<double>(step) / static_cast<double>(top),
               with_commas(step));
  fmt::print(out,
             "</div>\n<div class=\"{}\"><svg viewBox=\"0 0 {} {}\" "
             "preserveAspectRatio=\"none\" role=\"img\"><title>{}</title>"
             "<desc>{}</desc>\n<path class=\"grid\" "
             "vector-effect=\"non-scaling-stroke\" d=\"",
             size, t.slices.size(), height, name, text);
  for (auto step : steps)
    fmt::print(out, "M0 {}H{}", y(static_cast<double>(step)), t.slices.size());
  fmt::print(out, "\"/>\n");
}

int plot::y(double value) const {
  return height - static_cast<int>(std::lround(value * scale_));
}

void plot::close(const std::function<std::string(column)>& tell) {
  for (const auto& c : columns_of(time_, 60))
    fmt::print(out_,
               "<rect class=\"hover\" x=\"{}\" y=\"0\" width=\"{}\" "
               "height=\"{}\"><title>{}: {}</title></rect>\n",
               c.from, c.to - c.from, height, span_text(time_, c), tell(c));
  fmt::print(out_, "</svg></div>\n<div class=\"x\" aria-hidden=\"true\">");
  const auto length = time_.end - time_.begin;
  for (const auto& [at, label] : time_ticks(length, 8)) {
    const auto place
      = 100.0 * static_cast<double>(at) / static_cast<double>(length.count());
    fmt::print(out_, "<b{} style=\"left:{:.2f}%\">{}</b>",
               place > 96 ? " class=\"end\"" : "", place, label);
  }
  fmt::print(out_, "</div></div>\n");
}

std::string steps(const std::vector<int>& values) {
  auto d = fmt::format("M0 {}", values.front());
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i] != values[i - 1])
      d += fmt::format("H{}V{}", i, values[i]);
  return d + fmt::format("H{}", values.size());
}

std::string area(const std::vector<int>& lower, const std::vector<int>& upper) {
  auto d = steps(upper) + fmt::format("V{}", lower.back());
  for (auto i = lower.size() - 1; i > 0; --i)
    if (lower[i - 1] != lower[i])
      d += fmt::format("H{}V{}", i, lower[i - 1]);
  return d + "H0Z";
}

} // namespace orcon::report
