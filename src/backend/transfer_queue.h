/* SPDX-License-Identifier: MIT */
/*
 * Transfers to a device beside its computing: a queue with a thread, fences, and failures that are
 * told once. What a transfer is, and when it has to wait, is its owner's business.
 *
 * One caller sends, waits and abandons; the rest is thread-safe. The callbacks come from the
 * queue's thread but for queued() and hurry(), which come from the caller.
 */
#ifndef NMOS_BACKEND_TRANSFER_QUEUE_H
#define NMOS_BACKEND_TRANSFER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TRANSFER_QUEUE_MAX 256U

struct transfer_queue;

struct transfer {
    void *to; /* at the device */
    const void *host;
    size_t bytes;
    uint32_t place; /* in the queue, below TRANSFER_QUEUE_MAX; nobody else's before it is over */
};

struct transfer_queue_config {
    /** Carries a transfer out. @return when nothing of it is under way: 0, or what failed. */
    int (*carry)(void *arg, const struct transfer *transfer);
    /** One is about to be queued, behind the verbs called before; under the queue's lock. NULL:
     * nothing is to be done. @return 0, or what failed: its fence tells. */
    int (*queued)(void *arg, const struct transfer *transfer);
    /** transfer_queue_must_end() has become true: a carry() that sleeps is to wake. NULL: none
     * does. */
    void (*hurry)(void *arg);
    void *arg;
};

/** Starts the thread. @return 0 or NMOS_E_NOMEM. */
int transfer_queue_create(const struct transfer_queue_config *config,
                          struct transfer_queue **ret_queue) NMOS_MUST_CHECK;

/** Gives up what is queued, stops the thread, nulls the pointer; NULL is a no-op. */
void transfer_queue_destroy(struct transfer_queue **queue);

/** Queues a transfer; waits only while the queue is full. @return its fence. */
uint64_t transfer_queue_send(struct transfer_queue *queue, void *to, const void *host,
                             size_t bytes);

/** As backend_ops.fence_wait. */
int transfer_queue_wait(struct transfer_queue *queue, uint64_t fence,
                        uint32_t timeout_ms) NMOS_MUST_CHECK;

/** As backend_ops.abandon. */
void transfer_queue_abandon(struct transfer_queue *queue);

/** Whether carry() is to return early. */
bool transfer_queue_must_end(struct transfer_queue *queue);

/** A transfer outside of the queue begins, or ends: its time counts too. */
void transfer_queue_begin(struct transfer_queue *queue);
void transfer_queue_end(struct transfer_queue *queue);

/** Time with at least one transfer asked for and not over, nanoseconds. */
uint64_t transfer_queue_busy_ns(struct transfer_queue *queue);

#endif
