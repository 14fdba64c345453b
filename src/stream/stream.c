/* SPDX-License-Identifier: MIT */
#include "stream/stream.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stream/stream_internal.h"

#define READ_BYTES_DEFAULT     (4U << 20)
#define STALL_LIMIT_MS_DEFAULT 60000U
#define OWN_QUEUE_DEPTH        16U
#define LOOK_AROUND_MS         200U /* how often a waiting acquire looks at the clock */

/* The gap at the end of the ring is smaller than the extent that did not fit there. That is never
 * the first of a shard: where it does not fit, it waits until the ring is empty and begins again.
 */
uint64_t stream_ring_need(const struct stream_extent *extents, uint32_t n_extents)
{
    uint64_t sum = 0;
    uint64_t gap = 0;
    for (uint32_t e = 0; e < n_extents; e++) {
        if (extents[e].pinned) continue;
        const uint64_t bytes = loader_region_bytes(&extents[e], STREAM_ALIGN_MIN);
        if (sum > 0 && bytes > gap) gap = bytes;
        sum += bytes;
    }
    return sum + gap;
}

uint64_t stream_ring_bytes_min(const struct stream_shard *shards, uint32_t n_shards)
{
    uint64_t ring_min = 0;
    for (uint32_t s = 0; s < n_shards; s++) {
        const uint64_t need = stream_ring_need(shards[s].extents, shards[s].n_extents);
        if (need > ring_min) ring_min = need;
    }
    return ring_min;
}

uint64_t stream_pinned_bytes(const struct stream_shard *shards, uint32_t n_shards)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < n_shards; s++) {
        for (uint32_t e = 0; e < shards[s].n_extents; e++) {
            if (!shards[s].extents[e].pinned) continue;
            sum += loader_region_bytes(&shards[s].extents[e], STREAM_ALIGN_MIN);
        }
    }
    return sum;
}

static int check_extent(const struct stream_config *config, const char *name,
                        const struct stream_extent *extent)
{
    if (extent->file_i >= config->n_files) {
        return FAIL(NMOS_E_INVALID, "%s: file %u of %u", name, extent->file_i, config->n_files);
    }
    uint64_t end = 0;
    const struct file *file = config->files[extent->file_i];
    if (extent->bytes == 0 || __builtin_add_overflow(extent->offset, extent->bytes, &end) ||
        end > file->bytes) {
        return FAIL(NMOS_E_INVALID,
                    "%s: %" PRIu64 " bytes at offset %" PRIu64 " do not lie in %s of %" PRIu64
                    " bytes",
                    name, extent->bytes, extent->offset, file->path, file->bytes);
    }
    return 0;
}

/* Counts extents and pins, and checks all of them. */
static int check_shards(const struct stream_config *config, struct stream *stream)
{
    uint64_t n_extents = 0;
    if (config->n_shards == 0 || config->n_shards > STREAM_SHARDS_MAX) {
        return FAIL(NMOS_E_LIMIT, "%u shards are not in 1..%u", config->n_shards,
                    STREAM_SHARDS_MAX);
    }
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct stream_shard *shard = &config->shards[s];
        n_extents += shard->n_extents;
        if (n_extents > STREAM_EXTENTS_MAX) {
            return FAIL(NMOS_E_LIMIT, "more than %u extents", STREAM_EXTENTS_MAX);
        }
        for (uint32_t e = 0; e < shard->n_extents; e++) {
            TRY(check_extent(config, shard->name, &shard->extents[e]));
            stream->n_pins += shard->extents[e].pinned != 0;
        }
    }
    stream->n_extents = (uint32_t)n_extents;
    const uint64_t ring_min = stream_ring_bytes_min(config->shards, config->n_shards);
    if (config->ring_bytes < ring_min) {
        return FAIL(NMOS_E_LIMIT,
                    "a ring of %" PRIu64 " bytes cannot hold the largest shard; %" PRIu64
                    " bytes would do",
                    config->ring_bytes, ring_min);
    }
    return 0;
}

static int copy_shards(const struct stream_config *config, struct stream *stream)
{
    stream->shards = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(*stream->shards));
    stream->extents = mem_calloc(MEM_GENERAL, stream->n_extents, sizeof(*stream->extents));
    stream->pin_of_extent = mem_calloc(MEM_GENERAL, stream->n_extents, sizeof(uint32_t));
    if (!stream->shards || !stream->extents || !stream->pin_of_extent) return NMOS_E_NOMEM;
    uint32_t n_extents = 0;
    uint32_t n_pins = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct stream_shard *from = &config->shards[s];
        struct shard *shard = &stream->shards[s];
        shard->name = mem_strndup(MEM_GENERAL, from->name, strlen(from->name));
        if (!shard->name) return NMOS_E_NOMEM;
        shard->first_extent = n_extents;
        shard->n_extents = from->n_extents;
        shard->slots_use = USE_NONE;
        for (uint32_t e = 0; e < from->n_extents; e++) {
            stream->pin_of_extent[n_extents] = n_pins;
            n_pins += from->extents[e].pinned != 0;
            stream->extents[n_extents++] = from->extents[e];
        }
    }
    return 0;
}

