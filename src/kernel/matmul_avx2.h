/* SPDX-License-Identifier: MIT */
/*
 * The vectors of matmul_simd.inc on AVX2: one vector holds one dword of 8 of a panel's 16 rows.
 * Include from files compiled for AVX2, FMA and F16C only.
 */
#ifndef NMOS_KERNEL_MATMUL_AVX2_H
#define NMOS_KERNEL_MATMUL_AVX2_H

#include <stddef.h>
#include <stdint.h>

#include <immintrin.h>

#include "kernel/panel.h"

#define VEC_ROWS 8U
#define VEC_COLS 4U /* columns of float weights' sums that fit in registers */
#define VEC_DOT_IS_UNSIGNED                                                                        \
    0 /* vi_dot_lines() takes weights up to 127, or signed ones when told so */

/* Loops over the lines of a block are written out, so that the lines stay in registers. */
#define UNROLL _Pragma("GCC unroll 8")

typedef __m256i vec_int;
typedef __m256 vec_float;

#define VEC_INLINE static inline __attribute__((always_inline))

VEC_INLINE vec_int vi_load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}
VEC_INLINE vec_int vi_load_u16(const void *p)
{
    return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
}
VEC_INLINE void vi_store(void *p, vec_int v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}
VEC_INLINE vec_int vi_zero(void)
{
    return _mm256_setzero_si256();
}
VEC_INLINE vec_int vi_set(int32_t v)
{
    return _mm256_set1_epi32(v);
}
VEC_INLINE vec_int vi_and(vec_int a, vec_int b)
{
    return _mm256_and_si256(a, b);
}
VEC_INLINE vec_int vi_or(vec_int a, vec_int b)
{
    return _mm256_or_si256(a, b);
}
VEC_INLINE vec_int vi_xor(vec_int a, vec_int b)
{
    return _mm256_xor_si256(a, b);
}
VEC_INLINE vec_int vi_add(vec_int a, vec_int b)
{
    return _mm256_add_epi32(a, b);
}
VEC_INLINE vec_int vi_sub(vec_int a, vec_int b)
{
    return _mm256_sub_epi32(a, b);
}
VEC_INLINE vec_int vi_mul(vec_int a, vec_int b)
{
    return _mm256_mullo_epi32(a, b);
}
VEC_INLINE vec_int vi_shr(vec_int a, unsigned n)
{
    return _mm256_srli_epi32(a, (int)n);
}
VEC_INLINE vec_int vi_sar(vec_int a, unsigned n)
{
    return _mm256_srai_epi32(a, (int)n);
}
VEC_INLINE vec_int vi_shl(vec_int a, unsigned n)
{
    return _mm256_slli_epi32(a, (int)n);
}
/* (a & mask) | b */
VEC_INLINE vec_int vi_and_or(vec_int a, vec_int mask, vec_int b)
{
    return vi_or(vi_and(a, mask), b);
}

VEC_INLINE vec_float vf_load(const void *p)
{
    return _mm256_loadu_ps(p);
}
VEC_INLINE void vf_store(void *p, vec_float v)
{
    _mm256_storeu_ps(p, v);
}
VEC_INLINE vec_float vf_zero(void)
{
    return _mm256_setzero_ps();
}
VEC_INLINE vec_float vf_set(float v)
{
    return _mm256_set1_ps(v);
}
VEC_INLINE vec_float vf_mul(vec_float a, vec_float b)
{
    return _mm256_mul_ps(a, b);
}
VEC_INLINE vec_float vf_neg(vec_float a)
{
    return _mm256_xor_ps(a, _mm256_set1_ps(-0.0F));
}
VEC_INLINE vec_float vf_fma(vec_float a, vec_float b, vec_float c)
{
    return _mm256_fmadd_ps(a, b, c);
}
VEC_INLINE vec_float vf_of_int(vec_int a)
{
    return _mm256_cvtepi32_ps(a);
}
VEC_INLINE vec_float vf_of_bits(vec_int a)
{
    return _mm256_castsi256_ps(a);
}
/* f16 values in memory, one per row. */
VEC_INLINE vec_float vf_load_half(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
/* f16 values in the low halves of the lanes, high halves zero. */
VEC_INLINE vec_float vf_of_half(vec_int a)
{
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, a), 0x08);
    return _mm256_cvtph_ps(_mm256_castsi256_si128(packed));
}

/* acc + products of the pairs of 16-bit integers in each lane. */
VEC_INLINE vec_int vi_dot_pair(vec_int acc, vec_int a, vec_int b)
{
    return vi_add(acc, _mm256_madd_epi16(a, b));
}

/* Sums of two neighbouring products, 16 bits: at most 2 * 128 * 127 = 32512. */
VEC_INLINE vec_int products16(vec_int w, const int8_t *q, unsigned is_signed)
{
    int32_t four;
    __builtin_memcpy(&four, q, sizeof(four));
    const vec_int a = vi_set(four);
    if (!is_signed) return _mm256_maddubs_epi16(w, a);
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
}

/*
 * acc + the products of @p n lines of 8-bit weights, at most @p w_max (128: signed), with 4 n
 * activations. As many lines are added in 16 bits as cannot overflow them.
 */
