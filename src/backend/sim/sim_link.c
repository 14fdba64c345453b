/* SPDX-License-Identifier: MIT */
#include "backend/sim/sim_link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "backend/transfer_queue.h"
#include "base/clock.h"
#include "base/mem.h"

#define CHUNK_BYTES ((size_t)256 << 10)
/* A lane that was idle, or whose sleeper woke late, may catch up so much. */
#define CREDIT_NS   200000U

/* One direction; guarded by the link's lock. */
struct lane {
    uint64_t bytes;
    uint64_t free_at_ns; /* when what was taken so far has crossed */
};

struct sim_link {
    double ns_per_byte; /* 0: no pace */
    struct transfer_queue *queue;
    pthread_mutex_t lock;    /* taken before the queue's */
    pthread_cond_t stopping; /* ends sleeps of the pace early */
    /* guarded by lock */
    struct lane up;
    struct lane down;
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
    while (!transfer_queue_must_end(link->queue) && clock_ns() < until_ns) {
        (void)pthread_cond_timedwait(&link->stopping, &link->lock, &until);
    }
    if (transfer_queue_must_end(link->queue)) lane->free_at_ns = clock_ns();
}

static int carry(struct sim_link *link, struct lane *lane, void *to, const void *from, size_t bytes)
{
    if (fault_injected()) {
        return FAIL(NMOS_E_IO, "the link to the device failed in a transfer of %zu bytes", bytes);
    }
    for (size_t done = 0; done < bytes && !transfer_queue_must_end(link->queue);) {
        const size_t left = bytes - done;
        const size_t n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        memcpy((char *)to + done, (const char *)from + done, n);
        done += n;
        pthread_mutex_lock(&link->lock);
        pace(link, lane, n);
        pthread_mutex_unlock(&link->lock);
    }
    return 0;
}

int sim_link_up(struct sim_link *link, void *to, const void *host, size_t bytes)
{
    transfer_queue_begin(link->queue);
    const int rc = carry(link, &link->up, to, host, bytes);
    transfer_queue_end(link->queue);
    return rc;
}

int sim_link_down(struct sim_link *link, void *host, const void *from, size_t bytes)
{
    return carry(link, &link->down, host, from, bytes);
}

static void sit_out_hold(struct sim_link *link)
{
    pthread_mutex_lock(&link->lock);
    while (atomic_load(&is_held) && !transfer_queue_must_end(link->queue)) {
        const struct timespec soon = clock_after_ms(1);
        (void)pthread_cond_timedwait(&link->stopping, &link->lock, &soon);
    }
    pthread_mutex_unlock(&link->lock);
}

static int carry_queued(void *arg, const struct transfer *transfer)
{
    struct sim_link *link = arg;
    sit_out_hold(link);
    if (transfer_queue_must_end(link->queue)) return 0;
    return carry(link, &link->up, transfer->to, transfer->host, transfer->bytes);
}

static void wake(void *arg)
{
    struct sim_link *link = arg;
    pthread_mutex_lock(&link->lock);
    pthread_cond_broadcast(&link->stopping);
    pthread_mutex_unlock(&link->lock);
}

uint64_t sim_link_send(struct sim_link *link, void *to, const void *host, size_t bytes)
{
    return transfer_queue_send(link->queue, to, host, bytes);
}

int sim_link_wait(struct sim_link *link, uint64_t fence, uint32_t timeout_ms)
{
    return transfer_queue_wait(link->queue, fence, timeout_ms);
}

void sim_link_abandon(struct sim_link *link)
{
    transfer_queue_abandon(link->queue);
}

void sim_link_stats(struct sim_link *link, struct sim_link_stats *ret_stats)
{
    const uint64_t busy_ns = transfer_queue_busy_ns(link->queue);
    pthread_mutex_lock(&link->lock);
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
    clock_cond_init(&link->stopping);
    const struct transfer_queue_config config = {.carry = carry_queued, .hurry = wake, .arg = link};
    const int rc = transfer_queue_create(&config, &link->queue);
    if (rc < 0) {
        sim_link_destroy(&link);
        return rc;
    }
    *ret_link = link;
    return 0;
}

void sim_link_destroy(struct sim_link **link)
{
    struct sim_link *l = *link;
    if (!l) return;
    transfer_queue_destroy(&l->queue);
    pthread_cond_destroy(&l->stopping);
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
    *link = NULL;
}
