#!/bin/sh
# Fails when a C file is not formatted as .clang-format says; mends them with --fix. Exit 77: no clang-format here.
set -eu
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null || exit 77
files=$(git ls-files '*.c' '*.h' '*.cpp' 2>/dev/null || find src include tests bench -name '*.[ch]')
# shellcheck disable=SC2086 # a list of words on purpose
if [ "${1:-}" = --fix ]; then exec clang-format -i $files; fi
# shellcheck disable=SC2086
clang-format --dry-run --Werror $files
