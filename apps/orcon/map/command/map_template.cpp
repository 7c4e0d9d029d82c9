#include "apps/orcon/map/command/map_template.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "actors/handlers/exec/exec_placeholders.hpp"
#include "apps/orcon/map/command/shell_text.hpp"
#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/map/map_exec.hpp"
#include "messages/definition/nearest_name.hpp"

namespace orcon {

using namespace conductor;

namespace {

/// Of GNU parallel's, without braces; a number may stand in front.
constexpr std::array<std::string_view, 5> parts{"", ".", "/", "//", "/."};

bool is_one_of_parts(std::string_view word) {
  return std::find(parts.begin(), parts.end(), word) != parts.end();
}

/// The number at the beginning of "2/." or "-1"; 0 if there is none.
int number_at(std::string_view& word) {
  int number = 0;
  const auto* end = word.data() + word.size();
  const auto [rest, bad] = std::from_chars(word.data(), end, number);
  if (bad == std::errc{})
    word.remove_prefix(static_cast<std::size_t>(rest - word.data()));
  return number;
}

/// Words that only somebody who means a placeholder writes in braces.
bool looks_like_placeholder(std::string_view word) {
  return !word.empty()
         && word.find_first_not_of("-+0123456789./#%") == word.npos;
}

/// Whether a placeholder stands for an input or a part of it.
bool names_input(std::string_view braced) {
  number_at(braced);
  return is_one_of_parts(braced) || braced == "item"
         || braced.starts_with("item.");
}

/// The placeholder that was probably meant: the one that has most of the
/// characters, and no others.
std::string_view nearest_to(std::string_view word) {
  constexpr std::array<std::string_view, 7> known{"/.", "//", "/", ".",
                                                  "#",  "%",  ""};
  for (const auto near : known)
    if (std::all_of(near.begin(), near.end(), [&](char c) {
          return std::count(near.begin(), near.end(), c)
                 <= std::count(word.begin(), word.end(), c);
        }))
      return near;
  return {};
}

error unknown(std::string_view word) {
  return {
    errc::invalid,
    fmt::format("there is no placeholder {{{}}}; did you mean {{{}}}? "
                "There are {{}} {{.}} {{/}} {{//}} {{/.}} {{#}} {{%}} and "
                "{{1}} {{1.}} …",
                word, nearest_to(word))};
}

/// Translates the placeholders of one command.
class translator {
public:
  translator(const template_inputs& in, bool shell) : in_(in), shell_(shell) {}

  result<std::string> word(std::string_view text);
  bool names_an_input() const { return named_; }
  std::vector<std::string> warnings() && { return std::move(warnings_); }
  std::string every_input() const { return input("", 0); }

private:
  /// The placeholder of `exec` for what stands in braces; empty if that is
  /// not for us.
  result<std::string> translate(std::string_view braced);
  std::string input(std::string_view part, int number) const;
  result<std::string> in_place(std::string value, char next) const;
  bool list() const { return in_.lists > 1 || in_.several; }

