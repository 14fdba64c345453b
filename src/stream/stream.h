/* SPDX-License-Identifier: MIT */
/*
 * The River: weights from disk to memory, ahead of need.
 *
 * A shard is what a pass acquires and releases as a whole: a layer, or a part of one. It is a list
 * of extents, each one tensor or some rows of one. Extents marked `pinned` are read once and stay;
 * the others pass through a ring of `ring_bytes` in the order in which the shards stand, over and
 * over. A thread of its own keeps reads in flight, beyond the end of a pass into the beginning of
 * the next. Shards may be as small as the caller likes: the ring must hold the streamed extents of
 * the largest one, and should hold those of several.
 *
 * Each shard has a predicted need time: now, and what the shards before it took when they were used
 * last. Shards are used in a circle, so the order of use is the order of these deadlines, and reads
 * go in that order; the times themselves tell how late a read was.
 *
 * With every extent pinned the ring is empty and the same code is the model loader: shard 0 can be
 * computed while shard 1 is still being read. Knows files and bytes; not what a layer computes.
 *
 * One thread acquires and releases; stream_look() and stream_stats() may be called from any
 * thread.
 */
#ifndef NMOS_STREAM_STREAM_H
#define NMOS_STREAM_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define STREAM_ALIGN_MIN   4096U /* extents are read in blocks of this or what their files need */
#define STREAM_SHARDS_MAX  (1U << 20)
#define STREAM_EXTENTS_MAX (1U << 22)

struct file; /* io/file.h */
struct ioq;  /* io/ioq.h */
struct stream;

/** Consecutive bytes of one file that must be consecutive in memory: one tensor, or some of its
 * rows. */
struct stream_extent {
    uint32_t file_i; /* index into stream_config.files */
    uint8_t pinned;  /* read once and kept; else streamed in every pass */
    uint64_t offset; /* absolute, any alignment */
    uint64_t bytes;  /* > 0 */
};

struct stream_shard {
    const char *name; /* for messages, e.g. "blk.17" */
    uint32_t n_extents;
    const struct stream_extent *extents; /* best in the order in which they are used */
};

struct stream_config {
    struct file *const *files; /* [n_files], borrowed until stream_close() */
    uint32_t n_files;
    struct ioq *ioq; /* over the same files, borrowed; NULL: opened here (automatic) */
    const struct stream_shard *shards; /* [n_shards] in pass order; copied, names and extents too */
    uint32_t n_shards;
    uint64_t ring_bytes;       /* memory of the ring, at least stream_ring_bytes_min() */
    uint32_t read_bytes;       /* of one read; 0: 4 MiB */
    uint32_t stall_limit_ms;   /* a device silent for so long has failed; 0: one minute */
    uint8_t starts_late;       /* 1: nothing is read before the first stream_acquire() */
    const _Atomic int *cancel; /* non-zero: nothing is waited for. Borrowed; NULL: never */
    /**
     * Called once for each pinned extent when its bytes are first needed, by stream_acquire() on
     * its caller's thread, e.g. to rearrange them in place for the kernels. @p data is
     * MEM_ALIGN_VECTOR-aligned. NULL: not called.
     * @return 0, or a status that the acquire returns.
     */
    int (*on_pinned)(void *arg, uint32_t shard_i, uint32_t extent_i, void *data);
    void *on_pinned_arg;
};

/** All counted since stream_open(); times in nanoseconds. */
struct stream_stats {
    uint64_t bytes_read;    /* asked from the files, alignment included */
    uint64_t pinned_bytes;  /* memory that the pins take */
    uint64_t pinned_ready;  /* of it, already loaded */
    uint64_t ring_bytes;    /* memory that the ring takes */
    uint64_t stall_ns;      /* waited for in stream_acquire(): by how much shards were late */
    uint64_t stall_max_ns;  /* of it, for one shard */
    uint64_t held_ns;       /* with at least one shard lent: computing */
    uint64_t n_acquired;    /* shards acquired */
    uint64_t n_late;        /* of them, not complete when asked for */
    uint64_t n_behind;      /* extents that came later than their predicted need time */
    uint64_t behind_max_ns; /* by how much at most */
    uint64_t busy_ns;       /* with at least one read in flight */
    uint64_t depth_kib_ns;  /* integral of KiB in flight over time */
    uint64_t n_reads;       /* requests completed */
    uint64_t n_retries;     /* reads repeated after an error or a short read */
    uint64_t open_ns;       /* time since stream_open() */
};

