/* SPDX-License-Identifier: MIT */
/* Matrix products with AVX2: vectors of 8 rows. */
#include "kernel/matmul_avx2.h"

#include "kernel/matmul_simd.inc"
#include "kernel/panel_simd.inc"

void panel_pack_avx2(const struct panel_layout *layout, const uint8_t *const rows[PANEL_ROWS],
                     uint8_t *panel)
{
    panel_pack_simd(layout, rows, panel);
}

static uint32_t max_of(__m256i v)
{
    __m128i m = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

/* Rounds 16 values to integers, stores them as bytes and returns their sum. */
static int quantize16(const float *x, __m256 inverse, int8_t *to)
{
    const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), inverse));
    const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), inverse));
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)to, bytes);
    const __m256i eight = _mm256_add_epi32(low, high);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return _mm_cvtsi128_si32(sum);
}

/* See activation.c, which this equals bit for bit. */
void act_quantize_row_avx2(const float *x, uint32_t n_in, struct act_block *to, size_t stride)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    for (uint32_t b = 0; b < n_in / ACT_BLOCK; b++, x += ACT_BLOCK) {
        struct act_block *const block = to + b * stride;
        __m256i bits = _mm256_setzero_si256();
        for (unsigned i = 0; i < ACT_BLOCK; i += 8) {
            const __m256i eight = _mm256_castps_si256(_mm256_loadu_ps(x + i));
            bits = _mm256_max_epu32(bits, _mm256_and_si256(eight, magnitude));
        }
        const uint32_t amax_bits = max_of(bits);
        if (amax_bits > ACT_AMAX_MAX || amax_bits < ACT_AMAX_ZERO) {
            act_quantize_row_scalar(x, ACT_BLOCK, block, 1);
            continue;
        }
        const float amax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)amax_bits)));
        const __m256 inverse = _mm256_set1_ps(127.0F / amax);
        const int sum_low = quantize16(x, inverse, block->q);
        const int sum_high = quantize16(x + 16, inverse, block->q + 16);
        block->d = amax / 127.0F;
        block->nsum32 = -(sum_low + sum_high);
        block->nsum = block->d * (float)block->nsum32;
        block->s16[0] = (int16_t)sum_low;
        block->s16[1] = (int16_t)sum_high;
    }
}

const struct matmul_table matmul_table_avx2 = {act_quantize_row_avx2, panel_pack_avx2, kernels};
