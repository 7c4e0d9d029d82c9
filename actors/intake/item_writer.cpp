#include <algorithm>
#include <utility>

#include <conductor/json_text.hpp>
#include <conductor/submission.hpp>

namespace conductor {

namespace {

constexpr std::size_t max_page_items = 8192;
constexpr std::size_t max_page_bytes = 1 << 20;

/// Where a JSON text has the escape of NUL; npos if it has none. SQLite's
/// functions would cut the text there.
std::size_t find_nul_escape(std::string_view text) {
  constexpr std::string_view escape = "\\u0000";
  for (auto at = text.find(escape); at != text.npos;
       at = text.find(escape, at + 1)) {
    const auto other = text.find_last_not_of('\\', at);
    const auto backslashes = other == text.npos ? at : at - other - 1;
    if (backslashes % 2 == 0)
      return at;
  }
  return text.npos;
}

error line_error(std::string_view text) {
  if (text.size() > max_line_bytes)
    return {errc::invalid,
            "is longer than " + std::to_string(max_line_bytes) + " bytes"};
  if (text.find('\0') != std::string_view::npos)
    return {errc::invalid, "contains a NUL byte"};
  if (!valid_utf8(text))
    return {errc::invalid, "is not valid UTF-8"};
  return {};
}

} // namespace

item_writer::item_writer(commit_fn commit, std::int64_t most)
  : commit_(std::move(commit)), most_(std::min(most, items_per_list)) {}

item_writer::item_writer(item_writer&& other) noexcept
  : commit_(std::move(other.commit_)), most_(other.most_),
    list_(std::exchange(other.list_, {})), page_(std::move(other.page_)),
    page_bytes_(other.page_bytes_) {}

item_writer::~item_writer() {
  if (list_.key == 0)
    return;
  change_set changes;
  changes.add(drop_items{list_.key});
  commit_(std::move(changes)); // if it fails, the next engine removes the list
}

error item_writer::append(std::string item) {
  if (failed_)
    return failed_;
  if (list_.count >= most_)
    return {errc::invalid,
            "exceeds the limit of " + std::to_string(most_) + " items"};
  ++list_.count;
  page_bytes_ += item.size();
  page_.push_back(std::move(item));
  return page_.size() >= max_page_items || page_bytes_ >= max_page_bytes
           ? flush()
           : error{};
}

error item_writer::add(std::string json_text) {
  if (!is_json(json_text))
    return {errc::invalid, "is not JSON"};
  if (const auto at = find_nul_escape(json_text); at != json_text.npos)
    return {errc::invalid,
            "contains NUL (U+0000) at byte " + std::to_string(at + 1)};
  return append(std::move(json_text));
}

error item_writer::add_text(std::string_view text) {
  if (auto why = line_error(text))
    return why;
  return append(quoted(text));
}

error item_writer::flush() {
  if (failed_ || page_.empty())
    return failed_;
  change_set changes;
  changes.add(append_items{list_.key, list_.count - std::ssize(page_),
                           std::exchange(page_, {})});
  page_bytes_ = 0;
  const auto reply = commit_(std::move(changes));
  failed_ = reply.failed;
  if (!failed_ && (!reply.refusals.empty() || reply.lists.empty()))
    failed_ = {errc::conflict, "was removed while it was written"};
  if (!failed_)
    list_.key = reply.lists.front();
  return failed_;
}

result<item_list> item_writer::finish() {
  if (auto why = flush())
    return tl::unexpected(std::move(why));
  return list_;
}

} // namespace conductor
