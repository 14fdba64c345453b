/* SPDX-License-Identifier: MIT */
/*
 * Experts in memory: a cache over the experts of all layers, filled from disk as they are wanted.
 *
 * An expert is three matrices that lie apart in the file. A slot holds one expert; slots come in
 * classes of one size, as layers of a mixed file differ in their types. All memory is taken when
 * the cache is opened.
 *
 * A layer that has chosen its experts begins a visit: what is missing is asked for at once, and
 * expert_cache_next() lends one expert after the other, those in memory first, the others as they
 * arrive. A visit may want more experts than there are slots; then a slot is used again as soon as
 * its expert has been given back. Which expert goes is decided by expert_policy.h.
 *
 * Guesses (expert_cache_guess()) are read while no wanted expert is missing, a little at a time. A
 * guess that is not wanted goes first.
 *
 * Knows files and bytes; not what an expert computes. There is no thread in it and no lock: reads
 * go on by themselves, and are collected and followed up when one of its functions is called. One
 * thread.
 */
#ifndef NMOS_STREAM_EXPERT_CACHE_H
#define NMOS_STREAM_EXPERT_CACHE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/expert_reach.h"
#include "stream/expert_record.h"
#include "stream/expert_reuse.h"
#include "stream/expert_slots.h"

/* Experts of a visit that are read and not yet lent. A full queue of reads needs fewer; more would
 * push out what other layers are about to want, where computing is slower than reading. */
#define EXPERT_AHEAD_MAX 16U

struct expert_cache;
struct file; /* io/file.h */
struct ioq;  /* io/ioq.h */

struct expert_cache_config {
    struct file *const *files; /* [n_files] borrowed */
    uint32_t n_files;
    struct ioq *ioq;                   /* over the same files, borrowed, used by the cache alone */
    const struct expert_layer *layers; /* [n_layers] copied */
    uint32_t n_layers;
    uint32_t n_experts;      /* of each layer */
    uint32_t n_used;         /* of them, by a row */
    uint32_t n_intents;      /* that are told apart (expert_intents.h) */
    uint32_t n_slots_min;    /* of each class, > 0 */
    uint64_t bytes;          /* for slots */
    uint32_t read_bytes;     /* of one read; 0: 4 MiB */
    uint32_t stall_limit_ms; /* a device silent for so long has failed; 0: one minute */
    /**
     * Called once for each matrix of an expert that stays in memory, before it is lent for the
     * second time, to rearrange it in place for the kernels. @p data is MEM_ALIGN_VECTOR-aligned.
     * NULL: not called.
     */
    void (*on_reused)(void *arg, uint32_t layer_i, uint32_t part_i, void *data);
    void *on_reused_arg;
};

/** What one run tells later ones about the experts of a model. */
struct expert_habits {
    float *heat;               /* [n_layers][n_experts] uses, decayed over thousands of rows */
    struct expert_reuse reuse; /* in passes of one row */
    struct expert_record records[EXPERT_RECORDS];  /* what such passes read */
    struct expert_reach reach[EXPERT_REACH_SIZES]; /* what passes of many rows want */
};

/** An expert lent to the caller. */
struct expert_loan {
    uint32_t i;                     /* its index in the list of the visit */
    int is_rearranged;              /* on_reused() has been called for it */
    const void *data[EXPERT_PARTS]; /* its matrices; not rearranged: as aligned as in the file */
};

/** Counted since the cache was opened; times in nanoseconds. */
struct expert_stats {
    uint64_t n_wanted;        /* experts of all visits, each once a visit */
    uint64_t n_missing;       /* of them, neither in memory nor guessed: read on demand */
    uint64_t n_guessed;       /* read ahead on a guess, and since either wanted or not */
    uint64_t n_guessed_well;  /* of them, wanted in the visit they were guessed for */
    uint64_t bytes_read;      /* asked from the files, alignment included */
    uint64_t stall_ns;        /* waited for in expert_cache_next() */
    uint64_t busy_ns;         /* with at least one read in flight */
    uint64_t n_learned;       /* read ahead because they were used in earlier runs, ... */
    uint64_t n_expected;      /* ... or because an intent makes them likely, ... */
    uint64_t n_expected_well; /* ... and of these, used since */
    uint64_t n_retries;       /* reads repeated after an error or a short read */
    uint64_t n_slots;
    uint64_t slot_bytes; /* memory of all slots */
};

