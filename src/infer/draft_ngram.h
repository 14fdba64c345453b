/* SPDX-License-Identifier: MIT */
/*
 * Guesses from the text itself: what stood behind the last tokens when they occurred before.
 *
 * Text repeats: names, code, passages that an answer quotes. The longest end of the text that
 * occurs earlier in it is found, the latest such place, and what follows there is the guess. No
 * model, no memory beside the text.
 */
#ifndef NMOS_INFER_DRAFT_NGRAM_H
#define NMOS_INFER_DRAFT_NGRAM_H

#include <stddef.h>
#include <stdint.h>

#define NGRAM_MATCH_MIN 2U
#define NGRAM_MATCH_MAX 16U

/** What stands behind an earlier occurrence. */
struct ngram_match {
    size_t next;       /* index of the token that followed */
    uint32_t n_tokens; /* length of the match, NGRAM_MATCH_MIN..NGRAM_MATCH_MAX; 0: none found */
};

/** Finds the longest match of the end of tokens[0, n), the latest among equals. O(n) comparisons of
 * up to NGRAM_MATCH_MAX tokens. */
struct ngram_match ngram_find(const int32_t *tokens, size_t n);

#endif
