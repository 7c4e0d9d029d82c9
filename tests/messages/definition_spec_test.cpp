// Limits, handlers' checks, specs built in C++.
#define CAF_SUITE messages.definition_spec

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <conductor/definition.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

std::string joined(const std::vector<definition_error>& errors) {
  std::string all;
  for (const auto& e : errors)
    all += (all.empty() ? "" : "\n") + to_string(e);
  return all;
}

std::string read_errors(const json& document,
                        const definition_context& context) {
  return joined(read_definition(document, context).errors);
}

run_spec one_task() {
  return run_spec{"r"}.task("noop", "a");
}

/// The errors of a good spec after `spoil`.
std::string spoilt(const std::function<void(run_spec&, task_spec&)>& spoil,
                   const definition_context& context = {}) {
  auto spec = one_task();
  spoil(spec, spec.tasks[0]);
  return joined(check_spec(spec, context));
}

} // namespace

CAF_TEST(limits name themselves) {
  const json two{
    {"tasks", {{"a", {{"handler", "noop"}}}, {"b", {{"handler", "noop"}}}}}};
  CAF_CHECK_EQUAL(read_errors(two, {.max_tasks = 2}), "");
  CAF_CHECK_EQUAL(read_errors(two, {.max_tasks = 1}),
                  "/tasks: has 2 tasks; the limit `max_tasks` is 1");
  const auto parent = [](const json& fanout) {
    return json{
      {"tasks",
       {{"a", {{"handler", "noop"}, {"input", {{"fanout", fanout}}}}}}}};
  };
  const definition_context narrow{.max_width = 3};
  const auto too_wide = [](const std::string& count) {
    return "/tasks/a/input/fanout: makes " + count
           + " children; the limit `max_width` is 3";
  };
  CAF_CHECK_EQUAL(read_errors(parent(3), narrow), "");
  CAF_CHECK_EQUAL(read_errors(parent(4), narrow), too_wide("4"));
  CAF_CHECK_EQUAL(read_errors(parent({1, 2, 3, 4}), narrow), too_wide("4"));
  CAF_CHECK_EQUAL(read_errors(parent({{"range", {1, 5}}}), narrow),
                  too_wide("5"));
  CAF_CHECK_EQUAL(
    read_errors(parent(3), {.max_input = 5}),
    "/tasks/a/input: is 12 bytes of JSON; the limit `max_input` is 5 (a long "
    "list can be a file: {lines: PATH})");
  CAF_CHECK_EQUAL(read_errors(parent(3), {.max_input = 12}), "");
  CAF_CHECK_EQUAL(read_errors({{"meta", {{"a", "xyz"}}},
                               {"tasks", {{"a", {{"handler", "noop"}}}}}},
                              {.max_input = 5}),
                  "/meta: is 11 bytes of JSON; the limit `max_input` is 5");
  CAF_CHECK_EQUAL(read_errors(parent(1), {.max_name = 2}),
                  "/name: is 3 bytes long; the limit `max_name` is 2\n"
                  "/tasks/a/handler: is 4 bytes long; the limit `max_name` is "
                  "2");
}

CAF_TEST(the handler has its say) {
  definition_context context;
  std::string seen;
  context.check_handler
    = [&](const std::string& handler,
          const json& input) -> std::vector<definition_error> {
    seen += handler + dump(input);
    return {{"/input/argv/0", "no such program"}};
  };
  const json document{
    {"tasks", {{"a", {{"handler", "exec"}, {"input", {{"argv", {"x"}}}}}}}}};
  CAF_CHECK_EQUAL(read_errors(document, context),
                  "/tasks/a/input/argv/0: no such program");
  CAF_CHECK_EQUAL(seen, R"(exec{"argv":["x"]})");
  CAF_CHECK_EQUAL(spoilt([](auto&, auto&) {}, context),
                  "/tasks/0/input/argv/0: no such program");
}

CAF_TEST(relative paths without a directory stay) {
  const json document{
    {"tasks",
     {{"a",
       {{"handler", "noop"}, {"input", {{"fanout", {{"lines", "f"}}}}}}}}}};
  const auto nowhere = read_definition(document, {});
  CAF_CHECK_EQUAL(nowhere.spec.tasks[0].fanout.path, "f");
  const auto in_root = read_definition(document, {.directory = "/"});
  CAF_CHECK_EQUAL(in_root.spec.tasks[0].fanout.path, "/f");
}

