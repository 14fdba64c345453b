/* SPDX-License-Identifier: MIT */
/*
 * The vectors of matmul_simd.inc on AVX-512 with VNNI: one vector holds one dword of each of a
 * panel's 16 rows. Include from files compiled for AVX-512 only.
 */
#ifndef NMOS_KERNEL_MATMUL_AVX512_H
#define NMOS_KERNEL_MATMUL_AVX512_H

#include <stdint.h>

#include <immintrin.h>

#include "kernel/panel.h"

#define VEC_ROWS            16U
#define VEC_COLS            8U /* columns of float weights' sums that fit in registers */
#define VEC_DOT_IS_UNSIGNED 1  /* vi_dot_lines() takes weights up to 255 and no negative ones */

/* Loops over the lines of a block are written out, so that the lines stay in registers. */
#define UNROLL    _Pragma("GCC unroll 8")
#define UNROLL_16 _Pragma("GCC unroll 16")

/* Largest table that is faster to permute than to read entry by entry (Zen 4). */
#define VI_GRID_PERMUTED_MAX 1024U

typedef __m512i vec_int;
typedef __m512 vec_float;

#define VEC_INLINE static inline __attribute__((always_inline))

VEC_INLINE vec_int vi_load(const void *p)
{
    return _mm512_loadu_si512(p);
}
VEC_INLINE vec_int vi_load_u16(const void *p)
{
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
}
VEC_INLINE vec_int vi_zero(void)
{
    return _mm512_setzero_si512();
}
VEC_INLINE vec_int vi_set(int32_t v)
{
    return _mm512_set1_epi32(v);
}
VEC_INLINE vec_int vi_and(vec_int a, vec_int b)
{
    return _mm512_and_si512(a, b);
}
VEC_INLINE vec_int vi_or(vec_int a, vec_int b)
{
    return _mm512_or_si512(a, b);
}
VEC_INLINE vec_int vi_xor(vec_int a, vec_int b)
{
    return _mm512_xor_si512(a, b);
}
VEC_INLINE vec_int vi_add(vec_int a, vec_int b)
{
    return _mm512_add_epi32(a, b);
}
VEC_INLINE vec_int vi_sub(vec_int a, vec_int b)
{
    return _mm512_sub_epi32(a, b);
}
VEC_INLINE vec_int vi_mul(vec_int a, vec_int b)
{
    return _mm512_mullo_epi32(a, b);
}
VEC_INLINE vec_int vi_shr(vec_int a, unsigned n)
{
    return _mm512_srli_epi32(a, n);
}
VEC_INLINE vec_int vi_sar(vec_int a, unsigned n)
{
    return _mm512_srai_epi32(a, n);
}
VEC_INLINE vec_int vi_shl(vec_int a, unsigned n)
{
    return _mm512_slli_epi32(a, n);
}
/* (a & mask) | b */
VEC_INLINE vec_int vi_and_or(vec_int a, vec_int mask, vec_int b)
{
    return _mm512_ternarylogic_epi32(a, mask, b, 0xea);
}

VEC_INLINE vec_float vf_load(const void *p)
{
    return _mm512_loadu_ps(p);
}
VEC_INLINE void vf_store(void *p, vec_float v)
{
    _mm512_storeu_ps(p, v);
}
VEC_INLINE vec_float vf_zero(void)
{
    return _mm512_setzero_ps();
}
VEC_INLINE vec_float vf_set(float v)
{
    return _mm512_set1_ps(v);
}
VEC_INLINE vec_float vf_mul(vec_float a, vec_float b)
{
    return _mm512_mul_ps(a, b);
}
VEC_INLINE vec_float vf_neg(vec_float a)
{
    return _mm512_xor_ps(a, _mm512_set1_ps(-0.0F));
}
VEC_INLINE vec_float vf_fma(vec_float a, vec_float b, vec_float c)
{
    return _mm512_fmadd_ps(a, b, c);
}
VEC_INLINE vec_float vf_of_int(vec_int a)
{
    return _mm512_cvtepi32_ps(a);
}
VEC_INLINE vec_float vf_of_bits(vec_int a)
{
    return _mm512_castsi512_ps(a);
}
/* f16 values in memory, one per row. */
VEC_INLINE vec_float vf_load_half(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
/* f16 values in the low halves of the lanes. */
VEC_INLINE vec_float vf_of_half(vec_int a)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(a));
}

/* acc + products of the pairs of 16-bit integers in each lane. */
VEC_INLINE vec_int vi_dot_pair(vec_int acc, vec_int a, vec_int b)
{
    return _mm512_dpwssd_epi32(acc, a, b);
}

/* acc + the products of @p n lines of 8-bit weights, unsigned here, with 4 n activations. */
VEC_INLINE vec_int vi_dot_lines(vec_int acc, const vec_int *w, const int8_t *q, unsigned n,
                                unsigned w_max)
{
    (void)w_max;
    UNROLL for (unsigned i = 0; i < n; i++)
    {
        int32_t four;
        __builtin_memcpy(&four, q + (size_t)4 * i, sizeof(four));
        acc = _mm512_dpbusd_epi32(acc, w[i], _mm512_set1_epi32(four));
    }
    return acc;
}