VEC_INLINE vec_int vi_dot_lines(vec_int acc, const vec_int *w, const int8_t *q, unsigned n,
                                unsigned w_max)
{
    const unsigned fit = 32767U / (2U * 127U * w_max);
    const unsigned group = fit >= 8 ? 8 : fit >= 4 ? 4 : fit >= 2 ? 2 : 1;
    vec_int sums = vi_zero();
    UNROLL for (unsigned i = 0; i < n; i++)
    {
        const vec_int two = products16(w[i], q + (size_t)4 * i, w_max == 128);
        sums = i % group == 0 ? two : _mm256_add_epi16(sums, two);
        if (i % group == group - 1 || i == n - 1) {
            acc = vi_add(acc, _mm256_madd_epi16(sums, _mm256_set1_epi16(1)));
        }
    }
    return acc;
}

/* 16 bytes of each of the rows 0 and 4 of @p rows, one row in each half. */
VEC_INLINE vec_int vi_load_rows(const uint8_t *const *rows, size_t at)
{
    return _mm256_loadu2_m128i((const __m128i *)(rows[4] + at), (const __m128i *)(rows[0] + at));
}
VEC_INLINE vec_int vi_unpack_low32(vec_int a, vec_int b)
{
    return _mm256_unpacklo_epi32(a, b);
}
VEC_INLINE vec_int vi_unpack_high32(vec_int a, vec_int b)
{
    return _mm256_unpackhi_epi32(a, b);
}
VEC_INLINE vec_int vi_unpack_low64(vec_int a, vec_int b)
{
    return _mm256_unpacklo_epi64(a, b);
}
VEC_INLINE vec_int vi_unpack_high64(vec_int a, vec_int b)
{
    return _mm256_unpackhi_epi64(a, b);
}

VEC_INLINE vec_float vf_sub(vec_float a, vec_float b)
{
    return _mm256_sub_ps(a, b);
}
/* To the nearest integer, ties to even. */
VEC_INLINE vec_int vi_round(vec_float a)
{
    return _mm256_cvtps_epi32(a);
}
VEC_INLINE vec_int vi_of_float_bits(vec_float a)
{
    return _mm256_castps_si256(a);
}
VEC_INLINE vec_int vi_max_unsigned(vec_int a, vec_int b)
{
    return _mm256_max_epu32(a, b);
}
VEC_INLINE uint32_t vi_max_lane(vec_int a)
{
    __m128i m = _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}
/* Lanes i + (i + 8), then + 4. */
VEC_INLINE __m128 vf_sum_to_four(const vec_float *s)
{
    const __m256 eight = _mm256_add_ps(s[0], s[1]);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
/* Stores 16 integers of -127..127 as bytes and returns their sum. */
VEC_INLINE int vi_store_bytes16(int8_t *to, const vec_int *q)
{
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(q[0], q[1]), 0xd8);
    const __m128i high = _mm256_extracti128_si256(words, 1);
    _mm_storeu_si128((__m128i *)to, _mm_packs_epi16(_mm256_castsi256_si128(words), high));
    const __m256i eight = _mm256_add_epi32(q[0], q[1]);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return _mm_cvtsi128_si32(sum);
}
VEC_INLINE vec_int vi_load_u8(const void *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
VEC_INLINE vec_int vi_add_bytes(vec_int a, vec_int b)
{
    return _mm256_add_epi8(a, b);
}
/* 16 bytes at @p p in each 128 bits. */
VEC_INLINE vec_int vi_set_bytes16(const int8_t *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}
/* Byte i becomes the byte of the same 128 bits of @p table that the low four bits of index byte i
 * name.
 */
VEC_INLINE vec_int vi_shuffle(vec_int table, vec_int index)
{
    return _mm256_shuffle_epi8(table, index);
}
/* Bytes of w, or from - w where the single bit of the mask is set in the byte of bits. */
VEC_INLINE vec_int vi_subtract_where(vec_int w, vec_int bits, vec_int mask, vec_int from)
{
    const vec_int is_set = _mm256_cmpeq_epi8(vi_and(bits, mask), mask);
    return _mm256_blendv_epi8(w, _mm256_sub_epi8(from, w), is_set);
}

/* table[index] for the 16-bit halves of two lanes. */
VEC_INLINE __m128i four_entries(const uint16_t *table, uint64_t index)
{
    const __m128i first = _mm_cvtsi32_si128(table[index & 0xffff]);
    const __m128i second = _mm_insert_epi16(first, table[index >> 16 & 0xffff], 1);
    const __m128i third = _mm_insert_epi16(second, table[index >> 32 & 0xffff], 2);
    return _mm_insert_epi16(third, table[index >> 48], 3);
}
/* table[index] for each 16-bit half of the lanes. */
VEC_INLINE vec_int vi_grid(const uint16_t *table, unsigned n, vec_int index)
{
    (void)n;
    uint64_t at[4];
    _mm256_storeu_si256((__m256i *)at, index);
    const __m128i low = _mm_unpacklo_epi64(four_entries(table, at[0]), four_entries(table, at[1]));
    const __m128i high = _mm_unpacklo_epi64(four_entries(table, at[2]), four_entries(table, at[3]));
    return _mm256_set_m128i(high, low);
}

#endif
