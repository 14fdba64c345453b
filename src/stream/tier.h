/* SPDX-License-Identifier: MIT */
/*
 * The second tier of the River: weights from the host's memory to a device, ahead of need.
 *
 * Shards are computed at the host, or at the device, where they are pinned (uploaded once) or to
 * which they are sent in every pass through TIER_SLOTS slots: while one is computed the next is on
 * its way. A sent shard is held in the host's memory, pin or ring, only until it has crossed. The
 * caller's thread acquires all shards, from the River too; the backend carries the transfers beside
 * it. The River brings sent shards in the order in which slots become free for them, which is
 * earlier than they are computed: tier_river_order().
 *
 * One thread acquires and releases. Nothing is allocated after tier_open(). Knows bytes; not what a
 * layer computes.
 */
#ifndef NMOS_STREAM_TIER_H
#define NMOS_STREAM_TIER_H

#include "backend/backend.h"
#include "io/file.h"
#include "stream/stream.h"
#include "stream/tier_placement.h"

struct tier;

/** Of the host's memory, for loading pins of the device. */
#define TIER_STAGING_BYTES ((uint64_t)4 << 20)

struct tier_stats {
    uint64_t wait_ns;      /* tier_acquire() waited for the link */
    uint64_t n_late;       /* sent shards that had not crossed when asked for */
    uint64_t loaded_bytes; /* read from the files for pins of the device */
};

struct tier_config {
    struct backend *device;            /* borrowed */
    struct stream *stream;             /* borrowed; its shard r is shard river_order[r] here */
    struct file *const *files;         /* borrowed */
    const struct stream_shard *shards; /* [n_shards] in pass order; copied */
    const uint8_t *places;             /* [n_shards] enum shard_place; copied */
    const uint32_t *river_order;       /* [n_shards] of tier_river_order(); copied */
    uint32_t n_shards;
    /** As stream_config.on_pinned, for pins of the device; @p data is the device's memory. */
    int (*on_pinned)(void *arg, uint32_t shard_i, uint32_t extent_i, void *data);
    void *on_pinned_arg;
    const _Atomic int *cancel; /* as stream_config.cancel; looked at every 20 ms while waiting */
};

/** The order in which the River has to bring the shards: ret_order[r] is the r-th one. Those at the
 * host stand in the order of the pass; a sent one stands where the one that leaves it its slot
 * does.
 */
void tier_river_order(const uint8_t *places, uint32_t n_shards, uint32_t *ret_order);

/** Takes the device's memory for pins and slots. @return 0, or NMOS_E_NOMEM with numbers. */
int tier_open(const struct tier_config *config, struct tier **ret_tier) NMOS_MUST_CHECK;

/** Gives up transfers, frees all and nulls the pointer; NULL is a no-op. Before the stream's end.
 */
void tier_close(struct tier **tier);

/** Before a pass: forgets what an unfinished one left. */
void tier_begin_pass(struct tier *tier);

/** Gives up what is on its way, so that nothing of the stream is held; it will be sent anew. */
void tier_give_up(struct tier *tier);

/**
 * Waits until shard @p shard_i is where it is computed, and lends it.
 * @param ret_data  [n_extents] of the host's or the device's memory, valid until tier_release().
 * @return as stream_acquire(); NMOS_E_IO also when a transfer failed.
 */
int tier_acquire(struct tier *tier, uint32_t shard_i, const void **ret_data) NMOS_MUST_CHECK;
void tier_release(struct tier *tier, uint32_t shard_i);

/** As stream_release_extent(), for a shard at the host; others keep what they have. */
void tier_release_extent(struct tier *tier, uint32_t shard_i, uint32_t extent_i);

/** Counters so far, on the thread that acquires. */
void tier_stats(const struct tier *tier, struct tier_stats *ret_stats);

#endif
