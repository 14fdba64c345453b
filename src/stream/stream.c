/* SPDX-License-Identifier: MIT */
/* The caller's side of the River: shards are acquired in their order, lent and given back. */
#include "stream/stream.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stream/stream_internal.h"

#define LOOK_AROUND_MS 200U /* how often a waiting acquire looks at the clock */

/* The slot of extent number @p e of a shard in its coming use, NULL when none is allocated yet. */
static struct slot *slot_of(const struct stream *stream, const struct shard *shard, uint32_t e)
{
    const uint32_t extent_i = shard->first_extent + e;
    const uint32_t n_pins_before =
        stream->pin_of_extent[extent_i] - stream->pin_of_extent[shard->first_extent];
    if (stream->extents[extent_i].pinned)
        return &stream->pins[stream->pin_of_extent[extent_i]].slot;
    if (shard->slots_use != stream->next_use) return NULL;
    const uint64_t i = shard->first_slot + e - n_pins_before;
    if (i >= stream->ring.tail) return NULL;
    struct slot *slot = ring_at(&stream->ring, i);
    return slot->use_i == stream->next_use ? slot : NULL;
}

/* SLOT_FULL when all extents are there, SLOT_FAILED when one is not to be had, else SLOT_FILLING.
 */
static enum slot_state state_of(const struct stream *stream, const struct shard *shard)
{
    enum slot_state state = SLOT_FULL;
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        const struct slot *slot = slot_of(stream, shard, e);
        if (slot && slot->state == SLOT_FAILED) return SLOT_FAILED;
        if (!slot || slot->state != SLOT_FULL) state = SLOT_FILLING;
    }
    return state;
}

/* Makes @p shard_i the next to be acquired. What was read ahead for shards that are skipped is
 * given up. */
static void turn_to(struct stream *stream, uint32_t shard_i)
{
    const uint64_t position = stream->next_use % stream->n_shards;
    const uint64_t use =
        stream->next_use + (shard_i + stream->n_shards - position) % stream->n_shards;
    if (use != stream->next_use) {
        loader_drop_uses(stream, 0, use);
        stream->next_use = use;
    }
    if (stream->fill_use < use) {
        stream->fill_use = use;
        stream->fill_extent = 0;
    }
    const struct shard *shard = &stream->shards[shard_i];
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        if (!stream->extents[shard->first_extent + e].pinned) continue;
        const uint32_t pin_i = stream->pin_of_extent[shard->first_extent + e];
        if (loader_wants(&stream->pins[pin_i].slot)) {
            stream->pin_cursor = pin_i;
            break;
        }
    }
}

/* Reports why the shard failed and prepares for the next try. */
static int tell_failure(struct stream *stream, uint32_t shard_i)
{
    const struct shard *shard = &stream->shards[shard_i];
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        struct slot *slot = slot_of(stream, shard, e);
        if (!slot || slot->state != SLOT_FAILED || !stream->extents[slot->extent_i].pinned)
            continue;
        slot->state = SLOT_EMPTY;
        slot->issued = 0;
        stream->n_pins_to_issue++;
    }
    loader_drop_uses(stream, stream->next_use, USE_NONE);
    stream->fill_use = stream->next_use;
    stream->fill_extent = 0;
    for (uint32_t s = 0; s < stream->n_shards; s++) {
        struct shard *other = &stream->shards[s];
        if (other->slots_use != USE_NONE && other->slots_use >= stream->next_use) {
            other->slots_use = USE_NONE;
        }
    }
    if (stream->failure_status == 0 || stream->failure_shard_i != shard_i) {
        return FAIL(NMOS_E_IO, "%s could not be read", shard->name);
    }
    const int status = stream->failure_status;
    stream->failure_status = 0;
    return FAIL(status, "%s", stream->failure);
}

static void wait_for_progress(struct stream *stream, uint32_t timeout_ms)
{
    const struct timespec end = clock_after_ms(timeout_ms);
    (void)pthread_cond_timedwait(&stream->has_progress, &stream->lock, &end);
}

/* Nothing is left to read before the oldest slot returns, but that one is held by our caller. */
static bool is_stuck(const struct stream *stream)
{
    const struct ring *ring = &stream->ring;
    return stream->is_idle && ring->head < ring->tail &&
           ring_at(ring, ring->head)->state == SLOT_HELD;
}

