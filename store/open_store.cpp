#include <conductor/open_store.hpp>

#include <string_view>

namespace conductor {

result<std::unique_ptr<store>> open_store(const std::string& url,
                                          const store_options& options) {
  constexpr std::string_view sqlite = "sqlite:";
  if (url.size() > sqlite.size() && url.starts_with(sqlite))
    return open_sqlite_store({.path = url.substr(sqlite.size()),
                              .now_ms = options.now_ms,
                              .create = options.create});
  if (url == "memory:")
    return make_memory_store();
  return fail(errc::invalid, "\"" + url
                               + "\" is not the URL of a store; write "
                                 "sqlite:PATH or memory:");
}

} // namespace conductor
