/* SPDX-License-Identifier: MIT */
/*
 * Activations as 8-bit integers: blocks of 32 with f32 scales.
 *
 * Rows of activations are grouped in chunks of at most ACT_CHUNK_ROWS; a chunk lies in memory as
 * [block][row of the chunk], so that a kernel which holds one block of weights in registers streams
 * over the rows of a chunk. Row r, block b is at
 *
 *     blocks[chunk * ACT_CHUNK_ROWS * n_blocks + b * chunk_rows + r % ACT_CHUNK_ROWS],   chunk = r
 * / ACT_CHUNK_ROWS
 *
 * where chunk_rows is the number of rows of that chunk. A leaf header: ISA files include it.
 */
#ifndef NMOS_KERNEL_ACTIVATION_H
#define NMOS_KERNEL_ACTIVATION_H

#include <stddef.h>
#include <stdint.h>

#define ACT_BLOCK      32U
#define ACT_CHUNK_ROWS 64U

/*
 * One block: x[k] ~ d * q[k] with d = amax / n and q[k] = round to nearest even(x[k] * (n / amax)),
 * amax = max |x[k]|, all in f32. n is the one of 127, 126, 125, 124 with the least squared error,
 * the first of equals: that takes 14 % off the error of normally distributed values, and 127 alone
 * would miss the accuracy gate of Q5_K. The error of n is units * sum((x[k] * (n / amax) -
 * q[k])^2), units = (127 / n)^2, summed over 16 lanes,
 *
 *     s[i] = fmaf(e[i + 16], e[i + 16], e[i] * e[i])     and then s[i] + s[i + 8], + 4, + 2, + 1.
 *
 * A block with amax < 1e-30 is zero. A block with amax > 1e30, an infinity or a NaN has d = NaN and
 * q = 0, so that the outputs of its row are NaN, the same NaN at every instruction level.
 */
struct act_block {
    int8_t q[ACT_BLOCK];
    float d;
    float nsum;     /* d * (float)nsum32; multiplies the minima of a weight block */
    int16_t s16[2]; /* sums of q over each half */
    int32_t nsum32; /* -(sum of q), for weights stored with an offset */
};

#define ACT_AMAX_ZERO 0x0da24260U /* bits of 1e-30f: blocks below are zero */
#define ACT_AMAX_MAX  0x7149f2caU /* bits of 1e30f: blocks above are NaN */
#define ACT_NAN_BITS  0xffc00000U /* the NaN that x86 makes of invalid operations */

#define ACT_SCALES 4
/** The candidates n, and their units. */
extern const float act_scale_steps[ACT_SCALES];
extern const float act_scale_units[ACT_SCALES];

/** Quantises one row of @p n_in values (a multiple of 32); block b goes to @p to + b * @p stride.
 */
typedef void (*act_quantize_row_fn)(const float *x, uint32_t n_in, struct act_block *to,
                                    size_t stride);

void act_quantize_row_scalar(const float *x, uint32_t n_in, struct act_block *to, size_t stride);
void act_quantize_row_avx2(const float *x, uint32_t n_in, struct act_block *to, size_t stride);
void act_quantize_row_avx512(const float *x, uint32_t n_in, struct act_block *to, size_t stride);

#endif
