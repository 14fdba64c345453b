/* SPDX-License-Identifier: MIT */
/*
 * Blocks of the 256-weight IQ types as small integers.
 *
 * Behind their code books, sign rules and packings all these types say the same: w = d * scale * q,
 * with an f32 d, an integer scale per 16 weights and an 8-bit q. All factors are exact, so a
 * product of this form has the bits of the reference formula of each type.
 */
#ifndef NMOS_QUANT_IQ_UNPACK_H
#define NMOS_QUANT_IQ_UNPACK_H

#include <stdint.h>

#include "quant/format.h"

struct iq_ints {
    float d; /* scale of the block, divided by 4 or 8 where the format has halves or eighths */
    int8_t scale[16]; /* of weights 16 i .. 16 i + 15: -32 .. 31 (IQ4_XS), else odd, 1 .. 31 */
    int8_t q[256];    /* |q| <= 127 (IQ4_XS), 43 (IQ2), 62 (IQ3_XXS), 15 (IQ3_S), 9 (IQ1) */
};

/** Unpacks one block. */
typedef void (*iq_unpack_fn)(const void *block, struct iq_ints *ret);

/** The function for @p type, NULL for other types than IQ1_*, IQ2_*, IQ3_* and IQ4_XS. Thread-safe.
 */
iq_unpack_fn iq_unpack_get(enum tensor_type type);

#endif
