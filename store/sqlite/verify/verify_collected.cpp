#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>

#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

constexpr std::string_view outputs_member = ",\"outputs\":[";

/// What an aggregated parent answered, next to what it was made of.
struct answer {
  task_key task = 0, base = 0;
  std::int64_t total = 0, succeeded = 0, failed = 0, cancelled = 0;
  std::string text;
};

/// The counts come before the children's outputs.
std::string counts_of(const std::string& text) {
  const auto list = text.find(outputs_member);
  return list == std::string::npos ? text : text.substr(0, list) + "}";
}

void compare_counts(const answer& a, findings& out) {
  const auto counts = parse_stored(counts_of(a.text));
  const auto stored = [&](const char* name) -> std::int64_t {
    const auto known = counts.is_object() && counts.contains(name)
                       && counts[name].is_number_integer();
    return known ? counts[name].get<std::int64_t>() : -1;
  };
  differences d{"its children are"};
  d.field("total", stored("total"), a.total);
  d.field("succeeded", stored("succeeded"), a.succeeded);
  d.field("failed", stored("failed"), a.failed);
  d.field("cancelled", stored("cancelled"), a.cancelled);
  if (d && !out.full())
    out.add("I7", "output of " + out.task(a.task) + " is " + excerpt(a.text)
                    + ": " + d.text());
}

/// Goes through the list that a parent collected, child by child. What was too
/// large is null in it; then the counts say so.
class collected_list {
public:
  collected_list(const answer& a, findings& out)
    : a_(a), out_(out), at_(a.text.find(outputs_member)),
      omitted_(counts_of(a.text).find("\"outputs_omitted\"")
               != std::string::npos) {
    at_ += outputs_member.size();
  }

  /// The output of the next child; "" if it has none.
  void next(const std::string& output) {
    if (broken_)
      return;
    const std::string_view rest{a_.text.data() + at_, a_.text.size() - at_};
    const auto same = !output.empty() && takes(rest, output);
    const auto null = takes(rest, "null");
    if (same || (null && (output.empty() || omitted_)))
      at_ += (same ? output.size() : 4) + 1;
    else
      complain(output, rest);
    ++index_;
  }
  /// Goes past children without an output, as far as the list is in order.
  void skip_to(task_key child) {
    while (!broken_ && a_.base + index_ < child)
      next("");
  }
  bool ended() const { return broken_ || a_.text.substr(at_) == "}"; }

private:
  /// Whether the list goes on with this element.
  static bool takes(std::string_view rest, std::string_view element) {
    return rest.size() > element.size() && rest.starts_with(element)
           && (rest[element.size()] == ',' || rest[element.size()] == ']');
  }
  void complain(const std::string& output, std::string_view rest) {
    broken_ = true;
    if (!out_.full())
      out_.add("I7", "output of " + out_.task(a_.base + index_) + " is "
                       + (output.empty() ? "missing" : excerpt(output))
                       + ", its parent collected " + excerpt(rest));
  }

  const answer& a_;
  findings& out_;
  std::size_t at_;
  bool omitted_, broken_ = false;
  std::int64_t index_ = 0;
};

void compare_collected(database& db, const answer& a, findings& out) {
  if (a.text.find(outputs_member) == std::string::npos) {
    if (a.total > 0 && !out.full())
      out.add("I7", "output of " + out.task(a.task)
                      + " lacks the outputs that it is to collect");
    return;
  }
  if (a.total == 0)
    return;
  collected_list list{a, out};
  db.prepared("SELECT task, output FROM outputs WHERE task >= ? AND task < ?")
    .each(
      [&](statement& row) {
        list.skip_to(row.integer(0));
        list.next(row.text(1));
      },
      a.base, a.base + a.total);
  list.skip_to(a.base + a.total);
  if (!list.ended() && !out.full())
    out.add("I7", "output of " + out.task(a.task)
                    + " holds more outputs than it has children");
}

} // namespace

void check_parent_output(database& db, findings& out, task_key parent) {
  db.prepared("SELECT p.task, p.block, p.total, p.succeeded, p.failed,"
              " p.cancelled, o.output, instr(d.spec, ?2) > 0 FROM parents p"
              " LEFT JOIN outputs o ON o.task = p.task"
              " LEFT JOIN templates t ON t.task = p.task"
              " LEFT JOIN definitions d ON d.definition = t.definition"
              " WHERE p.task = ?1")
    .each(
      [&](statement& row) {
        if (out.full())
          return;
        if (row.is_null(6))
          return out.add("I7", "output of " + out.task(parent)
                                 + " is missing: task.aggregated tells of one");
        const answer a{row.integer(0), row.integer(1), row.integer(2),
                       row.integer(3), row.integer(4), row.integer(5),
                       row.text(6)};
        compare_counts(a, out);
        if (row.integer(7) != 0)
          compare_collected(db, a, out);
      },
      parent, R"("collect":"outputs")");
}

} // namespace conductor::sqlite