/* 16 bytes of each of the rows 0, 4, 8, 12 of @p rows, one row in each quarter. */
VEC_INLINE vec_int vi_load_rows(const uint8_t *const *rows, size_t at)
{
    const __m512i z = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(rows[0] + at)));
    const __m512i y =
        _mm512_mask_broadcast_i32x4(z, 0x00f0, _mm_loadu_si128((const __m128i *)(rows[4] + at)));
    const __m512i x =
        _mm512_mask_broadcast_i32x4(y, 0x0f00, _mm_loadu_si128((const __m128i *)(rows[8] + at)));
    return _mm512_mask_broadcast_i32x4(x, 0xf000,
                                       _mm_loadu_si128((const __m128i *)(rows[12] + at)));
}
VEC_INLINE vec_int vi_unpack_low32(vec_int a, vec_int b)
{
    return _mm512_unpacklo_epi32(a, b);
}
VEC_INLINE vec_int vi_unpack_high32(vec_int a, vec_int b)
{
    return _mm512_unpackhi_epi32(a, b);
}
VEC_INLINE vec_int vi_unpack_low64(vec_int a, vec_int b)
{
    return _mm512_unpacklo_epi64(a, b);
}
VEC_INLINE vec_int vi_unpack_high64(vec_int a, vec_int b)
{
    return _mm512_unpackhi_epi64(a, b);
}
VEC_INLINE void vi_store(void *p, vec_int v)
{
    _mm512_storeu_si512(p, v);
}

VEC_INLINE vec_float vf_sub(vec_float a, vec_float b)
{
    return _mm512_sub_ps(a, b);
}
/* To the nearest integer, ties to even. */
VEC_INLINE vec_int vi_round(vec_float a)
{
    return _mm512_cvtps_epi32(a);
}
VEC_INLINE vec_int vi_of_float_bits(vec_float a)
{
    return _mm512_castps_si512(a);
}
VEC_INLINE vec_int vi_max_unsigned(vec_int a, vec_int b)
{
    return _mm512_max_epu32(a, b);
}
VEC_INLINE uint32_t vi_max_lane(vec_int a)
{
    return _mm512_reduce_max_epu32(a);
}
/* Lanes i + (i + 8), then + 4. */
VEC_INLINE __m128 vf_sum_to_four(const vec_float *s)
{
    const __m256 high = _mm512_extractf32x8_ps(s[0], 1);
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(s[0]), high);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
/* Stores 16 integers of -127..127 as bytes and returns their sum. */
VEC_INLINE int vi_store_bytes16(int8_t *to, const vec_int *q)
{
    _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8(q[0]));
    return _mm512_reduce_add_epi32(q[0]);
}
VEC_INLINE vec_int vi_load_u8(const void *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
VEC_INLINE vec_int vi_add_bytes(vec_int a, vec_int b)
{
    return _mm512_add_epi8(a, b);
}
/* 16 bytes at @p p in each 128 bits. */
VEC_INLINE vec_int vi_set_bytes16(const int8_t *p)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
}
/* Byte i becomes the byte of the same 128 bits of @p table that the low four bits of index byte i
 * name. */
VEC_INLINE vec_int vi_shuffle(vec_int table, vec_int index)
{
    return _mm512_shuffle_epi8(table, index);
}
/* Bytes of w, or from - w where a bit of the mask is set in the byte of bits. */
VEC_INLINE vec_int vi_subtract_where(vec_int w, vec_int bits, vec_int mask, vec_int from)
{
    return _mm512_mask_sub_epi8(w, _mm512_test_epi8_mask(bits, mask), from, w);
}

/* table[index & 63] for each 16-bit half of the lanes. */
VEC_INLINE vec_int vi_grid64(const uint16_t *table, vec_int index)
{
    return _mm512_permutex2var_epi16(vi_load(table), index, vi_load(table + 32));
}
/* table[index] for eight 16-bit indices. */
VEC_INLINE __m128i eight_entries(const uint16_t *table, uint64_t low, uint64_t high)
{
    __m128i found = _mm_cvtsi32_si128(table[low & 0xffff]);
    found = _mm_insert_epi16(found, table[low >> 16 & 0xffff], 1);
    found = _mm_insert_epi16(found, table[low >> 32 & 0xffff], 2);
    found = _mm_insert_epi16(found, table[low >> 48], 3);
    found = _mm_insert_epi16(found, table[high & 0xffff], 4);
    found = _mm_insert_epi16(found, table[high >> 16 & 0xffff], 5);
    found = _mm_insert_epi16(found, table[high >> 32 & 0xffff], 6);
    return _mm_insert_epi16(found, table[high >> 48], 7);
}
/*
 * table[index] for each 16-bit half; the table has @p n entries, a power of two from 64 to 2048. A
 * small table is permuted from registers, 64 entries at a time; a large one is read entry by entry.
 */
VEC_INLINE vec_int vi_grid(const uint16_t *table, unsigned n, vec_int index)
{
    if (n > VI_GRID_PERMUTED_MAX) {
        uint64_t at[8];
        _mm512_storeu_si512(at, index);
        const __m256i low = _mm256_set_m128i(eight_entries(table, at[2], at[3]),
                                             eight_entries(table, at[0], at[1]));
        const __m256i high = _mm256_set_m128i(eight_entries(table, at[6], at[7]),
                                              eight_entries(table, at[4], at[5]));
        return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    vec_int found[16];
    UNROLL_16 for (unsigned i = 0; i < n / 64; i++) found[i] =
        vi_grid64(table + (size_t)64 * i, index);
    UNROLL for (unsigned span = n / 2; span >= 64; span /= 2)
    {
        const __mmask32 upper = _mm512_test_epi16_mask(index, _mm512_set1_epi16((short)span));
        UNROLL_16 for (unsigned i = 0; i < span / 64; i++)
        {
            found[i] = _mm512_mask_blend_epi16(upper, found[i], found[i + span / 64]);
        }
    }
    return found[0];
}

#endif
