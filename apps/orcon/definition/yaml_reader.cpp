#include "apps/orcon/definition/yaml_reader.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "apps/orcon/definition/yaml_scalar.hpp"
#include "apps/orcon/definition/yaml_text.hpp"

namespace orcon {

using conductor::errc;
using conductor::fail;
using conductor::json;
using conductor::result;

namespace {

/// Leaves the parser, which knows no other way.
struct trouble {
  YAML::Mark mark;
  std::string message;
};

std::size_t offset(const YAML::Mark& mark) {
  return static_cast<std::size_t>(std::max(mark.pos, 0));
}

/// What a value costs; the height is that of the lists and maps in it.
struct weight {
  std::size_t nodes = 1;
  std::size_t bytes = 0;
  std::size_t height = 0;

  void add(const weight& child) {
    nodes += child.nodes;
    bytes += child.bytes;
    height = std::max(height, child.height + 1);
  }
};

/// Builds the value from the parser's events. Working on events, not on nodes,
/// is what makes it possible to stop before an alias is expanded.
class builder final : public YAML::EventHandler {
public:
  builder(std::string_view text, const yaml_limits& limits)
    : lines_(text), limits_(limits) {}

  const YAML::Mark& last_scalar() const { return last_scalar_; }
  document take() { return {std::move(root_), std::move(places_)}; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw trouble{mark, "there must be one document only"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    scalar(mark, anchor, nullptr, "null");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& text) override {
    last_scalar_ = mark;
    // The parser turns \_ and \N into single bytes.
    if (!conductor::valid_utf8(text))
      throw trouble{mark, "the escapes \\_ and \\N are not supported; write "
                          "\\u00a0 and \\u0085"};
    if (wants_key() && tag == "?" && text == "<<")
      throw trouble{mark, "merge keys (<<) are not supported"};
    // Keys are text, whatever they look like.
    scalar(mark, anchor, wants_key() ? json(text) : typed(mark, tag, text),
           text);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw trouble{mark, "an alias must not stand inside what it names"};
    const auto& [value, cost] = found->second;
    if (open_.size() + cost.height > limits_.depth)
      refuse_depth(mark);
    charge(mark, cost);
    if (wants_key())
      return key(mark, value.is_string()       ? value.get<std::string>()
                       : value.is_structured() ? refuse_key(mark)
                                               : conductor::dump(value));
    begin(mark);
    finish(value, cost);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "seq");
    open(mark, anchor, json::array());
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "map");
    open(mark, anchor, json::object());
  }
  void OnMapEnd() override { close(); }

private:
  struct container {
    json value;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    std::size_t path_size = 0; ///< of the container's own pointer
    weight cost{1, 0, 1};
    std::optional<std::string> key{};
  };

  static json typed(const YAML::Mark& mark, const std::string& tag,
                    const std::string& text) {
    auto value = tagged_scalar(tag, text);
    if (!value)
      throw trouble{mark, value.error().message};
    return std::move(*value);
  }

  static void check_tag(const YAML::Mark& mark, const std::string& tag,
                        const char* kind) {
    if (!tag.empty() && tag != "?" && tag != "!"
        && tag != std::string{core_tags} + kind)
      throw trouble{mark, "the type " + tag + " is not supported"};
  }

  [[noreturn]] static std::string refuse_key(const YAML::Mark& mark) {
    throw trouble{mark, "a key must be a scalar"};
  }

  [[noreturn]] void refuse_depth(const YAML::Mark& mark) const {
    throw trouble{mark, "nested deeper than " + std::to_string(limits_.depth)
                          + " levels"};
  }

  bool wants_key() const {
    return !open_.empty() && open_.back().value.is_object()
           && !open_.back().key;
  }

  void charge(const YAML::Mark& mark, const weight& cost) {
    total_.nodes += cost.nodes;
    total_.bytes += cost.bytes;
    if (total_.nodes > limits_.nodes)
      throw trouble{mark, "more than " + std::to_string(limits_.nodes)
                            + " values, aliases expanded"};
    if (total_.bytes > limits_.bytes)
      throw trouble{mark, "more than " + std::to_string(limits_.bytes)
                            + " bytes of text, aliases expanded"};
  }

