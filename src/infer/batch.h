/* SPDX-License-Identifier: MIT */
/* The riders of one pass. */
#ifndef NMOS_INFER_BATCH_H
#define NMOS_INFER_BATCH_H

#include <stdint.h>

#include "kv/page_table.h"

#define BATCH_NO_PARENT (-1)
/** As a parent: row @p k of those that the session holds from earlier passes. */
#define BATCH_HELD(k)   (-2 - (int32_t)(k))

/** Layers are computed at the host or at a device; a session has pages at both. */
#define BATCH_PLACES 2U

struct expert_first; /* stream/expert_first.h */

/** One row of a batch: a token at a place in a session's past. */
struct batch_row {
    int32_t token;
    uint32_t seq_i; /* index into batch.seqs */
    int32_t parent; /* earlier row of the same session that this one follows; BATCH_HELD(k): one of
                       an earlier pass; BATCH_NO_PARENT: it follows the last committed token */
    uint8_t wants_logits;
};

/** One session that takes part; its table has room reserved for its rows, behind those it holds. */
struct batch_seq {
    struct kv_table *table;
    void **pages;        /* [BATCH_PLACES][table->n_pages_max] scratch: filled by the pass with page
                            addresses */
    const int32_t *held; /* [n_held] parents of the held rows: an earlier held row, or
                            BATCH_NO_PARENT; row k lies in slot table->len + k */
    uint32_t n_held;
    uint32_t intent; /* of its rows: 1 + a number of those whose experts are told apart; 0: none */
    struct expert_first *first; /* counts the experts of its first passes; NULL: nobody does */
};

struct batch {
    const struct batch_row *rows; /* [n_rows] */
    uint32_t n_rows;
    const struct batch_seq *seqs; /* [n_seqs] */
    uint32_t n_seqs;
};

#endif
