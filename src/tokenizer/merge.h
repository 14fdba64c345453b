/* SPDX-License-Identifier: MIT */
/*
 * Joins the symbols of a word into tokens, best merge first, leftmost first among equals.
 *
 * Linear time for words of any length rests on two facts about any such process. (1) Where a
 * boundary survives in the result, no merge crossed it, so both sides are the results of their own
 * halves. (2) Two results side by side are the result of the joined text if, and only if, the two
 * tokens at the seam, taken alone, stay two tokens: a first merge across the seam would see the
 * same symbols there. So a long word is done in windows that fit the cache, and each seam is
 * checked; where a check fails the window grows. The answer is exactly that of one heap over the
 * whole word.
 */
#ifndef NMOS_TOKENIZER_MERGE_H
#define NMOS_TOKENIZER_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct tokenizer;
struct token_ids;

/** A symbol at its first byte's place in the window; len == 0: inside another. */
struct merge_symbol {
    int32_t id;    /* TOKEN_NONE: a character that is no token */
    uint32_t len;  /* bytes */
    uint32_t prev; /* place of the symbol to the left */
};

/** A merge that may happen. Ordered by (rank, place). */
struct merge_candidate {
    uint64_t key; /* rank << 32 | place of the left symbol */
    int32_t joined;
    uint32_t len; /* bytes of the joined symbol */
};

/** A token of the result. */
struct merge_piece {
    int32_t id;
    uint32_t len;
};

/** Buffers of one thread. */
struct merge_work {
    struct merge_symbol *symbols; /* [cap] */
    struct merge_candidate *heap; /* [3 * cap] */
    struct merge_piece *pieces;   /* [cap] */
    size_t cap;                   /* longest window in bytes */
    size_t n_heap;
};

int merge_work_init(struct merge_work *work) NMOS_MUST_CHECK;
void merge_work_deinit(struct merge_work *work);

/** Appends the ids of one word of any length. */
int merge_word(const struct tokenizer *t, struct merge_work *work, struct str text,
               struct token_ids *ids) NMOS_MUST_CHECK;

/** Appends one id. */
int token_ids_append(struct token_ids *ids, int32_t id) NMOS_MUST_CHECK;

#endif
