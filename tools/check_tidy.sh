#!/bin/sh
# Fails when clang-tidy finds something in src/ or examples/ that .clang-tidy asks for: check_tidy.sh BUILD-DIR [FILE...]
# BUILD-DIR holds compile_commands.json. Exit 77: no clang-tidy here.
set -eu
build=$1
shift
cd "$(dirname "$0")/.."
command -v run-clang-tidy >/dev/null || exit 77
[ $# -gt 0 ] || set -- "^$PWD/(src|examples)/"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run-clang-tidy -quiet -p "$build" "$@" >"$log" 2>&1 && exit 0
grep -v -e '^clang-tidy' -e 'warnings\{0,1\} generated' "$log"
exit 1