static int place_pins(struct stream *stream)
{
    uint64_t at = 0;
    stream->pins = mem_calloc(MEM_GENERAL, stream->n_pins, sizeof(*stream->pins));
    if (!stream->pins) return NMOS_E_NOMEM;
    for (int is_placing = 0; is_placing < 2; is_placing++) {
        at = 0;
        for (uint32_t s = 0; s < stream->n_shards; s++) {
            const struct shard *shard = &stream->shards[s];
            for (uint32_t e = shard->first_extent; e < shard->first_extent + shard->n_extents;
                 e++) {
                const struct stream_extent *extent = &stream->extents[e];
                if (!extent->pinned) continue;
                const uint64_t bytes = loader_region_bytes(extent, stream->align);
                if (is_placing) {
                    stream->pins[stream->pin_of_extent[e]].slot = (struct slot){
                        .region = stream->pin_memory + at,
                        .begin = extent->offset & ~(uint64_t)(stream->align - 1),
                        .region_bytes = bytes,
                        .shard_i = s,
                        .extent_i = e,
                    };
                }
                at += bytes;
            }
        }
        if (!is_placing && at > 0) {
            stream->pin_memory = mem_alloc(MEM_WEIGHTS, at, stream->align);
            if (!stream->pin_memory) return NMOS_E_NOMEM;
        }
    }
    stream->stats.pinned_bytes = at;
    stream->n_pins_to_issue = stream->n_pins;
    return 0;
}

int stream_make_ring(struct stream *stream, uint64_t ring_bytes)
{
    /* Room for one pass ahead, what is held, and what was dropped with reads pending. */
    const uint32_t capacity = 2 * (stream->n_extents - stream->n_pins) + IOQ_DEPTH_MAX;
    TRY(ring_init(&stream->ring, ring_bytes, stream->align, capacity));
    stream->stats.ring_bytes = ring_bytes;
    return 0;
}

void stream_register_ring(struct stream *stream)
{
    void *const base = stream->ring.memory;
    const size_t bytes = stream->ring.bytes;
    ioq_register_memory(stream->ioq, &base, &bytes, bytes > 0);
}

static int open_queue(const struct stream_config *config, struct stream *stream)
{
    stream->ioq = config->ioq;
    if (!config->ioq) {
        TRY(ioq_open_best(IOQ_AUTO, config->files, config->n_files, config->ring_bytes > 0,
                          OWN_QUEUE_DEPTH, &stream->own_ioq));
        stream->ioq = stream->own_ioq;
    }
    return 0;
}

static int open_parts(const struct stream_config *config, struct stream *stream)
{
    stream->align = STREAM_ALIGN_MIN;
    for (uint32_t i = 0; i < config->n_files; i++) {
        if (config->files[i]->align > stream->align) stream->align = config->files[i]->align;
    }
    TRY(check_shards(config, stream));
    TRY(copy_shards(config, stream));
    TRY(place_pins(stream));
    TRY(stream_make_ring(stream, config->ring_bytes));
    TRY(open_queue(config, stream));
    stream_register_ring(stream);
    return loader_start(stream);
}

int stream_open(const struct stream_config *config, struct stream **ret_stream)
{
    struct stream *stream = mem_calloc(MEM_GENERAL, 1, sizeof(*stream));
    if (!stream) return NMOS_E_NOMEM;
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->has_work, NULL);
    clock_cond_init(&stream->has_progress);
    stream->files = config->files;
    stream->n_files = config->n_files;
    stream->n_shards = config->n_shards;
    stream->read_bytes = config->read_bytes ? config->read_bytes : READ_BYTES_DEFAULT;
    stream->stall_limit_ms =
        config->stall_limit_ms ? config->stall_limit_ms : STALL_LIMIT_MS_DEFAULT;
    stream->on_pinned = config->on_pinned;
    stream->on_pinned_arg = config->on_pinned_arg;
    stream->cancel = config->cancel;
    stream->may_read = !config->starts_late;
    stream->opened_ns = clock_ns();
    stream->stats_ns = stream->opened_ns;
    const int rc = open_parts(config, stream);
    if (rc < 0) {
        stream_close(&stream);
        return rc;
    }
    *ret_stream = stream;
    return 0;
}

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
        const struct slot *slot = slot_of(stream, shard, e);
        if (slot && slot->state == SLOT_EMPTY) {
            stream->pin_cursor = stream->pin_of_extent[slot->extent_i];
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

void stream_close(struct stream **stream)
{
    struct stream *s = *stream;
    if (!s) return;
    loader_stop(s);
    ioq_close(&s->own_ioq);
    for (uint32_t i = 0; s->shards && i < s->n_shards; i++) mem_free(s->shards[i].name);
    ring_deinit(&s->ring);
    mem_free(s->shards);
    mem_free(s->extents);
    mem_free(s->pin_of_extent);
    mem_free(s->pins);
    mem_free(s->pin_memory);
    pthread_cond_destroy(&s->has_progress);
    pthread_cond_destroy(&s->has_work);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
    *stream = NULL;
}
