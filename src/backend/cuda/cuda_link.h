/* SPDX-License-Identifier: MIT */
/*
 * Weights on their way to the GPU, beside its computing.
 *
 * The thread of a queue (backend/transfer_queue.h) copies what is to be sent, a part at a time,
 * into page-locked memory, from where the card fetches it: while one part crosses the next is
 * copied. Only so much of the host's memory is page-locked. Transfers are carried out in order,
 * each behind the verbs that were called before it.
 */
#ifndef NMOS_BACKEND_CUDA_CUDA_LINK_H
#define NMOS_BACKEND_CUDA_CUDA_LINK_H

#include "backend/cuda/cuda_driver.h"
#include "backend/transfer_queue.h"

struct cuda_link;

/** Of the host's memory, page-locked. */
#define CUDA_LINK_BYTES ((size_t)8 << 20)

/**
 * @param context  current on the calling thread; both are borrowed until cuda_link_destroy().
 * @param compute  the stream of the verbs.
 * @return 0, NMOS_E_NOMEM or NMOS_E_IO.
 */
int cuda_link_create(const struct cuda_driver *driver, cuda_context context, cuda_stream compute,
                     struct cuda_link **ret_link) NMOS_MUST_CHECK;

/** Gives up what is queued, stops the thread, nulls the pointer; NULL is a no-op. */
void cuda_link_destroy(struct cuda_link **link);

/** The queue of its transfers, borrowed. */
struct transfer_queue *cuda_link_queue(struct cuda_link *link);

/** Bytes sent so far by way of the queue. Thread-safe. */
uint64_t cuda_link_up_bytes(const struct cuda_link *link);

#endif
