# Samples are gathered by name, one a line in $work/seen/NAME, and told as a
# median with the lowest and the highest.

record() { # record NAME VALUE
  echo "$2" >>"$work/seen/$1"
}

# Every number of a flat JSON object on stdin becomes a sample "PREFIX.KEY".
record_json() { # record_json PREFIX
  local key value
  tr -d '{}" \n' | tr ',' '\n' >"$work/fields"
  echo >>"$work/fields"
  while IFS=: read -r key value; do
    case $value in
      '' | *[!0-9.eE+-]*) ;;
      *) record "$1.$key" "$value" ;;
    esac
  done <"$work/fields"
}

latest() { tail -n 1 "$work/seen/$1"; }

# Of the two latest samples; what was measured in turn is compared in turn.
record_ratio() { # record_ratio NAME OVER UNDER
  record "$1" "$(awk -v a="$(latest "$2")" -v b="$(latest "$3")" \
    'BEGIN { print (b > 0 ? a / b : 0) }')"
}

seconds_of() { # seconds_of COMMAND…: wall time; the command's output is dropped
  local begin=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.6f\n", b - a }'
}

# A number for people: three digits that count, thousands apart.
number='function number(v, s, head) {
  if (v >= 100 || v == 0) s = sprintf("%.0f", v)
  else if (v >= 10) s = sprintf("%.1f", v)
  else if (v >= 1) s = sprintf("%.2f", v)
  else s = sprintf("%.3g", v)
  while (match(s, /^[0-9]{4}/) || s ~ /^[0-9][0-9][0-9][0-9]+(,|$)/) {
    match(s, /^[0-9]+/)
    head = substr(s, 1, RLENGTH)
    s = substr(head, 1, RLENGTH - 3) "," substr(s, RLENGTH - 2)
  }
  return s
}'

# Median (lowest – highest); a dash if it was not measured. SCALE multiplies.
told() { # told NAME [SCALE]
  [ -s "$work/seen/$1" ] || {
    echo '–'
    return
  }
  sort -g "$work/seen/$1" | awk -v scale="${2:-1}" "$number"'
    { v[NR] = $1 * scale }
    END {
      printf "%s", number(v[int((NR + 1) / 2)])
      if (NR > 1) printf " (%s – %s)", number(v[1]), number(v[NR])
      print ""
    }'
}

middle() { # middle NAME [SCALE]: the median alone
  told "$@" | sed 's/ (.*//'
}
