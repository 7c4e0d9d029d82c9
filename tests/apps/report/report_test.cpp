#define CAF_SUITE apps.report

#include <sstream>

#include <caf/all.hpp>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/scenarios/scenarios.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using namespace orcon::report;
using namespace std::chrono_literals;

namespace {

constexpr auto start = from_ms(1'767'225'600'000); // 2026-01-01

timestamp after(std::int64_t ms) {
  return start + milliseconds{ms};
}

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// A run on the memory store, driven by hand.
struct stage {
  config cfg;
  caf::actor_system sys{cfg};
  std::shared_ptr<store> db = make_memory_store();
  std::unique_ptr<store_reader> reader = db->open_reader();
  scenarios::driver d{
    sys, spawn_coordinator(sys, db, with_database(), start),
    [](const std::string&) {},
    [](const std::string&, const std::string&, const std::string&) {}};

  static options with_database() {
    options o;
    o.database = "report";
    return o;
  }

  run_report gathered() { return gather(*reader, d.run().key, after(60'000)); }

  std::string page(const std::string& database = "my.db") {
    std::ostringstream out;
    write_page(out, gathered(), database);
    return out.str();
  }

  void run_many(int children) {
    d.submit("many", children, 0);
    d.pass(role::fanout);
    d.advance(10ms);
    for (int i = 1; i <= children; ++i)
      d.succeed("job#" + std::to_string(i));
    d.pass(role::aggregate);
  }
};

std::size_t count(const std::string& page, std::string_view text) {
  std::size_t n = 0;
  for (auto at = page.find(text); at != std::string::npos;
       at = page.find(text, at + text.size()))
    ++n;
  return n;
}

bool has(const std::string& page, std::string_view text) {
  return page.find(text) != std::string::npos;
}

/// The first tag that is closed out of turn, "" if there is none.
std::string out_of_turn(const std::string& page) {
  std::vector<std::string> open;
  for (auto at = page.find('<'); at != std::string::npos;
       at = page.find('<', at + 1)) {
    const auto end = page.find('>', at);
    auto tag = page.substr(at + 1, end - at - 1);
    if (tag.starts_with("!") || tag.ends_with("/") || tag.starts_with("meta")
        || tag.starts_with("link"))
      continue;
    if (!tag.starts_with("/")) {
      open.push_back(tag.substr(0, tag.find(' ')));
      if (open.back() == "style") // what is in there is no element
        at = page.find("</style", at) - 1;
      continue;
    }
    if (open.empty() || tag.substr(1) != open.back())
      return tag + " behind " + (open.empty() ? "" : open.back());
    open.pop_back();
  }
  return open.empty() ? "" : open.back();
}

} // namespace

CAF_TEST(a page of few tasks has a bar for each) {
  stage s;
  s.d.submit("few", 3, 1);
  s.d.pass(role::fanout);
  s.d.succeed("job#1");
  s.d.fail("job#2", "connection reset");
  s.d.advance(5s);
  s.d.pass(role::retry);
  s.d.fail("job#2", "connection reset");
  s.d.fail("job#3", "no such file");
  const auto page = s.page();
  CAF_CHECK_EQUAL(out_of_turn(page), "");
  CAF_CHECK(has(page, "class=\"gantt\""));
  CAF_CHECK_EQUAL(count(page, "aria-label=\"1 attempt\""), 2u);
  CAF_CHECK_EQUAL(count(page, "aria-label=\"2 attempts\""), 1u);
  CAF_CHECK(!has(page, "Tasks settled per second"));
  CAF_CHECK(has(page, "Attempt 1: failed after"));
  CAF_CHECK(has(page, "was running when this page was made"));
  CAF_CHECK(has(page, "connection reset"));
  CAF_CHECK(has(page, "1 of 1</td>")); // retries of job#2
  CAF_CHECK(has(page, "all times are UTC"));
  for (const auto* id : {"summary", "timeline", "heatmap", "fanouts", "slowest",
                         "failures", "retries", "configuration"})
    CAF_CHECK(has(page, "<section id=\"" + std::string{id} + "\">"));
  CAF_CHECK_EQUAL(count(page, "<table"), count(page, "<caption>"));
}

CAF_TEST(a page of many tasks has a histogram and no element a child) {
  const auto page_of = [](int children) {
    stage s;
    s.run_many(children);
    return s.page();
  };
  const auto hundred = page_of(100), three_hundred = page_of(300);
  CAF_CHECK_EQUAL(out_of_turn(hundred), "");
  CAF_CHECK(has(hundred, "Tasks settled per second"));
  CAF_CHECK(!has(hundred, "class=\"gantt\""));
  CAF_CHECK(has(hundred, "SUCCEEDED"));
  CAF_CHECK_EQUAL(count(hundred, "<tr"), count(three_hundred, "<tr"));
}

CAF_TEST(texts of users stay texts) {
  stage s;
  s.d.submit("<script>alert('run')", 2, 0);
  s.d.pass(role::fanout);
  s.d.fail("job#1", "\"><img src=x onerror=alert(1)>\x1b[31m & more");
  const auto page = s.page("it's <b>.db");
  CAF_CHECK_EQUAL(out_of_turn(page), "");
  CAF_CHECK(!has(page, "<script"));
  CAF_CHECK(!has(page, "<img"));
  CAF_CHECK(!has(page, "\x1b"));
  CAF_CHECK(has(page, "&lt;script&gt;alert(&#39;run&#39;)"));
  CAF_CHECK(has(page, "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"));
  CAF_CHECK(has(page, "<code class=\"command\">orcon task failures "
                        + s.d.run().id
                        + " --db &#39;it&#39;\\&#39;&#39;s &lt;b&gt;.db&#39;"
                          "</code>"));
}

CAF_TEST(what no page may contain is replaced) {
  CAF_CHECK_EQUAL(escaped("a\x01\xFFz\n\t"), "a\xEF\xBF\xBD\xEF\xBF\xBDz\n\t");
  CAF_CHECK_EQUAL(escaped("\xED\xA0\x80"), // a surrogate
                  "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CAF_CHECK_EQUAL(escaped("grün ✓ 🙂"), "grün ✓ 🙂");
  CAF_CHECK_EQUAL(user_text("grün", 3), "<bdi>grü…</bdi>");
  CAF_CHECK_EQUAL(user_text("grün", 4), "<bdi>grün</bdi>");
}

CAF_TEST(nothing is loaded and no script is there) {
  stage s;
  s.run_many(70);
  const auto page = s.page();
  CAF_CHECK(has(page, "default-src 'none'"));
  CAF_CHECK(!has(page, "<script"));
  CAF_CHECK(!has(page, " src="));
  CAF_CHECK(!has(page, "@import"));
  CAF_CHECK(!has(page, "url("));
  CAF_CHECK_EQUAL(count(page, "href="),
                  count(page, "href=\"#") + count(page, "href=\"data:"));
}

CAF_TEST(a run without tasks or without its events has a page too) {
  stage s;
  s.d.submit("empty", 0, 0);
  auto r = s.gathered();
  r.told.complete = false;
  r.summary.tasks = {};
  r.bars.clear();
  std::ostringstream out;
  write_page(out, r, "x.db");
  CAF_CHECK_EQUAL(out_of_turn(out.str()), "");
  CAF_CHECK(has(out.str(), "no longer in the database"));
  CAF_CHECK(has(out.str(), "No task has failed for good"));
}

CAF_TEST(secrets of an input are left out) {
  stage s;
  s.d.submit("secret", 1, 0);
  auto r = s.gathered();
  r.origins.at(0).spec.input = R"({"argv":["true"],"env":{"TOKEN":"hunter2"}})";
  std::ostringstream out;
  write_configuration(out, r);
  CAF_CHECK(has(out.str(), "TOKEN"));
  CAF_CHECK(!has(out.str(), "hunter2"));
}
