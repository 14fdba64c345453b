/* SPDX-License-Identifier: MIT */
/* Matrix products with AVX-512 and VNNI: vectors of 16 rows. */
#include "kernel/matmul_avx512.h"

#include "kernel/matmul_simd.inc"
#include "kernel/panel_simd.inc"

void panel_pack_avx512(const struct panel_layout *layout, const uint8_t *const rows[PANEL_ROWS],
                       uint8_t *panel)
{
    panel_pack_simd(layout, rows, panel);
}

/* See activation.c, which this equals bit for bit. */
void act_quantize_row_avx512(const float *x, uint32_t n_in, struct act_block *to, size_t stride)
{
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    for (uint32_t b = 0; b < n_in / ACT_BLOCK; b++) {
        struct act_block *const block = to + b * stride;
        const __m512 low = _mm512_loadu_ps(x + (size_t)b * ACT_BLOCK);
        const __m512 high = _mm512_loadu_ps(x + (size_t)b * ACT_BLOCK + 16);
        const __m512i bits =
            _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                             _mm512_and_si512(_mm512_castps_si512(high), magnitude));
        const uint32_t amax_bits = (uint32_t)_mm512_reduce_max_epu32(bits);
        if (amax_bits > ACT_AMAX_MAX || amax_bits < ACT_AMAX_ZERO) {
            act_quantize_row_scalar(x + (size_t)b * ACT_BLOCK, ACT_BLOCK, block, 1);
            continue;
        }
        const float amax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)amax_bits)));
        const __m512 inverse = _mm512_set1_ps(127.0F / amax);
        const __m512i q_low = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
        const __m512i q_high = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
        _mm_storeu_si128((__m128i *)block->q, _mm512_cvtepi32_epi8(q_low));
        _mm_storeu_si128((__m128i *)(block->q + 16), _mm512_cvtepi32_epi8(q_high));
        const int sum_low = _mm512_reduce_add_epi32(q_low);
        const int sum_high = _mm512_reduce_add_epi32(q_high);
        block->d = amax / 127.0F;
        block->nsum32 = -(sum_low + sum_high);
        block->nsum = block->d * (float)block->nsum32;
        block->s16[0] = (int16_t)sum_low;
        block->s16[1] = (int16_t)sum_high;
    }
}

const struct matmul_table matmul_table_avx512 = {act_quantize_row_avx512, panel_pack_avx512,
                                                 kernels};
