/* SPDX-License-Identifier: MIT */
#include "backend/transfer_queue.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct transfer_queue {
    struct transfer_queue_config config;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t has_work; /* for the thread */
    pthread_cond_t has_done; /* a transfer ended */
    /* guarded by lock */
    struct transfer queue[TRANSFER_QUEUE_MAX]; /* fence f is queue[f % TRANSFER_QUEUE_MAX] */
    uint64_t n_sent;                           /* fences given out */
    uint64_t n_done;                           /* fences up to here are over */
    uint64_t failed_fence;                     /* the first failure not told yet; 0: none */
    char failure[ERROR_MESSAGE_MAX];
    uint32_t n_busy; /* transfers asked for and not over */
    uint64_t busy_ns;
    uint64_t busy_since_ns;
    bool is_abandoned; /* what is queued is not carried out */
    bool must_stop;
};

/* With the lock. */
static void begin(struct transfer_queue *queue)
{
    if (queue->n_busy++ == 0) queue->busy_since_ns = clock_ns();
}

static void end(struct transfer_queue *queue)
{
    if (--queue->n_busy == 0) queue->busy_ns += clock_ns() - queue->busy_since_ns;
}

static void note_failure(struct transfer_queue *queue, uint64_t fence)
{
    if (queue->failed_fence) return;
    queue->failed_fence = fence;
    snprintf(queue->failure, sizeof(queue->failure), "%s", error_message());
}

static void *carry_main(void *arg)
{
    struct transfer_queue *queue = arg;
    pthread_mutex_lock(&queue->lock);
    while (!queue->must_stop) {
        if (queue->n_done == queue->n_sent) {
            pthread_cond_wait(&queue->has_work, &queue->lock);
            continue;
        }
        const struct transfer transfer = queue->queue[(queue->n_done + 1) % TRANSFER_QUEUE_MAX];
        int rc = 0;
        if (!queue->is_abandoned) {
            pthread_mutex_unlock(&queue->lock);
            rc = queue->config.carry(queue->config.arg, &transfer);
            pthread_mutex_lock(&queue->lock);
        }
        end(queue);
        queue->n_done++;
        if (rc < 0) note_failure(queue, queue->n_done);
        pthread_cond_broadcast(&queue->has_done);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

uint64_t transfer_queue_send(struct transfer_queue *queue, void *to, const void *host, size_t bytes)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->n_sent - queue->n_done == TRANSFER_QUEUE_MAX) {
        pthread_cond_wait(&queue->has_done, &queue->lock);
    }
    const uint64_t fence = queue->n_sent + 1;
    const uint32_t place = (uint32_t)(fence % TRANSFER_QUEUE_MAX);
    queue->queue[place] = (struct transfer){to, host, bytes, place};
    if (queue->config.queued && queue->config.queued(queue->config.arg, &queue->queue[place]) < 0) {
        note_failure(queue, fence);
    }
    begin(queue);
    queue->n_sent = fence;
    pthread_cond_signal(&queue->has_work);
    pthread_mutex_unlock(&queue->lock);
    return fence;
}

int transfer_queue_wait(struct transfer_queue *queue, uint64_t fence, uint32_t timeout_ms)
{
    const struct timespec until = clock_after_ms(timeout_ms);
    int rc = 0;
    int error = 0;
    pthread_mutex_lock(&queue->lock);
    while (queue->n_done < fence && timeout_ms > 0 && error == 0) {
        error = pthread_cond_timedwait(&queue->has_done, &queue->lock, &until);
    }
    if (queue->n_done < fence) {
        rc = NMOS_E_BUSY;
    } else if (queue->failed_fence && queue->failed_fence <= fence) {
        queue->failed_fence = 0;
        rc = FAIL(NMOS_E_IO, "%s", queue->failure);
    }
    pthread_mutex_unlock(&queue->lock);
    return rc;
}

static void hurry(struct transfer_queue *queue)
{
    if (queue->config.hurry) queue->config.hurry(queue->config.arg);
}

void transfer_queue_abandon(struct transfer_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_abandoned = true;
    pthread_mutex_unlock(&queue->lock);
    hurry(queue);
    pthread_mutex_lock(&queue->lock);
    while (queue->n_done < queue->n_sent) pthread_cond_wait(&queue->has_done, &queue->lock);
    queue->failed_fence = 0;
    queue->is_abandoned = false;
    pthread_mutex_unlock(&queue->lock);
}

bool transfer_queue_must_end(struct transfer_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const bool must = queue->must_stop || queue->is_abandoned;
    pthread_mutex_unlock(&queue->lock);
    return must;
}

void transfer_queue_begin(struct transfer_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    begin(queue);
    pthread_mutex_unlock(&queue->lock);
}

void transfer_queue_end(struct transfer_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    end(queue);
    pthread_mutex_unlock(&queue->lock);
}

uint64_t transfer_queue_busy_ns(struct transfer_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t busy_ns = queue->busy_ns;
    if (queue->n_busy > 0) busy_ns += clock_ns() - queue->busy_since_ns;
    pthread_mutex_unlock(&queue->lock);
    return busy_ns;
}

int transfer_queue_create(const struct transfer_queue_config *config,
                          struct transfer_queue **ret_queue)
{
    struct transfer_queue *queue = mem_calloc(MEM_GENERAL, 1, sizeof(*queue));
    if (!queue) return NMOS_E_NOMEM;
    queue->config = *config;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->has_work, NULL);
    clock_cond_init(&queue->has_done);
    const int error = pthread_create(&queue->thread, NULL, carry_main, queue);
    if (error) {
        transfer_queue_destroy(&queue);
        return FAIL(NMOS_E_NOMEM, "cannot start the sending thread: %s", strerror(error));
    }
    queue->has_thread = true;
    *ret_queue = queue;
    return 0;
}

static void stop_thread(struct transfer_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->must_stop = true;
    pthread_cond_signal(&queue->has_work);
    pthread_mutex_unlock(&queue->lock);
    hurry(queue);
    pthread_join(queue->thread, NULL);
}

void transfer_queue_destroy(struct transfer_queue **queue)
{
    struct transfer_queue *q = *queue;
    if (!q) return;
    if (q->has_thread) stop_thread(q);
    pthread_cond_destroy(&q->has_work);
    pthread_cond_destroy(&q->has_done);
    pthread_mutex_destroy(&q->lock);
    mem_free(q);
    *queue = NULL;
}
