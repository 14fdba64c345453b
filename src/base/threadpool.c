/* SPDX-License-Identifier: MIT */
#include "base/threadpool.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* Longer than the gaps between the loops of one pass, shorter than what a person's laptop would
 * notice. */
#define SPIN_NS 60000U

/* Tasks [first, end) that one worker has still to do: end in the high half. */
struct share {
    _Alignas(64) _Atomic uint64_t range;
};

struct threadpool {
    int n_threads;
    int n_started; /* owner thread only */
    pthread_t threads[THREADPOOL_THREADS_MAX];

    /* Written by the caller before the epoch is advanced (release), read by workers after
     * (acquire). */
    threadpool_fn fn;
    void *arg;

    struct share shares[THREADPOOL_THREADS_MAX];
    _Alignas(64) _Atomic uint32_t epoch;      /* one more per loop */
    _Alignas(64) _Atomic uint32_t n_running;  /* workers still inside the loop */
    _Alignas(64) _Atomic uint32_t n_sleepers; /* workers in futex wait on epoch */
    _Atomic uint32_t caller_sleeps;           /* caller in futex wait on n_running */
    _Atomic uint32_t stop;
};

struct worker_start {
    struct threadpool *pool;
    int worker;
};

static void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int n)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* Spins while *word == seen; 1 when it changed in time. */
static int spin_while_equal(_Atomic uint32_t *word, uint32_t seen)
{
    const uint64_t until_ns = clock_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != seen) return 1;
            cpu_relax();
        }
    } while (clock_ns() < until_ns);
    return 0;
}

static uint64_t range_of(uint32_t first, uint32_t end)
{
    return (uint64_t)end << 32 | first;
}

/* Claims the first task of a share, or the last one for a thief; -1 when none is left. */
static int claim(struct share *share, int is_thief)
{
    uint64_t range = atomic_load_explicit(&share->range, memory_order_relaxed);
    for (;;) {
        const uint32_t first = (uint32_t)range;
        const uint32_t end = (uint32_t)(range >> 32);
        if (first >= end) return -1;
        const uint64_t rest = is_thief ? range_of(first, end - 1) : range_of(first + 1, end);
        if (atomic_compare_exchange_weak_explicit(&share->range, &range, rest, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return (int)(is_thief ? end - 1 : first);
        }
    }
}

/* The worker's own share from the front, so that it reads memory in one piece, then the backs of
 * the others'. */
static void run_tasks(struct threadpool *pool, int worker)
{
    for (int i = 0; i < pool->n_threads; i++) {
        struct share *share = &pool->shares[(worker + i) % pool->n_threads];
        for (int task = claim(share, i > 0); task >= 0; task = claim(share, i > 0)) {
            pool->fn(pool->arg, task, worker);
        }
    }
}

static void share_out(struct threadpool *pool, int n_tasks)
{
    for (int i = 0; i < pool->n_threads; i++) {
        const uint32_t first = (uint32_t)((int64_t)n_tasks * i / pool->n_threads);
        const uint32_t end = (uint32_t)((int64_t)n_tasks * (i + 1) / pool->n_threads);
        atomic_store_explicit(&pool->shares[i].range, range_of(first, end), memory_order_relaxed);
    }
}

/* Waits until the epoch differs from @p seen and returns the new one. */
static uint32_t wait_for_epoch(struct threadpool *pool, uint32_t seen)
{
    while (!spin_while_equal(&pool->epoch, seen)) {
        /* seq_cst on both sides: either the caller sees the sleeper or we see the new epoch. */
        atomic_fetch_add(&pool->n_sleepers, 1);
        if (atomic_load(&pool->epoch) == seen) futex_wait(&pool->epoch, seen);
        atomic_fetch_sub(&pool->n_sleepers, 1);
    }
    return atomic_load_explicit(&pool->epoch, memory_order_acquire);
}

static void *worker_main(void *arg)
{
    struct worker_start *start = arg;
    struct threadpool *pool = start->pool;
    const int worker = start->worker;
    mem_free(start);
    uint32_t seen = 0;
    for (;;) {
        seen = wait_for_epoch(pool, seen);
        if (atomic_load_explicit(&pool->stop, memory_order_acquire)) return NULL;
        run_tasks(pool, worker);
        if (atomic_fetch_sub(&pool->n_running, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
            futex_wake(&pool->n_running, 1);
        }
    }
}

static int start_worker(struct threadpool *pool, int worker)
{
    struct worker_start *start = mem_calloc(MEM_GENERAL, 1, sizeof(*start));
    if (!start) return NMOS_E_NOMEM;
    *start = (struct worker_start){pool, worker};
    const int err = pthread_create(&pool->threads[worker], NULL, worker_main, start);
    if (err) {
        mem_free(start);
        return FAIL(NMOS_E_NOMEM, "cannot start thread %d of %d: %s", worker, pool->n_threads,
                    strerror(err));
    }
    pool->n_started++;
    return 0;
}

int threadpool_create(int n_threads, struct threadpool **ret_pool)
{
    if (n_threads < 1 || n_threads > THREADPOOL_THREADS_MAX) {
        return FAIL(NMOS_E_INVALID, "%d threads asked for; 1 to %d are possible", n_threads,
                    THREADPOOL_THREADS_MAX);
    }
    struct threadpool *pool = mem_calloc(MEM_GENERAL, 1, sizeof(*pool));
    if (!pool) return NMOS_E_NOMEM;
    pool->n_threads = n_threads;
    for (int i = 1; i < n_threads; i++) {
        const int rc = start_worker(pool, i);
        if (rc < 0) {
            threadpool_destroy(&pool);
            return rc;
        }
    }
    *ret_pool = pool;
    return 0;
}

static void wake_workers(struct threadpool *pool)
{
    atomic_fetch_add(&pool->epoch, 1);
    if (atomic_load(&pool->n_sleepers)) futex_wake(&pool->epoch, INT_MAX);
}

static void wait_for_workers(struct threadpool *pool)
{
    for (;;) {
        const uint32_t running = atomic_load_explicit(&pool->n_running, memory_order_acquire);
        if (running == 0) return;
        if (spin_while_equal(&pool->n_running, running)) continue;
        atomic_store(&pool->caller_sleeps, 1);
        if (atomic_load(&pool->n_running) == running) futex_wait(&pool->n_running, running);
        atomic_store(&pool->caller_sleeps, 0);
    }
}

void threadpool_run(struct threadpool *pool, threadpool_fn fn, void *arg, int n_tasks)
{
    if (pool->n_threads == 1 || n_tasks <= 1) {
        for (int task = 0; task < n_tasks; task++) fn(arg, task, 0);
        return;
    }
    assert(atomic_load_explicit(&pool->n_running, memory_order_relaxed) == 0);
    pool->fn = fn;
    pool->arg = arg;
    share_out(pool, n_tasks);
    atomic_store_explicit(&pool->n_running, (uint32_t)pool->n_threads - 1, memory_order_relaxed);
    wake_workers(pool);
    run_tasks(pool, 0);
    wait_for_workers(pool);
}

int threadpool_size(const struct threadpool *pool)
{
    return pool->n_threads;
}

void threadpool_destroy(struct threadpool **pool)
{
    if (!pool || !*pool) return;
    struct threadpool *p = *pool;
    atomic_store(&p->stop, 1);
    wake_workers(p);
    for (int i = 1; i <= p->n_started; i++) pthread_join(p->threads[i], NULL);
    mem_free(p);
    *pool = NULL;
}
