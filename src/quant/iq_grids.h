/* SPDX-License-Identifier: MIT */
/*
 * The code books of the IQ weight types and the levels of those with a code per weight.
 *
 * A point of a book is a 16-bit code. IQ1 and IQ2: eight weights of 2 bits, IQ3: four weights of 4
 * bits, the first in the lowest bits; each number selects a level.
 */
#ifndef NMOS_QUANT_IQ_GRIDS_H
#define NMOS_QUANT_IQ_GRIDS_H

#include <stdint.h>

extern const uint16_t iq1_grid[2048];
extern const uint16_t iq2_xxs_grid[256];
extern const uint16_t iq2_xs_grid[512];
extern const uint16_t iq2_s_grid[1024];
extern const uint16_t iq3_xxs_grid[256];
extern const uint16_t iq3_s_grid[512];

extern const int8_t iq1_levels[3];
extern const int8_t iq2_levels[3]; /* magnitudes, as those of IQ3 */
extern const int8_t iq3_xxs_levels[8];
extern const int8_t iq3_s_levels[8];
extern const int8_t iq4_levels[16];   /* IQ4_NL and IQ4_XS */
extern const int8_t mxfp4_levels[16]; /* twice the E2M1 values; code 8, a negative zero, is 0 */

/** Eight sign bits from seven: bit 7 makes the number of set bits even. */
static inline uint8_t iq_signs8(uint32_t bits7)
{
    return (uint8_t)(bits7 | ((uint32_t)(__builtin_popcount(bits7) & 1) << 7));
}

#endif
