/* SPDX-License-Identifier: MIT */
/*
 * The Scout's weights: what tools/train/scout.py learnt, built into the library.
 *
 * The file models/scout.bin, all little-endian, 4-byte aligned:
 *
 *   "NMOSSCT1", u32 n_bits, n_classes, n_kinds, n_marks, n_measured, n_lexicon
 *   char name[16] of each class, zero-padded
 *   f32 scale[n_classes], bias[n_classes], sharpness[2]
 *   f32 measured[n_measured][n_classes]
 *   u32 lexicon[n_lexicon][2]: hash of a word in rising order, bit of each of its kinds
 *   i16 table[2^n_bits][n_classes]
 *   n_marks times: u16 n_bytes, pattern
 *
 * The logit of a class c is bias[c] + sum over groups of (sum of table[bucket][c]) * scale[c] /
 * sqrt(number of features in the group) + sum of value * measured[.][c]; classifier.h goes on.
 */
#ifndef NMOS_INTENT_SCOUT_WEIGHTS_H
#define NMOS_INTENT_SCOUT_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SCOUT_CLASSES_MAX  8U
#define SCOUT_NAME_BYTES   16U
#define SCOUT_MARKS_MAX    64U
#define SCOUT_KINDS_MAX    32U
#define SCOUT_MEASURED_MAX 256U

/** Pattern of a mark, a PCRE2 expression over bytes. */
struct scout_mark {
    const char *pattern;
    size_t n_bytes;
};

/** Views of a file of weights, which must outlive them. */
struct scout_weights {
    uint32_t n_bits; /* of a bucket's number */
    uint32_t n_classes;
    uint32_t n_kinds;
    uint32_t n_marks;
    uint32_t n_measured;
    uint32_t n_lexicon;
    const char *names;      /* [n_classes][SCOUT_NAME_BYTES] */
    const float *scale;     /* [n_classes]: of one step of the table */
    const float *bias;      /* [n_classes] */
    const float *sharpness; /* [2]: calibration, see classifier.h */
    const float *measured;  /* [n_measured][n_classes] */
    const uint32_t *lexicon;
    const int16_t *table; /* [1 << n_bits][n_classes] */
    struct scout_mark marks[SCOUT_MARKS_MAX];
};

/** Reads @p n_bytes of a file, 4-byte aligned. @return 0, or NMOS_E_CORRUPT saying what is wrong.
 */
int scout_weights_parse(const void *data, size_t n_bytes,
                        struct scout_weights *ret_weights) NMOS_MUST_CHECK;

/** The weights of this build. */
int scout_weights_builtin(struct scout_weights *ret_weights) NMOS_MUST_CHECK;

#endif