static void wake_loader(struct stream *stream)
{
    stream->is_idle = false;
    pthread_cond_signal(&stream->has_work);
}

/* Waits until the shard whose turn it is is complete. */
static int wait_until_full(struct stream *stream, uint32_t shard_i)
{
    const struct shard *shard = &stream->shards[shard_i];
    const uint64_t start_ns = clock_ns();
    bool is_late = false;
    int rc = 0;
    for (;;) {
        if (stream->cancel && atomic_load(stream->cancel)) {
            rc = FAIL(NMOS_E_CANCELLED, "reading of %s was cancelled", shard->name);
            break;
        }
        const enum slot_state state = state_of(stream, shard);
        if (state == SLOT_FULL) break;
        if (state == SLOT_FAILED) {
            rc = tell_failure(stream, shard_i);
            break;
        }
        if (is_stuck(stream)) {
            rc = FAIL(NMOS_E_LIMIT, "%s does not fit into the ring beside the shards still held",
                      shard->name);
            break;
        }
        is_late = true;
        wait_for_progress(stream, stream->stall_limit_ms < LOOK_AROUND_MS ? stream->stall_limit_ms
                                                                          : LOOK_AROUND_MS);
        const uint64_t now_ns = clock_ns();
        const uint64_t since_ns = stream->progress_ns > start_ns ? stream->progress_ns : start_ns;
        if (now_ns > since_ns && (now_ns - since_ns) / 1000000U >= stream->stall_limit_ms) {
            rc = FAIL(NMOS_E_IO, "%s: the disk has not answered for %u ms", shard->name,
                      stream->stall_limit_ms);
            break;
        }
    }
    const uint64_t late_ns = is_late ? clock_ns() - start_ns : 0;
    stream->stats.stall_ns += late_ns;
    if (late_ns > stream->stats.stall_max_ns) stream->stats.stall_max_ns = late_ns;
    stream->stats.n_late += is_late && rc == 0;
    return rc;
}

/* Lends the slots of the shard whose turn it is. */
static void hold(struct stream *stream, struct shard *shard, const void **ret_data)
{
    assert(!shard->is_held);
    shard->held_slot = shard->first_slot;
    shard->n_held = 0;
    shard->is_held = true;
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        struct slot *slot = slot_of(stream, shard, e);
        const struct stream_extent *extent = &stream->extents[slot->extent_i];
        ret_data[e] = slot->region + (extent->offset - slot->begin);
        if (extent->pinned) continue;
        slot->state = SLOT_HELD;
        shard->n_held++;
    }
    stream->next_use++;
    stream->stats.n_acquired++;
    stream->lent_ns = clock_ns();
    stream->lent_shard_i = (uint32_t)(shard - stream->shards);
    if (stream->n_lent++ == 0) stream->held_since_ns = stream->lent_ns;
}

/* The shard lent last has been used until now. */
static void note_use(struct stream *stream)
{
    if (stream->lent_ns == 0) return;
    struct shard *shard = &stream->shards[stream->lent_shard_i];
    const uint64_t use_ns = clock_ns() - stream->lent_ns + 1;
    shard->use_ns = shard->use_ns ? (shard->use_ns + use_ns) / 2 : use_ns;
}

/* Aligns a pin that has just been read, and announces it. */
static int make_ready(struct stream *stream, uint32_t shard_i, uint32_t e, const void *data)
{
    struct pin *pin =
        &stream->pins[stream->pin_of_extent[stream->shards[shard_i].first_extent + e]];
    const struct stream_extent *extent = &stream->extents[pin->slot.extent_i];
    if (pin->is_ready) return 0;
    const size_t shift = (uintptr_t)data % MEM_ALIGN_VECTOR;
    pin->data = pin->slot.region + (extent->offset - pin->slot.begin) - shift;
    if (shift > 0) memmove(pin->data, data, extent->bytes);
    const int rc =
        stream->on_pinned ? stream->on_pinned(stream->on_pinned_arg, shard_i, e, pin->data) : 0;
    if (rc < 0) { /* whatever the bytes are now, they are not the file's */
        pthread_mutex_lock(&stream->lock);
        pin->slot.state = SLOT_EMPTY;
        pin->slot.issued = 0;
        stream->n_pins_to_issue++;
        stream->stats.pinned_ready -= pin->slot.region_bytes;
        pthread_mutex_unlock(&stream->lock);
        return rc;
    }
    pin->is_ready = true;
    return 0;
}

