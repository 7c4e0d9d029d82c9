# The tables of docs/performance.md, from what was recorded.

commit() {
  git rev-parse --short HEAD 2>/dev/null || echo unknown
  git diff --quiet HEAD -- actors apps messages monitor store bench \
    2>/dev/null || echo 'with changes'
}

count() { awk -v v="$1" "$number"' BEGIN { print number(v) }'; }

machine() {
  local system sqlite caf
  system=$(. /etc/os-release && echo "$PRETTY_NAME")
  sqlite=$("$orcon" version -o jsonl | sed -E 's/.*"sqlite": ?"([^"]*)".*/\1/')
  caf=$(sed -nE 's/^#define CAF_VERSION ([0-9]+).*/\1/p' \
    /usr/include/caf/config.hpp 2>/dev/null || true)
  caf=${caf:+$((caf / 10000)).$((caf / 100 % 100)).$((caf % 100))}
  cat <<EOT
Measured on $(date -u +%F) at commit $(commit | paste -sd" "), by \`./dev bench $*\`: $rounds round(s), each figure is the
median (lowest – highest). $(nproc) cores ($(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)), Linux $(uname -r | sed 's/-.*//'), $system,
file system $(stat -f -c %T "$work"), SQLite $sqlite, CAF ${caf:-unknown}, $(c++ --version | head -n 1), \`-O2\`. WAL, \`synchronous=FULL\`; a synced write of
4 KiB took $(told sync.us_per_task) µs. Load before: $load_before, after: $(cut -d' ' -f1-3 /proc/loadavg).
EOT
}

rate() { echo "$(told "$1.tasks_per_second")/s"; }
ms_pair() { # ms_pair PREFIX: p50 / p99
  echo "$(middle "$1_p50_ms") / $(middle "$1_p99_ms") ms"
}

table_of_ratios() {
  cat <<EOT
| against | engine | other | ratio | goal |
|---|---|---|---|---|
| floor: rows of $(count "$tasks") tasks | $(rate fanout) | $(rate floor) | $(told ratio.fanout) | ≥ 2.0, aim 5.0 |
| floor: 4 KiB in, 4 KiB out, $(count "$payload_tasks") tasks | $(rate payload) | $(rate floor_payload) | $(told ratio.payload) | ≥ 0.77 |
| \`xargs -P$(nproc) -n1\`, $(count "$process_tasks") × \`/bin/true\` | $(told map) s | $(told xargs) s | $(told ratio.xargs) | ≥ 0.8, aim 1.0 |
| \`parallel -j$(nproc) --joblog\`, the same | $(told map) s | $(told parallel) s | $(told ratio.parallel) | ≥ 4, aim 5.4 |
EOT
}

table_of_figures() {
  cat <<EOT
| measure | figure | goal |
|---|---|---|
| fan-out of $(count "$tasks"): commits a task | $(told fanout.commits_per_task) | ≤ 0.005, aim 0.0015 |
| the same: bytes a task, peak memory | $(middle fanout.db_bytes_per_task), $(told fanout.rss_peak_mb) MB | ≤ 200, aim 64 |
| \`/bin/true\`: commits a task | $(told exec.commits_per_task) | |
| one-task run: submit → acknowledged, p50 / p99 | $(ms_pair latency.ack) | |
| one-task run: submit → handler starts | $(ms_pair latency.start) | ≤ 1 / 5, aim 0.35 / 1 |
| one-task run: submit → SUCCEEDED ($(middle latency.commits_per_run) commits) | $(ms_pair latency.done) | |
| parent with one child: submit → SUCCEEDED | $(ms_pair latency.parent_done) | ≤ 2 / 8, aim 0.9 / 2 |
| beside a fan-out of $(count "$tasks"): submit → acknowledged | $(ms_pair latency.loaded_ack) | ≤ 10 / 50, aim 2 / 6 |
| beside a fan-out of $(count "$tasks"): submit → handler starts | $(ms_pair latency.loaded_start) | |
| beside a fan-out of $(count "$tasks"): run summary | $(ms_pair reads.summary) | p99 ≤ 50, aim 10 |
| beside a fan-out of $(count "$tasks"): first page of tasks | $(ms_pair reads.page) | p99 ≤ 50, aim 10 |
| speed of that fan-out with the reader, without = 1 | $(told reads.share_with_reader) | |
| $(count "$runs_tasks") runs of one task, batches of 1,000 | $(told runs.tasks_per_second)/s, batch acknowledged $(ms_pair runs.batch_ack) | |
| the same one by one | $(told runs.singles_per_second)/s, acknowledged $(ms_pair runs.single_ack) | |
| sleeps of 10 ms on 1,000 slots: share of the slots' time asleep | $(told sleep.busy_share) | |
| engine with nothing to do: share of one processor | $(told idle.cpu_percent) % | ≤ 0.2, aim 0.02 |
EOT
}

table_of_growth() {
  local n
  cat <<EOT
| tasks | tasks/s | speed, 100,000 = 1 | memory | bytes a task | program start → first process of a new run | first page of \`task list\` | \`run show\` | \`db verify\` |
|---|---|---|---|---|---|---|---|---|
EOT
  for n in $(printf '%s\n' "${sizes[@]}" | sort -n); do
    echo "| $(count "$n") | $(rate "growth.$n") | $(told "grown.$n") | $(middle "growth.$n.rss_peak_mb") MB" \
      "| $(middle "growth.$n.db_bytes_per_task") | $(told "start.$n" 1000) ms" \
      "| $(told "list.$n" 1000) ms | $(told "show.$n" 1000) ms" \
      "| $(told "verify.$n") s |"
  done
}

report() {
  machine "$@"
  echo
  table_of_ratios
  echo
  table_of_figures
  echo
  table_of_growth
}
