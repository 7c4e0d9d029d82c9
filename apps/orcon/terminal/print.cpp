#include "apps/orcon/terminal/print.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "apps/orcon/cli.hpp"

namespace orcon {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t buffered = 64 * 1024;
/// What a pipe that takes anything takes without blocking (PIPE_BUF).
constexpr std::size_t piece = 4096;
/// How often a writer that waits looks whether it should still wait.
constexpr int look_every_ms = 50;
/// How long the reader of a program that was told to stop may take.
constexpr auto last_patience = 1s;

std::string waiting;   ///< for stdout
int first_trouble = 0; ///< errno of the first write to stdout that failed
bool (*stop_wanted)() = nullptr;

bool stopping() {
  return stop_wanted && stop_wanted();
}

/// Waits until a descriptor takes bytes, or `give_up` says that it is enough.
template <class GiveUp>
bool wait_for_room(int fd, GiveUp give_up) {
  for (;;) {
    ::pollfd p{fd, POLLOUT, 0};
    if (::poll(&p, 1, look_every_ms) > 0)
      return true;
    if (give_up())
      return false;
  }
}

/// Writes as much as the descriptor takes; takes that off the text. False if
/// it was given up; an error is left in `trouble`.
template <class GiveUp>
bool write_some(int fd, std::string& text, int& trouble, GiveUp give_up) {
  std::size_t done = 0;
  bool room = true;
  while (done < text.size() && trouble == 0
         && (room = !give_up() && wait_for_room(fd, give_up))) {
    const auto n
      = ::write(fd, text.data() + done, std::min(text.size() - done, piece));
    if (n >= 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR && errno != EAGAIN)
      trouble = errno;
  }
  text.erase(0, trouble == 0 ? done : text.size());
  return room;
}

} // namespace

void stop_writing_when(bool (*wanted)()) {
  stop_wanted = wanted;
}

void write_out(std::string_view text) {
  if (first_trouble != 0)
    return;
  waiting += text;
  if (waiting.size() >= buffered)
    flush_output();
}

void write_error(std::string_view text) {
  int ignored = 0;
  std::string copy{text};
  const auto until = clock::now() + last_patience;
  write_some(STDERR_FILENO, copy, ignored,
             [&] { return stopping() && clock::now() >= until; });
}

bool flush_output() {
  write_some(STDOUT_FILENO, waiting, first_trouble, stopping);
  return first_trouble == 0;
}

bool writing_has_stopped() {
  return stopping();
}

bool reader_has_gone() {
  ::pollfd p{STDOUT_FILENO, 0, 0};
  return first_trouble == EPIPE
         || (::poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0);
}

int finish_output(int code) {
  const auto until = clock::now() + last_patience;
  const bool whole = write_some(STDOUT_FILENO, waiting, first_trouble, [&] {
    return stopping() && clock::now() >= until;
  });
  if (!whole)
    tell("orcon: the output was not read: the rest of it was dropped\n");
  if (first_trouble == 0)
    return code;
  // A reader that has gone knows that without being told.
  if (first_trouble != EPIPE)
    tell("orcon: cannot write the output: {}\n", std::strerror(first_trouble));
  return code == done ? int{operation_failed} : code;
}

} // namespace orcon
