/* SPDX-License-Identifier: MIT */
/* Proves that every task of every loop runs exactly once, whatever the team's size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/threadpool.h"

#define N_TASKS 1000

struct counts {
    _Atomic int runs[N_TASKS];
    _Atomic int bad_worker;
    int n_threads;
};

static void count_task(void *arg, int task, int worker)
{
    struct counts *counts = arg;
    atomic_fetch_add(&counts->runs[task], 1);
    if (worker < 0 || worker >= counts->n_threads) atomic_store(&counts->bad_worker, 1);
}

static void each_task_runs_once_per_loop(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        static struct counts counts;
        memset(&counts, 0, sizeof(counts));
        counts.n_threads = n_threads;
        struct threadpool *pool = NULL;
        assert_int_equal(threadpool_create(n_threads, &pool), 0);
        assert_int_equal(threadpool_size(pool), n_threads);
        for (int loop = 0; loop < 200; loop++) {
            threadpool_run(pool, count_task, &counts, loop % 7 ? N_TASKS : loop);
            if (loop == 100)
                nanosleep(&(struct timespec){0, 2000000}, NULL); /* lets workers sleep */
        }
        threadpool_destroy(&pool);
        assert_null(pool);
        assert_int_equal(counts.bad_worker, 0);
        int expected = 0;
        for (int loop = 0; loop < 200; loop++) {
            expected += N_TASKS - 1 < (loop % 7 ? N_TASKS : loop);
        }
        assert_int_equal(counts.runs[N_TASKS - 1], expected);
    }
}

static void sizes_outside_the_limits_are_refused(void **state)
{
    (void)state;
    struct threadpool *pool = NULL;
    assert_int_equal(threadpool_create(0, &pool), NMOS_E_INVALID);
    assert_int_equal(threadpool_create(THREADPOOL_THREADS_MAX + 1, &pool), NMOS_E_INVALID);
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_runs_once_per_loop),
        cmocka_unit_test(sizes_outside_the_limits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
