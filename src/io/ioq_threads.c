/* SPDX-License-Identifier: MIT */
/*
 * Reads by a pool of threads that call pread(), one thread per read in flight: works everywhere. A
 * pread that runs cannot be cancelled; one that still waits for its thread can.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sched.h"
#include "io/ioq_internal.h"

#define THREADS_MAX        16U          /* more than this never read faster here */
#define READER_STACK_BYTES (128U << 10) /* a reader calls pread and little else */

struct reader_pool {
    pthread_t threads[THREADS_MAX];
    uint32_t n_threads;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    pthread_cond_t has_outcome;
    /* guarded by lock */
    struct ioq_attempt waiting[IOQ_DEPTH_MAX]; /* a queue: first in, first out */
    uint32_t first_waiting;
    uint32_t n_waiting;
    struct ioq_outcome outcomes[IOQ_DEPTH_MAX];
    uint32_t n_outcomes;
    bool must_stop;
};

static void *reader_main(void *arg)
{
    struct reader_pool *pool = arg;
    sched_ask_short_slice();
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->n_waiting == 0 && !pool->must_stop) {
            pthread_cond_wait(&pool->has_work, &pool->lock);
        }
        if (pool->must_stop) break;
        const struct ioq_attempt attempt = pool->waiting[pool->first_waiting];
        pool->first_waiting = (pool->first_waiting + 1) % IOQ_DEPTH_MAX;
        pool->n_waiting--;
        pthread_mutex_unlock(&pool->lock);
        const struct iovec to = {attempt.dst, attempt.bytes};
        const ssize_t n = preadv2(attempt.fd, &to, 1, (off_t)attempt.offset, attempt.flags);
        const int64_t result = n < 0 ? -(int64_t)errno : n;
        pthread_mutex_lock(&pool->lock);
        pool->outcomes[pool->n_outcomes++] = (struct ioq_outcome){attempt.slot, result};
        pthread_cond_signal(&pool->has_outcome);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int threads_start(void *self, const struct ioq_attempt *attempt)
{
    struct reader_pool *pool = self;
    pthread_mutex_lock(&pool->lock);
    pool->waiting[(pool->first_waiting + pool->n_waiting++) % IOQ_DEPTH_MAX] = *attempt;
    pthread_cond_signal(&pool->has_work);
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

static uint32_t threads_wait(void *self, struct ioq_outcome *ret, uint32_t max, uint32_t timeout_ms)
{
    struct reader_pool *pool = self;
    const struct timespec deadline = clock_after_ms(timeout_ms);
    pthread_mutex_lock(&pool->lock);
    while (pool->n_outcomes == 0 && timeout_ms > 0) {
        if (pthread_cond_timedwait(&pool->has_outcome, &pool->lock, &deadline) == ETIMEDOUT) break;
    }
    const uint32_t n = pool->n_outcomes < max ? pool->n_outcomes : max;
    memcpy(ret, pool->outcomes, n * sizeof(*ret));
    pool->n_outcomes -= n;
    memmove(pool->outcomes, pool->outcomes + n, pool->n_outcomes * sizeof(*ret));
    pthread_mutex_unlock(&pool->lock);
    return n;
}

static void threads_cancel(void *self, uint32_t slot)
{
    struct reader_pool *pool = self;
    pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_waiting; i++) {
        struct ioq_attempt *found = &pool->waiting[(pool->first_waiting + i) % IOQ_DEPTH_MAX];
        if (found->slot != slot) continue;
        *found = pool->waiting[pool->first_waiting];
        pool->first_waiting = (pool->first_waiting + 1) % IOQ_DEPTH_MAX;
        pool->n_waiting--;
        pool->outcomes[pool->n_outcomes++] = (struct ioq_outcome){slot, -ECANCELED};
        break;
    }
    pthread_mutex_unlock(&pool->lock);
}

static void threads_destroy(void *self)
{
    struct reader_pool *pool = self;
    pthread_mutex_lock(&pool->lock);
    pool->must_stop = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_threads; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->has_outcome);
    pthread_cond_destroy(&pool->has_work);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

int ioq_threads_create(uint32_t depth, const struct ioq_backend **ret_backend, void **ret_self)
{
    static const struct ioq_backend backend = {
        .name = "threads",
        .start = threads_start,
        .wait = threads_wait,
        .cancel = threads_cancel,
        .destroy = threads_destroy,
    };
    struct reader_pool *pool = mem_calloc(MEM_IO, 1, sizeof(*pool));
    if (!pool) return NMOS_E_NOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->has_work, NULL);
    clock_cond_init(&pool->has_outcome);
    pthread_attr_t small_stack;
    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, READER_STACK_BYTES);
    const uint32_t n = depth < THREADS_MAX ? depth : THREADS_MAX;
    int error = 0;
    for (uint32_t i = 0; i < n && !error; i++) {
        error = pthread_create(&pool->threads[i], &small_stack, reader_main, pool);
        pool->n_threads += error == 0;
    }
    pthread_attr_destroy(&small_stack);
    if (pool->n_threads == 0) {
        threads_destroy(pool);
        return FAIL(NMOS_E_NOMEM, "cannot start a reading thread: %s", strerror(error));
    }
    *ret_backend = &backend;
    *ret_self = pool;
    return 0;
}
