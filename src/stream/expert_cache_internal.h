/* SPDX-License-Identifier: MIT */
/* State shared by expert_cache.c (visits, eviction) and expert_reads.c (reads). */
#ifndef NMOS_STREAM_EXPERT_CACHE_INTERNAL_H
#define NMOS_STREAM_EXPERT_CACHE_INTERNAL_H

#include <stdbool.h>

#include "io/file.h"
#include "io/ioq.h"
#include "stream/expert_cache.h"
#include "stream/expert_policy.h"

#define EXPERT_NONE UINT32_MAX

enum expert_state {
    EXPERT_FREE,
    EXPERT_LOADING, /* reads are to come or under way */
    EXPERT_READY,
    EXPERT_DOOMED, /* of no more use; free once no read is pending */
};

struct expert_slot {
    char *memory;
    uint64_t issued;    /* bytes of part `part` already asked for */
    uint32_t part;      /* EXPERT_PARTS: all parts have been asked for */
    uint32_t key;       /* layer * n_experts + expert */
    uint32_t n_pending; /* reads under way */
    enum expert_state state;
    bool is_wanted;   /* in the visit, not yet given back: must stay */
    bool is_ahead;    /* read for the visit and not yet lent */
    bool is_guess;    /* guessed for the next visit */
    bool is_expected; /* read because an intent makes it likely, and not lent since */
    bool is_used;     /* has been lent */
    bool is_rearranged;
};

enum wanted_state {
    WANTED_MISSING, /* has no slot */
    WANTED_PLACED,  /* has a slot, loading or ready */
    WANTED_LENT,
    WANTED_DONE,
};

/* Experts that a layer wants now. */
struct expert_visit {
    const uint32_t *experts; /* [n] */
    uint8_t *state;          /* [n_experts] of enum wanted_state; n in use */
    uint32_t layer_i;
    uint32_t n;
    uint32_t n_left;    /* not yet lent */
    uint32_t n_missing; /* WANTED_MISSING */
    uint32_t lent_i;    /* EXPERT_NONE: none */
    uint32_t n_loading; /* wanted slots that are loading */
    uint32_t n_ahead;   /* slots that are ahead */
};

/* Whether experts are guessed. The bits are the same; benches and tests choose. */
enum expert_guessing {
    EXPERT_GUESS_WHERE_IT_PAYS,
    EXPERT_GUESS_ALWAYS,
    EXPERT_GUESS_NEVER,
};

/* Experts that may be wanted next. */
struct expert_guess {
    uint32_t *experts; /* [n_experts], n in use, likeliest first */
    uint32_t layer_i;  /* EXPERT_NONE: none */
    uint32_t n;
    uint32_t n_issued; /* looked at; those in memory already are marked EXPERT_NONE */
    double n_lately;   /* guesses judged, each counting less as others follow */
    double n_right_lately;
    uint32_t pause; /* visits for which no guess is followed */
    uint32_t next_pause;
};

/* What passes want, and bytes that are read while passes of one row follow one another. */
struct expert_count {
    uint32_t n_rows;      /* of passes since the cache was first filled */
    uint32_t n_pass_rows; /* of the pass that ends next */
    uint32_t n_wanted;    /* by it so far */
    uint32_t n_passes;    /* of one row, in the block under way */
    uint64_t from_bytes;  /* read before it */
};

/* What rows of an intent use. */
struct expert_intent {
    struct expert_policy habits;
    double p; /* that was expected last */
};

/* An expert among others. */
struct expert_rank {
    double score; /* log2 of its heat, to a fixed point in time */
    uint32_t key;
};

