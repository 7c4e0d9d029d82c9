#include "apps/orcon/report/report_html.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

constexpr auto replacement = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 sequence at the front; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows
    = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const auto b = byte(0);
  if (b < 0x80)
    return 1;
  if (b >= 0xC2 && b < 0xE0)
    return follows(1) ? 2 : 0;
  if (b >= 0xE0 && b < 0xF0) {
    const auto low = b == 0xE0 ? 0xA0u : 0x80u;
    const auto high = b == 0xED ? 0x9Fu : 0xBFu;
    return byte(1) >= low && byte(1) <= high && follows(2) ? 3 : 0;
  }
  if (b >= 0xF0 && b < 0xF5) {
    const auto low = b == 0xF0 ? 0x90u : 0x80u;
    const auto high = b == 0xF4 ? 0x8Fu : 0xBFu;
    return byte(1) >= low && byte(1) <= high && follows(2) && follows(3) ? 4
                                                                         : 0;
  }
  return 0;
}

} // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto length = sequence_length(text.substr(i));
    const auto c = text[i];
    if (length == 0)
      out += replacement;
    else if (length > 1)
      out += text.substr(i, length);
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else if ((c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
      out += replacement;
    else
      out += c;
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::string user_text(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size() && seen < width; ++seen)
    end += std::max<std::size_t>(sequence_length(text.substr(end)), 1);
  return "<bdi>" + escaped(text.substr(0, end))
         + (end < text.size() ? "…</bdi>" : "</bdi>");
}

// -- states -------------------------------------------------------------------

// Drawn, so that no font has to have them: check, cross, bar, triangle, arrow
// round, ring.
const char* const icon_symbols = R"html(
<svg width="0" height="0" class="defs" aria-hidden="true"><defs>
<symbol id="i-succeeded" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8"/><path class="k" d="M4.4 8.3l2.5 2.5 4.8-5.3"/></symbol>
<symbol id="i-failed" viewBox="0 0 16 16"><path d="M5 0h6l5 5v6l-5 5H5l-5-5V5z"/><path class="k" d="M5.2 5.2l5.6 5.6m0-5.6l-5.6 5.6"/></symbol>
<symbol id="i-cancelled" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8"/><path class="k" d="M4.2 8h7.6"/></symbol>
<symbol id="i-running" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8"/><path class="s" d="M6.1 4.3v7.4L12 8z"/></symbol>
<symbol id="i-retrying" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8"/><path class="k" d="M11.6 8A3.6 3.6 0 1 1 9.9 4.9M8.3 3l2 1.8-1.9 1.9"/></symbol>
<symbol id="i-pending" viewBox="0 0 16 16"><path fill-rule="evenodd" d="M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0zm0 2.6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 0 0 8 2.6z"/></symbol>
</defs></svg>
)html";

state_look look(task_state s) {
  switch (s) {
  case task_state::pending: return {"pending", "pending"};
  case task_state::running: return {"running", "running"};
  case task_state::succeeded: return {"succeeded", "succeeded"};
  case task_state::retrying: return {"retrying", "waiting for a retry"};
  case task_state::failed: return {"failed", "failed"};
  case task_state::cancelled: return {"cancelled", "cancelled"};
  }
  return {"pending", "?"};
}

state_look look(run_state s) {
  return look(static_cast<task_state>(s));
}

const std::vector<task_state>& stacked_states() {
  using enum task_state;
  static const std::vector<task_state> order{succeeded, failed,   cancelled,
                                             running,   retrying, pending};
  return order;
}

std::int64_t count_of(const state_counts& c, task_state s) {
  auto copy = c;
  return copy[s];
}

std::string icon(state_look l) {
  return fmt::format("<svg class=\"icon {0}\" aria-hidden=\"true\"><use "
                     "href=\"#i-{0}\"/></svg>",
                     l.css);
}

std::string badge(state_look l, std::string_view text) {
  return fmt::format("<span class=\"badge\">{}{}</span>", icon(l),
                     text.empty() ? std::string{l.label} : escaped(text));
}

