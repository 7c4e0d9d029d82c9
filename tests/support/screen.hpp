#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

/// As much of a terminal as the program asks for: what a person sees in the
/// end of all that was written.
class screen {
public:
  explicit screen(std::size_t width) : width_(width) {}

  void write(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
        const auto end = text.find_first_of("ABCDEFGHJKmlh", i + 2);
        if (end == std::string::npos)
          return;
        command(text[end], std::atoi(text.c_str() + i + 2));
        i = end + 1;
        continue;
      }
      auto next = i + 1;
      while (next < text.size()
             && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80)
        ++next;
      put(text.substr(i, next - i));
      i = next;
    }
  }

  /// Lines without the spaces at their ends; no empty ones at the end.
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const auto& row : rows_) {
      std::string line;
      for (const auto& c : row)
        line += c;
      line.erase(line.find_last_not_of(' ') + 1);
      all.push_back(line);
    }
    while (!all.empty() && all.back().empty())
      all.pop_back();
    return all;
  }

private:
  void put(const std::string& character) {
    if (character == "\r") {
      column_ = 0;
    } else if (character == "\n") {
      ++row_;
    } else {
      if (column_ == width_) { // the terminal wraps
        column_ = 0;
        ++row_;
      }
      auto& row = row_at(row_);
      row.resize(std::max(row.size(), column_ + 1), " ");
      row[column_++] = character;
    }
    row_at(row_);
  }

  void command(char name, int number) {
    auto& row = row_at(row_);
    if (name == 'F') { // to the beginning of an earlier line
      const auto up = static_cast<std::size_t>(std::max(number, 1));
      row_ -= std::min(row_, up);
      column_ = 0;
    } else if (name == 'K') { // erase to the end of the line
      row.resize(std::min(row.size(), column_));
    } else if (name == 'J') { // erase to the end of the screen
      row.resize(std::min(row.size(), column_));
      rows_.resize(row_ + 1);
    }
  }

  std::vector<std::string>& row_at(std::size_t number) {
    if (rows_.size() <= number)
      rows_.resize(number + 1);
    return rows_[number];
  }

  std::size_t width_, row_ = 0, column_ = 0;
  std::vector<std::vector<std::string>> rows_;
};
