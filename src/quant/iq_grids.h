/* SPDX-License-Identifier: MIT */
/* The code books of the IQ weight types and the rule that spreads seven sign bits over eight
 * weights. */
#ifndef NMOS_QUANT_IQ_GRIDS_H
#define NMOS_QUANT_IQ_GRIDS_H

#include <stdint.h>

/* Byte i of an entry is weight i. IQ2 and IQ3 hold magnitudes, IQ1 holds signed 8 * {-1, 0, 1}. */
extern const uint64_t iq1_grid[2048];
extern const uint64_t iq2_xxs_grid[256];
extern const uint64_t iq2_xs_grid[512];
extern const uint64_t iq2_s_grid[1024];
extern const uint32_t iq3_xxs_grid[256];
extern const uint32_t iq3_s_grid[512];

/* The 4-bit levels of IQ4_NL and IQ4_XS, and those of MXFP4 (twice the E2M1 values 0 .. 6). */
extern const int8_t iq4_levels[16];
extern const int8_t mxfp4_levels[16];

/** Eight sign bits from seven: bit 7 makes the number of set bits even. */
static inline uint8_t iq_signs8(uint32_t bits7)
{
    return (uint8_t)(bits7 | ((uint32_t)(__builtin_popcount(bits7) & 1) << 7));
}

#endif