CAF_TEST(good specs pass) {
  CAF_CHECK_EQUAL(spoilt([](auto&, auto&) {}), "");
  CAF_CHECK_EQUAL(
    joined(check_spec(run_spec{"r"}.task("h").fanout(100'000), {})), "");
  CAF_CHECK_EQUAL(
    joined(check_spec(run_spec{"r"}.task("h").fanout({"1", "{}"}), {})), "");
}

CAF_TEST(specs of C++ obey the same rules) {
  const auto check = [](const std::string& expected, auto spoil) {
    CAF_CHECK_EQUAL(spoilt(spoil), expected);
  };
  check("/name: must not be empty", [](auto& r, auto&) { r.name.clear(); });
  check("/meta: must be an object", [](auto& r, auto&) { r.meta = "[]"; });
  check("/meta: must be an object", [](auto& r, auto&) { r.meta = "{"; });
  check("/retry_budget: must be between 0% and 100%", [](auto& r, auto&) {
    r.retry_budget = {0, 101};
  });
  check("/tasks: must have at least one task",
        [](auto& r, auto&) { r.tasks.clear(); });
  check("/tasks/1/name: \"a\" is also the name of /tasks/0",
        [](auto& r, auto&) { r.task("noop", "a"); });
  check("/tasks/0/name: must not be empty",
        [](auto&, auto& t) { t.name.clear(); });
  check("/tasks/0/handler: must not be empty",
        [](auto&, auto& t) { t.handler.clear(); });
  check("/tasks/0/input: must be an object",
        [](auto&, auto& t) { t.input = "5"; });
  check("/tasks/0/max_concurrency: must not be negative",
        [](auto&, auto& t) { t.max_concurrency = -1; });
  check("/tasks/0/timeout: must be between 0 and 100 years",
        [](auto&, auto& t) { t.timeout = milliseconds{-1}; });
  check("/tasks/0/tolerate: must not be negative", [](auto&, auto& t) {
    t.tolerate = {-1, 0};
  });
  check("/tasks/0/tolerate: must be between 0% and 100%", [](auto&, auto& t) {
    t.tolerate.percent = std::numeric_limits<double>::quiet_NaN();
  });
  check("/tasks/0/on_failure: is no known choice",
        [](auto&, auto& t) { t.on_failure = static_cast<on_failure>(9); });
  check("/tasks/0/collect: is no known choice",
        [](auto&, auto& t) { t.collect = static_cast<collect>(9); });
}

CAF_TEST(times and priorities of C++ obey the same rules) {
  const auto check = [](const std::string& expected, auto spoil) {
    CAF_CHECK_EQUAL(spoilt(spoil), expected);
  };
  check("", [](auto& r, auto& t) {
    r.deadline = {.delay = milliseconds{1}};
    r.priority = 5;
    t.not_before = {.at = from_ms(1)};
    t.priority = 1;
  });
  check("/deadline: must be between 0 and 100 years",
        [](auto& r, auto&) { r.deadline.delay = milliseconds{-1}; });
  check("/deadline: must be a duration or a time, not both",
        [](auto& r, auto&) {
          r.deadline = {milliseconds{1}, from_ms(1)};
        });
  check("/tasks/0/not_before: must be a time between 1970 and 9999",
        [](auto&, auto& t) { t.not_before.at = from_ms(-1); });
  check("/tasks/0/not_before: must be a time between 1970 and 9999",
        [](auto&, auto& t) { t.not_before.at = from_ms(253'402'300'800'000); });
  check("/priority: must be between 1 and 5, not 0",
        [](auto& r, auto&) { r.priority = 0; });
  check("/tasks/0/priority: must be between 1 and 5, not 6",
        [](auto&, auto& t) { t.priority = 6; });
  check("/tasks/0/priority: must be between 1 and 5, not -1",
        [](auto&, auto& t) { t.priority = -1; });
  check("/tasks/0/when: has no meaning without \"after\"",
        [](auto&, auto& t) { t.when = condition::failed; });
  check("/tasks/1/when: is no known choice", [](auto& r, auto&) {
    r.task("noop", "b").after("a").when(static_cast<condition>(9));
  });
}

CAF_TEST(texts with NUL are refused with their place) {
  const auto input = [](const std::string& text) {
    return spoilt([&](auto&, auto& t) { t.input = text; });
  };
  CAF_CHECK_EQUAL(input(R"({"a":["x",{"b/c":"y\u0000"}]})"),
                  "/tasks/0/input/a/1/b~1c: must not contain NUL (U+0000)");
  CAF_CHECK_EQUAL(input(R"({"a":{"b\u0000":1}})"),
                  "/tasks/0/input/a: has a key that contains NUL (U+0000)");
  CAF_CHECK_EQUAL(input(R"({"a":"\\u0000"})"), "");
  CAF_CHECK_EQUAL(spoilt([](auto& r, auto&) { r.meta = R"({"a":"\u0000"})"; }),
                  "/meta/a: must not contain NUL (U+0000)");
  CAF_CHECK_EQUAL(spoilt([](auto&, auto& t) {
                    t.fanout = {.kind = source_kind::items,
                                .items = {"1", R"({"a":"\u0000"})"}};
                  }),
                  "/tasks/0/input/fanout/1/a: must not contain NUL (U+0000)");
}

CAF_TEST(retries and fanouts of C++ obey the same rules) {
  const auto retry = [](const std::string& expected, auto spoil) {
    CAF_CHECK_EQUAL(spoilt([&](auto&, auto& t) { spoil(t.retry); }),
                    "/tasks/0/" + expected);
  };
  retry("max_retries: must be between 0 and 1000000",
        [](auto& r) { r.max_retries = -1; });
  retry("retry/backoff: is no known backoff",
        [](auto& r) { r.backoff = static_cast<backoff>(9); });
  retry("retry/jitter: is no known jitter",
        [](auto& r) { r.jitter = static_cast<jitter>(9); });
  retry("retry/delay: must be between 0 and 100 years",
        [](auto& r) { r.delay = milliseconds{-1}; });
  retry("retry/max_delay: must be between 0 and 100 years",
        [](auto& r) { r.max_delay = milliseconds::max(); });
  retry("retry/factor: must be between 1 and 1000",
        [](auto& r) { r.factor = std::numeric_limits<double>::quiet_NaN(); });
  retry("retry/non_retryable: must not be empty",
        [](auto& r) { r.non_retryable = {""}; });
  retry("retry/non_retryable: lists more than 100 error types",
        [](auto& r) { r.non_retryable.assign(101, "x"); });
  const auto fanout = [](const std::string& expected, fanout_source source) {
    const auto message = spoilt([&](auto&, auto& t) { t.fanout = source; });
    if (!message.starts_with("/tasks/0/input/fanout" + expected))
      CAF_ERROR("it is: " << message);
  };
  fanout(": must not be negative", {source_kind::count, -1});
  fanout(": the step must not be 0", {source_kind::range, 0, 1, 2, 0});
  fanout("/1: is not JSON: line 1",
         {.kind = source_kind::items, .items = {"1", "{"}});
  fanout(": must name a file", {.kind = source_kind::lines});
  fanout(": must name a file", {.kind = source_kind::glob});
  fanout(": must name a list", {.kind = source_kind::list, .count = 1});
  fanout(": must name a list", {.kind = source_kind::list, .list = -1});
  fanout(": is no known kind", {.kind = static_cast<source_kind>(99)});
}

CAF_TEST(a spec that is shaped before its first task is refused) {
  const auto first_error = [](const run_spec& spec) {
    const auto errors = check_spec(spec, {});
    return errors.empty() ? std::string{} : to_string(errors.front());
  };
  const auto message = [](const std::string& call) {
    return "/tasks: " + call + "() was called before task()";
  };
  const auto x = [] { return run_spec{"x"}; };
  CAF_CHECK_EQUAL(first_error(x().fanout(3)), message("fanout"));
  CAF_CHECK_EQUAL(first_error(x().fanout(std::vector<std::string>{"1"})),
                  message("fanout"));
  CAF_CHECK_EQUAL(first_error(x().input("{}")), message("input"));
  CAF_CHECK_EQUAL(first_error(x().max_retries(1)), message("max_retries"));
  CAF_CHECK_EQUAL(first_error(x().retry({})), message("retry"));
  CAF_CHECK_EQUAL(first_error(x().max_concurrency(2)),
                  message("max_concurrency"));
  // The task that follows does not heal it: the call before it is lost.
  CAF_CHECK_EQUAL(first_error(x().fanout(3).task("noop")), message("fanout"));
  CAF_CHECK_EQUAL(first_error(x().task("noop").fanout(3)), "");
}