/**
 * Allocates the slots. Nothing is read yet.
 * @return 0; NMOS_E_INVALID for an expert outside its file; NMOS_E_LIMIT when n_slots_min do
 * not fit (the message says what would do); NMOS_E_NOMEM.
 */
int expert_cache_open(const struct expert_cache_config *config,
                      struct expert_cache **ret_cache) NMOS_MUST_CHECK;

/** Waits for reads in flight, frees all and nulls the pointer; NULL is a no-op. */
void expert_cache_close(struct expert_cache **cache);

/**
 * Begins a visit to a layer.
 * @param experts  [n] distinct numbers, borrowed until expert_cache_end().
 * @param n_rows   [n] how many rows of the pass use each, > 0; read during the call.
 * @param n_pass_rows  rows of the pass.
 */
void expert_cache_begin(struct expert_cache *cache, uint32_t layer_i, const uint32_t *experts,
                        const uint32_t *n_rows, uint32_t n, uint32_t n_pass_rows);

/**
 * Lends the next expert of the visit, and takes the one lent before back.
 * @param cancel  NULL, or a flag that ends waiting.
 * @return 1; 0 when all have been lent; NMOS_E_IO naming layer, expert, file and cause;
 * NMOS_E_CANCELLED. After a failure the visit must be ended; the cache can be used on.
 */
int expert_cache_next(struct expert_cache *cache, const _Atomic int *cancel,
                      struct expert_loan *ret_loan) NMOS_MUST_CHECK;

/** Whether an expert is in memory, or being read. */
int expert_cache_has(const struct expert_cache *cache, uint32_t layer_i, uint32_t expert_i);

/** The layer visited last. */
uint32_t expert_cache_layer(const struct expert_cache *cache);

/** Ends the visit, complete or not. */
void expert_cache_end(struct expert_cache *cache);

/** Gives memory back until all slots take @p bytes, but never the last n_slots_min of a class. No
 * visit may be under way. */
void expert_cache_shrink(struct expert_cache *cache, uint64_t bytes);

/**
 * Begins with habits learned in an earlier run: the most used experts are read while nothing else
 * is, into slots that are free, and are worth what they were used.
 * @param habits  as expert_cache_habits() gave them; copied.
 */
void expert_cache_learn(struct expert_cache *cache, const struct expert_habits *habits);

/** What there is to learn; ret->heat is the caller's memory for n_layers * n_experts numbers. */
void expert_cache_habits(const struct expert_cache *cache, struct expert_habits *ret);

/** As expert_cache_poll(), before some milliseconds of other work: may ask for more at a time. */
void expert_cache_rest(struct expert_cache *cache);

/** Whether a guess is worth making: while passes wait for experts for most of their time. Guesses
 * pause while fewer than half of them are right, or while wrong ones are more than a twelfth of all
 * that was read. */
int expert_cache_wants_guess(const struct expert_cache *cache);

/** Guesses the experts of the layer visited next, likeliest first; replaces what was guessed
 * before. @p experts are copied. */
void expert_cache_guess(struct expert_cache *cache, uint32_t layer_i, const uint32_t *experts,
                        uint32_t n);

/** Collects what has arrived and goes on with guesses; for moments between two visits. */
void expert_cache_poll(struct expert_cache *cache);

/** Told of every visit: its experts and by how many rows each is used. */
typedef void (*expert_watch_fn)(void *arg, uint32_t layer_i, const uint32_t *experts,
                                const uint32_t *n_rows, uint32_t n, uint32_t n_pass_rows);

/** Tells @p fn of the visits to come; for measuring. */
void expert_cache_watch(struct expert_cache *cache, expert_watch_fn fn, void *arg);

/** Whether reads are under way. */
int expert_cache_is_reading(const struct expert_cache *cache);

void expert_cache_stats(struct expert_cache *cache, struct expert_stats *ret_stats);

#endif
