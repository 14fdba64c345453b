/* SPDX-License-Identifier: MIT */
/*
 * State shared by stream.c (the caller's side), loader.c (the reading thread), stream_open.c and
 * stream_shrink.c.
 *
 * Uses of shards are numbered through all passes: use u is of shard u % n_shards. The need times of
 * uses grow with their number, so the order of numbers is the order of deadlines.
 */
#ifndef NMOS_STREAM_STREAM_INTERNAL_H
#define NMOS_STREAM_STREAM_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include "io/file.h"
#include "io/ioq.h"
#include "stream/ring.h"
#include "stream/stream.h"

#define USE_NONE UINT64_MAX

struct shard {
    char *name;
    uint32_t first_extent; /* its extents are [first_extent, first_extent + n_extents) */
    uint32_t n_extents;
    uint64_t first_slot; /* ring number of the first slot of use `slots_use` */
    uint64_t slots_use;  /* last use for which slots were allocated; USE_NONE: never */
    uint64_t n_held;     /* slots lent, from held_slot on */
    uint64_t held_slot;
    uint64_t
        use_ns; /* from lending it to the next acquire: mean of its uses, late ones count most */
    bool is_held;
};

/* A pinned extent. */
struct pin {
    struct slot slot;
    char *data;    /* aligned for vectors, once is_ready */
    bool is_ready; /* announced by on_pinned; caller's thread only */
};

struct stream {
    /* immutable after stream_open() */
    struct file *const *files;
    struct ioq *ioq; /* reading thread only, once that runs */
    struct ioq *own_ioq;
    uint32_t n_files;
    uint32_t n_shards;
    uint32_t n_extents;
    uint32_t n_pins;
    uint32_t align;
    uint32_t read_bytes;
    uint32_t stall_limit_ms;
    struct stream_extent *extents;
    uint32_t *pin_of_extent; /* [n_extents] index into pins; of a streamed one: pins before it */
    char *pin_memory;
    int (*on_pinned)(void *arg, uint32_t shard_i, uint32_t extent_i, void *data);
    void *on_pinned_arg;
    const _Atomic int *cancel;
    pthread_t thread;
    bool has_thread;
    uint64_t opened_ns;

    pthread_mutex_t lock;
    pthread_cond_t has_work;     /* for the reading thread */
    pthread_cond_t has_progress; /* for stream_acquire() */

    /* guarded by lock */
    struct shard *shards;
    struct pin *pins; /* in the order of shards */
    struct ring ring;
    uint64_t next_use;        /* the use that will be acquired next */
    uint64_t lent_ns;         /* when the last shard was lent; 0: none yet */
    uint32_t lent_shard_i;    /* which that was */
    uint32_t n_lent;          /* shards held now */
    uint64_t held_since_ns;   /* n_lent > 0: since when */
    uint64_t fill_use;        /* the ring is filled up to extent fill_extent of this use */
    uint32_t fill_extent;     /* within the shard */
    struct slot *filling;     /* ring slot not yet asked for in full; NULL: none */
    uint32_t pin_cursor;      /* where to look for the next pin to load */
    uint32_t n_pins_to_issue; /* pins EMPTY, or FILLING and not yet asked for in full */
    uint64_t bytes_in_flight;
    uint64_t stats_ns;    /* last time that busy_ns and depth_kib_ns were brought up to date */
    uint64_t progress_ns; /* last completion */
    int failure_status;   /* of the failure needed soonest and not yet told; 0: none */
    uint32_t failure_shard_i;
    char failure[ERROR_MESSAGE_MAX];
    bool has_news; /* something ended, and who waits for it has not been woken yet */
    bool is_idle;  /* the reading thread found nothing to do since this was last cleared */
    bool must_stop;
    bool may_read; /* the first acquire has come, or nothing waits for it */
    struct stream_stats stats;
};

/** The reading thread. @p arg is the struct stream. */
void *loader_main(void *arg);

/** Starts the reading thread. @return 0 or NMOS_E_NOMEM. */
int loader_start(struct stream *stream) NMOS_MUST_CHECK;

/** Ends it, after the reads in flight have ended; no-op when it does not run. */
void loader_stop(struct stream *stream);

/** Bytes of ring that the extents of one shard need. */
uint64_t stream_ring_need(const struct stream_extent *extents, uint32_t n_extents);

/** Allocates the ring. @return 0 or NMOS_E_NOMEM. */
int stream_make_ring(struct stream *stream, uint64_t ring_bytes) NMOS_MUST_CHECK;

/** Tells the queue where the ring lies; nothing may be in flight. */
void stream_register_ring(struct stream *stream);

/** Bytes of the aligned range around an extent. */
uint64_t loader_region_bytes(const struct stream_extent *extent, uint32_t align);

/** With the lock: a pin has not been asked for in full. */
bool loader_wants(const struct slot *pin);

/** With the lock: gives up what the ring holds of uses in [from, to) that nobody holds. */
void loader_drop_uses(struct stream *stream, uint64_t from, uint64_t to);

/** With the lock: brings busy_ns and depth_kib_ns up to date. */
void loader_account_time(struct stream *stream);

#endif
