#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>
#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

constexpr std::size_t json_shown = 3000; // characters
constexpr std::size_t opened = 3;        // tasks shown unfolded

std::string json_text(ordered_json value) {
  auto text = value.dump(2, ' ', false, ordered_json::error_handler_t::replace);
  return "<pre>" + user_text(text, json_shown) + "</pre>";
}

/// An input without what often is secret: a page is passed around.
std::string input_text(const std::string& input) {
  auto value = parse_stored<ordered_json>(input);
  if (value.is_discarded())
    return "–";
  for (const auto* member : {"env", "headers"})
    if (const auto found = value.find(member);
        found != value.end() && found->is_object())
      for (auto& [name, text] : found->items())
        text = "(not shown)";
  return json_text(std::move(value));
}

std::string share_text(const count_or_percent& s) {
  return s.percent > 0 ? fmt::format("{:g}%", s.percent) : with_commas(s.count);
}

std::string source_text(const task_spec& t) {
  const auto& f = t.fanout;
  switch (f.kind) {
  case source_kind::none: return "none: one task";
  case source_kind::count: return with_commas(f.count) + " children, by number";
  case source_kind::range:
    return fmt::format("the numbers from {} to {} in steps of {}", f.from, f.to,
                       f.step);
  case source_kind::items: return "a list in the definition";
  case source_kind::lines: return "the lines of " + user_text(f.path, 200);
  case source_kind::glob:
    return "the files that match " + user_text(f.path, 200);
  case source_kind::list: return "a list of inputs";
  }
  return "–";
}

std::string retry_text(const retry_policy& p) {
  if (p.max_retries == 0)
    return "none";
  auto text = fmt::format("at most {}, {} after {}", p.max_retries,
                          to_string(p.backoff), to_text(p.delay));
  if (p.backoff == backoff::exponential)
    text += fmt::format(" × {:g}", p.factor);
  text += fmt::format(", at most {}, jitter {}", to_text(p.max_delay),
                      to_string(p.jitter));
  for (std::size_t i = 0; i < p.non_retryable.size(); ++i)
    text
      += (i == 0 ? "; never after " : ", ") + user_text(p.non_retryable[i], 60);
  return text;
}

class pairs {
public:
  explicit pairs(std::ostream& out) : out_(out) {
    fmt::print(out, "<dl class=\"pairs\">\n");
  }
  ~pairs() { fmt::print(out_, "</dl>\n"); }
  pairs(const pairs&) = delete;
  pairs& operator=(const pairs&) = delete;

  /// `html` is written as it is.
  void add(const char* what, const std::string& html) const {
    fmt::print(out_, "<dt>{}</dt><dd>{}</dd>\n", what, html);
  }

private:
  std::ostream& out_;
};

void write_task(std::ostream& out, const task_spec& t) {
  const pairs p{out};
  p.add("Handler", user_text(t.handler, 80));
  p.add("Fan-out", source_text(t));
  p.add("Retries", retry_text(t.retry));
  p.add("Time limit of an attempt",
        t.timeout.count() > 0 ? to_text(t.timeout) : "none");
  if (t.is_parent()) {
    p.add("Children at once", t.max_concurrency > 0
                                ? with_commas(t.max_concurrency)
                                : "as many as there are workers");
    p.add("Failures tolerated", share_text(t.tolerate));
    p.add("When more fail", t.on_failure == on_failure::wait
                              ? "the others continue (wait)"
                              : "the others are cancelled (fail_fast)");
    p.add("Outputs collected", t.collect == collect::outputs ? "yes" : "no");
  }
  p.add("Input", input_text(t.input));
}

void write_run(std::ostream& out, const run_report& r) {
  const auto& run = r.summary.run;
  const pairs p{out};
  p.add("Run", "<code>" + escaped(run.id) + "</code>");
  p.add("Name", user_text(run.name));
  p.add("Idempotency key",
        run.idempotency_key.empty() ? "–" : user_text(run.idempotency_key));
  p.add("Retry budget", run.retry_budget.count < 0 ? "no limit"
                        : run.retry_budget.percent > 0
                          ? share_text(run.retry_budget) + " of its tasks"
                          : share_text(run.retry_budget) + " retries");
  if (run.meta != "{}")
    p.add("Meta", json_text(parse_stored<ordered_json>(run.meta)));
  std::string passes;
  for (const auto& pass : r.summary.passes)
    passes += fmt::format("{}{} {}", passes.empty() ? "" : ", ", pass.actor,
                          with_commas(pass.passes));
  p.add("Passes of the engine", passes);
}

} // namespace

void write_configuration(std::ostream& out, const run_report& r) {
  fmt::print(out, "<section id=\"configuration\"><h2>Configuration</h2>\n<p "
                  "class=\"dim\">What the run was submitted with. Values of "
                  "<code>env</code> and <code>headers</code> are left "
                  "out.</p>\n");
  write_run(out, r);
  for (std::size_t i = 0; i < r.origins.size(); ++i) {
    fmt::print(out, "<details{}><summary>{}</summary>\n",
               i < opened ? " open" : "",
               user_text(r.origins[i].spec.name, 80));
    write_task(out, r.origins[i].spec);
    fmt::print(out, "</details>\n");
  }
  if (r.summary.run.tasks > std::ssize(r.origins))
    fmt::print(out,
               "<p class=\"note\">The first {} of {} top-level tasks.</p>\n",
               r.origins.size(), with_commas(r.summary.run.tasks));
  fmt::print(out, "</section>\n");
}

} // namespace orcon::report
