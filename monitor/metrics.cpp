#include <conductor/metrics.hpp>

#include <charconv>
#include <filesystem>
#include <numeric>

#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>

namespace conductor {

namespace {

using enum metric_kind;

constexpr std::array kinds{std::pair{counter, "counter"},
                           std::pair{gauge, "gauge"},
                           std::pair{metric_kind::histogram, "histogram"}};

const char* name_of(metric_kind kind) {
  return kinds[static_cast<std::size_t>(kind)].second;
}

std::string number_text(double value) {
  std::array<char, 400> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 value, std::chars_format::fixed)
                     .ptr;
  return {digits.data(), end};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (auto c : text)
    if (c == '\n')
      out += "\\n";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else
      out += c;
  return out;
}

std::string label_list(const sample& s, const std::string& bound = {}) {
  std::string out;
  const auto add = [&](const std::string& name, const std::string& value) {
    out += (out.empty() ? "{" : ",") + name + "=\"" + escaped(value) + "\"";
  };
  for (const auto& [name, value] : s.labels)
    add(name, value);
  if (!bound.empty())
    add("le", bound);
  return out.empty() ? out : out + "}";
}

void write_histogram(std::string& out, const std::string& name,
                     const sample& s) {
  std::int64_t below = 0;
  for (std::size_t i = 0; i < s.counts.size(); ++i) {
    below += s.counts[i];
    const auto bound = i < s.bounds.size() ? number_text(s.bounds[i]) : "+Inf";
    out += name + "_bucket" + label_list(s, bound) + " " + std::to_string(below)
           + "\n";
  }
  out += name + "_sum" + label_list(s) + " " + number_text(s.sum) + "\n";
  out += name + "_count" + label_list(s) + " " + std::to_string(below) + "\n";
}

metric single(const char* name, const char* help, double value,
              metric_kind kind = gauge) {
  return {name, help, kind, {{.value = value}}};
}

void add_states(metric& to, const state_counts& counts,
                const std::string& handler = {}) {
  const auto add = [&](const char* state, std::int64_t n) {
    sample s{.labels = {{"state", state}}, .value = static_cast<double>(n)};
    if (!handler.empty())
      s.labels.insert(s.labels.begin(), {"handler", handler});
    to.samples.push_back(std::move(s));
  };
  add("PENDING", counts.pending + counts.not_created);
  add("RUNNING", counts.running);
  add("SUCCEEDED", counts.succeeded);
  add("FAILED", counts.failed + counts.retrying);
  add("CANCELLED", counts.cancelled);
}

double file_bytes(const std::string& path) {
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  return ignored ? 0.0 : static_cast<double>(bytes);
}

json to_json(const sample& s) {
  json out{{"labels", json::object()}};
  for (const auto& [name, value] : s.labels)
    out["labels"][name] = value;
  if (s.counts.empty()) {
    out["value"] = s.value;
    return out;
  }
  out["bounds"] = s.bounds;
  out["counts"] = s.counts;
  out["sum"] = s.sum;
  return out;
}

sample sample_from(const json& from) {
  sample s;
  for (const auto& [name, value] : from.at("labels").items())
    s.labels.emplace_back(name, value.get<std::string>());
  if (from.contains("counts")) {
    s.bounds = from.at("bounds").get<std::vector<double>>();
    s.counts = from.at("counts").get<std::vector<std::int64_t>>();
    s.sum = from.at("sum").get<double>();
  } else {
    s.value = from.at("value").get<double>();
  }
  return s;
}

metric metric_from(const json& from) {
  metric m{from.at("name").get<std::string>(),
           from.at("help").get<std::string>(),
           gauge,
           {}};
  const auto kind = from.at("type").get<std::string>();
  for (const auto& [k, name] : kinds)
    if (kind == name)
      m.kind = k;
  for (const auto& s : from.at("samples"))
    m.samples.push_back(sample_from(s));
  return m;
}

} // namespace

