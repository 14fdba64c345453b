/* SPDX-License-Identifier: MIT */
/*
 * Weights on their way to the GPU, beside its computing.
 *
 * A thread copies what is to be sent, a part at a time, into page-locked memory, from where the
 * card fetches it: while one part crosses the next is copied. Only so much of the host's memory is
 * page-locked. Transfers are carried out in order, each behind the verbs that were called before
 * it.
 */
#ifndef NMOS_BACKEND_CUDA_CUDA_LINK_H
#define NMOS_BACKEND_CUDA_CUDA_LINK_H

#include "backend/cuda/cuda_driver.h"

struct cuda_link;

/** Of the host's memory, page-locked. */
#define CUDA_LINK_BYTES ((size_t)8 << 20)

struct cuda_link_stats {
    uint64_t up_bytes;   /* sent by cuda_link_send() */
    uint64_t up_busy_ns; /* with a transfer under way */
};

/**
 * @param context  current on the calling thread; both are borrowed until cuda_link_destroy().
 * @param compute  the stream of the verbs.
 * @return 0, NMOS_E_NOMEM or NMOS_E_IO.
 */
int cuda_link_create(const struct cuda_driver *driver, cuda_context context, cuda_stream compute,
                     struct cuda_link **ret_link) NMOS_MUST_CHECK;

/** Gives up what is queued, stops the thread, nulls the pointer; NULL is a no-op. */
void cuda_link_destroy(struct cuda_link **link);

/** As backend_ops.upload_async; waits only while the queue is full. */
uint64_t cuda_link_send(struct cuda_link *link, cuda_address to, const void *host, size_t bytes);

/** As backend_ops.fence_wait, for failures of transfers. */
int cuda_link_wait(struct cuda_link *link, uint64_t fence, uint32_t timeout_ms) NMOS_MUST_CHECK;

/** As backend_ops.abandon. */
void cuda_link_abandon(struct cuda_link *link);

/** Counters so far. Thread-safe. */
void cuda_link_stats(struct cuda_link *link, struct cuda_link_stats *ret_stats);

#endif
