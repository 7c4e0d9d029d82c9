#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/json_text.hpp>
#include <conductor/submission.hpp>

namespace orcon {

/// FNV-1a, 64 bits; goes on from an earlier hash.
std::uint64_t hash_text(std::string_view text,
                        std::uint64_t from = 0xcbf29ce484222325);

/// As a shell would need it to be written.
std::string shell_quoted(const std::string& text);

/// The inputs of `orcon map`: arguments, a file, or standard input.
class map_inputs {
public:
  /// Takes what stands behind ":::" out of the command. Where neither that nor
  /// a file is given, standard input is read and spooled beside `database`; so
  /// is a file that can be read only once.
  static conductor::result<map_inputs> from(const std::string& list_file,
                                            std::vector<std::string>& command,
                                            const std::string& database);

  /// Tells apart inputs that differ: values, or a file's name, size and time,
  /// or what standard input held.
  const std::string& fingerprint() const { return fingerprint_; }
  /// The `fanout` of a definition.
  conductor::json as_fanout() const;
  /// A submission has taken the spool over.
  void keep();
  /// Calls `one` for each input, in order.
  conductor::error
  each(const std::function<void(const std::string&)>& one) const;

private:
  std::vector<std::string> values_;
  std::string file_; ///< absolute; the spool's where standard input was read
  std::string fingerprint_;
  std::optional<conductor::spool> spool_;
};

} // namespace orcon
