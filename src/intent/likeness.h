/* SPDX-License-Identifier: MIT */
/*
 * How much two texts are alike: by the words, pairs of words and runs of 3 to 5 characters that
 * both have, among their first 256 bytes.
 *
 * The likeness of two sets a and b is |a and b| / sqrt(|a| |b|); that of two texts is the mean over
 * words and characters, 0..1. Of 50 pairs of prompts that differ in one or two words the least has
 * 0.45; of 75,000 pairs of unrelated ones the most had 0.44 (tests/unit/intent/likeness_pairs.tsv).
 */
#ifndef NMOS_INTENT_LIKENESS_H
#define NMOS_INTENT_LIKENESS_H

#include "intent/features.h"

#define SKETCH_BYTES    256U  /* of a text that count */
#define SKETCH_HASHES   1300U /* at most: 2 a byte for words, 3 for characters, and the ends */
#define SKETCH_DIMS     128U
/** From here on texts are taken to ask for the same thing. */
#define LIKENESS_ENOUGH 0.45

/** The hashed features of a text's beginning. */
struct sketch {
    uint32_t n_words;
    uint32_t n_chars;
    uint32_t hashes[SKETCH_HASHES]; /* words, then characters, each in rising order */
};

/** Bytes of a sketch that are in use, for copies. */
static inline size_t sketch_bytes(const struct sketch *sketch)
{
    return offsetof(struct sketch, hashes) +
           ((size_t)sketch->n_words + sketch->n_chars) * sizeof(uint32_t);
}

/** Sketches a text. What the maker made before is no longer valid. */
void sketch_make(struct feature_maker *maker, struct str text, struct sketch *ret_sketch);

/** Likeness of two texts, 0..1; 0 when one is empty. */
double sketch_likeness(const struct sketch *a, const struct sketch *b);

/** How sure it is that what was true of a text is true of one that is as much like it, at least
 * LIKENESS_ENOUGH: 0.6, up to 0.95. */
double likeness_share(double likeness);

/** A direction in few dimensions, for finding neighbours: the product of two texts' directions,
 * divided by 65536, is about their likeness. */
void sketch_project(const struct sketch *sketch, int8_t ret_vector[SKETCH_DIMS]);

#endif
