/* SPDX-License-Identifier: MIT */
/*
 * The link between host and stand-in device: a copier that keeps to a rate.
 *
 * Each direction carries so many bytes a second, whoever asks; long transfers are cut into chunks,
 * so that a short one does not wait for a long one to end. Asynchronous transfers to the device go
 * through a queue (backend/transfer_queue.h). The only clock is the pace: without a rate nothing
 * here depends on time.
 */
#ifndef NMOS_BACKEND_SIM_SIM_LINK_H
#define NMOS_BACKEND_SIM_SIM_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sim_link;

struct sim_link_stats {
    uint64_t up_bytes;
    uint64_t down_bytes;
    uint64_t up_busy_ns; /* with a transfer to the device under way */
};

/** Starts the queue's thread. @p bytes_per_s 0: as fast as memory is. @return 0 or NMOS_E_NOMEM. */
int sim_link_create(double bytes_per_s, struct sim_link **ret_link) NMOS_MUST_CHECK;

/** Gives up what is queued, stops the thread, nulls the pointer; NULL is a no-op. */
void sim_link_destroy(struct sim_link **link);

/** Copies and returns when the bytes have crossed. @return 0 or NMOS_E_IO. */
int sim_link_up(struct sim_link *link, void *to, const void *host, size_t bytes) NMOS_MUST_CHECK;
int sim_link_down(struct sim_link *link, void *host, const void *from,
                  size_t bytes) NMOS_MUST_CHECK;

/** Queues a copy to the device; waits only while the queue is full. @return its fence. */
uint64_t sim_link_send(struct sim_link *link, void *to, const void *host, size_t bytes);

/** As backend_ops.fence_wait. */
int sim_link_wait(struct sim_link *link, uint64_t fence, uint32_t timeout_ms) NMOS_MUST_CHECK;

/** As backend_ops.abandon. */
void sim_link_abandon(struct sim_link *link);

/** Counters so far. Thread-safe. */
void sim_link_stats(struct sim_link *link, struct sim_link_stats *ret_stats);

/** For tests: one transfer of any link fails, after @p n more of them; negative: none does. */
void sim_link_fail_after(int64_t n);

/** For tests: while @p must_hold, no asynchronous transfer of any link begins. */
void sim_link_hold(int must_hold);

#endif
