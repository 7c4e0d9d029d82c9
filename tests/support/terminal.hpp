#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <string>

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "tests/support/program.hpp"

/// The real program on a terminal of its own. To be included after CAF_SUITE is
/// defined.
namespace orcon::test {

class terminal {
public:
  terminal(const bench& b, const std::string& line, unsigned short columns,
           unsigned short rows = 24) {
    ::winsize size{rows, columns, 0, 0};
    const fs::path program{std::getenv("ORCON")};
    const auto command = "cd '" + b.folder.string() + "' && export PATH='"
                         + program.parent_path().string()
                         + "':$PATH TERM=xterm ORCON_DB=orcon.db && { " + line
                         + "; }";
    pid_ = ::forkpty(&fd_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::execlp("bash", "bash", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    CAF_REQUIRE(pid_ > 0);
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;
  ~terminal() {
    ::close(fd_);
    if (pid_ > 0)
      finish();
  }

  void resize(unsigned short columns) const {
    ::winsize size{24, columns, 0, 0};
    ::ioctl(fd_, TIOCSWINSZ, &size);
  }

  /// Reads until `enough` says so of all that was written, or the program has
  /// ended, or a minute is over; returns whether it was enough.
  bool read_until(const std::function<bool(const std::string&)>& enough) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    std::array<char, 4096> buffer{};
    while (!enough(all_) && std::chrono::steady_clock::now() < end) {
      ::pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, 1000) <= 0)
        continue;
      const auto n = ::read(fd_, buffer.data(), buffer.size());
      if (n <= 0)
        break;
      all_.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return enough(all_);
  }

  /// Reads to the end; returns the exit code.
  int finish() {
    read_until([](const std::string&) { return false; });
    int status = -1;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  const std::string& all() const { return all_; }

private:
  int fd_ = -1;
  pid_t pid_ = -1;
  std::string all_;
};

} // namespace orcon::test
