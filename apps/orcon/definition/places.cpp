#include "apps/orcon/definition/places.hpp"

#include <algorithm>
#include <vector>

#include <conductor/json_text.hpp>

namespace orcon {

namespace {

constexpr std::size_t most_places = 100'000;
constexpr std::size_t most_top_places = 1'000'000;
constexpr std::size_t top_depth = 2;

class json_scanner {
public:
  explicit json_scanner(std::string_view text) : text_(text), lines_(text) {}

  place_map run() {
    while ((at_ = text_.find_first_not_of(" \t\r\n", at_))
           != std::string_view::npos)
      step();
    return std::move(places_);
  }

private:
  struct container {
    bool object;
    bool wants_key;
    std::size_t index;
    std::size_t path_size;
  };

  void step() {
    switch (text_[at_]) {
    case '{':
    case '[': return open(text_[at_] == '{');
    case '}':
    case ']':
      path_.resize(open_.back().path_size);
      open_.pop_back();
      ++at_;
      return;
    case ',': next(); return;
    case '"': return quoted();
    default:
      begin_value();
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
  }

  void open(bool object) {
    begin_value();
    open_.push_back({object, object, 0, path_.size()});
    ++at_;
  }

  void next() {
    auto& in = open_.back();
    path_.resize(in.path_size);
    in.wants_key = in.object;
    ++in.index;
    ++at_;
  }

  /// A member is noted at its key, before its value is met.
  void begin_value() {
    if (!open_.empty() && open_.back().object)
      return;
    if (!open_.empty()) {
      path_.resize(open_.back().path_size);
      append_step(path_, std::to_string(open_.back().index));
    }
    note_place(places_, path_, open_.size(), lines_.at(at_));
  }

  void quoted() {
    auto end = at_ + 1;
    while (text_[end] != '"')
      end += text_[end] == '\\' ? 2u : 1u;
    ++end;
    if (open_.empty() || !open_.back().wants_key) {
      begin_value();
      at_ = end;
      return;
    }
    const auto key = conductor::parse_json(text_.substr(at_, end - at_));
    if (key && key->is_string())
      append_step(path_, key->get_ref<const std::string&>());
    note_place(places_, path_, open_.size(), lines_.at(at_));
    open_.back().wants_key = false;
    at_ = text_.find(':', end) + 1;
  }

  std::string_view text_;
  locator lines_;
  std::size_t at_ = 0;
  std::string path_;
  std::vector<container> open_;
  place_map places_;
};

} // namespace

void append_step(std::string& pointer, std::string_view key) {
  pointer += '/';
  for (const auto c : key) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
}

void note_place(place_map& places, const std::string& pointer,
                std::size_t depth, std::pair<int, int> place) {
  if (places.size() < (depth <= top_depth ? most_top_places : most_places))
    places.emplace(pointer, place);
}

std::pair<int, int> locator::at(std::size_t offset) {
  for (; offset_ < std::min(offset, text_.size()); ++offset_) {
    const auto c = text_[offset_];
    if (c == '\n')
      place_ = {place_.first + 1, 1};
    else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
      ++place_.second;
  }
  return place_;
}

place_map json_places(std::string_view text) {
  return json_scanner{text}.run();
}

} // namespace orcon
