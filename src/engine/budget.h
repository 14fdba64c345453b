/* SPDX-License-Identifier: MIT */
/* How a bound on the whole process becomes a bound on pins and ring. */
#ifndef NMOS_ENGINE_BUDGET_H
#define NMOS_ENGINE_BUDGET_H

#include <stdint.h>

#include "infer/weight_source.h"
#include "stream/placement.h"

/** What a process may hold when nobody said: MemAvailable and the cgroup's limit, less headroom. */
uint64_t budget_default(void);

/** Bytes of memory that this process holds now (VmRSS), or 0 when /proc is not there. */
uint64_t budget_resident_now(void);

struct budget_split {
    uint64_t ram_bytes;  /* the bound */
    uint64_t held_bytes; /* resident before planning: program, vocabulary, header */
    uint64_t kv_bytes;
    uint64_t scratch_bytes;
    uint64_t margin_bytes; /* stacks, allocator, page tables */
    double disk_bytes_per_s;
    double memory_bytes_per_s;
};

/**
 * Marks the extents that stay in memory and sizes the ring.
 * @return 0; NMOS_E_NOMEM when the bound is too small: the message says what would do.
 */
int budget_place(const struct budget_split *split, struct weight_extents *extents,
                 struct placement *ret_placement) NMOS_MUST_CHECK;

#endif
