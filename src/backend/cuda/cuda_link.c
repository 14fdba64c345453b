/* SPDX-License-Identifier: MIT */
#include "backend/cuda/cuda_link.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define QUEUE_MAX  256U
#define PARTS      4U
#define PART_BYTES (CUDA_LINK_BYTES / PARTS)

struct transfer {
    cuda_address to;
    const void *host;
    size_t bytes;
    cuda_event behind; /* of the verbs called before it */
};

struct cuda_link {
    const struct cuda_driver *driver;
    cuda_context context;
    cuda_stream compute;
    cuda_stream stream;
    char *parts; /* [PARTS][PART_BYTES], page-locked when is_locked */
    bool is_locked;
    cuda_event part_free[PARTS]; /* what was in the part has crossed */
    uint32_t next_part;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t has_work; /* for the thread */
    pthread_cond_t has_done; /* a transfer ended */
    /* guarded by lock; an event is recorded again only when its transfer is over */
    struct transfer queue[QUEUE_MAX]; /* fence f is queue[f % QUEUE_MAX] */
    uint64_t n_sent;                  /* fences given out */
    uint64_t n_done;                  /* fences up to here are over */
    uint64_t failed_fence;            /* the first failure not told yet; 0: none */
    char failure[ERROR_MESSAGE_MAX];
    uint64_t up_bytes;
    uint64_t busy_ns;
    uint64_t busy_since_ns;
    bool is_abandoned; /* what is queued is not carried out */
    bool must_stop;
};

static bool must_end(struct cuda_link *link)
{
    pthread_mutex_lock(&link->lock);
    const bool must = link->must_stop || link->is_abandoned;
    pthread_mutex_unlock(&link->lock);
    return must;
}

/* Sends the bytes a part at a time, until told to end. */
static cuda_result send_parts(struct cuda_link *link, const struct transfer *transfer)
{
    const struct cuda_driver *cu = link->driver;
    cuda_result result = cu->stream_wait_event(link->stream, transfer->behind, 0);
    for (size_t done = 0; result == 0 && done < transfer->bytes && !must_end(link);) {
        const size_t left = transfer->bytes - done;
        const size_t n = left < PART_BYTES ? left : PART_BYTES;
        const uint32_t i = link->next_part++ % PARTS;
        char *part = link->parts + (size_t)i * PART_BYTES;
        result = cu->event_wait(link->part_free[i]);
        if (result != 0) break;
        memcpy(part, (const char *)transfer->host + done, n);
        result = cu->copy_up(transfer->to + done, part, n, link->stream);
        if (result == 0) result = cu->event_record(link->part_free[i], link->stream);
        done += n;
        pthread_mutex_lock(&link->lock);
        link->up_bytes += result == 0 ? n : 0;
        pthread_mutex_unlock(&link->lock);
    }
    return result;
}

/* Returns when nothing of the transfer is under way. */
static int carry(struct cuda_link *link, const struct transfer *transfer)
{
    const cuda_result result = send_parts(link, transfer);
    const cuda_result end = link->driver->stream_wait(link->stream);
    char what[64];
    if (result == 0 && end == 0) return 0;
    snprintf(what, sizeof(what), "take a transfer of %zu bytes", transfer->bytes);
    return cuda_fail(link->driver, result ? result : end, what);
}

static void *copy_main(void *arg)
{
    struct cuda_link *link = arg;
    const cuda_result entered = link->driver->context_enter(link->context);
    pthread_mutex_lock(&link->lock);
    while (!link->must_stop) {
        if (link->n_done == link->n_sent) {
            pthread_cond_wait(&link->has_work, &link->lock);
            continue;
        }
        const struct transfer transfer = link->queue[(link->n_done + 1) % QUEUE_MAX];
        const bool is_wanted = !link->is_abandoned;
        pthread_mutex_unlock(&link->lock);
        int rc = entered ? cuda_fail(link->driver, entered, "enter its context") : 0;
        if (rc == 0 && is_wanted) rc = carry(link, &transfer);
        pthread_mutex_lock(&link->lock);
        link->n_done++;
        if (link->n_done == link->n_sent) link->busy_ns += clock_ns() - link->busy_since_ns;
        if (rc < 0 && !link->failed_fence) {
            link->failed_fence = link->n_done;
            snprintf(link->failure, sizeof(link->failure), "%s", error_message());
        }
        pthread_cond_broadcast(&link->has_done);
    }
    pthread_mutex_unlock(&link->lock);
    return NULL;
}

