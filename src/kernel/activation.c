/* SPDX-License-Identifier: MIT */
/* Quantisation of activations, portable: the definition that the SIMD versions must equal bit for
 * bit. */
#include "kernel/activation.h"

#include <math.h>
#include <string.h>

#include "quant/f16.h"

void act_quantize_row_scalar(const float *x, uint32_t n_in, struct act_block *to, size_t stride)
{
    for (uint32_t b = 0; b < n_in / ACT_BLOCK; b++) {
        /* As integers the bits of magnitudes are ordered, infinity and NaN above all others. */
        uint32_t amax_bits = 0;
        for (uint32_t k = 0; k < ACT_BLOCK; k++) {
            const uint32_t magnitude = f32_to_bits(x[b * ACT_BLOCK + k]) & 0x7fffffffU;
            if (magnitude > amax_bits) amax_bits = magnitude;
        }
        struct act_block *const block = to + b * stride;
        memset(block, 0, sizeof(*block));
        if (amax_bits > ACT_AMAX_MAX) {
            block->d = block->nsum = f32_from_bits(ACT_NAN_BITS);
            continue;
        }
        if (amax_bits < ACT_AMAX_ZERO) continue;
        const float amax = f32_from_bits(amax_bits);
        const float inverse = 127.0F / amax;
        for (uint32_t k = 0; k < ACT_BLOCK; k++) {
            const int q = (int)lrintf(x[b * ACT_BLOCK + k] * inverse);
            block->q[k] = (int8_t)q;
            block->s16[k / 16] = (int16_t)(block->s16[k / 16] + q);
        }
        block->d = amax / 127.0F;
        block->nsum32 = -(block->s16[0] + block->s16[1]);
        block->nsum = block->d * (float)block->nsum32;
    }
}
