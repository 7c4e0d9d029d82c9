#include "tests/torture/power_cut.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace orcon::test {

std::vector<operation> read_trace(const std::string& file) {
  std::vector<operation> all;
  std::ifstream stream{file, std::ios::binary};
  std::string head;
  while (std::getline(stream, head)) {
    std::istringstream words{head};
    operation op;
    std::size_t size = 0;
    words >> op.name >> op.at >> size >> op.path;
    op.data.resize(size);
    stream.read(op.data.data(), static_cast<std::streamsize>(size));
    // The index of the log is in shared memory, and built again.
    if (!op.path.ends_with("-shm"))
      all.push_back(std::move(op));
  }
  return all;
}

namespace {

constexpr std::size_t sector = 512;

void write_at(std::string& text, std::size_t at, const std::string& data,
              std::size_t from, std::size_t size) {
  if (text.size() < at + from + size)
    text.resize(at + from + size, '\0');
  std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(from), size,
              text.begin() + static_cast<std::ptrdiff_t>(at + from));
}

void perform(std::string& text, const operation& op) {
  if (op.name == "truncate")
    text.resize(op.at, '\0');
  else
    write_at(text, op.at, op.data, 0, op.data.size());
}

/// Some of the sectors arrive.
void perform_torn(std::string& text, const operation& op, choices& random) {
  if (op.name == "truncate") {
    if (random.coin())
      perform(text, op);
    return;
  }
  for (std::size_t from = 0; from < op.data.size(); from += sector)
    if (random.coin())
      write_at(text, op.at, op.data, from,
               std::min(sector, op.data.size() - from));
}

} // namespace

void cached_disk::change_name(names& all, const operation& op) const {
  if (op.name == "create") {
    all[op.path] = op.at;
  } else if (const auto found = all.find(op.path); found != all.end()) {
    if (op.name == "rename")
      all[op.data] = found->second;
    all.erase(op.path);
  }
}

void cached_disk::apply(const operation& op) {
  const auto honest
    = honesty_ == honesty::all
      || (honesty_ == honesty::no_log_syncs && !op.path.ends_with("-wal"));
  if (op.name == "syncdir" && honest) {
    synced_ = current_;
    cached_names_.clear();
  } else if (op.name == "create" || op.name == "rename"
             || op.name == "unlink") {
    auto change = op;
    if (op.name == "create") {
      change.at = files_.size();
      files_.emplace_back();
    }
    change_name(current_, change);
    cached_names_.push_back(std::move(change));
  } else if (const auto found = current_.find(op.path);
             found != current_.end()) {
    auto& f = files_[found->second];
    if (op.name != "sync")
      f.cached.push_back(op);
    else if (honest) {
      for (const auto& done : f.cached)
        perform(f.synced, done);
      f.cached.clear();
    }
  }
}

std::string cached_disk::content_after_cut(const file& f,
                                           choices& random) const {
  auto text = f.synced;
  const auto way = random.below(4); // nothing, all, the first ones, sectors
  const auto count = way == 0   ? 0
                     : way == 2 ? random.below(f.cached.size() + 1)
                                : f.cached.size();
  for (std::size_t i = 0; i < count; ++i)
    if (way == 3)
      perform_torn(text, f.cached[i], random);
    else
      perform(text, f.cached[i]);
  return text;
}

void cached_disk::cut_power(const std::filesystem::path& folder,
                            choices& random) const {
  // A file system keeps the order of names: it has a journal for them.
  auto kept = synced_;
  const auto changes = random.below(cached_names_.size() + 1);
  for (std::size_t i = 0; i < changes; ++i)
    change_name(kept, cached_names_[i]);
  for (const auto& [name, number] : kept)
    std::ofstream{folder / name, std::ios::binary}
      << content_after_cut(files_[number], random);
}

} // namespace orcon::test
