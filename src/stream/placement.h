/* SPDX-License-Identifier: MIT */
/*
 * Which extents stay in memory, and how large the ring is, for a given number of bytes. Arithmetic
 * only.
 *
 * A dense pass touches every byte once, so a byte pinned anywhere saves the same time; what matters
 * is that the disk never idles while a long pinned stretch is computed. All extents are put into
 * one order that does not depend on the budget: small ones (norms, biases) first, then the last
 * shard (the output head, awkward to stream: a ring would have to hold it), then the others in
 * rounds, the n-th largest extent of every shard, shards in bit-reversed order. Any beginning of
 * that order is spread evenly through the depth. Pinned is the longest beginning that fits together
 * with the ring that the rest needs. As more memory only ever lengthens it, more memory is never
 * slower.
 */
#ifndef NMOS_STREAM_PLACEMENT_H
#define NMOS_STREAM_PLACEMENT_H

#include "stream/stream.h"

struct placement_config {
    const struct stream_shard *shards; /* [n_shards]; their `pinned` marks are not looked at */
    uint32_t n_shards;
    const double *compute_s; /* [n_shards] seconds to compute each shard, bytes in memory */
    uint64_t budget_bytes;   /* for pins and ring together */
    double disk_bytes_per_s; /* > 0 */
};

enum placement_binding { PLACEMENT_DISK, PLACEMENT_COMPUTE };

struct placement {
    uint64_t pinned_bytes;   /* memory of the pins */
    uint64_t ring_bytes;     /* memory of the ring; 0 when nothing is streamed */
    uint64_t streamed_bytes; /* read from disk in every pass */
    uint64_t total_bytes;    /* of all extents */
    uint64_t least_bytes;    /* the smallest budget that works */
    double disk_s;           /* streamed_bytes / disk_bytes_per_s */
    double compute_s;        /* sum */
    double pass_s;           /* the larger of both */
    enum placement_binding binding;
};

/**
 * Decides the placement.
 * @param ret_pinned  [number of extents of all shards] 1 for each extent to pin, else 0, in order.
 * @return 0; NMOS_E_LIMIT when the budget is below `least_bytes` (the message has the numbers; @p
 * ret is written then too, without pins); NMOS_E_NOMEM.
 */
int placement_compute(const struct placement_config *config, uint8_t *ret_pinned,
                      struct placement *ret) NMOS_MUST_CHECK;

#endif