uint64_t cuda_link_send(struct cuda_link *link, cuda_address to, const void *host, size_t bytes)
{
    pthread_mutex_lock(&link->lock);
    while (link->n_sent - link->n_done == QUEUE_MAX) {
        pthread_cond_wait(&link->has_done, &link->lock);
    }
    const uint64_t fence = link->n_sent + 1;
    struct transfer *transfer = &link->queue[fence % QUEUE_MAX];
    transfer->to = to;
    transfer->host = host;
    transfer->bytes = bytes;
    const cuda_result result = link->driver->event_record(transfer->behind, link->compute);
    if (result != 0 && !link->failed_fence) {
        (void)cuda_fail(link->driver, result, "queue a transfer");
        snprintf(link->failure, sizeof(link->failure), "%s", error_message());
        link->failed_fence = fence;
    }
    if (link->n_sent == link->n_done) link->busy_since_ns = clock_ns();
    link->n_sent = fence;
    pthread_cond_signal(&link->has_work);
    pthread_mutex_unlock(&link->lock);
    return fence;
}

int cuda_link_wait(struct cuda_link *link, uint64_t fence, uint32_t timeout_ms)
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

void cuda_link_abandon(struct cuda_link *link)
{
    pthread_mutex_lock(&link->lock);
    link->is_abandoned = true;
    while (link->n_done < link->n_sent) pthread_cond_wait(&link->has_done, &link->lock);
    link->failed_fence = 0;
    link->is_abandoned = false;
    pthread_mutex_unlock(&link->lock);
}

void cuda_link_stats(struct cuda_link *link, struct cuda_link_stats *ret_stats)
{
    pthread_mutex_lock(&link->lock);
    uint64_t busy_ns = link->busy_ns;
    if (link->n_done < link->n_sent) busy_ns += clock_ns() - link->busy_since_ns;
    *ret_stats = (struct cuda_link_stats){.up_bytes = link->up_bytes, .up_busy_ns = busy_ns};
    pthread_mutex_unlock(&link->lock);
}

static cuda_result create_events(struct cuda_link *link)
{
    const struct cuda_driver *cu = link->driver;
    const unsigned flags = CUDA_EVENT_DISABLE_TIMING | CUDA_EVENT_BLOCKING_SYNC;
    cuda_result result = cu->stream_create(&link->stream, CUDA_STREAM_NON_BLOCKING);
    for (uint32_t i = 0; result == 0 && i < PARTS; i++) {
        result = cu->event_create(&link->part_free[i], flags);
    }
    for (uint32_t i = 0; result == 0 && i < QUEUE_MAX; i++) {
        result = cu->event_create(&link->queue[i].behind, CUDA_EVENT_DISABLE_TIMING);
    }
    return result;
}

static int set_up(struct cuda_link *link)
{
    cuda_result result = create_events(link);
    if (result != 0) return cuda_fail(link->driver, result, "make a queue for transfers");
    link->parts = mem_alloc(MEM_DEVICE, CUDA_LINK_BYTES, MEM_ALIGN_PAGE);
    if (!link->parts) return NMOS_E_NOMEM;
    memset(link->parts, 0, CUDA_LINK_BYTES);
    result = link->driver->host_register(link->parts, CUDA_LINK_BYTES, 0);
    if (result != 0) return cuda_fail(link->driver, result, "lock 8 MiB of the host's memory");
    link->is_locked = true;
    const int error = pthread_create(&link->thread, NULL, copy_main, link);
    if (error) return FAIL(NMOS_E_NOMEM, "cannot start the sending thread: %s", strerror(error));
    link->has_thread = true;
    return 0;
}

int cuda_link_create(const struct cuda_driver *driver, cuda_context context, cuda_stream compute,
                     struct cuda_link **ret_link)
{
    struct cuda_link *link = mem_calloc(MEM_GENERAL, 1, sizeof(*link));
    if (!link) return NMOS_E_NOMEM;
    link->driver = driver;
    link->context = context;
    link->compute = compute;
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->has_work, NULL);
    clock_cond_init(&link->has_done);
    const int rc = set_up(link);
    if (rc < 0) {
        cuda_link_destroy(&link);
        return rc;
    }
    *ret_link = link;
    return 0;
}

static void stop_thread(struct cuda_link *link)
{
    pthread_mutex_lock(&link->lock);
    link->must_stop = true;
    pthread_cond_signal(&link->has_work);
    pthread_mutex_unlock(&link->lock);
    pthread_join(link->thread, NULL);
}

void cuda_link_destroy(struct cuda_link **link)
{
    struct cuda_link *l = *link;
    if (!l) return;
    if (l->has_thread) stop_thread(l);
    for (uint32_t i = 0; i < QUEUE_MAX; i++) {
        if (l->queue[i].behind) (void)l->driver->event_destroy(l->queue[i].behind);
    }
    for (uint32_t i = 0; i < PARTS; i++) {
        if (l->part_free[i]) (void)l->driver->event_destroy(l->part_free[i]);
    }
    if (l->stream) (void)l->driver->stream_destroy(l->stream);
    if (l->is_locked) (void)l->driver->host_unregister(l->parts);
    mem_free(l->parts);
    pthread_cond_destroy(&l->has_work);
    pthread_cond_destroy(&l->has_done);
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
    *link = NULL;
}
