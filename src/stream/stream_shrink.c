/* SPDX-License-Identifier: MIT */
/*
 * Fewer pins while the stream is open: the memory of some goes back, the others stay loaded.
 *
 * The reading thread is ended for the time, which cancels what is in flight, so nothing points into
 * the tables that are rebuilt here.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "stream/stream_internal.h"

/* Marks the extents. @return the ring that they need then. */
static uint64_t mark(struct stream *stream, const uint8_t *pinned)
{
    uint64_t ring_min = 0;
    for (uint32_t e = 0; e < stream->n_extents; e++) {
        if (!pinned[e]) stream->extents[e].pinned = 0;
    }
    for (uint32_t s = 0; s < stream->n_shards; s++) {
        const struct shard *shard = &stream->shards[s];
        const uint64_t need =
            stream_ring_need(&stream->extents[shard->first_extent], shard->n_extents);
        if (need > ring_min) ring_min = need;
    }
    return ring_min;
}

static void unmark(struct stream *stream)
{
    for (uint32_t i = 0; i < stream->n_pins; i++) {
        stream->extents[stream->pins[i].slot.extent_i].pinned = 1;
    }
}

/* Moves the pins that stay together and gives the memory of the others back. What was not yet
 * loaded in full is loaded from its beginning. */
static void keep_pins(struct stream *stream)
{
    uint32_t n_kept = 0;
    stream->stats.pinned_bytes = 0;
    stream->stats.pinned_ready = 0;
    stream->n_pins_to_issue = 0;
    for (uint32_t i = 0; i < stream->n_pins; i++) {
        struct pin *pin = &stream->pins[i];
        if (!stream->extents[pin->slot.extent_i].pinned) {
            mem_release_pages(pin->slot.region, pin->slot.region_bytes);
            continue;
        }
        stream->stats.pinned_bytes += pin->slot.region_bytes;
        if (pin->slot.state == SLOT_FULL) {
            stream->stats.pinned_ready += pin->slot.region_bytes;
        } else {
            pin->slot.state = SLOT_EMPTY;
            pin->slot.issued = 0;
            stream->n_pins_to_issue++;
        }
        stream->pins[n_kept++] = *pin;
    }
    stream->n_pins = n_kept;
    stream->pin_cursor = 0;
    uint32_t n_before = 0;
    for (uint32_t e = 0; e < stream->n_extents; e++) {
        stream->pin_of_extent[e] = n_before;
        n_before += stream->extents[e].pinned != 0;
    }
}

/* The ring is empty: filling begins with the next use. */
static void begin_anew(struct stream *stream)
{
    for (uint32_t s = 0; s < stream->n_shards; s++) stream->shards[s].slots_use = USE_NONE;
    stream->fill_use = stream->next_use;
    stream->fill_extent = 0;
    stream->filling = NULL;
    stream->failure_status = 0;
    stream->is_idle = false;
}

int stream_shrink(struct stream *stream, const uint8_t *pinned, uint64_t ring_bytes)
{
    loader_stop(stream);
    pthread_mutex_lock(&stream->lock);
    const uint64_t ring_min = mark(stream, pinned);
    int rc = 0;
    if (ring_bytes < ring_min) {
        unmark(stream);
        rc = FAIL(NMOS_E_LIMIT,
                  "a ring of %" PRIu64 " bytes cannot hold the largest shard; %" PRIu64
                  " bytes would do",
                  ring_bytes, ring_min);
    }
    keep_pins(stream);
    begin_anew(stream);
    if (rc == 0) {
        ring_deinit(&stream->ring);
        rc = stream_make_ring(stream, ring_bytes);
        if (rc == 0) stream_register_ring(stream);
    } else {
        loader_drop_uses(stream, 0, USE_NONE);
    }
    pthread_mutex_unlock(&stream->lock);
    if (rc == NMOS_E_NOMEM) return rc;
    const int start_rc = loader_start(stream);
    return start_rc < 0 ? start_rc : rc;
}
