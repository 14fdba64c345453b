#!/bin/sh
# Runs a libFuzzer target for some seconds: run_fuzz.sh TARGET CORPUS-DIR SECONDS
# What it finds goes to a directory of its own, never into CORPUS-DIR. An input that breaks the target is printed in
# base64, so that it can be had back from a log: base64 -d > tests/fuzz/corpus/NAME/INPUT
set -u
target=$1 corpus=$2 seconds=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/new" "$work/broken"
"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/broken/" "$work/new" "$corpus" 2>"$work/log"
status=$?
if [ "$status" = 0 ]; then
    grep -E '^(INFO: Seed|Done|stat::number_of_executed)' "$work/log"
    exit 0
fi
cat "$work/log"
for input in "$work"/broken/*; do
    [ -f "$input" ] && echo "-- $(basename "$input"), base64:" && base64 "$input"
done
exit "$status"
