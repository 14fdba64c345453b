#!/usr/bin/env bash
# Builds with gcc and clang without warnings, runs the quick and style suites, then the quick suite under
# ASan+UBSan, then each fuzz target for a minute, two at a time. Last line: "N passed, N failed". CI=true makes no
# difference: a person runs the same.
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0
failed=0

# run NAME BUILD-DIR SUITES SETUP-ARGS...: configures, builds and tests one configuration.
run() {
    local name=$1 dir=$2 suites=$3 log suite args=()
    shift 3
    log=$dir.log
    echo "== $name"
    # A build that `make` has set up may be without tests.
    if [ -f "$dir/build.ninja" ]; then set -- setup --reconfigure "$dir"; else set -- setup "$dir" "$@"; fi
    if ! meson "$@" -Dtests=enabled >"$log" 2>&1; then
        cat "$log"
        failed=$((failed + 1))
        return
    fi
    if ! ninja -C "$dir" >"$log" 2>&1; then
        tail -n 60 "$log"
        failed=$((failed + 1))
        return
    fi
    rm -f "$log"
    for suite in $suites; do args+=(--suite "$suite"); done
    meson test -C "$dir" --no-rebuild --print-errorlogs "${args[@]}" | tee "$dir/test-output.txt"
    passed=$((passed + $(sed -n 's/^Ok: *//p' "$dir/test-output.txt")))
    failed=$((failed + $(sed -n 's/^Fail: *//p' "$dir/test-output.txt")))
    failed=$((failed + $(sed -n 's/^Timeout: *//p' "$dir/test-output.txt")))
}

run "gcc" build "quick style" -Dwerror=true
run "clang" build-clang "quick" -Dwerror=true --native-file tools/clang.ini
run "gcc, address and undefined-behaviour sanitizers" build-asan "quick" -Dwerror=true \
    -Db_sanitize=address,undefined -Db_lundef=false
run "libFuzzer, clang with sanitizers" build-fuzz "fuzz" --native-file tools/clang.ini -Dfuzz=enabled -Db_lundef=false

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
