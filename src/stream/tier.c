/* SPDX-License-Identifier: MIT */
#include "stream/tier.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define NONE           UINT32_MAX
#define LOOK_AROUND_MS 20U /* how often a wait for the link looks whether it was cancelled */
#define STAGING_HALVES 2U
#define STAGING_PART   (TIER_STAGING_BYTES / STAGING_HALVES)

enum tier_slot_state {
    TIER_SLOT_EMPTY,
    TIER_SLOT_FILLING, /* the shard crosses, and is held in the host's memory */
    TIER_SLOT_FULL,
    TIER_SLOT_HELD, /* lent by tier_acquire() */
};

struct tier_slot {
    char *memory;
    uint32_t shard_i;
    enum tier_slot_state state;
    uint64_t fence; /* of its last extent */
};

struct tier_shard_state {
    uint32_t n_extents;
    const struct stream_extent *extents;
    enum shard_place place;
    uint32_t river_i;
    char *pin; /* device */
    int is_loaded;
};

struct tier {
    struct backend *device;
    struct stream *stream;
    struct file *const *files;
    uint32_t n_shards;
    struct tier_shard_state *shards;
    struct stream_extent *extents; /* of all shards */
    const void **river_data;       /* [most extents of a shard] */
    char *pin_memory;              /* device */
    char *slot_memory;             /* device */
    char *staging;                 /* [STAGING_HALVES][STAGING_PART]; NULL when nothing is pinned */
    uint32_t *sent;                /* [n_sent] shards in pass order */
    uint32_t n_sent;
    struct tier_slot slots[TIER_SLOTS];
    uint64_t next_fill; /* sent shards counted over all passes: number i goes to slot i % TIER_SLOTS
                           and is sent[i % n_sent] */
    uint64_t next_use;  /* the one that will be acquired next */
    int (*on_pinned)(void *arg, uint32_t shard_i, uint32_t extent_i, void *data);
    void *on_pinned_arg;
    struct tier_stats stats;
    const _Atomic int *cancel;
};

void tier_river_order(const uint8_t *places, uint32_t n_shards, uint32_t *ret_order)
{
    uint32_t n_sent = 0;
    for (uint32_t s = 0; s < n_shards; s++) n_sent += places[s] == SHARD_SENT;
    /* The place of sent shard number i is taken by number i + TIER_SLOTS, round and round. */
    uint32_t next = 0;
    for (uint32_t i = 0; i < TIER_SLOTS % (n_sent ? n_sent : 1); next++) {
        i += places[next] == SHARD_SENT;
    }
    for (uint32_t s = 0; s < n_shards; s++) {
        ret_order[s] = s;
        if (places[s] != SHARD_SENT) continue;
        while (places[next % n_shards] != SHARD_SENT) next++;
        ret_order[s] = next++ % n_shards;
    }
}

static uint64_t place_in(uint64_t *at, uint64_t bytes)
{
    const uint64_t begin = *at;
    *at += size_round_up(bytes, MEM_ALIGN_VECTOR);
    return begin;
}

static int copy_shards(struct tier *tier, const struct tier_config *config)
{
    uint32_t n_extents = 0;
    uint32_t n_most = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        n_extents += config->shards[s].n_extents;
        if (config->shards[s].n_extents > n_most) n_most = config->shards[s].n_extents;
    }
    tier->shards = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(*tier->shards));
    tier->extents = mem_calloc(MEM_GENERAL, n_extents, sizeof(*tier->extents));
    tier->river_data = mem_calloc(MEM_GENERAL, n_most, sizeof(*tier->river_data));
    tier->sent = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(*tier->sent));
    if (!tier->shards || !tier->extents || !tier->river_data || !tier->sent) return NMOS_E_NOMEM;
    struct stream_extent *next = tier->extents;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct stream_shard *from = &config->shards[s];
        struct tier_shard_state *shard = &tier->shards[s];
        shard->n_extents = from->n_extents;
        shard->extents = next;
        for (uint32_t e = 0; e < from->n_extents; e++) *next++ = from->extents[e];
        shard->place = (enum shard_place)config->places[s];
        if (shard->place == SHARD_SENT) tier->sent[tier->n_sent++] = s;
    }
    for (uint32_t r = 0; r < config->n_shards; r++)
        tier->shards[config->river_order[r]].river_i = r;
    return 0;
}