int stream_acquire(struct stream *stream, uint32_t shard_i, const void **ret_data)
{
    assert(shard_i < stream->n_shards);
    struct shard *shard = &stream->shards[shard_i];
    if (!stream->has_thread) return FAIL(NMOS_E_NOMEM, "there was no memory for the ring");
    pthread_mutex_lock(&stream->lock);
    stream->may_read = true;
    note_use(stream);
    turn_to(stream, shard_i);
    wake_loader(stream);
    int rc = wait_until_full(stream, shard_i);
    if (rc == 0) hold(stream, shard, ret_data);
    wake_loader(stream);
    pthread_mutex_unlock(&stream->lock);
    for (uint32_t e = 0; rc == 0 && e < shard->n_extents; e++) {
        const uint32_t extent_i = shard->first_extent + e;
        if (!stream->extents[extent_i].pinned) continue;
        rc = make_ready(stream, shard_i, e, ret_data[e]);
        ret_data[e] = stream->pins[stream->pin_of_extent[extent_i]].data;
        if (rc < 0) stream_release(stream, shard_i);
    }
    return rc;
}

const void *stream_pinned(const struct stream *stream, uint32_t shard_i, uint32_t extent_i)
{
    const uint32_t e = stream->shards[shard_i].first_extent + extent_i;
    if (!stream->extents[e].pinned) return NULL;
    const struct pin *pin = &stream->pins[stream->pin_of_extent[e]];
    return pin->is_ready ? pin->data : NULL;
}

/* Drops a slot of a held shard, if it was not given back before. */
static void drop_held(struct stream *stream, uint64_t slot_i)
{
    if (slot_i >= stream->ring.head) ring_at(&stream->ring, slot_i)->state = SLOT_DROPPED;
}

void stream_release_extent(struct stream *stream, uint32_t shard_i, uint32_t extent_i)
{
    struct shard *shard = &stream->shards[shard_i];
    assert(shard_i < stream->n_shards && extent_i < shard->n_extents);
    const uint32_t e = shard->first_extent + extent_i;
    if (stream->extents[e].pinned) return;
    const uint32_t n_pins_before =
        stream->pin_of_extent[e] - stream->pin_of_extent[shard->first_extent];
    pthread_mutex_lock(&stream->lock);
    assert(shard->is_held);
    drop_held(stream, shard->held_slot + extent_i - n_pins_before);
    ring_reclaim(&stream->ring);
    wake_loader(stream);
    pthread_mutex_unlock(&stream->lock);
}

void stream_release(struct stream *stream, uint32_t shard_i)
{
    assert(shard_i < stream->n_shards);
    struct shard *shard = &stream->shards[shard_i];
    pthread_mutex_lock(&stream->lock);
    assert(shard->is_held);
    for (uint64_t i = 0; i < shard->n_held; i++) drop_held(stream, shard->held_slot + i);
    shard->is_held = false;
    if (--stream->n_lent == 0) stream->stats.held_ns += clock_ns() - stream->held_since_ns;
    if (shard->n_held > 0) {
        ring_reclaim(&stream->ring);
        wake_loader(stream);
    }
    pthread_mutex_unlock(&stream->lock);
}

void stream_turn(struct stream *stream, uint32_t shard_i)
{
    assert(shard_i < stream->n_shards);
    pthread_mutex_lock(&stream->lock);
    assert(stream->n_lent == 0);
    turn_to(stream, shard_i);
    wake_loader(stream);
    pthread_mutex_unlock(&stream->lock);
}

void stream_look(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    pthread_cond_broadcast(&stream->has_progress);
    pthread_mutex_unlock(&stream->lock);
}

int stream_read(const struct stream *stream, uint32_t file_i, uint64_t offset, uint64_t n_bytes,
                void *ret_bytes)
{
    return file_read(stream->files[file_i], offset, n_bytes, ret_bytes);
}

void stream_stats(struct stream *stream, struct stream_stats *ret_stats)
{
    pthread_mutex_lock(&stream->lock);
    loader_account_time(stream);
    *ret_stats = stream->stats;
    pthread_mutex_unlock(&stream->lock);
    ret_stats->open_ns = clock_ns() - stream->opened_ns;
}
