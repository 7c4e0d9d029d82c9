#define CAF_SUITE apps.terminal

#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/progress_line.hpp"
#include "apps/orcon/terminal/table.hpp"
#include "tests/support/screen.hpp"
#include "tests/support/terminal.hpp"

// What people see: widths, colours, progress, and windows of any size.
using namespace orcon::test;

namespace {

using orcon::display_width;

constexpr auto bar = "░";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The widest line of the frames behind `from`, escapes not counted.
std::size_t widest(const std::string& all, std::size_t from) {
  std::size_t most = 0;
  std::string line;
  for (auto i = from; i < all.size(); ++i) {
    if (all[i] == '\x1b')
      i = all.find_first_of("FHJKm", i);
    else if (all[i] == '\n' || all[i] == '\r')
      most = std::max(most, display_width(std::exchange(line, {})));
    else
      line += all[i];
  }
  return most;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1))
    ++n;
  return n;
}

/// Twenty tasks that end only when the file `go` is there.
constexpr auto waiting_map
  = "orcon map -j4 --name waits -- sh -c 'until [ -e go ]; do sleep 0.02; "
    "done' ::: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20";

} // namespace

CAF_TEST(widths of text) {
  CAF_CHECK_EQUAL(display_width("abc"), 3u);
  CAF_CHECK_EQUAL(display_width("äöü…"), 4u);
  CAF_CHECK_EQUAL(display_width("日本"), 4u);
  CAF_CHECK_EQUAL(display_width("e\u0301"), 1u);
  CAF_CHECK_EQUAL(display_width("🙂"), 2u);
  CAF_CHECK_EQUAL(orcon::shorten("abcdef", 6), "abcdef");
  CAF_CHECK_EQUAL(orcon::shorten("abcdef", 5), "abcd…");
  CAF_CHECK_EQUAL(orcon::shorten("日本語", 5), "日本…");
  CAF_CHECK_EQUAL(orcon::shorten("日本語", 4), "日…");
  CAF_CHECK_EQUAL(orcon::shorten("one\ntwo", 10), "one…");
  CAF_CHECK_EQUAL(orcon::shorten("a\x1b[31mb\u009b", 20), "a [31mb ");
  CAF_CHECK_EQUAL(orcon::shorten("abc", 0), "");
  // Characters that change the direction of what follows them.
  for (const auto* bidi :
       {"\u202a", "\u202e", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c"}) {
    CAF_CHECK_EQUAL(orcon::shorten(std::string{"a"} + bidi + "b", 3), "a b");
    CAF_CHECK_EQUAL(orcon::shorten(std::string{"a"} + bidi + "b", 2), "a…");
  }
  CAF_CHECK_EQUAL(orcon::shorten("a\u200db", 2), "a\u200db");
  for (std::size_t width = 0; width < 12; ++width)
    for (const auto* text : {"", "abcdefghijkl", "日本語日本語", "x\ny",
                             "\xff\xfe", "e\u0301e\u0301e\u0301"})
      CAF_CHECK(display_width(orcon::shorten(text, width)) <= width);
}

CAF_TEST(a line of progress fits every width) {
  orcon::progress_line line{"thumbnails of everything", {}, 9876.4};
  line.counts.succeeded = 4200;
  line.counts.failed = 17;
  line.counts.running = 64;
  line.counts.retrying = 3;
  line.counts.pending = 1'000'000;
  for (std::size_t width = 2; width < 200; ++width)
    CAF_CHECK(display_width(orcon::render(line, width, false)) < width);
  const auto wide = orcon::render(line, 160, false);
  for (const auto* part :
       {"thumbnails of e…", bar, "  0%", "4,217/1,004,284", "17 failed",
        "9,876/s", "eta 1m 42s", "64 running", "3 to retry"})
    CAF_CHECK(has(wide, part));
  // Forty columns have room for what matters most.
  CAF_CHECK(has(orcon::render(line, 40, false), "4,217/1,004,284"));
  CAF_CHECK(has(orcon::render(line, 80, false), "17 failed"));
  CAF_CHECK(has(orcon::render(line, 80, false), bar));
  CAF_CHECK(has(orcon::render(line, 60, false), bar));
  CAF_CHECK(!has(orcon::render(line, 40, false), bar));
  CAF_CHECK(has(orcon::render(line, 160, true), "\x1b[33m"));
  // 100 % is said only when it is true.
  line.counts = {};
  line.counts.succeeded = 999'999;
  line.counts.pending = 1;
  CAF_CHECK(has(orcon::render(line, 80, false), " 99%"));
  line.counts.pending = 0;
  CAF_CHECK(has(orcon::render(line, 80, false), "100%"));
}

CAF_TEST(the pace follows what happens without jumps) {
  using namespace std::chrono_literals;
  orcon::speed pace;
  orcon::speed::clock::time_point now{};
  std::int64_t settled = 500'000; // of an earlier session
  const auto go_on = [&](int turns, std::int64_t each) {
    for (int i = 0; i < turns; ++i)
      pace.note(now += 100ms, settled += each);
  };
  pace.note(now, settled);
  CAF_CHECK_EQUAL(pace.rate(), 0);
  go_on(1, 1000);
  CAF_CHECK(std::abs(pace.rate() - 10'000) < 1);
  go_on(300, 1000);
  CAF_CHECK(std::abs(pace.rate() - 10'000) < 1);
  go_on(1, 0); // a checkpoint
  CAF_CHECK(pace.rate() > 9'500 && pace.rate() < 10'000);
  go_on(300, 100);
  CAF_CHECK(std::abs(pace.rate() - 1'000) < 50);
}

CAF_TEST(tables fit the terminal and keep what must not be cut) {
  const std::vector<std::string> columns{"id", "name", "state", "error"};
  const conductor::ordered_json row{{"id", "01M8417HQ90SEJZEYX00000001"},
                                    {"name", "a name of some length"},
                                    {"state", "FAILED"},
                                    {"error", std::string(200, 'x')}};
  const auto text = [&](std::size_t width, bool color = false) {
    return orcon::table_text(columns, {row, row}, {width, color});
  };
  CAF_CHECK(text(0).starts_with(
    "ID                          NAME                   STATE   ERROR\n"));
  CAF_CHECK(has(text(0), " " + std::string(59, 'x') + "…\n"));
  CAF_CHECK(has(text(300), std::string(200, 'x')));
  for (std::size_t width : {62u, 80u, 100u}) {
    screen s{width};
    s.write(text(width));
    CAF_CHECK_EQUAL(count(text(width), "\n"), 3u);
    CAF_CHECK(has(text(width), "01M8417HQ90SEJZEYX00000001"));
    CAF_CHECK(widest(text(width), 0) <= width);
  }
  // What has no room is left out from the right.
  CAF_CHECK(text(55).starts_with("ID" + std::string(26, ' ') + "NAME"
                                 + std::string(17, ' ') + "STATE\n"));
  CAF_CHECK_EQUAL(widest(text(55), 0), 55u);
  // Too narrow for a table: a block a row.
  CAF_CHECK(text(40).starts_with("ID     01M8417HQ90SEJZEYX00000001\n"
                                 "NAME   a name of some length\n"
                                 "STATE  FAILED\nERROR  xxx"));
  CAF_CHECK_EQUAL(count(text(40), "\n"), 9u);
  CAF_CHECK(widest(text(40), 0) <= 40);
  CAF_CHECK_EQUAL(count(text(100, true), "\x1b[31m"), 2u);
  CAF_CHECK_EQUAL(count(text(100, true), "\x1b"), 4u); // no more than that
}

CAF_TEST(colours are where they are asked for) {
  const bench b;
  b.run("orcon map -q -- true ::: 1 2");
  const auto on_terminal = [&](const std::string& line) {
    terminal t{b, line, 120};
    CAF_CHECK_EQUAL(t.finish(), 0);
    return t.all();
  };
  CAF_CHECK(has(on_terminal("orcon run list"), "\x1b[32mSUCCEEDED"));
  CAF_CHECK(has(on_terminal("orcon run show"), "\x1b[32mSUCCEEDED"));
  CAF_CHECK(!has(on_terminal("NO_COLOR=1 orcon run list"), "\x1b"));
  CAF_CHECK(!has(on_terminal("TERM=dumb orcon run list"), "\x1b"));
  CAF_CHECK(!has(on_terminal("orcon run list --color never"), "\x1b"));
  CAF_CHECK(!has(on_terminal("orcon run list | cat"), "\x1b"));
  CAF_CHECK(!has(on_terminal("orcon run list -o json --color always"), "\x1b"));
  CAF_CHECK(has(on_terminal("NO_COLOR=1 orcon run list --color always | cat"),
                "\x1b[32m"));
}

CAF_TEST(progress is drawn in narrow windows and gone in the end) {
  const bench b;
  terminal t{b, waiting_map, 40};
  CAF_CHECK(t.read_until([](const auto& all) { return has(all, "0/20"); }));
  b.write("go", "");
  CAF_CHECK_EQUAL(t.finish(), 0);
  CAF_CHECK(has(t.all(), "\x1b[1F")); // drawn in place
  const auto first = t.all().find('\n');
  CAF_CHECK(widest(t.all(), first) < 40);
  screen s{40};
  s.write(t.all());
  const auto lines = s.lines();
  for (const auto& line : lines)
    CAF_MESSAGE(line);
  CAF_REQUIRE(lines.size() >= 2u);
  CAF_CHECK(lines.front().starts_with("orcon: run "));
  CAF_CHECK_EQUAL(lines.back(), "orcon: 20 of 20 succeeded");
  for (const auto& line : lines)
    CAF_CHECK(!has(line, "%"));
}

CAF_TEST(a window that shrinks loses nothing) {
  const bench b;
  terminal t{b, waiting_map, 100};
  CAF_CHECK(t.read_until([](const auto& all) { return has(all, bar); }));
  t.resize(40);
  const auto before = t.all().size();
  // What was one line of more than forty columns is two by now.
  CAF_CHECK(t.read_until([&](const auto& all) {
    return all.find("\x1b[2F", before) != std::string::npos;
  }));
  const auto narrow = t.all().rfind("\x1b[2F");
  CAF_CHECK(t.read_until([&](const auto& all) {
    return all.find("\x1b[1F", narrow) != std::string::npos;
  }));
  b.write("go", "");
  CAF_CHECK_EQUAL(t.finish(), 0);
  CAF_CHECK(widest(t.all(), narrow) < 40);
}

CAF_TEST(a command that asks on the terminal fails at once) {
  const bench b;
  terminal t{b,
             "orcon map --retries 0 -- sh -c 'read -r x < /dev/tty' ::: a; "
             "echo code $?",
             80};
  CAF_CHECK(t.read_until([](const auto& all) { return has(all, "code "); }));
  CAF_MESSAGE(t.all());
  CAF_CHECK(has(t.all(), "/dev/tty"));
  CAF_CHECK(has(t.all(), "code 3"));
}

CAF_TEST(outputs and progress share the terminal) {
  const bench b;
  terminal t{b, "orcon map -j1 -k -c 'sleep 0.15; printf out-{}' ::: 1 2 3",
             60};
  CAF_CHECK_EQUAL(t.finish(), 0);
  screen s{60};
  s.write(t.all());
  std::string seen;
  for (const auto& line : s.lines())
    if (!line.starts_with("orcon:"))
      seen += line + "\n";
  CAF_CHECK_EQUAL(seen, "out-1\nout-2\nout-3\n");
}

CAF_TEST(without a terminal progress is plain lines and quiet is quiet) {
  const bench b;
  const auto r = b.run("orcon map -j1 -- sleep 0.12 ::: "
                       "1 2 3 4 5 6 7 8 9 10 11 12");
  CAF_MESSAGE(r.out);
  CAF_CHECK(!has(r.out, "\x1b"));
  CAF_CHECK(has(r.out, "%  "));
  CAF_CHECK_EQUAL(b.run("orcon map -q -- sleep 0.1 ::: 1 2 3").out, "");
  const auto failed = b.run("orcon map -v --retries 0 -- false ::: 1");
  CAF_CHECK(has(failed.out, "map#1 attempt 1 failed: exit: "));
  CAF_CHECK(has(failed.out, "orcon: database orcon.db"));
}