  std::pair<int, int> where(const YAML::Mark& mark) {
    return lines_.at(offset(mark));
  }

  void key(const YAML::Mark& mark, std::string name) {
    auto& map = open_.back();
    append_step(path_, name);
    if (map.value.contains(name)) {
      const auto first = places_.find(path_);
      const auto line = first == places_.end() ? 0 : first->second.first;
      throw trouble{
        mark, "duplicate key " + conductor::dump(name.substr(0, 60))
                + (line ? ", first in line " + std::to_string(line) : "")};
    }
    note_place(places_, path_, open_.size(), where(mark));
    map.key = std::move(name);
  }

  /// A value begins: the pointer of an element is that of its list and index.
  void begin(const YAML::Mark& mark) {
    if (open_.empty())
      return note_place(places_, path_, 0, where(mark));
    if (open_.back().key)
      return;
    append_step(path_, std::to_string(open_.back().value.size()));
    note_place(places_, path_, open_.size(), where(mark));
  }

  /// A value is complete: it goes into its container.
  void finish(json value, const weight& cost) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& in = open_.back();
    in.cost.add(cost);
    if (in.key)
      in.value[*in.key] = std::move(value);
    else
      in.value.push_back(std::move(value));
    in.key.reset();
    path_.resize(in.path_size);
  }

  void scalar(const YAML::Mark& mark, YAML::anchor_t anchor, json value,
              const std::string& text) {
    const weight cost{.bytes = text.size()};
    charge(mark, cost);
    remember(mark, anchor, value, cost);
    if (wants_key())
      return key(mark, text);
    begin(mark);
    finish(std::move(value), cost);
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, json value) {
    if (wants_key())
      refuse_key(mark);
    if (open_.size() >= limits_.depth)
      refuse_depth(mark);
    charge(mark, {});
    begin(mark);
    open_.push_back({std::move(value), mark, anchor, path_.size()});
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    remember(done.mark, done.anchor, done.value, done.cost);
    finish(std::move(done.value), done.cost);
  }

  /// A copy is kept, so it is charged for.
  void remember(const YAML::Mark& mark, YAML::anchor_t anchor,
                const json& value, const weight& cost) {
    if (anchor == YAML::NullAnchor)
      return;
    charge(mark, cost);
    anchors_[anchor] = {value, cost};
  }

  locator lines_;
  const yaml_limits& limits_;
  int documents_ = 0;
  json root_;
  place_map places_;
  std::string path_;
  std::vector<container> open_;
  std::map<YAML::anchor_t, std::pair<json, weight>> anchors_;
  weight total_{0, 0, 0};
  YAML::Mark last_scalar_;
};

tl::unexpected<conductor::error> at(const std::string& name,
                                    std::pair<int, int> place,
                                    const std::string& message) {
  return fail(errc::invalid, name + ':' + std::to_string(place.first) + ':'
                               + std::to_string(place.second) + ": " + message);
}

} // namespace

result<document> read_yaml(const std::string& text, const std::string& name,
                           const yaml_limits& limits) {
  if (const auto bad = control_character(text); bad < text.size())
    return at(name, locator{text}.at(bad),
              "a control character does not belong here");
  const auto place
    = [&](const YAML::Mark& mark) { return locator{text}.at(offset(mark)); };
  std::istringstream in{text};
  builder build{text, limits};
  try {
    YAML::Parser parser{in};
    auto any = false;
    while (parser.HandleNextDocument(build))
      any = true;
    if (!any)
      return fail(errc::invalid, name + ": is empty");
    if (!quote_ends(text, offset(build.last_scalar())))
      return at(name, place(build.last_scalar()),
                "this quoted text has no end");
    return build.take();
  } catch (const trouble& e) {
    return at(name, place(e.mark), e.message);
  } catch (const YAML::Exception& e) {
    // The parser's own words leave people guessing where tabs are to blame.
    const auto* hint = indented_by_tab(text, offset(e.mark))
                         ? " (indentation takes spaces, not tabs)"
                         : "";
    return at(name, place(e.mark), e.msg + hint);
  } catch (const std::exception& e) {
    return fail(errc::invalid, name + ": " + e.what());
  }
}

} // namespace orcon