/** Least memory of a ring for these shards (0 when all extents are pinned): the largest shard, and
 * the gap at the end of the ring. Twice that lets reading and computing overlap. */
uint64_t stream_ring_bytes_min(const struct stream_shard *shards, uint32_t n_shards);

/** Memory that the pinned extents of these shards take: their bytes, rounded to blocks. */
uint64_t stream_pinned_bytes(const struct stream_shard *shards, uint32_t n_shards);

/**
 * Allocates pins and ring and starts reading.
 * @return 0; NMOS_E_INVALID for an extent outside its file; NMOS_E_NOMEM; NMOS_E_LIMIT when the
 * ring cannot hold the largest shard (the message says what would).
 */
int stream_open(const struct stream_config *config, struct stream **ret_stream) NMOS_MUST_CHECK;

/**
 * Waits until shard @p shard_i is in memory and lends it.
 * @param ret_data  [n_extents] where each extent's bytes lie, valid until stream_release().
 * Streamed extents are as in the file and as aligned as there; pinned ones are
 * MEM_ALIGN_VECTOR-aligned.
 * @return 0; NMOS_E_IO naming shard, file and cause; NMOS_E_CANCELLED while config.cancel is set.
 * After a failure the shard is not held, and the next acquire (of this or any shard) tries afresh.
 * Shards are best acquired in order, round and round. Any other is found too, at the price of what
 * was read ahead.
 */
int stream_acquire(struct stream *stream, uint32_t shard_i, const void **ret_data) NMOS_MUST_CHECK;

/**
 * Where a pinned extent lies, without waiting and without lending. For the thread that acquires.
 * @return NULL when the extent is streamed, or has not been acquired yet.
 */
const void *stream_pinned(const struct stream *stream, uint32_t shard_i, uint32_t extent_i);

/** Gives one extent of an acquired shard back ahead of the others, so that its part of the ring is
 * filled again while they are computed. No-op for a pinned extent and one given back already. */
void stream_release_extent(struct stream *stream, uint32_t shard_i, uint32_t extent_i);

/** Gives an acquired shard back; its part of the ring is filled with a later shard at once. */
void stream_release(struct stream *stream, uint32_t shard_i);

/**
 * Pins less: of the pinned extents, those whose @p pinned is 0 give their memory back and are
 * streamed from now on; the others stay where they are. The ring gets a new size. No shard may be
 * held. What was read ahead is read again.
 * @param pinned  [number of extents of all shards]; 1 where an extent is not pinned counts as 0.
 * @return 0; NMOS_E_LIMIT when the ring cannot hold the largest shard, with nothing changed;
 * NMOS_E_NOMEM, after which every acquire fails with it until another call succeeds.
 */
int stream_shrink(struct stream *stream, const uint8_t *pinned,
                  uint64_t ring_bytes) NMOS_MUST_CHECK;

/** Says that @p shard_i will be acquired next, where that is another than the next one in order: it
 * is read from now on. No shard may be held. By the thread that acquires. */
void stream_turn(struct stream *stream, uint32_t shard_i);

/** Makes a waiting stream_acquire() look at config.cancel. From any thread. */
void stream_look(struct stream *stream);

/**
 * Reads a few bytes on demand, e.g. one row of the embedding table. Thread-safe.
 * @return 0, or NMOS_E_IO naming file, offset and cause.
 */
int stream_read(const struct stream *stream, uint32_t file_i, uint64_t offset, uint64_t n_bytes,
                void *ret_bytes) NMOS_MUST_CHECK;

/** Counters so far. From any thread. */
void stream_stats(struct stream *stream, struct stream_stats *ret_stats);

/** Stops reading, waits for reads in flight, frees all and nulls the pointer; NULL is a no-op. */
void stream_close(struct stream **stream);

#endif
