/* SPDX-License-Identifier: MIT */
/*
 * The action zone: a fixed piece of memory handed out in slots of any size, first in, first out.
 *
 * A slot is contiguous; one that does not fit behind the last goes to the beginning, and the gap at
 * the end is unused until the ring comes round. Slots may be dropped in any order, their memory
 * returns in the order of allocation. A slot mirrors the aligned range of a file around one extent,
 * so a direct read lands in its final place. Not thread-safe.
 */
#ifndef NMOS_STREAM_RING_H
#define NMOS_STREAM_RING_H

#include <stdint.h>

#include "base/error.h"

enum slot_state {
    SLOT_EMPTY,   /* a pin that is not loaded */
    SLOT_FILLING, /* reads are to come or under way */
    SLOT_FULL,    /* all bytes are there */
    SLOT_FAILED,  /* a read failed; waits for somebody to tell */
    SLOT_HELD,    /* lent by stream_acquire() */
    SLOT_DROPPED, /* of no more use; free once no read is pending */
};

/** Memory for one extent: of the ring, or a pin. */
struct slot {
    char *region;          /* aligned for direct reads */
    uint64_t begin;        /* file offset of region[0], aligned */
    uint64_t region_bytes; /* aligned */
    uint64_t issued;       /* bytes of the region already asked for */
    uint64_t use_i;        /* number of the shard's use, counted over all passes; ring only */
    uint64_t need_ns;      /* when it will be asked for, as predicted; 0: not known. Ring only */
    uint32_t shard_i;
    uint32_t extent_i;  /* over all shards */
    uint32_t n_pending; /* reads under way */
    enum slot_state state;
};

struct ring {
    char *memory;
    uint64_t bytes;
    struct slot *slots; /* [capacity], a circular queue */
    uint32_t capacity;
    uint64_t head; /* slots [head, tail) are allocated; index modulo capacity */
    uint64_t tail;
};

/** Allocates @p bytes (may be 0) at @p align and room for @p capacity slots. @return 0 or
 * NMOS_E_NOMEM. */
int ring_init(struct ring *ring, uint64_t bytes, uint32_t align, uint32_t capacity) NMOS_MUST_CHECK;

void ring_deinit(struct ring *ring);

/** Allocates a slot of @p region_bytes, a multiple of the alignment; only `region` and
 * `region_bytes` are set.
 * @return NULL when there is no room now. */
struct slot *ring_push(struct ring *ring, uint64_t region_bytes);

/** Takes back dropped slots at the head that have no read pending. */
void ring_reclaim(struct ring *ring);

/** Slot number @p i of [head, tail). */
static inline struct slot *ring_at(const struct ring *ring, uint64_t i)
{
    return &ring->slots[i % ring->capacity];
}

#endif
