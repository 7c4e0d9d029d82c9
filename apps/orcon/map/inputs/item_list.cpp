#include "apps/orcon/map/inputs/item_list.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "apps/orcon/map/inputs/map_inputs.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t most_in_memory = 1u << 20; ///< bytes

error cannot_keep() {
  return {errno == ENOSPC ? errc::full : errc::io,
          std::string{"cannot keep the inputs in a temporary file: "}
            + std::strerror(errno) + "; TMPDIR can name another folder"};
}

} // namespace

error item_list::add(const json& item) {
  const auto text = dump(item);
  hash_ = hash_text(text, hash_text("\n", count_ == 0 ? hash_text("") : hash_));
  ++count_;
  if (file_)
    return write(text) ? error{} : cannot_keep();
  short_ += text;
  short_ += '\n';
  return short_.size() <= most_in_memory ? error{} : spill();
}

bool item_list::write(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size()
         && std::fputc('\n', file_.get()) != EOF;
}

error item_list::spill() {
  const auto* folder = std::getenv("TMPDIR");
  auto path
    = std::string{folder && *folder ? folder : "/tmp"} + "/orcon.XXXXXX";
  const auto fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0)
    return cannot_keep();
  ::unlink(path.c_str());
  file_.reset(::fdopen(fd, "w+"));
  short_.pop_back(); // `write` ends the line
  if (!file_ || !write(short_))
    return cannot_keep();
  short_.clear();
  return {};
}

error item_list::finish() {
  return file_ && std::fflush(file_.get()) != 0 ? cannot_keep() : error{};
}

error item_list::each(
  const std::function<error(const std::string&)>& one) const {
  for (std::size_t from = 0; from < short_.size();) {
    const auto end = short_.find('\n', from);
    if (auto failed = one(short_.substr(from, end - from)))
      return failed;
    from = end + 1;
  }
  if (!file_)
    return {};
  std::rewind(file_.get());
  char* line = nullptr;
  std::size_t room = 0;
  error failed;
  for (ssize_t n; !failed && (n = ::getline(&line, &room, file_.get())) > 0;)
    failed = one(std::string(line, static_cast<std::size_t>(n - 1)));
  std::free(line);
  if (!failed && std::ferror(file_.get()) != 0)
    failed = cannot_keep();
  return failed;
}

} // namespace orcon
