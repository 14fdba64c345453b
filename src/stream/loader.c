/* SPDX-License-Identifier: MIT */
/*
 * The reading thread of the River: keeps reads in flight, in the order of need.
 *
 * It asks for two kinds of things: pins not yet loaded, and the next slot of the ring. Of both, the
 * one needed sooner goes first; when the ring is full, pins further ahead keep the disk busy. It
 * sleeps only when nothing is in flight and nothing can be asked for. The lock is not held during
 * submission and waiting.
 *
 * Who waits for a shard is woken only when the next reads have been asked for: it computes on every
 * core then, and this thread may not run again for a slice of the scheduler's (3 ms), in which the
 * disk would have nothing to do. (That was 8 % of a pass on two cores.)
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sched.h"
#include "stream/stream_internal.h"

/* Waiting for completions ends at least this often to look whether the ring has room again. */
#define REAP_TIMEOUT_MS  4U
/* Enough to keep a disk busy while the thread is late by 10 ms: 1.6 GB/s x 10 ms = 16 MB. */
#define FLIGHT_BYTES_MAX (24U << 20)

uint64_t loader_region_bytes(const struct stream_extent *extent, uint32_t align)
{
    const uint64_t begin = extent->offset & ~(uint64_t)(align - 1);
    return size_round_up(extent->offset + extent->bytes - begin, align);
}

void loader_account_time(struct stream *stream)
{
    const uint64_t now_ns = clock_ns();
    const uint64_t past_ns = now_ns - stream->stats_ns;
    if (stream->bytes_in_flight > 0) {
        stream->stats.busy_ns += past_ns;
        stream->stats.depth_kib_ns += past_ns * (stream->bytes_in_flight >> 10);
    }
    stream->stats_ns = now_ns;
}

void loader_drop_uses(struct stream *stream, uint64_t from, uint64_t to)
{
    for (uint64_t i = stream->ring.head; i < stream->ring.tail; i++) {
        struct slot *slot = ring_at(&stream->ring, i);
        if (slot->use_i < from || slot->use_i >= to || slot->state == SLOT_HELD) continue;
        slot->state = SLOT_DROPPED;
        if (slot == stream->filling) stream->filling = NULL;
    }
    ring_reclaim(&stream->ring);
}

bool loader_wants(const struct slot *pin)
{
    return pin->state == SLOT_EMPTY ||
           (pin->state == SLOT_FILLING && pin->issued < pin->region_bytes);
}

/* When use @p use will be asked for: the last lending, and what the shards up to there take. 0
 * while one of them has not been used yet. */
static uint64_t predict_need(const struct stream *stream, uint64_t use)
{
    uint64_t need_ns = stream->lent_ns;
    if (need_ns == 0) return 0;
    if (stream->shards[stream->lent_shard_i].use_ns == 0) return 0;
    need_ns += stream->shards[stream->lent_shard_i].use_ns;
    for (uint64_t u = stream->next_use; u < use; u++) {
        const uint64_t use_ns = stream->shards[u % stream->n_shards].use_ns;
        if (use_ns == 0) return 0;
        need_ns += use_ns;
    }
    return need_ns;
}

/* Moves the fill position to the next streamed extent; false when a whole pass lies ahead already.
 */
static bool find_next_to_fill(struct stream *stream)
{
    const uint64_t end = stream->next_use + stream->n_shards;
    for (; stream->fill_use < end; stream->fill_use++, stream->fill_extent = 0) {
        const struct shard *shard = &stream->shards[stream->fill_use % stream->n_shards];
        for (; stream->fill_extent < shard->n_extents; stream->fill_extent++) {
            if (!stream->extents[shard->first_extent + stream->fill_extent].pinned) return true;
        }
    }
    return false;
}

/* The ring slot to ask for next, allocated if there is room; NULL when there is none. */
static struct slot *next_ring_slot(struct stream *stream)
{
    if (stream->filling) return stream->filling;
    if (stream->ring.bytes == 0 || !find_next_to_fill(stream)) return NULL;
    const uint32_t shard_i = (uint32_t)(stream->fill_use % stream->n_shards);
    struct shard *shard = &stream->shards[shard_i];
    const uint32_t extent_i = shard->first_extent + stream->fill_extent;
    const struct stream_extent *extent = &stream->extents[extent_i];
    struct slot *slot = ring_push(&stream->ring, loader_region_bytes(extent, stream->align));
    if (!slot) return NULL;
    if (shard->slots_use != stream->fill_use) {
        shard->slots_use = stream->fill_use;
        shard->first_slot = stream->ring.tail - 1;
    }
    slot->state = SLOT_FILLING;
    slot->use_i = stream->fill_use;
    slot->need_ns = predict_need(stream, stream->fill_use);
    slot->shard_i = shard_i;
    slot->extent_i = extent_i;
    slot->begin = extent->offset & ~(uint64_t)(stream->align - 1);
    stream->fill_extent++;
    stream->filling = slot;
    return slot;
}

