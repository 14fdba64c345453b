/* SPDX-License-Identifier: MIT */
/* Sixteen f32 lanes as one AVX-512 register; see lanes_scalar.h for what each function means. */
#ifndef NMOS_KERNEL_LANES_AVX512_H
#define NMOS_KERNEL_LANES_AVX512_H

#include <stddef.h>
#include <stdint.h>

#include <immintrin.h>

#define LANES                16
/* 6 rows x 4 groups are 24 accumulators of the 32 registers. */
#define LANES_PRODUCT_GROUPS 4

struct f32x16 {
    __m512 v;
};

static inline struct f32x16 lanes_set1(float x)
{
    return (struct f32x16){_mm512_set1_ps(x)};
}

static inline struct f32x16 lanes_load(const float *p)
{
    return (struct f32x16){_mm512_loadu_ps(p)};
}

static inline void lanes_store(float *p, struct f32x16 a)
{
    _mm512_storeu_ps(p, a.v);
}

/* Ones for the first n of 16 lanes. */
static inline __mmask16 lanes_mask16(size_t n)
{
    return (__mmask16)(n >= LANES ? 0xffffU : (1U << n) - 1U);
}

static inline struct f32x16 lanes_load_n(const float *p, size_t n)
{
    if (n >= LANES) return lanes_load(p);
    return (struct f32x16){_mm512_maskz_loadu_ps(lanes_mask16(n), p)};
}

static inline void lanes_store_n(float *p, struct f32x16 a, size_t n)
{
    if (n >= LANES) {
        lanes_store(p, a);
        return;
    }
    _mm512_mask_storeu_ps(p, lanes_mask16(n), a.v);
}

static inline struct f32x16 lanes_load_twice_n(const float *p, size_t n)
{
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    const __m512 x = _mm512_maskz_loadu_ps(lanes_mask16(n > 8 ? 8 : n), p);
    return (struct f32x16){_mm512_permutexvar_ps(twice, x)};
}

static inline struct f32x16 lanes_first_n(size_t n, struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm512_mask_blend_ps(lanes_mask16(n), b.v, a.v)};
}

static inline struct f32x16 lanes_add(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm512_add_ps(a.v, b.v)};
}

static inline struct f32x16 lanes_sub(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm512_sub_ps(a.v, b.v)};
}

static inline struct f32x16 lanes_mul(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm512_mul_ps(a.v, b.v)};
}

static inline struct f32x16 lanes_div(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm512_div_ps(a.v, b.v)};
}

static inline struct f32x16 lanes_fma(struct f32x16 a, struct f32x16 b, struct f32x16 c)
{
    return (struct f32x16){_mm512_fmadd_ps(a.v, b.v, c.v)};
}

static inline struct f32x16 lanes_min(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm512_min_ps(a.v, b.v)};
}

static inline struct f32x16 lanes_max(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm512_max_ps(a.v, b.v)};
}

static inline struct f32x16 lanes_abs(struct f32x16 a)
{
    return (struct f32x16){_mm512_abs_ps(a.v)};
}

static inline struct f32x16 lanes_copysign(struct f32x16 a, struct f32x16 sign)
{
    const __m512 bit = _mm512_set1_ps(-0.0F);
    return (struct f32x16){_mm512_or_ps(_mm512_andnot_ps(bit, a.v), _mm512_and_ps(bit, sign.v))};
}

static inline struct f32x16 lanes_if_less(struct f32x16 a, struct f32x16 b, struct f32x16 yes,
                                          struct f32x16 no)
{
    const __mmask16 less = _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ);
    return (struct f32x16){_mm512_mask_blend_ps(less, no.v, yes.v)};
}

static inline struct f32x16 lanes_ldexp(struct f32x16 p, struct f32x16 n)
{
    return (struct f32x16){_mm512_scalef_ps(p.v, n.v)};
}

static inline struct f32x16 lanes_swap_pairs(struct f32x16 a)
{
    return (struct f32x16){_mm512_permute_ps(a.v, 0xb1)};
}

static inline struct f32x16 lanes_negate_even(struct f32x16 a)
{
    const __m512i sign = _mm512_set1_epi64(0x80000000);
    return (struct f32x16){_mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a.v), sign))};
}

static inline float lanes_sum(struct f32x16 a)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static inline float lanes_max_of(struct f32x16 a)
{
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

static inline float lanes_first(struct f32x16 a)
{
    return _mm512_cvtss_f32(a.v);
}

static inline struct f32x16 lanes_load_f16(const uint16_t *p)
{
    return (struct f32x16){_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p))};
}

static inline struct f32x16 lanes_set1_f16(uint16_t half)
{
    return lanes_set1(_cvtsh_ss(half));
}

static inline void lanes_store_f16(uint16_t *p, struct f32x16 a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}

static inline struct f32x16 lanes_load_i8(const int8_t *p)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (struct f32x16){_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(x))};
}

#endif
