/* SPDX-License-Identifier: MIT */
/* The River is opened and closed: what is asked for is checked, pins and ring get their memory. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stream/stream_internal.h"

#define READ_BYTES_DEFAULT     (4U << 20)
#define STALL_LIMIT_MS_DEFAULT 60000U
#define OWN_QUEUE_DEPTH        16U

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
