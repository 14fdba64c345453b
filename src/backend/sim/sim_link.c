/* SPDX-License-Identifier: MIT */
#include "backend/sim/sim_link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

#define QUEUE_MAX   256U
#define CHUNK_BYTES ((size_t)256 << 10)
/* A lane that was idle, or whose sleeper woke late, may catch up so much. */
#define CREDIT_NS   200000U

struct job {
    void *to;
    const void *host;
    size_t bytes;
};

/* One direction; guarded by the link's lock. */
struct lane {
    uint64_t bytes;
    uint64_t free_at_ns; /* when what was taken so far has crossed */
    uint64_t busy_ns;
    uint64_t busy_since_ns;
    uint32_t n_busy; /* transfers under way */
};

struct sim_link {
    double ns_per_byte; /* 0: no pace */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t has_work; /* for the thread */
    pthread_cond_t has_done; /* a transfer ended */
    pthread_cond_t stopping; /* ends sleeps of the pace early */
    /* guarded by lock */
    struct lane up;
    struct lane down;
    struct job queue[QUEUE_MAX]; /* fence f is queue[f % QUEUE_MAX] */
    uint64_t n_sent;             /* fences given out */
    uint64_t n_done;             /* fences up to here are over */
    uint64_t failed_fence;       /* the first failure not told yet; 0: none */
    char failure[ERROR_MESSAGE_MAX];
    bool is_abandoned; /* what is queued is not carried out */
    bool must_stop;
};

static _Atomic int64_t fail_countdown = -1;

void sim_link_fail_after(int64_t n)
{
    atomic_store(&fail_countdown, n);
}

static _Atomic int is_held;

void sim_link_hold(int must_hold)
{
    atomic_store(&is_held, must_hold);
}

static bool fault_injected(void)
{
    int64_t left = atomic_load(&fail_countdown);
    while (left >= 0 && !atomic_compare_exchange_weak(&fail_countdown, &left, left - 1)) {
    }
    return left == 0;
}

/* With the lock: waits until @p bytes more have crossed the lane at the link's pace. */
static void pace(struct sim_link *link, struct lane *lane, size_t bytes)
{
    lane->bytes += bytes;
    if (link->ns_per_byte <= 0) return;
    const uint64_t now_ns = clock_ns();
    if (lane->free_at_ns + CREDIT_NS < now_ns) lane->free_at_ns = now_ns - CREDIT_NS;
    lane->free_at_ns += (uint64_t)((double)bytes * link->ns_per_byte);
    const uint64_t until_ns = lane->free_at_ns;
    const struct timespec until = clock_timespec(until_ns);
    while (!link->must_stop && !link->is_abandoned && clock_ns() < until_ns) {
        (void)pthread_cond_timedwait(&link->stopping, &link->lock, &until);
    }
    if (link->is_abandoned) lane->free_at_ns = clock_ns();
}

static int carry(struct sim_link *link, struct lane *lane, void *to, const void *from, size_t bytes)
{
    if (fault_injected()) {
        return FAIL(NMOS_E_IO, "the link to the device failed in a transfer of %zu bytes", bytes);
    }
    for (size_t done = 0; done < bytes;) {
        const size_t left = bytes - done;
        const size_t n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        memcpy((char *)to + done, (const char *)from + done, n);
        done += n;
        pthread_mutex_lock(&link->lock);
        pace(link, lane, n);
        const bool must_end = link->must_stop || link->is_abandoned;
        pthread_mutex_unlock(&link->lock);
        if (must_end) break;
    }
    return 0;
}

/* With the lock. */
static void begin(struct lane *lane)
{
    if (lane->n_busy++ == 0) lane->busy_since_ns = clock_ns();
}

static void end(struct lane *lane)
{
    if (--lane->n_busy == 0) lane->busy_ns += clock_ns() - lane->busy_since_ns;
}

static int carry_now(struct sim_link *link, struct lane *lane, void *to, const void *from,
                     size_t bytes)
{
    pthread_mutex_lock(&link->lock);
    begin(lane);
    pthread_mutex_unlock(&link->lock);
    const int rc = carry(link, lane, to, from, bytes);
    pthread_mutex_lock(&link->lock);
    end(lane);
    pthread_mutex_unlock(&link->lock);
    return rc;
}

int sim_link_up(struct sim_link *link, void *to, const void *host, size_t bytes)
{
    return carry_now(link, &link->up, to, host, bytes);
}

int sim_link_down(struct sim_link *link, void *host, const void *from, size_t bytes)
{
    return carry_now(link, &link->down, host, from, bytes);
}

