/* SPDX-License-Identifier: MIT */
#include "stream/stream.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/file.h"

/* One extent and where it lies. */
struct place {
    struct stream_extent extent;
    uint64_t memory_offset; /* in `memory` */
    int is_loaded;
};

struct stream {
    struct file *const *files;
    uint32_t n_files;
    uint32_t n_shards;
    uint32_t *first_place; /* [n_shards + 1] */
    struct place *places;
    char *memory;
    char **names; /* [n_shards] */
    int (*on_pinned)(void *arg, uint32_t shard_i, uint32_t extent_i, void *data);
    void *on_pinned_arg;
    _Atomic int is_cancelled;
    pthread_mutex_t lock;
    struct stream_stats stats; /* guarded by lock */
    uint64_t opened_ns;
};

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

static int place_extents(struct stream *stream, const struct stream_config *config)
{
    uint32_t n = 0;
    uint64_t memory_bytes = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) n += config->shards[s].n_extents;
    stream->first_place = mem_calloc(MEM_GENERAL, config->n_shards + 1, sizeof(uint32_t));
    stream->places = mem_calloc(MEM_GENERAL, n, sizeof(struct place));
    stream->names = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(char *));
    if (!stream->first_place || !stream->places || !stream->names) return NMOS_E_NOMEM;
    n = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct stream_shard *shard = &config->shards[s];
        stream->names[s] = mem_strndup(MEM_GENERAL, shard->name, strlen(shard->name));
        if (!stream->names[s]) return NMOS_E_NOMEM;
        for (uint32_t e = 0; e < shard->n_extents; e++) {
            TRY(check_extent(config, shard->name, &shard->extents[e]));
            stream->places[n++] = (struct place){shard->extents[e], memory_bytes, 0};
            memory_bytes += size_round_up(shard->extents[e].bytes, MEM_ALIGN_VECTOR);
        }
        stream->first_place[s + 1] = n;
    }
    stream->memory = mem_alloc(MEM_WEIGHTS, memory_bytes, MEM_ALIGN_PAGE);
    if (!stream->memory) return NMOS_E_NOMEM;
    stream->stats.pinned_bytes = memory_bytes;
    return 0;
}

int stream_open(const struct stream_config *config, struct stream **ret_stream)
{
    struct stream *stream = mem_calloc(MEM_GENERAL, 1, sizeof(*stream));
    if (!stream) return NMOS_E_NOMEM;
    pthread_mutex_init(&stream->lock, NULL);
    stream->files = config->files;
    stream->n_files = config->n_files;
    stream->n_shards = config->n_shards;
    stream->on_pinned = config->on_pinned;
    stream->on_pinned_arg = config->on_pinned_arg;
    stream->opened_ns = clock_ns();
    const int rc = place_extents(stream, config);
    if (rc < 0) {
        stream_close(&stream);
        return rc;
    }
    *ret_stream = stream;
    return 0;
}

static int load(struct stream *stream, uint32_t shard_i, uint32_t extent_i)
{
    struct place *place = &stream->places[stream->first_place[shard_i] + extent_i];
    const struct stream_extent *extent = &place->extent;
    char *data = stream->memory + place->memory_offset;
    if (place->is_loaded) return 0;
    TRY(file_read(stream->files[extent->file_i], extent->offset, extent->bytes, data));
    if (extent->pinned && stream->on_pinned) {
        TRY(stream->on_pinned(stream->on_pinned_arg, shard_i, extent_i, data));
    }
    place->is_loaded = extent->pinned;
    pthread_mutex_lock(&stream->lock);
    stream->stats.bytes_read += extent->bytes;
    stream->stats.pinned_ready += extent->bytes;
    pthread_mutex_unlock(&stream->lock);
    return 0;
}

int stream_acquire(struct stream *stream, uint32_t shard_i, const void **ret_data)
{
    const uint64_t start_ns = clock_ns();
    if (atomic_exchange(&stream->is_cancelled, 0)) {
        return FAIL(NMOS_E_CANCELLED, "reading of %s was cancelled", stream->names[shard_i]);
    }
    const uint32_t first = stream->first_place[shard_i];
    const uint32_t n = stream->first_place[shard_i + 1] - first;
    for (uint32_t e = 0; e < n; e++) TRY(load(stream, shard_i, e));
    for (uint32_t e = 0; e < n; e++) {
        ret_data[e] = stream->memory + stream->places[first + e].memory_offset;
    }
    pthread_mutex_lock(&stream->lock);
    stream->stats.n_acquired++;
    stream->stats.stall_ns += clock_ns() - start_ns;
    pthread_mutex_unlock(&stream->lock);
    return 0;
}

void stream_release(struct stream *stream, uint32_t shard_i)
{
    (void)stream;
    (void)shard_i;
}

void stream_cancel(struct stream *stream)
{
    atomic_store(&stream->is_cancelled, 1);
}

int stream_read(const struct stream *stream, uint32_t file_i, uint64_t offset, uint64_t n_bytes,
                void *ret_bytes)
{
    return file_read(stream->files[file_i], offset, n_bytes, ret_bytes);
}

void stream_stats(struct stream *stream, struct stream_stats *ret_stats)
{
    pthread_mutex_lock(&stream->lock);
    *ret_stats = stream->stats;
    pthread_mutex_unlock(&stream->lock);
    ret_stats->open_ns = clock_ns() - stream->opened_ns;
}

void stream_close(struct stream **stream)
{
    struct stream *s = *stream;
    if (!s) return;
    for (uint32_t i = 0; s->names && i < s->n_shards; i++) mem_free(s->names[i]);
    mem_free(s->names);
    mem_free(s->first_place);
    mem_free(s->places);
    mem_free(s->memory);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
    *stream = NULL;
}