static int take_memory(struct tier *tier, const struct tier_config *config)
{
    const struct backend_ops *ops = tier->device->ops;
    uint64_t pin_bytes = 0;
    uint64_t slot_bytes = 0;
    for (uint32_t s = 0; s < tier->n_shards; s++) {
        const uint64_t bytes = tier_shard_bytes(&config->shards[s]);
        if (tier->shards[s].place == SHARD_DEVICE) pin_bytes += bytes;
        if (tier->shards[s].place == SHARD_SENT && bytes > slot_bytes) slot_bytes = bytes;
    }
    if (pin_bytes) {
        tier->pin_memory = ops->alloc(tier->device, MEM_WEIGHTS, pin_bytes);
        tier->staging = mem_alloc(MEM_SCRATCH, TIER_STAGING_BYTES, MEM_ALIGN_PAGE);
        if (!tier->pin_memory || !tier->staging) return NMOS_E_NOMEM;
    }
    if (slot_bytes) {
        tier->slot_memory = ops->alloc(tier->device, MEM_RING, TIER_SLOTS * slot_bytes);
        if (!tier->slot_memory) return NMOS_E_NOMEM;
    }
    for (uint32_t i = 0; slot_bytes && i < TIER_SLOTS; i++) {
        tier->slots[i].memory = tier->slot_memory + i * slot_bytes;
    }
    uint64_t at = 0;
    for (uint32_t s = 0; s < tier->n_shards; s++) {
        if (tier->shards[s].place != SHARD_DEVICE) continue;
        tier->shards[s].pin = tier->pin_memory + at;
        at += tier_shard_bytes(&config->shards[s]);
    }
    return 0;
}

int tier_open(const struct tier_config *config, struct tier **ret_tier)
{
    struct tier *tier = mem_calloc(MEM_GENERAL, 1, sizeof(*tier));
    if (!tier) return NMOS_E_NOMEM;
    tier->device = config->device;
    tier->stream = config->stream;
    tier->files = config->files;
    tier->n_shards = config->n_shards;
    tier->on_pinned = config->on_pinned;
    tier->on_pinned_arg = config->on_pinned_arg;
    tier->cancel = config->cancel;
    int rc = copy_shards(tier, config);
    if (rc == 0) rc = take_memory(tier, config);
    if (rc < 0) {
        tier_close(&tier);
        return rc;
    }
    *ret_tier = tier;
    return 0;
}

/* Gives up all transfers and what the slots hold. */
static void reset(struct tier *tier)
{
    tier->device->ops->abandon(tier->device);
    for (uint32_t i = 0; i < TIER_SLOTS; i++) {
        struct tier_slot *slot = &tier->slots[i];
        if (slot->state == TIER_SLOT_FILLING) {
            stream_release(tier->stream, tier->shards[slot->shard_i].river_i);
        }
        slot->state = TIER_SLOT_EMPTY;
    }
}

void tier_close(struct tier **tier)
{
    struct tier *t = *tier;
    if (!t) return;
    reset(t);
    t->device->ops->free(t->device, t->pin_memory);
    t->device->ops->free(t->device, t->slot_memory);
    mem_free(t->staging);
    mem_free(t->shards);
    mem_free(t->extents);
    mem_free((void *)t->river_data);
    mem_free(t->sent);
    mem_free(t);
    *tier = NULL;
}

static int check_cancelled(struct tier *tier)
{
    if (!tier->cancel || !atomic_load(tier->cancel)) return 0;
    return FAIL(NMOS_E_CANCELLED, "waiting for the device's link was cancelled");
}

