#include <cstdio>

#include <CLI/CLI.hpp>
#include <conductor/admin.hpp>
#include <fmt/format.h>

#include "apps/orcon/commands/filters.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

int backup(const settings& s, const std::string& target, bool check) {
  const auto bytes = backup_database(s.database, target);
  if (!bytes)
    return report_error(bytes.error());
  if (check) {
    const auto verdict = verify_database(target);
    if (!verdict)
      return report_error(verdict.error());
    if (!verdict->violations.empty())
      return report_error(
        {errc::corrupt, target + " was written, but is not in order: "
                          + verdict->violations.front().what});
  }
  if (s.output != format::table)
    print_object(s, {{"file", target}, {"bytes", *bytes}, {"verified", check}});
  say(s, fmt::format("{}: {} bytes{}; use it with --db, or put it in the place "
                     "of the database while no engine runs",
                     target, with_commas(*bytes), check ? ", verified" : ""));
  return done;
}

int migrate(const settings& s) {
  const auto m = migrate_database(s.database);
  if (!m)
    return report_error(m.error());
  if (s.output != format::table)
    print_object(s, {{"from", m->from}, {"to", m->to}});
  else if (m->from == m->to)
    say(s, fmt::format("{} has schema {} already", s.database, m->to));
  else
    say(s, fmt::format("{} migrated from schema {} to {}", s.database, m->from,
                       m->to));
  return done;
}

int statistics(const settings& s) {
  const auto found = measure_database(s.database);
  if (!found)
    return report_error(found.error());
  const auto per_task = found->tasks == 0
                          ? 0.0
                          : static_cast<double>(found->file_bytes)
                              / static_cast<double>(found->tasks);
  ordered_json out{{"file", s.database},
                   {"schema", found->schema},
                   {"file_bytes", found->file_bytes},
                   {"wal_bytes", found->wal_bytes},
                   {"free_bytes", found->free_pages * found->page_bytes},
                   {"runs", found->runs},
                   {"tasks", found->tasks},
                   {"events", found->events},
                   {"bytes_per_task", per_task}};
  std::vector<ordered_json> tables;
  for (const auto& t : found->tables)
    tables.push_back({{"table", t.name}, {"bytes", t.bytes}});
  if (s.output != format::table) {
    out["tables"] = tables;
    print_object(s, out);
    return done;
  }
  out["bytes_per_task"] = fmt::format("{:.1f}", per_task);
  print_object(s, out);
  put("\n");
  print_rows(s, {"table", "bytes"}, tables);
  return done;
}

ordered_json to_json(const prune_result& r) {
  return {{"runs", r.runs}, {"tasks", r.tasks}, {"events", r.events}};
}

std::string in_words(const prune_result& r) {
  return fmt::format("{} run(s), {} tasks, {} events", with_commas(r.runs),
                     with_commas(r.tasks), with_commas(r.events));
}

int prune(const settings& s, const std::string& before, bool dry_run) {
  const auto moment = moment_of(before);
  if (!moment)
    return report_error(moment.error());
  const auto pruned = prune_database(
    s.database, {.before = *moment, .dry_run = dry_run, .now = system_now()});
  if (!pruned)
    return report_error(pruned.error());
  if (s.output != format::table)
    print_object(s, to_json(*pruned));
  say(s, (dry_run ? "would delete " : "deleted ") + in_words(*pruned));
  return done;
}

int delete_run(const settings& s, const std::string& id) {
  std::optional<run_key> key;
  {
    const auto reader = open_reader(s);
    if (!reader)
      return report_error(reader.error());
    const auto run = find_run(**reader, id);
    if (!run)
      return report_error(run.error());
    key = run->key;
  }
  const auto pruned
    = prune_database(s.database, {.run = key, .now = system_now()});
  if (!pruned)
    return report_error(pruned.error());
  if (s.output != format::table)
    print_object(s, to_json(*pruned));
  say(s, "deleted " + in_words(*pruned));
  return done;
}

} // namespace

void add_care_commands(CLI::App& group, const commands& c) {
  auto* copy = group.add_subcommand(
    "backup", "Copy the database, also while an engine works on it");
  copy->fallthrough();
  auto target = std::make_shared<std::string>();
  auto unchecked = std::make_shared<bool>(false);
  copy->add_option("file", *target, "Where to; it must not exist")->required();
  copy->add_flag("--no-verify", *unchecked, "Do not verify the copy");
  copy->callback(
    [=] { c.chosen = [=] { return backup(c.common, *target, !*unchecked); }; });

  auto* up = group.add_subcommand(
    "migrate", "Bring an older database up to this program's schema");
  up->fallthrough();
  up->callback([c] { c.chosen = [c] { return migrate(c.common); }; });

  auto* old = group.add_subcommand(
    "prune", "Delete runs that ended long ago, with their tasks and events");
  old->fallthrough();
  auto before = std::make_shared<std::string>();
  auto dry_run = std::make_shared<bool>(false);
  old
    ->add_option("--before", *before,
                 "Runs that ended before: 720h (ago), a day, a time")
    ->required()
    ->type_name("MOMENT");
  old->add_flag("--dry-run", *dry_run, "Only say what would be deleted");
  old->callback(
    [=] { c.chosen = [=] { return prune(c.common, *before, *dry_run); }; });

  auto* sizes = group.add_subcommand("stats", "Sizes: file, tables, a task");
  sizes->fallthrough();
  sizes->callback([c] { c.chosen = [c] { return statistics(c.common); }; });
}

void add_delete_command(CLI::App& run_group, const commands& c) {
  auto* command = run_group.add_subcommand(
    "delete", "Delete a run that has ended, with its tasks and events");
  command->fallthrough();
  auto id = std::make_shared<std::string>();
  command->add_option("run", *id, "Id of the run, or \"last\"")->required();
  command->callback(
    [=] { c.chosen = [=] { return delete_run(c.common, *id); }; });
}

} // namespace orcon
