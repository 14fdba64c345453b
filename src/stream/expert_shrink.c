/* SPDX-License-Identifier: MIT */
/* Fewer slots while the cache is open: the last ones of each class give their memory back. */
#include <assert.h>

#include "base/mem.h"
#include "stream/expert_cache_internal.h"

#define DRAIN_WAIT_MS 50U

/* Ends all reads; what was not complete is forgotten. */
static void drain(struct expert_cache *cache)
{
    if (cache->filling) expert_reads_doom(cache, cache->filling);
    if (cache->paused) expert_reads_doom(cache, cache->paused);
    if (cache->bytes_in_flight > 0) ioq_cancel_all(cache->ioq);
    while (cache->bytes_in_flight > 0) expert_reads_reap(cache, DRAIN_WAIT_MS);
}

static void drop_slots(struct expert_cache *cache, const struct expert_class *class,
                       uint32_t n_slots)
{
    for (uint32_t i = n_slots; i < class->n_slots; i++) {
        struct expert_slot *slot = &cache->slots[class->first_slot + i];
        if (slot->state == EXPERT_READY) cache->slot_of[slot->key] = EXPERT_NONE;
        mem_release_pages(slot->memory, class->slot_bytes);
        *slot = (struct expert_slot){.memory = slot->memory, .key = EXPERT_NONE};
    }
}

void expert_cache_shrink(struct expert_cache *cache, uint64_t bytes)
{
    struct expert_classes *old = &cache->classes;
    struct expert_classes new;
    assert(cache->visit.n == 0);
    expert_classes_plan(cache->layers, cache->n_layers, cache->n_experts, cache->align,
                        cache->n_slots_min, bytes, &new);
    drain(cache);
    cache->count = (struct expert_count){0};
    old->bytes = 0;
    old->n_slots = 0;
    for (uint32_t c = 0; c < old->n; c++) {
        struct expert_class *class = &old->of[c];
        if (new.of[c].n_slots < class->n_slots) {
            drop_slots(cache, class, new.of[c].n_slots);
            class->n_slots = new.of[c].n_slots;
        }
        old->bytes += class->n_slots * class->slot_bytes;
        old->n_slots += class->n_slots;
    }
    cache->stats.n_slots = old->n_slots;
    cache->stats.slot_bytes = old->bytes;
}