static int wait_for(struct tier *tier, uint64_t fence)
{
    const struct backend_ops *ops = tier->device->ops;
    int rc = ops->fence_wait(tier->device, fence, 0);
    if (rc != NMOS_E_BUSY) return rc;
    const uint64_t start_ns = clock_ns();
    while (rc == NMOS_E_BUSY) {
        rc = check_cancelled(tier);
        if (rc == 0) rc = ops->fence_wait(tier->device, fence, LOOK_AROUND_MS);
    }
    tier->stats.wait_ns += clock_ns() - start_ns;
    return rc;
}

/* The shard of a slot has crossed: the host's copy is of no more use in this pass. */
static void settle(struct tier *tier, struct tier_slot *slot)
{
    stream_release(tier->stream, tier->shards[slot->shard_i].river_i);
    slot->state = TIER_SLOT_FULL;
}

/* The slot that has been on its way longest; NULL when none is. */
static struct tier_slot *oldest_filling(struct tier *tier)
{
    for (uint64_t i = tier->next_use; i < tier->next_fill; i++) {
        struct tier_slot *slot = &tier->slots[i % TIER_SLOTS];
        if (slot->state == TIER_SLOT_FILLING) return slot;
    }
    return NULL;
}

/* Acquires from the River. Where its ring has no room beside shards that wait for the link, these
 * go first. */
static int acquire_from_river(struct tier *tier, uint32_t shard_i, const void **ret_data)
{
    for (;;) {
        const int rc = stream_acquire(tier->stream, tier->shards[shard_i].river_i, ret_data);
        struct tier_slot *slot = rc == NMOS_E_LIMIT ? oldest_filling(tier) : NULL;
        if (!slot) return rc;
        TRY(wait_for(tier, slot->fence));
        settle(tier, slot);
    }
}

static int send_next(struct tier *tier)
{
    struct tier_slot *slot = &tier->slots[tier->next_fill % TIER_SLOTS];
    const uint32_t shard_i = tier->sent[tier->next_fill % tier->n_sent];
    const struct tier_shard_state *shard = &tier->shards[shard_i];
    uint64_t at = 0;
    TRY(acquire_from_river(tier, shard_i, tier->river_data));
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        const uint64_t bytes = shard->extents[e].bytes;
        slot->fence = tier->device->ops->upload_async(
            tier->device, slot->memory + place_in(&at, bytes), tier->river_data[e], bytes);
    }
    slot->shard_i = shard_i;
    slot->state = TIER_SLOT_FILLING;
    tier->next_fill++;
    return 0;
}

/* Gives back what has crossed, and fills every free slot: before anything else is acquired, as the
 * River brings it in this order. */
static int advance(struct tier *tier)
{
    struct tier_slot *slot = oldest_filling(tier);
    while (slot) {
        const int rc = tier->device->ops->fence_wait(tier->device, slot->fence, 0);
        if (rc == NMOS_E_BUSY) break;
        TRY(rc);
        settle(tier, slot);
        slot = oldest_filling(tier);
    }
    while (tier->n_sent && tier->slots[tier->next_fill % TIER_SLOTS].state == TIER_SLOT_EMPTY) {
        TRY(send_next(tier));
    }
    return 0;
}

/* Makes a sent shard the next one. */
static void turn_to(struct tier *tier, uint32_t shard_i)
{
    reset(tier);
    tier->next_use = 0;
    while (tier->sent[tier->next_use] != shard_i) tier->next_use++;
    tier->next_fill = tier->next_use;
}

void tier_begin_pass(struct tier *tier)
{
    if (tier->n_sent && tier->next_use % tier->n_sent != 0) turn_to(tier, tier->sent[0]);
}

void tier_give_up(struct tier *tier)
{
    reset(tier);
    tier->next_fill = tier->next_use;
}

/* Reads an extent into the device's memory, a part at a time: while one is read, the one before it
 * crosses. */
