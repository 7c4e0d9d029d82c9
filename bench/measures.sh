# What is measured. Each function takes one round of samples; the engine
# verifies each of its databases before its figures count.

engine() { # engine NAME BENCH OPTION…
  local name=$1
  shift
  "$orcon" bench "$@" --db "$work/engine.db" -q -o jsonl >"$work/out"
  record_json "$name" <"$work/out"
  rm -f "$work"/engine.db*
}

floor() { # floor NAME KIND N
  "$work/floor" "$2" "$3" "$work/floor.db" | record_json "$1"
  rm -f "$work"/floor.db*
}

against_floors() {
  floor floor tasks "$tasks"
  engine fanout fanout --tasks "$tasks"
  record_ratio ratio.fanout fanout.tasks_per_second floor.tasks_per_second
  floor floor_payload payload "$payload_tasks"
  engine payload payload --tasks "$payload_tasks"
  record_ratio ratio.payload payload.tasks_per_second \
    floor_payload.tasks_per_second
}

# The same processes, as many at once as there are cores.
processes() {
  seq "$process_tasks" >"$work/inputs"
  record xargs "$(seconds_of xargs -P"$(nproc)" -n1 /bin/true <"$work/inputs")"
  record map "$(seconds_of "$orcon" map -q --db "$work/map.db" \
    -a "$work/inputs" -- /bin/true)"
  "$orcon" db verify --db "$work/map.db" >/dev/null
  rm -f "$work"/map.db*
  record_ratio ratio.xargs xargs map
  engine exec exec --tasks "$process_tasks"
  gnu_parallel || return 0
  record parallel "$(seconds_of parallel --will-cite -j"$(nproc)" \
    --joblog "$work/joblog" /bin/true <"$work/inputs")"
  record_ratio ratio.parallel parallel map
}

gnu_parallel() {
  parallel --version 2>/dev/null | grep -q '^GNU parallel'
}

waiting_times() {
  engine latency latency --tasks "$latency_runs" --under-load --load "$tasks"
  engine reads reads --tasks "$tasks"
}

other_shapes() {
  engine runs runs --tasks "$runs_tasks"
  engine sleep sleep --tasks "$sleep_tasks"
}

idle() {
  engine idle idle --seconds "$idle_seconds"
}

# How cost grows: a fan-out of N, then what people do on its database.
growth() { # growth N
  local db=$work/growth.db run at
  "$orcon" bench fanout --tasks "$1" --db "$db" -q -o jsonl >"$work/out"
  record_json "growth.$1" <"$work/out"
  record_ratio "grown.$1" "growth.$1.tasks_per_second" \
    growth.100000.tasks_per_second
  run=$("$orcon" run list --db "$db" -o jsonl | sed -E 's/.*"id": ?"([^"]*)".*/\1/')
  for ((at = 0; at < 5; ++at)); do
    record "start.$1" "$(first_lease "$db")"
    record "list.$1" "$(seconds_of "$orcon" task list "$run" --db "$db")"
    record "show.$1" "$(seconds_of "$orcon" run show "$run" --db "$db")"
  done
  record "verify.$1" "$(seconds_of "$orcon" db verify --db "$db")"
  rm -f "$db"*
}

# Seconds from the start of the program to the clock that the first process of
# a new run reads.
first_lease() { # first_lease DB
  local begin=$EPOCHREALTIME first
  first=$("$orcon" map --fresh -q --db "$1" -- \
    env ITEM={} date +%s.%N ::: 1)
  awk -v a="$begin" -v b="$first" 'BEGIN { printf "%.6f\n", b - a }'
}
