/* SPDX-License-Identifier: MIT */
#include "engine/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Left to the rest of the machine when nobody says how much to take: a tenth, at least this much.
 */
#define HEADROOM_BYTES ((uint64_t)512 << 20)

/* First number behind `key` in a file of "key value" lines, or UINT64_MAX. */
static uint64_t read_field(const char *path, const char *key)
{
    char line[256];
    uint64_t value = UINT64_MAX;
    FILE *file = fopen(path, "re");
    if (!file) return value;
    const size_t n = strlen(key);
    while (value == UINT64_MAX && fgets(line, sizeof(line), file)) {
        char *end = NULL;
        if (strncmp(line, key, n) != 0) continue;
        const uint64_t number = strtoull(line + n, &end, 10);
        if (end != line + n) value = number;
    }
    fclose(file);
    return value;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What a control group leaves us: its limit, whichever version is mounted. "max" and v1's huge
 * number mean none. */
static uint64_t cgroup_limit(void)
{
    const uint64_t v2 = read_field("/sys/fs/cgroup/memory.max", "");
    const uint64_t v1 = read_field("/sys/fs/cgroup/memory/memory.limit_in_bytes", "");
    return least(v1, v2);
}

uint64_t budget_default(void)
{
    const uint64_t available_kib = read_field("/proc/meminfo", "MemAvailable:");
    const uint64_t available =
        available_kib == UINT64_MAX ? (uint64_t)4 << 30 : available_kib * 1024;
    const uint64_t free_bytes = least(available, cgroup_limit());
    const uint64_t headroom = free_bytes / 10 > HEADROOM_BYTES ? free_bytes / 10 : HEADROOM_BYTES;
    return free_bytes > 2 * headroom ? free_bytes - headroom : free_bytes / 2;
}

uint64_t budget_resident_now(void)
{
    const uint64_t kib = read_field("/proc/self/status", "VmRSS:");
    return kib == UINT64_MAX ? 0 : kib * 1024;
}

static int explain(const struct budget_split *split, uint64_t fixed, uint64_t least_bytes)
{
    return FAIL(NMOS_E_NOMEM,
                "--ram %" PRIu64 " bytes is too little: %" PRIu64 " for the KV cache, %" PRIu64
                " for scratch, %" PRIu64 " for program and vocabulary and at least %" PRIu64
                " for weights make %" PRIu64 "; a smaller --ctx needs less",
                split->ram_bytes, split->kv_bytes, split->scratch_bytes,
                split->held_bytes + split->margin_bytes, least_bytes, fixed + least_bytes);
}

int budget_place(const struct budget_split *split, struct weight_extents *extents,
                 struct placement *ret_placement)
{
    const uint64_t fixed =
        split->held_bytes + split->kv_bytes + split->scratch_bytes + split->margin_bytes;
    double *compute_s = mem_calloc(MEM_GENERAL, extents->n_shards, sizeof(*compute_s));
    uint8_t *pinned = mem_calloc(MEM_GENERAL, extents->n_extents, 1);
    struct placement placement = {0};
    int rc = compute_s && pinned ? 0 : NMOS_E_NOMEM;
    for (uint32_t s = 0; rc == 0 && s < extents->n_shards; s++) {
        for (uint32_t i = 0; i < extents->shards[s].n_extents; i++) {
            compute_s[s] += (double)extents->shards[s].extents[i].bytes / split->memory_bytes_per_s;
        }
    }
    if (rc == 0) {
        const struct placement_config config = {
            .shards = extents->shards,
            .n_shards = extents->n_shards,
            .compute_s = compute_s,
            .budget_bytes = split->ram_bytes > fixed ? split->ram_bytes - fixed : 0,
            .disk_bytes_per_s = split->disk_bytes_per_s};
        rc = placement_compute(&config, pinned, &placement);
        if (rc == NMOS_E_LIMIT) rc = explain(split, fixed, placement.least_bytes);
    }
    if (rc == 0) {
        for (uint32_t i = 0; i < extents->n_extents; i++) extents->extents[i].pinned = pinned[i];
        *ret_placement = placement;
    }
    mem_free(compute_s);
    mem_free(pinned);
    return rc;
}