static int load_extent(struct tier *tier, const struct stream_extent *extent, char *to)
{
    const struct backend_ops *ops = tier->device->ops;
    const struct file *file = tier->files[extent->file_i];
    uint64_t fences[STAGING_HALVES] = {0};
    for (uint64_t done = 0, i = 0; done < extent->bytes; done += STAGING_PART, i++) {
        const uint64_t left = extent->bytes - done;
        const uint64_t n = left < STAGING_PART ? left : STAGING_PART;
        char *part = tier->staging + i % STAGING_HALVES * STAGING_PART;
        TRY(check_cancelled(tier));
        TRY(wait_for(tier, fences[i % STAGING_HALVES]));
        TRY(file_read(file, extent->offset + done, n, part));
        tier->stats.loaded_bytes += n;
        fences[i % STAGING_HALVES] = ops->upload_async(tier->device, to + done, part, n);
    }
    for (uint32_t i = 0; i < STAGING_HALVES; i++) TRY(wait_for(tier, fences[i]));
    return file_check_unchanged(file);
}

static int load_pin(struct tier *tier, uint32_t shard_i)
{
    struct tier_shard_state *shard = &tier->shards[shard_i];
    uint64_t at = 0;
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        const uint64_t bytes = shard->extents[e].bytes;
        TRY(load_extent(tier, &shard->extents[e], shard->pin + place_in(&at, bytes)));
    }
    at = 0;
    for (uint32_t e = 0; tier->on_pinned && e < shard->n_extents; e++) {
        char *data = shard->pin + place_in(&at, shard->extents[e].bytes);
        TRY(tier->on_pinned(tier->on_pinned_arg, shard_i, e, data));
    }
    shard->is_loaded = 1;
    return 0;
}

static int take_sent(struct tier *tier, uint32_t shard_i, char **ret_memory)
{
    struct tier_slot *slot = &tier->slots[tier->next_use % TIER_SLOTS];
    assert(slot->shard_i == shard_i && tier->next_use < tier->next_fill);
    if (slot->state == TIER_SLOT_FILLING) {
        const uint64_t wait_ns = tier->stats.wait_ns;
        TRY(wait_for(tier, slot->fence));
        tier->stats.n_late += tier->stats.wait_ns > wait_ns;
        settle(tier, slot);
    }
    slot->state = TIER_SLOT_HELD;
    tier->next_use++;
    *ret_memory = slot->memory;
    return 0;
}

static int acquire(struct tier *tier, uint32_t shard_i, const void **ret_data)
{
    struct tier_shard_state *shard = &tier->shards[shard_i];
    char *memory = shard->pin;
    uint64_t at = 0;
    if (shard->place == SHARD_SENT && tier->sent[tier->next_use % tier->n_sent] != shard_i) {
        turn_to(tier, shard_i);
    }
    TRY(advance(tier));
    if (shard->place == SHARD_HOST) return acquire_from_river(tier, shard_i, ret_data);
    if (shard->place == SHARD_SENT) {
        TRY(take_sent(tier, shard_i, &memory));
    } else if (!shard->is_loaded) {
        TRY(load_pin(tier, shard_i));
    }
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        ret_data[e] = memory + place_in(&at, shard->extents[e].bytes);
    }
    return 0;
}

int tier_acquire(struct tier *tier, uint32_t shard_i, const void **ret_data)
{
    assert(shard_i < tier->n_shards);
    const int rc = acquire(tier, shard_i, ret_data);
    if (rc < 0) tier_give_up(tier);
    return rc;
}

void tier_release(struct tier *tier, uint32_t shard_i)
{
    const struct tier_shard_state *shard = &tier->shards[shard_i];
    if (shard->place == SHARD_HOST) stream_release(tier->stream, shard->river_i);
    if (shard->place != SHARD_SENT) return;
    for (uint32_t i = 0; i < TIER_SLOTS; i++) {
        struct tier_slot *slot = &tier->slots[i];
        if (slot->state == TIER_SLOT_HELD && slot->shard_i == shard_i)
            slot->state = TIER_SLOT_EMPTY;
    }
}

void tier_release_extent(struct tier *tier, uint32_t shard_i, uint32_t extent_i)
{
    const struct tier_shard_state *shard = &tier->shards[shard_i];
    if (shard->place != SHARD_HOST) return;
    stream_release_extent(tier->stream, shard->river_i, extent_i);
}

void tier_stats(const struct tier *tier, struct tier_stats *ret_stats)
{
    *ret_stats = tier->stats;
}
