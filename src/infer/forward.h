/* SPDX-License-Identifier: MIT */
/*
 * One pass: a batch of rows through all layers, once. The heart.
 *
 * Nothing else in the program runs layers, and a layer does not know why a row is there: a prompt
 * token, a guessed token in a tree, another session's token. A row's logits depend on the weights
 * and on the tokens of its ancestors only (I1). After forward_create() a pass allocates nothing.
 */
#ifndef NMOS_INFER_FORWARD_H
#define NMOS_INFER_FORWARD_H

#include <stdatomic.h>

#include "backend/backend.h"
#include "infer/batch.h"
#include "infer/expert_source.h"
#include "infer/weight_source.h"
#include "kv/page_spill.h"
#include "kv/page_stage.h"

struct forward;

/** Tree rows deeper than this behind the committed tokens are refused. */
#define FORWARD_TREE_DEPTH_MAX 64

struct forward_config {
    struct backend *backend;
    struct backend *device; /* NULL: none */
    const uint8_t *places;  /* [n_layers + 1] enum shard_place of each layer and the head, copied;
                               NULL: all at the host */
    const struct hparams *hp;
    const struct weight_map *map;
    struct weight_source *weights;
    struct expert_source *experts; /* NULL: all experts are in the weights, or there are none */
    enum kv_type kv_type;
    uint32_t ctx;          /* positions a session may have; chooses longrope's factors */
    uint32_t n_rows_max;   /* rows of one pass */
    uint32_t n_seqs_max;   /* sessions of one pass */
    uint32_t page_tokens;  /* positions of a KV page; a multiple of 64 */
    uint32_t n_pages;      /* of the pool */
    int kv_is_spilled;     /* pages may be on disk; not with a device */
    uint32_t mass_columns; /* pages of a session whose masses are noted (forward_row_mass()), at
                              most, rounded up to 16; 0: none. Not with a device or spilling */
    /* Then, for forward_create(): pages, and the way by which a pass reads them; of its slots a
     * part of attention takes at most stage_parts. NULL: the pages are allocated by
     * forward_create(). */
    struct page_spill *spill;
    struct page_stage *stage;
    uint32_t stage_parts;
    /* Called before a layer's weights are acquired, with none held; a negative result ends the pass
     * with it. NULL: not called. */
    int (*before_layer)(void *arg);
    void *before_layer_arg;
};

/** Sizes of a forward pass, for the plan. */
struct forward_sizes {
    uint64_t kv_bytes;    /* of all pages and layers; each has the same share */
    uint64_t page_bytes;  /* of one page, all layers */
    uint64_t layer_bytes; /* of one layer of a page */
    uint64_t scratch_bytes;
    uint64_t device_scratch_bytes; /* when anything is computed there; 0 without a device */
    uint64_t device_logits_bytes;  /* more, when the head is */
};

/** What forward_create() would allocate, computed without allocating; `places` is not looked at:
 * all layers count at the host. */
void forward_plan(const struct forward_config *config, struct forward_sizes *ret_sizes);

/** Positions of a page that make it about 16 MiB over all layers: a power of two in [64, 1024]. Of
 * several sessions each has a page that is partly empty, so theirs are smaller by that factor, and
 * no more than an eighth of the context. Nor are they above @p bytes_max, if that is not 0. */
uint32_t forward_page_tokens(const struct hparams *hp, enum kv_type kv_type, uint32_t ctx,
                             uint32_t n_sessions, uint64_t bytes_max);

/** Allocates KV pages and scratch. The config's pointers are borrowed until forward_destroy(). */
int forward_create(const struct forward_config *config,
                   struct forward **ret_forward) NMOS_MUST_CHECK;
void forward_destroy(struct forward **forward);

/**
 * Called for each row that wants logits, in row order.
 * @param logits  [n_vocab], valid during the call; may be changed.
 * @return 0 to go on, negative to end the pass with that status.
 */
typedef int (*forward_logits_fn)(void *arg, uint32_t row_i, float *logits);

/**
 * Runs the batch. Keys and values land in the reserved slots; nothing is committed. With
 * kv_is_spilled, seq->pages says where each page lies and all that hold reserved slots are in
 * memory and pinned, as are the others that are there; NULL: that page is on disk.
 * @param cancel  NULL, or a flag that ends the pass before the next layer with NMOS_E_CANCELLED.
 * @return 0; NMOS_E_IO when weights cannot be read; NMOS_E_INVALID or NMOS_E_LIMIT for a bad batch.
 * After a failure the session's committed tokens are as before.
 */
int forward_pass(struct forward *forward, const struct batch *batch, const _Atomic int *cancel,
                 forward_logits_fn on_logits, void *arg) NMOS_MUST_CHECK;

/**
 * What a device has failed to do of all that was asked of it until now, told once; forward_pass()
 * has looked itself. Does not wait.
 * @return 0, always so without a device; or the failure: nothing that was moved or copied since the
 * last look may be used.
 */
int forward_settle(struct forward *forward) NMOS_MUST_CHECK;

/**
 * Copies what a slot holds, all layers, to another slot of the session (the accepted path of a tree
 * moves down to its positions). forward_settle() tells whether that could be done.
 * @param seq  its pages as the last pass filled them.
 */
void forward_move_slot(struct forward *forward, const struct batch_seq *seq, uint32_t from_slot,
                       uint32_t to_slot);

/**
 * How much of the attention of a row of the last pass each page got that its session holds, in
 * their order: the mean over heads and layers.
 * @param ret_mass  [mass_columns]; 0 for pages that the row does not see.
 */
void forward_row_mass(const struct forward *forward, uint32_t row_i, float *ret_mass);

/** Where a page lies at the host, all its layers, @p ret_bytes long; NULL when it is on disk. */
void *forward_page(struct forward *forward, uint32_t page_id, size_t *ret_bytes);

/** Copies a whole page, all layers (copy-on-write of a forked session). Both are in memory.
 * forward_settle() tells whether that could be done. */
void forward_copy_page(struct forward *forward, const struct kv_page_copy *copy);

#endif