/* The pin to ask for next, NULL when all have been. */
static struct slot *next_pin_slot(struct stream *stream)
{
    if (stream->n_pins_to_issue == 0) return NULL;
    for (uint32_t n = 0; n < stream->n_pins; n++) {
        struct slot *slot = &stream->pins[stream->pin_cursor].slot;
        if (loader_wants(slot)) return slot;
        stream->pin_cursor = (stream->pin_cursor + 1) % stream->n_pins;
    }
    return NULL;
}

/* How many shards will be acquired before this one. */
static uint64_t uses_ahead(const struct stream *stream, uint32_t shard_i)
{
    const uint64_t position = stream->next_use % stream->n_shards;
    return (shard_i + stream->n_shards - position) % stream->n_shards;
}

static struct slot *next_slot(struct stream *stream)
{
    struct slot *pin = next_pin_slot(stream);
    if (pin) {
        const uint64_t ring_use = stream->filling ? stream->filling->use_i : stream->fill_use;
        if (stream->next_use + uses_ahead(stream, pin->shard_i) <= ring_use) return pin;
    }
    struct slot *slot = next_ring_slot(stream);
    return slot ? slot : pin;
}

static void note_failure(struct stream *stream, struct slot *slot, int status, const char *message)
{
    if (slot->state != SLOT_FILLING) return; /* dropped, or told already */
    slot->state = SLOT_FAILED;
    if (slot == stream->filling) stream->filling = NULL;
    if (stream->failure_status < 0 &&
        uses_ahead(stream, stream->failure_shard_i) <= uses_ahead(stream, slot->shard_i)) {
        return;
    }
    stream->failure_status = status;
    stream->failure_shard_i = slot->shard_i;
    snprintf(stream->failure, sizeof(stream->failure), "%s: %s", stream->shards[slot->shard_i].name,
             message);
}

static bool is_pin(const struct stream *stream, const struct slot *slot)
{
    return stream->extents[slot->extent_i].pinned;
}

/* A pin that failed half-way is not asked for further. */
static void count_issued_pin(struct stream *stream, const struct slot *slot)
{
    if (is_pin(stream, slot)) stream->n_pins_to_issue--;
}

static void count_behind(struct stream *stream, const struct slot *slot)
{
    const uint64_t now_ns = clock_ns();
    if (slot->need_ns == 0 || now_ns <= slot->need_ns) return;
    stream->stats.n_behind++;
    if (now_ns - slot->need_ns > stream->stats.behind_max_ns) {
        stream->stats.behind_max_ns = now_ns - slot->need_ns;
    }
}

static void settle(struct stream *stream, const struct ioq_done *done, uint32_t n_bytes)
{
    struct slot *slot = (struct slot *)(uintptr_t)done->tag;
    const struct stream_extent *extent = &stream->extents[slot->extent_i];
    slot->n_pending--;
    stream->bytes_in_flight -= n_bytes;
    stream->stats.n_reads++;
    stream->stats.n_retries += done->n_retries;
    const bool was_asked_in_full = slot->issued >= slot->region_bytes;
    if (done->status < 0) {
        if (slot->state == SLOT_FILLING && !was_asked_in_full) count_issued_pin(stream, slot);
        note_failure(stream, slot, done->status, done->message);
    }
    if (slot->state == SLOT_FILLING && was_asked_in_full && slot->n_pending == 0) {
        const int rc = file_check_unchanged(stream->files[extent->file_i]);
        if (rc < 0) {
            note_failure(stream, slot, rc, error_message());
        } else {
            slot->state = SLOT_FULL;
            count_behind(stream, slot);
            if (is_pin(stream, slot)) stream->stats.pinned_ready += slot->region_bytes;
        }
    }
    if (slot->state == SLOT_DROPPED) ring_reclaim(&stream->ring);
}

