#include "apps/orcon/map/map_options.hpp"

#include <algorithm>
#include <charconv>
#include <thread>

#include <sys/resource.h>

namespace orcon {

using namespace conductor;

namespace {

/// Beyond this an engine takes no more slots.
constexpr std::int64_t most_jobs = 100'000;

/// What one item may hold.
constexpr std::size_t largest_block = 1u << 20;

/// "-j 0" means as many as possible. A process takes three descriptors; a
/// fourth is left for everything else.
std::int64_t as_many_as_possible() {
  constexpr std::int64_t most = 1000;
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return most;
  return std::clamp<std::int64_t>(
    static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20)) / 4, 1,
    most);
}

std::optional<std::int64_t> number_in(std::string_view text, int base = 10) {
  std::int64_t n = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, bad] = std::from_chars(text.data(), end, n, base);
  if (text.empty() || bad != std::errc{} || rest != end || n < 0)
    return std::nullopt;
  return n;
}

} // namespace

result<unsigned> jobs_of(const std::string& text) {
  if (text.empty())
    return 0u;
  const std::int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  std::string_view digits{text};
  const auto sign
    = digits.front() == '+' || digits.front() == '-' ? digits.front() : ' ';
  const bool percent = sign == ' ' && digits.back() == '%';
  digits.remove_prefix(sign == ' ' ? 0 : 1);
  digits.remove_suffix(percent ? 1 : 0);
  const auto n = number_in(digits);
  if (!n)
    return fail(errc::invalid,
                "--jobs: \"" + text
                  + "\" is not a number of commands (8), of cores more or "
                    "fewer (+2, -1), or a share of the cores (50%)");
  const auto jobs = percent ? cores * std::min<std::int64_t>(*n, 1 << 20) / 100
                    : sign == '+' ? cores + std::min(*n, most_jobs)
                    : sign == '-' ? cores - std::min(*n, most_jobs)
                    : *n == 0     ? as_many_as_possible()
                                  : *n;
  if (jobs > most_jobs)
    return fail(errc::invalid, "--jobs: " + text + " is more than "
                                 + std::to_string(most_jobs));
  return static_cast<unsigned>(std::max<std::int64_t>(1, jobs));
}

result<std::size_t> block_of(const std::string& text) {
  if (text.empty())
    return largest_block;
  constexpr std::string_view units = "kKmM";
  const auto unit = units.find(text.back());
  const auto n = number_in(
    std::string_view{text}.substr(0, text.size() - (unit != units.npos)));
  const auto scale = unit == units.npos ? 1u : unit < 2 ? 1u << 10 : 1u << 20;
  if (!n || *n == 0 || *n > static_cast<std::int64_t>(largest_block / scale))
    return fail(errc::invalid, "--block: \"" + text
                                 + "\" is not a size from 1 to 1M bytes, "
                                   "such as 64k");
  return static_cast<std::size_t>(*n) * scale;
}

result<char> delimiter_of(const std::string& text) {
  if (text.size() == 1)
    return text.front();
  constexpr std::string_view names = "abfnrtv0\\";
  constexpr std::string_view bytes{"\a\b\f\n\r\t\v\0\\", names.size()};
  if (text.size() == 2 && text.front() == '\\')
    if (const auto at = names.find(text[1]); at != names.npos)
      return bytes[at];
  if (text.starts_with("\\x") && text.size() <= 4)
    if (const auto code = number_in(std::string_view{text}.substr(2), 16))
      return static_cast<char>(*code);
  return fail(errc::invalid, "--delimiter: \"" + text
                               + "\" is not one character, nor one of \\n, "
                                 "\\t, \\0 and \\xHH");
}

} // namespace orcon