  const template_inputs in_;
  const bool shell_;
  bool named_ = false;
  shell_text text_;
  char before_ = ' ';
  std::vector<std::string> warnings_;
};

std::string translator::input(std::string_view part, int number) const {
  std::string spec = shell_ ? "q" : "";
  if (number != 0)
    spec += std::to_string(number);
  else if (list())
    spec += in_.repeat && !shell_ ? "x*" : "*";
  spec += part;
  return spec.empty() ? "{item}" : "{item:" + spec + "}";
}

result<std::string> translator::translate(std::string_view braced) {
  if (braced == "#" || braced == "index")
    return "{index}";
  if (braced == "%")
    return std::string{slot_placeholder};
  if (in_.none && names_input(braced))
    return fail(errc::invalid,
                fmt::format("{{{}}}: with --pipe a command reads its input on "
                            "standard input; only {{#}} and {{%}} can be named",
                            braced));
  if (braced == "item")
    return input("", 0);
  if (braced.starts_with("item."))
    return shell_ ? result<std::string>{fail(errc::invalid,
                                             "{item.…} cannot be used with -c")}
                  : fmt::format("{{{}}}", braced);
  if (is_one_of_parts(braced))
    return input(braced, 0);
  if (braced == "attempt" || braced == "name" || braced == "run")
    return std::string{}; // of `exec`, which replaces them
  if (!looks_like_placeholder(braced)) {
    if (const auto near = detail::nearest_name(braced, {"item", "index"});
        !near.empty())
      warnings_.push_back(fmt::format(
        "{{{}}} is not a placeholder and stays as it is; did you mean {{{}}}?",
        braced, near));
    return std::string{};
  }
  auto part = braced;
  const auto number = number_at(part);
  if (number == 0 || !is_one_of_parts(part))
    return tl::unexpected(unknown(braced));
  if (!in_.several && std::abs(number) > static_cast<int>(in_.lists))
    return fail(errc::invalid,
                fmt::format("{{{}}}: there is no list {} of inputs; there "
                            "{} {}",
                            braced, std::abs(number),
                            in_.lists == 1 ? "is only" : "are only",
                            in_.lists));
  return list() ? input(part, number) : input(part, 0);
}

/// What is put into a shell's text where it stands. Quotes around it are
/// closed before it and opened again after it, since it brings its own.
result<std::string> translator::in_place(std::string value, char next) const {
  if (!shell_)
    return value;
  if (!text_.doubt().empty())
    return fail(errc::invalid, "-c: an input cannot be quoted safely "
                                 + text_.doubt()
                                 + "; set a variable to it first: v={}; …");
  if (before_ == '$')
    return fail(errc::invalid, "-c: an input cannot stand after \"$\"");
  switch (text_.now()) {
  case shell_text::place::double_quoted: return "\"" + value + "\"";
  case shell_text::place::single_quoted: return "'" + value + "'";
  default: break;
  }
  // "2>file" would redirect instead of printing a 2.
  return next == '>' || next == '<' ? value + "''" : value;
}

result<std::string> translator::word(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto end = text[i] == '{' ? text.find_first_of("{}", i + 1)
                                    : std::string_view::npos;
    if (end != text.npos && text[end] == '}' && !(shell_ && text_.literal())) {
      auto value = translate(text.substr(i + 1, end - i - 1));
      if (!value)
        return value;
      if (!value->empty()) {
        named_ = true;
        value = in_place(*value, end + 1 < text.size() ? text[end + 1] : ' ');
        if (!value)
          return value;
        out += *value;
        i = end;
        text_.read('x');
        before_ = 'x';
        continue;
      }
    }
    before_ = shell_ && text_.literal() ? 'x' : text[i];
    text_.read(text[i]);
    out += text[i];
  }
  return out;
}

/// sh -c '… {}' runs what an input contains.
bool runs_inputs_as_shell(const std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 6> shells{"sh",  "bash", "dash",
                                                   "zsh", "ksh",  "ash"};
  const auto name = words.front().substr(words.front().rfind('/') + 1);
  if (std::find(shells.begin(), shells.end(), name) == shells.end())
    return false;
  for (std::size_t i = 1; i + 1 < words.size(); ++i)
    if (words[i].starts_with('-') && words[i].ends_with('c'))
      return words[i + 1].find("{item") != std::string::npos;
  return false;
}

} // namespace

result<map_template> template_of_words(std::vector<std::string> words,
                                       const template_inputs& in) {
  translator to{in, false};
  for (auto& word : words) {
    auto translated = to.word(word);
    if (!translated)
      return tl::unexpected(translated.error());
    word = std::move(*translated);
  }
  if (!to.names_an_input() && !in.none)
    words.push_back(to.every_input());
  map_template t{std::move(words), std::move(to).warnings()};
  if (runs_inputs_as_shell(t.argv))
    t.warnings.emplace_back(
      "the shell runs what an input contains, for example $(…) in a file "
      "name; orcon map -c 'TEXT' quotes inputs");
  return t;
}

result<map_template> template_of_shell(const std::string& text,
                                       const template_inputs& in) {
  translator to{in, true};
  auto translated = to.word(text);
  if (!translated)
    return tl::unexpected(translated.error());
  if (!to.names_an_input() && !in.none) {
    const auto last = to.word(" {}");
    if (!last)
      return tl::unexpected(last.error());
    *translated += *last;
  }
  return map_template{{"sh", "-c", std::move(*translated)},
                      std::move(to).warnings()};
}

result<std::vector<std::string>>
command_for(const std::vector<std::string>& argv, const std::string& item,
            std::int64_t index) {
  static const auto nowhere = std::make_shared<const task_template>();
  const attempt work{.origin = nowhere, .index = index, .item = item};
  placeholders with{work};
  std::vector<std::string> command;
  for (const auto& argument : argv) {
    auto words = with.expand_argument(argument);
    if (!words)
      return words;
    command.insert(command.end(), words->begin(), words->end());
  }
  return command;
}

std::string command_text(const std::vector<std::string>& argv, bool shell) {
  std::string text = shell ? argv.back() : "";
  for (std::size_t i = 0; i < argv.size() && !shell; ++i)
    text += (text.empty() ? "" : " ") + shell_quoted(argv[i]);
  // Which slot it gets, only the running program knows.
  for (auto at = text.find(slot_placeholder); at != std::string::npos;
       at = text.find(slot_placeholder))
    text.replace(at, slot_placeholder.size(), "{%}");
  return text;
}

bool uses_slots(const map_template& t) {
  return std::any_of(t.argv.begin(), t.argv.end(), [](const auto& argument) {
    return argument.find(slot_placeholder) != std::string::npos;
  });
}

} // namespace orcon
