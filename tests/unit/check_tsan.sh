#!/bin/sh
# Proves that scheduler, sessions, typing, snapshots, River and queues have no data race, as far as ThreadSanitizer sees one run of their tests:
# check_tsan.sh SOURCE-DIR BUILD-DIR. Builds them in BUILD-DIR/tsan. Exit 77: the compiler has no ThreadSanitizer.
set -eu
source=$1
build=$2/tsan
log=$2/tsan.log
tests="test_scheduler test_promises test_session test_spill test_sharing test_typing test_prefix test_generate test_stream test_stream_faults test_expert_cache test_tier test_sim_backend test_cuda_backend test_ioq test_threadpool"
printf 'int main(void) { return 0; }\n' | ${CC:-cc} -fsanitize=thread -x c - -o "$2/tsan.probe" 2>/dev/null || exit 77
[ -f "$build/build.ninja" ] || meson setup "$build" "$source" -Db_sanitize=thread -Db_lundef=false >"$log" 2>&1 || {
    cat "$log"
    exit 1
}
targets=$(for t in $tests; do echo "tests/unit/$t"; done)
ninja -C "$build" $targets >"$log" 2>&1 || {
    tail -n 30 "$log"
    exit 1
}
export TSAN_OPTIONS=halt_on_error=1:exitcode=66 XDG_CACHE_HOME="$build/cache"
for t in $tests; do
    "$build/tests/unit/$t" "$source/tests/golden/models" >"$log" 2>&1 || {
        echo "$t failed:"
        tail -n 60 "$log"
        exit 1
    }
    echo "$t: clean"
done