double quantile(const sample& histogram, double share) {
  const auto total = std::accumulate(histogram.counts.begin(),
                                     histogram.counts.end(), std::int64_t{0});
  auto left = share * static_cast<double>(total);
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const auto n = static_cast<double>(histogram.counts[i]);
    if (n > 0 && left <= n) {
      const auto low = i == 0 ? 0.0 : histogram.bounds[i - 1];
      const auto high = i < histogram.bounds.size() ? histogram.bounds[i] : low;
      return low + (high - low) * left / n;
    }
    left -= n;
  }
  return 0;
}

std::string to_prometheus(const std::vector<metric>& metrics) {
  std::string out;
  for (const auto& m : metrics) {
    if (m.samples.empty())
      continue;
    out += "# HELP " + m.name + " " + m.help + "\n# TYPE " + m.name + " "
           + name_of(m.kind) + "\n";
    for (const auto& s : m.samples)
      if (m.kind == metric_kind::histogram)
        write_histogram(out, m.name, s);
      else
        out += m.name + label_list(s) + " " + number_text(s.value) + "\n";
  }
  return out;
}

std::string to_text(const std::vector<metric>& metrics) {
  auto out = json::array();
  for (const auto& m : metrics) {
    auto samples = json::array();
    for (const auto& s : m.samples)
      samples.push_back(to_json(s));
    out.push_back({{"name", m.name},
                   {"help", m.help},
                   {"type", name_of(m.kind)},
                   {"samples", std::move(samples)}});
  }
  return dump(out);
}

std::vector<metric> metrics_from_text(std::string_view text) {
  std::vector<metric> out;
  const auto parsed = parse_stored(text);
  if (!parsed.is_array())
    return out;
  for (const auto& m : parsed)
    try {
      out.push_back(metric_from(m));
    } catch (const json::exception&) {
      // Of another version of this program.
    }
  return out;
}

std::vector<metric> measure_retried(store_reader& reader) {
  const auto m = reader.measure_retries(0);
  const auto figure = [](const char* name, const char* help, auto value) {
    return single(name, help, static_cast<double>(value));
  };
  return {
    figure("orcon_retried_tasks", "Leaf tasks that were retried.", m.retried),
    figure("orcon_retried_tasks_settled", "Of those, settled by now.",
           m.retried_settled),
    figure("orcon_retried_tasks_succeeded", "Of those, succeeded in the end.",
           m.retried_succeeded),
    figure("orcon_retry_success_ratio",
           "Share of the retried and settled tasks that succeeded.",
           m.success_rate()),
    figure("orcon_exhausted_tasks", "Leaf tasks that failed for good.",
           m.exhausted),
    figure("orcon_attempts_per_task", "Attempts of settled leaf tasks, mean.",
           m.average_attempts()),
  };
}

std::vector<metric> measure(store_reader& reader, const std::string& database,
                            timestamp now,
                            std::optional<std::vector<metric>> reported) {
  const auto moment = reader.snapshot();
  metric runs{"orcon_runs", "Runs by state.", gauge, {}};
  add_states(runs, reader.count_runs());
  metric tasks{"orcon_tasks", "Leaf tasks by handler and state.", gauge, {}};
  for (const auto& h : reader.count_by_handler(0))
    add_states(tasks, h.tasks, h.handler);
  const auto due = reader.oldest_due(now);
  const auto engine = reader.load_engine();
  std::vector<metric> out{
    std::move(runs),
    std::move(tasks),
    single("orcon_queue_age_seconds",
           "How long the leaf has waited that has been due longest.",
           due ? static_cast<double>((now - *due).count()) / 1000 : 0),
    single("orcon_events_total", "Events written, pruned ones included.",
           static_cast<double>(reader.last_event()), counter),
    single("orcon_commits_total", "Commits, of all engines.",
           static_cast<double>(engine.commits), counter),
    single("orcon_engine_starts_total", "Engines that opened the database.",
           static_cast<double>(engine.epoch), counter),
    single("orcon_database_bytes", "Size of the database file.",
           file_bytes(database)),
    single("orcon_wal_bytes", "Size of the write-ahead log.",
           file_bytes(database + "-wal")),
  };
  if (!reported)
    reported = metrics_from_text(engine.report);
  std::move(reported->begin(), reported->end(), std::back_inserter(out));
  return out;
}

} // namespace conductor
