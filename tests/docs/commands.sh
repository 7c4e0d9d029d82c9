#!/usr/bin/env bash
# commands.sh SOURCE PROGRAM: what README.md and docs/ tell people to type. The
# console examples run, in their order, in a folder with the files that most of
# them speak of, and are understood; commands within the text exist, with their
# options.
set -u
source=$1
program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/here"
ln -s "$program" "$work/bin/orcon"
export PATH="$work/bin:$PATH" XDG_STATE_HOME="$work/state"
cd "$work/here" || exit 1

pages=("$source/README.md" "$source"/docs/*.md)
failed=0
ran=0
complain() {
  failed=$((failed + 1))
  echo "FAILED: $*"
}

echo a >a.txt
echo b >b.txt
seq 40 >n.txt
ls -- *.txt >files.txt
echo 'tasks: { a: { handler: nope } }' >bad.yaml
# A definition that begins with its file's name is that file.
awk '/^```yaml/ {first = 1; next}
     /^```/ {file = ""}
     first {file = /^# [a-z]+\.yaml/ ? $2 : ""; first = 0}
     file {print >file}' "${pages[@]}"
[ -s checksums.yaml ] || complain "README.md shows no checksums.yaml"
for file in *.yaml; do
  [ "$file" = bad.yaml ] && continue
  orcon def lint "$file" >out 2>&1 || complain "$file: $(cat out)"
done

# -- console blocks ---------------------------------------------------------------
while IFS=$'\t' read -r place line; do
  case $line in
    *taks*) continue ;; # shown for what it answers
    *"completion zsh"*) continue ;; # for another shell than this one
    *orcon*) ;;
    *) continue ;; # builds the project, which has happened
  esac
  ran=$((ran + 1))
  # How it ends depends on files, and behind a pipe on programs, that need not
  # be there (127); that it is understood does not. What goes on for ever has
  # been understood as well.
  timeout 20 bash -c "$line" >out 2>&1 </dev/null
  code=$?
  if { [ $code -eq 2 ] && grep -q '^see: orcon' out; } \
    || { [ $code -gt 127 ] && [ $code -ne 130 ]; }; then
    complain "$place: \"$line\" ends with $code"
    tail -n 5 out
  fi
done < <(awk '/^```console/ {on = 1; next} /^```/ {on = 0}
              on && /^\$ / {print FILENAME ":" FNR "\t" substr($0, 3)}' \
           "${pages[@]}")
[ $ran -gt 10 ] || complain "only $ran console examples were found"

# -- commands in the text -----------------------------------------------------------
orcon --help >general 2>&1
named=0
while read -r -a words; do
  path=()
  options=()
  for word in "${words[@]}"; do
    case $word in
      --*) options+=("${word%%=*}") ;;
      -?) options+=("$word") ;;
      *[!a-z]*) ;; # an argument
      *) [ ${#options[@]} -eq 0 ] && path+=("$word") ;;
    esac
  done
  named=$((named + 1))
  # The last words may be arguments: "event list last".
  while [ ${#path[@]} -gt 1 ]; do
    "${path[@]}" --help >help 2>&1
    grep -q "^Usage: ${path[*]}\( \|$\)" help && break
    unset 'path[-1]'
  done
  case ${words[1]:-} in
    COMMAND | complete) continue ;; # any command; one that is not for typing
  esac
  if [ ${#path[@]} -lt 2 ] && [ "${words[*]}" != orcon ]; then
    complain "\"${words[*]}\" is no command"
    continue
  fi
  for option in "${options[@]}"; do
    grep -q -e "$option\b" help general \
      || complain "\"${words[*]}\": $option is no option of \"${path[*]}\""
  done
done < <(awk '/^## / {on = 1} /^## (What is not there|Not supported)/ {on = 0}
              FNR == 1 {on = 1} on' "${pages[@]}" \
           | grep -o '`orcon [^`|]*`' | tr -d '`' | sort -u)
[ $named -gt 10 ] || complain "only $named commands were found in the text"

echo "$ran examples ran, $named commands exist, $failed complaint(s)"
[ $failed -eq 0 ]
