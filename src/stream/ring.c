/* SPDX-License-Identifier: MIT */
#include "stream/ring.h"

#include <string.h>

#include "base/mem.h"

int ring_init(struct ring *ring, uint64_t bytes, uint32_t align, uint32_t capacity)
{
    *ring = (struct ring){.bytes = bytes, .capacity = capacity};
    if (bytes == 0) return 0;
    ring->memory = mem_alloc(MEM_RING, bytes, align);
    ring->slots = mem_calloc(MEM_GENERAL, capacity, sizeof(*ring->slots));
    if (ring->memory && ring->slots) return 0;
    ring_deinit(ring);
    return NMOS_E_NOMEM;
}

void ring_deinit(struct ring *ring)
{
    mem_free(ring->memory);
    mem_free(ring->slots);
    *ring = (struct ring){0};
}

/* Where a region fits, or ring->bytes when it does not. */
static uint64_t room_for(const struct ring *ring, uint64_t region_bytes)
{
    if (ring->head == ring->tail) return region_bytes <= ring->bytes ? 0 : ring->bytes;
    const struct slot *first = ring_at(ring, ring->head);
    const struct slot *last = ring_at(ring, ring->tail - 1);
    const uint64_t read_at = (uint64_t)(first->region - ring->memory);
    const uint64_t write_at = (uint64_t)(last->region - ring->memory) + last->region_bytes;
    if (last->region < first->region) { /* the allocated part goes round the end */
        return region_bytes <= read_at - write_at ? write_at : ring->bytes;
    }
    if (region_bytes <= ring->bytes - write_at) return write_at;
    return region_bytes <= read_at ? 0 : ring->bytes;
}

struct slot *ring_push(struct ring *ring, uint64_t region_bytes)
{
    if (ring->bytes == 0 || ring->tail - ring->head >= ring->capacity) return NULL;
    const uint64_t at = room_for(ring, region_bytes);
    if (at >= ring->bytes) return NULL;
    struct slot *slot = ring_at(ring, ring->tail++);
    memset(slot, 0, sizeof(*slot));
    slot->region = ring->memory + at;
    slot->region_bytes = region_bytes;
    return slot;
}

void ring_reclaim(struct ring *ring)
{
    while (ring->head < ring->tail) {
        const struct slot *slot = ring_at(ring, ring->head);
        if (slot->state != SLOT_DROPPED || slot->n_pending > 0) break;
        ring->head++;
    }
}