std::string counts_text(const state_counts& c) {
  std::string out;
  const auto add = [&](std::int64_t n, const char* what) {
    if (n > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", with_commas(n),
                         what);
  };
  for (auto s : stacked_states())
    add(count_of(c, s), look(s).label);
  add(c.not_created, "not created yet");
  return out.empty() ? "none" : out;
}

// -- numbers and times --------------------------------------------------------

std::string percent(std::int64_t part, std::int64_t whole) {
  if (whole <= 0)
    return "–";
  const auto share
    = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (part == 0 || part == whole)
    return fmt::format("{:.0f}%", share);
  if (share < 0.1)
    return "&lt;0.1%";
  if (share > 99.9)
    return "&gt;99.9%";
  return fmt::format("{:.1f}%", share);
}

std::string moment(timestamp t) {
  if (t == no_time)
    return "–";
  const auto iso = to_iso(t);
  return fmt::format("<time datetime=\"{}\">{} {}</time>", iso,
                     iso.substr(0, 10), iso.substr(11, 12));
}

std::string duration(milliseconds d) {
  return d.count() <= 0 ? "&lt;1ms" : human_duration(d);
}

std::string command(std::string_view line) {
  return "<code class=\"command\">" + escaped(line) + "</code>";
}

table::table(std::ostream& out, std::string_view caption,
             std::initializer_list<std::string_view> headers)
  : out_(out) {
  fmt::print(out,
             "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
             "aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
             caption);
  for (auto h : headers) {
    const auto number = h.starts_with('#');
    fmt::print(out, "<th scope=\"col\"{}>{}</th>", number ? " class=\"n\"" : "",
               h.substr(number ? 1 : 0));
  }
  fmt::print(out, "</tr></thead><tbody>\n");
}

table::~table() {
  fmt::print(out_, "</tbody></table></div>\n");
}

std::string bar_of(std::int64_t part, std::int64_t whole, const char* css) {
  const auto share
    = whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  return part <= 0 ? std::string{}
                   : fmt::format("<span class=\"bar {}\" "
                                 "style=\"width:{:.1f}%\"></span>",
                                 css, 100 * std::min(share, 1.0));
}

std::vector<std::int64_t> round_steps(std::int64_t most, int wanted) {
  std::int64_t step = 1;
  for (int i = 0; most / step > wanted; ++i)
    step = i % 3 == 1 ? step / 2 * 5 : step * 2; // 1, 2, 5, 10, …
  std::vector<std::int64_t> steps;
  for (std::int64_t at = 0; at < most + step; at += step)
    steps.push_back(at);
  return steps;
}

std::vector<std::pair<std::int64_t, std::string>>
time_ticks(milliseconds length, int wanted) {
  static constexpr std::array<std::int64_t, 29> steps{
    1,          2,          5,          10,          20,         50,
    100,        200,        500,        1000,        2000,       5000,
    10'000,     15'000,     30'000,     60'000,      120'000,    300'000,
    600'000,    900'000,    1'800'000,  3'600'000,   7'200'000,  14'400'000,
    21'600'000, 43'200'000, 86'400'000, 172'800'000, 604'800'000};
  auto step = steps.back();
  for (auto s : steps)
    if (length.count() / s <= wanted) {
      step = s;
      break;
    }
  while (length.count() / step > 2ll * wanted)
    step *= 2;
  const auto label = [&](std::int64_t ms) {
    const auto in = [&](double unit, const char* name) {
      return fmt::format("{:.4g} {}", static_cast<double>(ms) / unit, name);
    };
    const auto all = length.count();
    return all < 2000           ? in(1, "ms")
           : all < 120'000      ? in(1000, "s")
           : all < 7'200'000    ? in(60'000, "min")
           : all <= 172'800'000 ? in(3'600'000, "h")
                                : in(86'400'000, "d");
  };
  std::vector<std::pair<std::int64_t, std::string>> ticks;
  for (std::int64_t at = 0; at <= length.count(); at += step)
    ticks.emplace_back(at, at == 0 ? "0" : label(at));
  return ticks;
}

} // namespace orcon::report