struct expert_cache {
    struct file *const *files;
    struct ioq *ioq;
    struct expert_layer *layers; /* [n_layers] */
    uint32_t *class_of;          /* [n_layers] */
    uint32_t n_layers;
    uint32_t n_experts;
    uint32_t n_used;
    uint32_t align;
    uint32_t n_slots_min;
    uint32_t read_bytes;
    uint32_t stall_limit_ms;
    struct expert_classes classes;
    struct expert_slot *slots; /* [classes.n_slots] */
    char *memory;
    uint32_t *slot_of; /* [n_layers * n_experts] or EXPERT_NONE */
    void (*on_reused)(void *arg, uint32_t layer_i, uint32_t part_i, void *data);
    void *on_reused_arg;
    expert_watch_fn on_visit; /* NULL: nobody watches */
    void *on_visit_arg;
    struct expert_policy policy;   /* what to evict */
    struct expert_policy habits;   /* what to read ahead in a later run */
    struct expert_intent *intents; /* [n_intents] */
    uint32_t n_intents;
    int64_t likely_number; /* what was likely last (struct expert_likely), and ... */
    double likely_p;       /* ... how sure that was */
    float *expected;       /* [n_layers * n_experts] heat of `policy` that is only expected, ... */
    double *expected_at;   /* [n_layers] ... as it was at this time of the layer */
    struct expert_reuse reuse; /* what caches of other sizes would have had */
    struct expert_reach reach[EXPERT_REACH_SIZES];
    struct expert_record records[EXPERT_RECORDS];
    struct expert_count count;
    struct expert_visit visit;
    struct expert_guess guess;
    enum expert_guessing guessing;
    struct expert_rank *ranks; /* [n_layers * n_experts] scratch */
    uint32_t *list;            /* [n_slots] keys to be read ahead, the hottest first */
    uint32_t n_listed;
    uint32_t next_listed;    /* not yet looked at */
    bool list_replaces;      /* what is colder gives way; else only free slots are taken */
    uint32_t idle_bytes_max; /* in flight, of what nobody waits for */
    uint32_t last_layer_i;
    struct expert_slot *filling; /* loading and not yet asked for in full; NULL: none */
    struct expert_slot *paused;  /* the same, but nobody waits for it while others are wanted */
    uint64_t bytes_in_flight;
    uint64_t stats_ns;    /* last time that busy_ns was brought up to date */
    uint64_t progress_ns; /* last completion */
    uint64_t pass_began_ns;
    uint64_t pass_stall_ns; /* stall_ns then */
    bool is_waiting;        /* the last pass waited for experts for most of its time */
    int failure_status;     /* of a wanted expert; 0: none */
    char failure[ERROR_MESSAGE_MAX];
    struct expert_stats stats;
};

/** Counts what a pass of one row wants of layer @p layer_i, before the policy is told: by the heats
 * that have decided what is in memory. */
void expert_cache_count_reuse(struct expert_cache *cache, uint32_t layer_i, const uint32_t *experts,
                              uint32_t n);

/** Counts the bytes of the pass that has ended; one of @p n_pass_rows rows begins. */
void expert_cache_count_bytes(struct expert_cache *cache, uint32_t n_pass_rows);

/** A slot for an expert of class @p class_i, its former content forgotten; NULL when none can go
 * now that is worth less than @p worth_most. */
struct expert_slot *expert_take_slot(struct expert_cache *cache, uint32_t class_i, bool is_guess,
                                     double worth_most);

/** Lists the hottest experts, as many as there are slots, to be read ahead. */
void expert_cache_list_hottest(struct expert_cache *cache);

/** A slot of class @p class_i that holds nothing, or NULL. */
struct expert_slot *expert_free_slot(struct expert_cache *cache, uint32_t class_i);

/** Address of part @p p in its slot, as it was read. */
char *expert_part_memory(const struct expert_cache *cache, const struct expert_slot *slot,
                         uint32_t p);

/** In flight, of what nobody waits for. What has been handed to the disk cannot be called back, so
 * between two layers it is little. */
#define EXPERT_IDLE_BYTES (1U << 20)
#define EXPERT_REST_BYTES (16U << 20)

/** Asks for reads as long as there is something to ask for and room in the queue. */
void expert_reads_issue(struct expert_cache *cache);

/** Collects completions, waiting at most @p timeout_ms for the first. */
void expert_reads_reap(struct expert_cache *cache, uint32_t timeout_ms);

/** A visit has begun: the rest of what nobody waits for comes behind what is wanted. */
void expert_reads_put_wanted_first(struct expert_cache *cache);

/** Gives a loading slot up. */
void expert_reads_doom(struct expert_cache *cache, struct expert_slot *slot);

#endif