/* Bytes of the read of @p slot that begins at @p issued. */
static uint32_t next_read_bytes(const struct stream *stream, const struct slot *slot)
{
    const uint64_t left = slot->region_bytes - slot->issued;
    return left < stream->read_bytes ? (uint32_t)left : stream->read_bytes;
}

/* Asks for one more read. @return false when there is nothing to ask for or the queue is full. */
static bool issue_one(struct stream *stream)
{
    if (ioq_in_flight(stream->ioq) >= ioq_depth(stream->ioq)) return false;
    if (stream->bytes_in_flight > 0 &&
        stream->bytes_in_flight + stream->read_bytes > FLIGHT_BYTES_MAX) {
        return false;
    }
    struct slot *slot = next_slot(stream);
    if (!slot) return false;
    const uint32_t n_bytes = next_read_bytes(stream, slot);
    const struct ioq_read read = {
        .offset = slot->begin + slot->issued,
        .bytes = n_bytes,
        .file_i = stream->extents[slot->extent_i].file_i,
        .dst = slot->region + slot->issued,
        .tag = (uint64_t)(uintptr_t)slot,
    };
    loader_account_time(stream);
    slot->state = SLOT_FILLING;
    slot->n_pending++;
    slot->issued += n_bytes;
    stream->bytes_in_flight += n_bytes;
    stream->stats.bytes_read += n_bytes;
    if (slot->issued >= slot->region_bytes) {
        if (slot == stream->filling) stream->filling = NULL;
        count_issued_pin(stream, slot);
    }
    pthread_mutex_unlock(&stream->lock);
    /* A direct read touches its pages when it is asked for; with reading threads, later. */
    const uint64_t touch_ns = mem_touch_begin();
    const int rc = ioq_submit(stream->ioq, &read);
    if (is_pin(stream, slot)) mem_touch_end(stream->pin_memory, touch_ns, n_bytes);
    pthread_mutex_lock(&stream->lock);
    if (rc < 0) {
        struct ioq_done done = {.tag = read.tag, .status = rc};
        snprintf(done.message, sizeof(done.message), "%s", error_message());
        settle(stream, &done, n_bytes);
        stream->has_news = true;
    }
    return true;
}

static void reap(struct stream *stream)
{
    struct ioq_done done[IOQ_DEPTH_MAX];
    pthread_mutex_unlock(&stream->lock);
    const uint32_t n = ioq_reap(stream->ioq, done, IOQ_DEPTH_MAX, REAP_TIMEOUT_MS);
    pthread_mutex_lock(&stream->lock);
    if (n == 0) return;
    loader_account_time(stream);
    stream->progress_ns = stream->stats_ns;
    for (uint32_t i = 0; i < n; i++) settle(stream, &done[i], done[i].n_bytes);
    stream->has_news = true;
}

static void tell_news(struct stream *stream)
{
    if (stream->has_news) pthread_cond_broadcast(&stream->has_progress);
    stream->has_news = false;
}

void *loader_main(void *arg)
{
    struct stream *stream = arg;
    sched_ask_short_slice();
    pthread_mutex_lock(&stream->lock);
    while (!stream->must_stop) {
        while (!stream->must_stop && stream->may_read && issue_one(stream)) {
        }
        tell_news(stream);
        if (stream->must_stop) break;
        if (stream->bytes_in_flight > 0) {
            reap(stream);
        } else {
            stream->is_idle = true;
            pthread_cond_broadcast(&stream->has_progress);
            pthread_cond_wait(&stream->has_work, &stream->lock);
        }
    }
    ioq_cancel_all(stream->ioq);
    while (stream->bytes_in_flight > 0) reap(stream);
    tell_news(stream);
    pthread_mutex_unlock(&stream->lock);
    return NULL;
}

int loader_start(struct stream *stream)
{
    stream->must_stop = false;
    const int error = pthread_create(&stream->thread, NULL, loader_main, stream);
    if (error) return FAIL(NMOS_E_NOMEM, "cannot start the reading thread: %s", strerror(error));
    stream->has_thread = true;
    return 0;
}

void loader_stop(struct stream *stream)
{
    if (!stream->has_thread) return;
    pthread_mutex_lock(&stream->lock);
    stream->must_stop = true;
    pthread_cond_signal(&stream->has_work);
    pthread_mutex_unlock(&stream->lock);
    pthread_join(stream->thread, NULL);
    stream->has_thread = false;
}
