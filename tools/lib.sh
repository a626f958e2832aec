# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the tools share: the project's root, messages, the help text, waiting, a build,
# the broker of a test run.

# shellcheck disable=SC2034  # for the scripts that source this file
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=$(cd "$(dirname "$0")" && pwd)/${0##*/}
tool=${tool#"$ROOT/"}

if [[ -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

# Progress goes to standard error: standard output is for results.
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }

complain() { printf '%s%s:%s %s\n' "$red" "$tool" "$plain" "$*" >&2; }

die() { complain "$@"; exit 1; }

# A mistake in the arguments: exit 2, as the program itself does.
usage_error() { complain "$*; see $tool --help"; exit 2; }

# Prints the comment a tool starts with: the help stands where the code is.
print_help() { sed -n '/^#!/d; /^# SPDX/d; /^#/!q; s/^# \{0,1\}//p' "$0"; }

has() { command -v "$1" >/dev/null 2>&1; }

# Git ignores what is in such a folder, wherever it is: the folder says so itself.
open_folder() {
  mkdir -p "$1"
  if [[ ! -f $1/.gitignore ]]; then printf '*\n' >"$1/.gitignore"; fi
}

# Waits until a condition holds: seconds, command...
wait_for() {
  local deadline=$((SECONDS + $1))
  until "${@:2}"; do
    if [[ $SECONDS -ge $deadline ]]; then return 1; fi
    sleep 0.1
  done
}

# Does nobody listen at this port of the loopback?
is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ends when the build cannot be written: it belongs to somebody else.
check_build_is_ours() {
  local folder=$ROOT place
  for place in "$ROOT/build" "$ROOT/build/$1"; do
    if [[ -e $place ]]; then folder=$place; fi
  done
  if [[ -w $folder ]]; then return 0; fi
  die "$folder belongs to $(stat -c %U "$folder"), and $(id -un) may not write there:" \
    "run $tool as $(stat -c %U "$folder"), or in a copy of the project that is your own"
}

# Configures a preset once and builds it; a build with nothing to do is quiet and quick. It is in
# build/PRESET, or in the folder of build/ that is named after the preset.
build_preset() {
  local preset=$1 folder=${2:-$1}
  check_build_is_ours "$folder"
  cd "$ROOT" || exit
  if [[ ! -f build/$folder/build.ninja ]]; then
    say "configure $folder"
    cmake --preset "$preset" -B "build/$folder" >&2
  fi
  say "build $folder"
  cmake --build "build/$folder" >&2
}

# Starts an Apache Kafka for this run alone and exports where it is. It ends with the script.
start_test_broker() {
  local address
  mkdir -p "$ROOT/.kafka"
  DOCMSG_KAFKA_DIR=$(mktemp -d "$ROOT/.kafka/test.XXXXXX")
  export DOCMSG_KAFKA_DIR
  trap stop_test_broker EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  address=$("$ROOT/tools/kafka" up --secure)
  set -a
  eval "$address"
  DOCMSG_TEST_KAFKA=$KAFKA_BOOTSTRAP_SERVERS
  set +a
}

stop_test_broker() {
  "$ROOT/tools/kafka" down --wipe
  rm -rf "$DOCMSG_KAFKA_DIR"
}

# After a failure: what the broker had to say outlives it.
keep_broker_log() {
  if [[ -n ${DOCMSG_TEST_KAFKA:-} ]]; then
    cp "$DOCMSG_KAFKA_DIR/node1/server.log" "$ROOT/build/broker.log"
    say "the broker's log is build/broker.log"
  fi
}
