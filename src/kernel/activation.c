/* SPDX-License-Identifier: MIT */
/* Quantisation of activations, portable: the definition that the SIMD versions must equal bit for
 * bit. */
#include "kernel/activation.h"

#include <math.h>
#include <string.h>

#include "quant/f16.h"

const float act_scale_steps[ACT_SCALES] = {127.0F, 126.0F, 125.0F, 124.0F};
const float act_scale_units[ACT_SCALES] = {
    1.0F,
    127.0F * 127.0F / (126.0F * 126.0F),
    127.0F * 127.0F / (125.0F * 125.0F),
    127.0F * 127.0F / (124.0F * 124.0F),
};

static float error_of(const float *x, float inverse)
{
    float sums[16];
    for (uint32_t i = 0; i < 16; i++) {
        const float low = x[i] * inverse;
        const float high = x[i + 16] * inverse;
        const float low_error = low - rintf(low);
        const float high_error = high - rintf(high);
        sums[i] = fmaf(high_error, high_error, low_error * low_error);
    }
    for (uint32_t n = 8; n > 0; n /= 2) {
        for (uint32_t i = 0; i < n; i++) sums[i] += sums[i + n];
    }
    return sums[0];
}

static float best_step(const float *x, float amax)
{
    uint32_t best = 0;
    float best_error = INFINITY;
    for (uint32_t i = 0; i < ACT_SCALES; i++) {
        const float error = error_of(x, act_scale_steps[i] / amax) * act_scale_units[i];
        if (error < best_error) {
            best = i;
            best_error = error;
        }
    }
    return act_scale_steps[best];
}

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
        const float step = best_step(x + (size_t)b * ACT_BLOCK, amax);
        const float inverse = step / amax;
        for (uint32_t k = 0; k < ACT_BLOCK; k++) {
            const int q = (int)lrintf(x[b * ACT_BLOCK + k] * inverse);
            block->q[k] = (int8_t)q;
            block->s16[k / 16] = (int16_t)(block->s16[k / 16] + q);
        }
        block->d = amax / step;
        block->nsum32 = -(block->s16[0] + block->s16[1]);
        block->nsum = block->d * (float)block->nsum32;
    }
}
