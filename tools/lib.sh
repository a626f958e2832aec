# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the tools share: the project's root, messages, the help text, the jobs of a build.

# shellcheck disable=SC2034  # for the scripts that source this file
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

# Progress goes to standard error: standard output is for results.
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }

complain() { printf '%s%s:%s %s\n' "$red" "${0##*/}" "$plain" "$*" >&2; }

die() { complain "$@"; exit 1; }

# A mistake in the arguments: exit 2, as the program itself does.
usage_error() { complain "$*; see ${0##*/} --help"; exit 2; }

# Prints the comment a tool starts with: the help stands where the code is.
print_help() { sed -n '/^#!/d; /^# SPDX/d; /^#/!q; s/^# \{0,1\}//p' "$0"; }

has() { command -v "$1" >/dev/null 2>&1; }

# Configures a preset once and builds it; a build with nothing to do is quiet and quick.
build_preset() {
  local preset=$1
  cd "$ROOT" || exit
  if [[ ! -f build/$preset/build.ninja ]]; then
    say "configure $preset"
    cmake --preset "$preset" >&2
  fi
  say "build $preset"
  cmake --build --preset "$preset" >&2
}
