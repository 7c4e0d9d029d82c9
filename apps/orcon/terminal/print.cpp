#include "apps/orcon/terminal/print.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "apps/orcon/cli.hpp"

namespace orcon {

namespace {

int first_trouble = 0; ///< errno of the first write to stdout that failed

void note_trouble() {
  if (first_trouble == 0)
    first_trouble = errno;
}

} // namespace

void write_out(std::string_view text) {
  if (first_trouble == 0
      && std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    note_trouble();
}

void write_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

bool flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    note_trouble();
  return first_trouble == 0;
}

int finish_output(int code) {
  if (flush_output())
    return code;
  // Who reads no further knows that by himself.
  if (first_trouble != EPIPE)
    tell("orcon: cannot write the output: {}\n", std::strerror(first_trouble));
  return code == done ? int{operation_failed} : code;
}

} // namespace orcon
