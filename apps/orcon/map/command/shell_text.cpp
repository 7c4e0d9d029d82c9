#include "apps/orcon/map/command/shell_text.hpp"

namespace orcon {

shell_text::place shell_text::now() const {
  if (open_.empty() || open_.back() == '(')
    return place::plain;
  return open_.back() == '"' ? place::double_quoted : place::single_quoted;
}

void shell_text::read(char c) {
  if (escaped_) {
    escaped_ = false;
    word_ += c;
    last_ = 'x'; // no operator
    return;
  }
  if (comment_) {
    comment_ = c != '\n';
    last_ = c;
    return;
  }
  switch (now()) {
  case place::single_quoted:
    if (c == '\'')
      open_.pop_back();
    break;
  case place::double_quoted: read_double_quoted(c); break;
  case place::plain: read_plain(c); break;
  }
  last_ = c;
}

void shell_text::open_substitution(char c) {
  if (c == '`')
    doubt_ = "after a back quote; write $(…) instead";
  else if (last_ == '$' && c == '{')
    doubt_ = "after ${…}";
  else if (last_ == '$' && c == '\'')
    doubt_ = "after $'…'";
  else if (last_ == '(' && c == '(')
    doubt_ = "after ((";
  else if (c == '(')
    open_ += '(';
}

void shell_text::read_double_quoted(char c) {
  if (c == '\\')
    escaped_ = true;
  else if (c == '"')
    open_.pop_back();
  else if (c == '`' || (last_ == '$' && (c == '{' || c == '(')))
    open_substitution(c);
}

void shell_text::read_plain(char c) {
  constexpr std::string_view ends_word = " \t\n;&|()<>";
  const bool at_word = ends_word.find(last_) != std::string_view::npos;
  if (c == '#' && at_word) {
    comment_ = true;
    return;
  }
  if (last_ == '<' && c == '<')
    doubt_ = "after <<";
  if (ends_word.find(c) != std::string_view::npos) {
    // Its patterns may have a ")" without a "(".
    if (word_ == "case" && open_.find('(') != std::string::npos)
      doubt_ = "after a case within (…)";
    word_.clear();
  } else {
    word_ += c;
  }
  if (c == '\\')
    escaped_ = true;
  else if (c == '`' || c == '(' || (last_ == '$' && (c == '{' || c == '\'')))
    open_substitution(c);
  else if (c == ')' && !open_.empty())
    open_.pop_back();
  if (c == '\'' || c == '"')
    open_ += c;
}

} // namespace orcon
