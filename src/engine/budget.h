/* SPDX-License-Identifier: MIT */
/* How a bound on the whole process becomes a bound on pins and ring. */
#ifndef NMOS_ENGINE_BUDGET_H
#define NMOS_ENGINE_BUDGET_H

#include <stdint.h>

#include "infer/weight_source.h"
#include "stream/placement.h"

/* Thread stacks, the allocator's own memory, a prompt and its tokens. */
#define BUDGET_MARGIN_BYTES ((uint64_t)5 << 20)

/* The page table: an entry of 8 bytes for each 4 KiB, kept by the kernel for huge pages too. It is
 * no resident memory of the process, but a control group counts it. */
#define BUDGET_BYTES_PER_PAGE_TABLE_BYTE 512U

/*
 * A common solid-state disk and two memory channels. Only the size of the ring depends on their
 * ratio; fixed numbers make a plan and a run of the same budget agree to the byte on any day.
 */
#define BUDGET_DISK_BYTES_PER_S   2e9
#define BUDGET_MEMORY_BYTES_PER_S 25e9
/* Of a few cores; decides only which layers a device takes for passes of many rows. */
#define BUDGET_MACS_PER_S         1e11

struct budget_split {
    uint64_t ram_bytes;  /* the bound */
    int is_found;        /* nobody has named it: it is what is safely free */
    uint64_t held_bytes; /* before planning: program, vocabulary, header */
    uint64_t kv_bytes;
    uint64_t scratch_bytes;
    uint64_t expert_bytes; /* least memory for the cache of experts; 0: there is none */
};

/** What weights cannot have. */
static inline uint64_t budget_fixed_bytes(const struct budget_split *split)
{
    return split->held_bytes + split->kv_bytes + split->scratch_bytes + BUDGET_MARGIN_BYTES;
}

/** What weights can have, pins, ring and experts together; their page table is taken off. */
static inline uint64_t budget_weight_bytes(const struct budget_split *split)
{
    const uint64_t fixed = budget_fixed_bytes(split);
    const uint64_t bytes = split->ram_bytes > fixed ? split->ram_bytes - fixed : 0;
    return bytes - bytes / (BUDGET_BYTES_PER_PAGE_TABLE_BYTE + 1);
}

/** The bound under which weights can have @p weight_bytes. */
static inline uint64_t budget_bound_for(const struct budget_split *split, uint64_t weight_bytes)
{
    const uint64_t table_bytes = weight_bytes / BUDGET_BYTES_PER_PAGE_TABLE_BYTE + 1;
    return budget_fixed_bytes(split) + weight_bytes + table_bytes;
}

/** NMOS_E_NOMEM with the sum that would do, when weights need at least @p weight_bytes. */
int budget_explain(const struct budget_split *split, uint64_t weight_bytes);

/**
 * Marks the extents that stay in memory and sizes the ring, both beside `expert_bytes`.
 * @return 0; NMOS_E_NOMEM when the bound is too small: the message says what would do, and
 * @p ret_placement has the `least_bytes` for weights.
 */
int budget_place(const struct budget_split *split, struct weight_extents *extents,
                 struct placement *ret_placement) NMOS_MUST_CHECK;

#endif
