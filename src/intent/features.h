/* SPDX-License-Identifier: MIT */
/*
 * What the Scout sees in a text. tools/train/scout_features.py is the reference, value for value.
 *
 * A text of any bytes is cut to a window: all of it up to 1600 bytes, else its first 1200 and last
 * 400. The window is cut into tokens: runs of letters and digits (bytes above 127 are letters;
 * letters in lower case, a run of digits becomes one 0), single other characters, and line breaks.
 *
 * Hashed features are 32-bit numbers, distinct within their group: tokens and pairs of tokens; runs
 * of 3 to 5 characters; the first tokens; the last tokens of a longer text. Measured features are
 * values in 0..1: words of a kind, marks of code, tables and pasted text, length.
 */
#ifndef NMOS_INTENT_FEATURES_H
#define NMOS_INTENT_FEATURES_H

#include "base/str.h"
#include "intent/scout_weights.h"

#define FEATURES_WINDOW_MAX 1600U

/** Groups of hashed features. */
enum { FEATURES_WORDS, FEATURES_CHARS, FEATURES_HEAD, FEATURES_TAIL, FEATURES_GROUPS };

/** The features of one text. */
struct features {
    const uint32_t *hashed[FEATURES_GROUPS]; /* distinct, in no order */
    size_t n_hashed[FEATURES_GROUPS];
    float measured[SCOUT_MEASURED_MAX];
    const uint32_t *tokens; /* [n_tokens] hashes in the order of the text, line breaks left out */
    size_t n_tokens;
};

/** Memory and compiled patterns for the texts to come. One thread at a time. */
struct feature_maker;

/** @param weights  outlives the maker. @return 0, NMOS_E_NOMEM, or NMOS_E_CORRUPT for a pattern. */
int feature_maker_create(const struct scout_weights *weights,
                         struct feature_maker **ret_maker) NMOS_MUST_CHECK;
/** Frees it and nulls the pointer; NULL is a no-op. */
void feature_maker_destroy(struct feature_maker **maker);

/** The features of a text, valid until the next call. Allocates nothing. */
const struct features *features_of(struct feature_maker *maker, struct str text);

/** As features_of(), without the measured ones. */
const struct features *features_hashed(struct feature_maker *maker, struct str text);

/** Hash of a word as tokens are hashed (FNV-1a, 32 bits). */
uint32_t features_hash(const void *data, size_t n);

#endif
