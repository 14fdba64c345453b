/* SPDX-License-Identifier: MIT */
/* How a bound on the whole process becomes a bound on pins and ring. */
#ifndef NMOS_ENGINE_BUDGET_H
#define NMOS_ENGINE_BUDGET_H

#include <stdint.h>

#include "infer/weight_source.h"
#include "stream/placement.h"

/* Thread stacks, the allocator's own memory, page tables. */
#define BUDGET_MARGIN_BYTES ((uint64_t)24 << 20)

/*
 * A common solid-state disk and two memory channels. Only the size of the ring depends on their
 * ratio; fixed numbers make a plan and a run of the same budget agree to the byte on any day.
 */
#define BUDGET_DISK_BYTES_PER_S   2e9
#define BUDGET_MEMORY_BYTES_PER_S 25e9

struct budget_split {
    uint64_t ram_bytes;  /* the bound */
    uint64_t held_bytes; /* resident before planning: program, vocabulary, header */
    uint64_t kv_bytes;
    uint64_t scratch_bytes;
};

/** What weights cannot have. */
static inline uint64_t budget_fixed_bytes(const struct budget_split *split)
{
    return split->held_bytes + split->kv_bytes + split->scratch_bytes + BUDGET_MARGIN_BYTES;
}

/**
 * Marks the extents that stay in memory and sizes the ring.
 * @return 0; NMOS_E_NOMEM when the bound is too small: the message says what would do, and
 * @p ret_placement has the `least_bytes` for weights.
 */
int budget_place(const struct budget_split *split, struct weight_extents *extents,
                 struct placement *ret_placement) NMOS_MUST_CHECK;

#endif
