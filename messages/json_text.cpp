#include <conductor/json_text.hpp>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace conductor {

namespace {

constexpr std::size_t longest_message = 200;

/// Iterates over the text and counts how far the parser has read.
class cursor {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  cursor(const char* at, std::size_t* read) : at_(at), read_(read) {}

  reference operator*() const { return *at_; }
  cursor& operator++() {
    ++at_;
    ++*read_;
    return *this;
  }
  cursor operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const cursor& a, const cursor& b) {
    return a.at_ == b.at_;
  }

private:
  const char* at_;
  std::size_t* read_;
};

/// "line 3, column 7: " for the byte at `offset`; columns count characters.
std::string line_and_column(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto last = before.rfind('\n');
  const auto rest
    = last == std::string_view::npos ? before : before.substr(last + 1);
  const auto column = 1 + std::count_if(rest.begin(), rest.end(), [](char c) {
                        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
                      });
  return "line " + std::to_string(line) + ", column " + std::to_string(column)
         + ": ";
}

/// Where the string starts whose closing quote is the last byte.
std::size_t opening_quote(std::string_view text) {
  auto at = text.size() < 2 ? std::string_view::npos
                            : text.rfind('"', text.size() - 2);
  while (at != std::string_view::npos && at > 0) {
    const auto solid = text.find_last_not_of('\\', at - 1);
    const auto first = solid == std::string_view::npos ? 0 : solid + 1;
    if ((at - first) % 2 == 0)
      return at;
    at = text.rfind('"', at - 1);
  }
  return 0;
}

/// The parser's message without its own prefixes. It quotes input, so that long
/// or malformed messages are replaced.
std::string plain_message(std::string_view what) {
  if (const auto id = what.find("] "); id != std::string_view::npos)
    what.remove_prefix(id + 2);
  if (what.starts_with("parse error"))
    if (const auto place = what.find(": "); place != std::string_view::npos)
      what.remove_prefix(place + 2);
  if (what.size() > longest_message || !valid_utf8(what))
    what = what.substr(0, what.find("; last read"));
  if (what.size() > longest_message || !valid_utf8(what))
    what = "not valid JSON";
  return std::string{what};
}

/// Builds the value from the parser's calls and enforces the limits.
class builder final : public nlohmann::json_sax<json> {
public:
  builder(std::string_view text, const json_limits& limits)
    : text_(text), limits_(limits) {}

  cursor begin() { return {text_.data(), &read_}; }
  cursor end() { return {text_.data() + text_.size(), &read_}; }
  json take() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool null() override { return add(nullptr) != nullptr; }
  bool boolean(bool value) override { return add(value) != nullptr; }
  bool number_integer(number_integer_t value) override {
    return add(value) != nullptr;
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(value) != nullptr;
  }
  bool number_float(number_float_t value, const string_t& text) override {
    // An integer that does not fit would become another number.
    if (text.find_first_of(".eE") == text.npos)
      return refuse(read_ > text.size() ? read_ - text.size() - 1 : 0,
                    "the number " + text.substr(0, 40)
                      + " is out of range; write it as text");
    return add(value) != nullptr;
  }
  bool string(string_t& value) override {
    return add(std::move(value)) != nullptr;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    auto [slot, fresh] = open_.back()->emplace(name, nullptr);
    if (!fresh)
      return refuse(opening_quote(text_.substr(0, read_)),
                    "duplicate key " + quoted(name));
    member_ = &*slot;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const json::exception& e) override {
    return refuse(position == 0 ? 0 : position - 1, plain_message(e.what()));
  }

private:
  static std::string quoted(const std::string& name) {
    return name.size() <= 60 ? dump(name)
                             : "of " + std::to_string(name.size()) + " bytes";
  }

  bool refuse(std::size_t offset, const std::string& message) {
    error_ = line_and_column(text_, offset) + message;
    return false;
  }

  json* add(json value) {
    if (++values_ > limits_.values) {
      refuse(read_ - 1, "more than " + std::to_string(limits_.values)
                          + " values (limit `values`)");
      return nullptr;
    }
    if (open_.empty())
      return &(root_ = std::move(value));
    if (open_.back()->is_object())
      return &(*member_ = std::move(value));
    return &open_.back()->emplace_back(std::move(value));
  }

  bool open(json container) {
    if (open_.size() >= static_cast<std::size_t>(std::max(limits_.depth, 0)))
      return refuse(read_ - 1, "nested deeper than "
                                 + std::to_string(limits_.depth)
                                 + " levels (limit `depth`)");
    auto* added = add(std::move(container));
    if (added)
      open_.push_back(added);
    return added != nullptr;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const json_limits& limits_;
  std::size_t read_ = 0;
  std::size_t values_ = 0;
  json root_;
  std::vector<json*> open_;
  json* member_ = nullptr;
  std::string error_;
};

/// How many bytes a well-formed character takes; 0 = it is not well-formed.
std::size_t character(std::string_view s) {
  const auto byte
    = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto first = byte(0);
  if (first < 0x80)
    return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || s.size() < length)
    return 0;
  // Overlong forms, surrogates and code points above U+10FFFF.
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high)
    return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  return length;
}

/// Texts are scanned in blocks without an early exit, which the compiler can
/// vectorise.
constexpr std::size_t block = 64;

template <class Odd>
bool any_in_block(const char* bytes, Odd odd) {
  unsigned found = 0;
  for (std::size_t i = 0; i < block; ++i)
    found |= odd(static_cast<unsigned char>(bytes[i]));
  return found != 0;
}

unsigned is_special(unsigned char c) {
  return static_cast<unsigned>(c < 0x20) | static_cast<unsigned>(c >= 0x7f)
         | static_cast<unsigned>(c == '"') | static_cast<unsigned>(c == '\\');
}

/// Nothing to escape in a JSON string.
bool is_plain(std::string_view text) {
  for (; text.size() >= block; text.remove_prefix(block))
    if (any_in_block(text.data(), is_special))
      return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    return is_special(static_cast<unsigned char>(c)) != 0;
  });
}

} // namespace

bool is_json(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"'
      && is_plain(text.substr(1, text.size() - 2)))
    return true;
  // The parser takes a NUL byte for the end of the text.
  return text.find('\0') == text.npos && json::accept(text);
}

result<json> parse_json(std::string_view text, const json_limits& limits) {
  if (text.size() > limits.bytes)
    return fail(errc::invalid, std::to_string(text.size())
                                 + " bytes of JSON; the limit `bytes` is "
                                 + std::to_string(limits.bytes));
  builder build{text, limits};
  if (!json::sax_parse(build.begin(), build.end(), &build))
    return fail(errc::invalid, build.error());
  // The parser takes a NUL byte for the end of the text.
  if (const auto nul = text.find('\0'); nul != text.npos)
    return fail(errc::invalid,
                line_and_column(text, nul) + "unexpected NUL byte");
  return build.take();
}

std::string quoted(std::string_view text) {
  if (!is_plain(text))
    return dump(json(text));
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  out += text;
  out += '"';
  return out;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool valid_utf8(std::string_view bytes) {
  const auto beyond_ascii = [](unsigned char c) { return c & 0x80u; };
  while (!bytes.empty()) {
    const auto part = std::min(block, bytes.size());
    if (part == block && !any_in_block(bytes.data(), beyond_ascii)) {
      bytes.remove_prefix(block);
      continue;
    }
    for (const auto rest = bytes.size() - part; bytes.size() > rest;) {
      const auto length = character(bytes);
      if (length == 0)
        return false;
      bytes.remove_prefix(length);
    }
  }
  return true;
}

} // namespace conductor
