#!/usr/bin/env bash
# embed.sh SOURCE BUILD TYPE FLAGS: installs the library and builds the C++ of
# README.md and examples/embed against it, as a project elsewhere would.
set -eu
source=$1
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

block() { # block LANGUAGE NUMBER: a code block of README.md
  awk -v start="^\`\`\`$1\$" -v n="$2" \
    '$0 ~ start {on = ++count == n; next} /^```/ {on = 0} on' \
    "$source/README.md"
}
fields() { # without comments and spaces at the ends of lines
  sed 's/ *#.*//; /^$/d'
}

# The example is what README.md shows.
block cpp 1 | diff - "$source/examples/embed/main.cpp"
block cmake 1 | fields \
  | diff - <(fields <"$source/examples/embed/CMakeLists.txt")

# The second block is the inside of a function.
mkdir "$work/steps"
{
  cat <<'CPP'
#include <caf/all.hpp>
#include <conductor/coordinator.hpp>

struct config : caf::actor_system_config {
  config() { conductor::register_types(*this); }
};

int main() {
  config settings;
  caf::actor_system system{settings};
CPP
  block cpp 2
  cat <<'CPP'
  const auto end = step(conductor::run_request{run.id}).state.state;
  self->request(coordinator, caf::infinite, conductor::stop_request{})
    .receive([](const conductor::stopped&) {}, [](const caf::error&) {});
  return end == conductor::run_state::succeeded ? 0 : 1;
}
CPP
} >"$work/steps/main.cpp"
[ "$(block cpp 3 | wc -l)" = 0 ] # a third one would need a place here

cmake --install "$build" --prefix "$work/prefix" >/dev/null
cp -r "$source/examples/embed" "$work/embed"
sed -e 's/thumbnails/steps/g' "$source/examples/embed/CMakeLists.txt" \
  >"$work/steps/CMakeLists.txt"
for project in embed steps; do
  cmake -S "$work/$project" -B "$work/$project/build" \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE="$3" \
    -DCMAKE_CXX_FLAGS="$4" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  cmake --build "$work/$project/build"
done

cd "$work"
embed/build/thumbnails
steps/build/steps
"$work/prefix/bin/orcon" db verify --db thumbnails.db