/* With the lock. */
static void sit_out_hold(struct sim_link *link)
{
    while (atomic_load(&is_held) && !link->must_stop && !link->is_abandoned) {
        const struct timespec soon = clock_after_ms(1);
        (void)pthread_cond_timedwait(&link->stopping, &link->lock, &soon);
    }
}

static void *copy_main(void *arg)
{
    struct sim_link *link = arg;
    pthread_mutex_lock(&link->lock);
    while (!link->must_stop) {
        if (link->n_done == link->n_sent) {
            pthread_cond_wait(&link->has_work, &link->lock);
            continue;
        }
        const struct job job = link->queue[(link->n_done + 1) % QUEUE_MAX];
        int rc = 0;
        sit_out_hold(link);
        if (!link->is_abandoned) {
            pthread_mutex_unlock(&link->lock);
            rc = carry(link, &link->up, job.to, job.host, job.bytes);
            pthread_mutex_lock(&link->lock);
        }
        end(&link->up);
        link->n_done++;
        if (rc < 0 && !link->failed_fence) {
            link->failed_fence = link->n_done;
            snprintf(link->failure, sizeof(link->failure), "%s", error_message());
        }
        pthread_cond_broadcast(&link->has_done);
    }
    pthread_mutex_unlock(&link->lock);
    return NULL;
}

uint64_t sim_link_send(struct sim_link *link, void *to, const void *host, size_t bytes)
{
    pthread_mutex_lock(&link->lock);
    while (link->n_sent - link->n_done == QUEUE_MAX) {
        pthread_cond_wait(&link->has_done, &link->lock);
    }
    const uint64_t fence = ++link->n_sent;
    link->queue[fence % QUEUE_MAX] = (struct job){to, host, bytes};
    begin(&link->up);
    pthread_cond_signal(&link->has_work);
    pthread_mutex_unlock(&link->lock);
    return fence;
}

int sim_link_wait(struct sim_link *link, uint64_t fence, uint32_t timeout_ms)
{
    const struct timespec until = clock_after_ms(timeout_ms);
    int rc = 0;
    int error = 0;
    pthread_mutex_lock(&link->lock);
    while (link->n_done < fence && timeout_ms > 0 && error == 0) {
        error = pthread_cond_timedwait(&link->has_done, &link->lock, &until);
    }
    if (link->n_done < fence) {
        rc = NMOS_E_BUSY;
    } else if (link->failed_fence && link->failed_fence <= fence) {
        link->failed_fence = 0;
        rc = FAIL(NMOS_E_IO, "%s", link->failure);
    }
    pthread_mutex_unlock(&link->lock);
    return rc;
}

void sim_link_abandon(struct sim_link *link)
{
    pthread_mutex_lock(&link->lock);
    link->is_abandoned = true;
    pthread_cond_broadcast(&link->stopping);
    while (link->n_done < link->n_sent) pthread_cond_wait(&link->has_done, &link->lock);
    link->failed_fence = 0;
    link->is_abandoned = false;
    pthread_mutex_unlock(&link->lock);
}

void sim_link_stats(struct sim_link *link, struct sim_link_stats *ret_stats)
{
    pthread_mutex_lock(&link->lock);
    uint64_t busy_ns = link->up.busy_ns;
    if (link->up.n_busy > 0) busy_ns += clock_ns() - link->up.busy_since_ns;
    *ret_stats = (struct sim_link_stats){
        .up_bytes = link->up.bytes, .down_bytes = link->down.bytes, .up_busy_ns = busy_ns};
    pthread_mutex_unlock(&link->lock);
}

int sim_link_create(double bytes_per_s, struct sim_link **ret_link)
{
    struct sim_link *link = mem_calloc(MEM_GENERAL, 1, sizeof(*link));
    if (!link) return NMOS_E_NOMEM;
    link->ns_per_byte = bytes_per_s > 0 ? 1e9 / bytes_per_s : 0;
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->has_work, NULL);
    clock_cond_init(&link->has_done);
    clock_cond_init(&link->stopping);
    const int error = pthread_create(&link->thread, NULL, copy_main, link);
    if (error) {
        sim_link_destroy(&link);
        return FAIL(NMOS_E_NOMEM, "cannot start the copying thread: %s", strerror(error));
    }
    link->has_thread = true;
    *ret_link = link;
    return 0;
}

void sim_link_destroy(struct sim_link **link)
{
    struct sim_link *l = *link;
    if (!l) return;
    if (l->has_thread) {
        pthread_mutex_lock(&l->lock);
        l->must_stop = true;
        pthread_cond_signal(&l->has_work);
        pthread_cond_broadcast(&l->stopping);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    pthread_cond_destroy(&l->has_work);
    pthread_cond_destroy(&l->has_done);
    pthread_cond_destroy(&l->stopping);
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
    *link = NULL;
}
