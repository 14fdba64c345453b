/* SPDX-License-Identifier: MIT */
#include "engine/budget.h"

#include <inttypes.h>

#include "base/mem.h"

int budget_explain(const struct budget_split *split, uint64_t weight_bytes)
{
    const uint64_t bound = budget_bound_for(split, weight_bytes);
    return FAIL(NMOS_E_NOMEM,
                "%s %" PRIu64 " bytes is too little: %" PRIu64 " for the KV cache, %" PRIu64
                " for scratch, %" PRIu64 " for program and vocabulary and at least %" PRIu64
                " for weights make %" PRIu64 "; a smaller --ctx needs less",
                split->is_found ? "the memory that is safely free," : "--ram", split->ram_bytes,
                split->kv_bytes, split->scratch_bytes, split->held_bytes + BUDGET_MARGIN_BYTES,
                bound - budget_fixed_bytes(split), bound);
}

int budget_place(const struct budget_split *split, struct weight_extents *extents,
                 struct placement *ret_placement)
{
    const uint64_t weight_bytes = budget_weight_bytes(split);
    double *compute_s = mem_calloc(MEM_GENERAL, extents->n_shards, sizeof(*compute_s));
    uint8_t *pinned = mem_calloc(MEM_GENERAL, extents->n_extents, 1);
    struct placement placement = {0};
    int rc = compute_s && pinned ? 0 : NMOS_E_NOMEM;
    for (uint32_t s = 0; rc == 0 && s < extents->n_shards; s++) {
        for (uint32_t i = 0; i < extents->shards[s].n_extents; i++) {
            compute_s[s] += (double)extents->shards[s].extents[i].bytes / BUDGET_MEMORY_BYTES_PER_S;
        }
    }
    if (rc == 0) {
        const struct placement_config config = {
            .shards = extents->shards,
            .n_shards = extents->n_shards,
            .compute_s = compute_s,
            .budget_bytes =
                weight_bytes > split->expert_bytes ? weight_bytes - split->expert_bytes : 0,
            .disk_bytes_per_s = BUDGET_DISK_BYTES_PER_S};
        rc = placement_compute(&config, pinned, &placement);
        *ret_placement = placement;
        if (rc == NMOS_E_LIMIT)
            rc = budget_explain(split, split->expert_bytes + placement.least_bytes);
    }
    for (uint32_t i = 0; rc == 0 && i < extents->n_extents; i++) {
        extents->extents[i].pinned = pinned[i];
    }
    mem_free(compute_s);
    mem_free(pinned);
    return rc;
}
