/* SPDX-License-Identifier: MIT */
/* Sixteen f32 lanes as two AVX2 registers; see lanes_scalar.h for what each function means. */
#ifndef NMOS_KERNEL_LANES_AVX2_H
#define NMOS_KERNEL_LANES_AVX2_H

#include <stddef.h>
#include <stdint.h>

#include <immintrin.h>

#define LANES                16
/* 6 rows x 1 group are 12 accumulators of the 16 registers. */
#define LANES_PRODUCT_GROUPS 1

struct f32x16 {
    __m256 lo, hi;
};

static inline struct f32x16 lanes_set1(float x)
{
    return (struct f32x16){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

static inline struct f32x16 lanes_load(const float *p)
{
    return (struct f32x16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

static inline void lanes_store(float *p, struct f32x16 a)
{
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}

/* All ones in the first n of 8 lanes. */
static inline __m256i lanes_mask8(size_t n)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n > 8 ? 8 : (int)n), index);
}

static inline struct f32x16 lanes_load_n(const float *p, size_t n)
{
    if (n >= LANES) return lanes_load(p);
    return (struct f32x16){_mm256_maskload_ps(p, lanes_mask8(n)),
                           _mm256_maskload_ps(p + 8, lanes_mask8(n < 8 ? 0 : n - 8))};
}

static inline void lanes_store_n(float *p, struct f32x16 a, size_t n)
{
    if (n >= LANES) {
        lanes_store(p, a);
        return;
    }
    _mm256_maskstore_ps(p, lanes_mask8(n), a.lo);
    _mm256_maskstore_ps(p + 8, lanes_mask8(n < 8 ? 0 : n - 8), a.hi);
}

static inline struct f32x16 lanes_load_twice_n(const float *p, size_t n)
{
    const __m256 x = n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, lanes_mask8(n));
    return (struct f32x16){_mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)),
                           _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7))};
}

static inline struct f32x16 lanes_first_n(size_t n, struct f32x16 a, struct f32x16 b)
{
    const __m256 lo = _mm256_castsi256_ps(lanes_mask8(n));
    const __m256 hi = _mm256_castsi256_ps(lanes_mask8(n < 8 ? 0 : n - 8));
    return (struct f32x16){_mm256_blendv_ps(b.lo, a.lo, lo), _mm256_blendv_ps(b.hi, a.hi, hi)};
}

static inline struct f32x16 lanes_add(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}

static inline struct f32x16 lanes_sub(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}

static inline struct f32x16 lanes_mul(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}

static inline struct f32x16 lanes_div(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}

static inline struct f32x16 lanes_fma(struct f32x16 a, struct f32x16 b, struct f32x16 c)
{
    return (struct f32x16){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}

static inline struct f32x16 lanes_min(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}

static inline struct f32x16 lanes_max(struct f32x16 a, struct f32x16 b)
{
    return (struct f32x16){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}

static inline struct f32x16 lanes_abs(struct f32x16 a)
{
    const __m256 sign = _mm256_set1_ps(-0.0F);
    return (struct f32x16){_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}

static inline struct f32x16 lanes_copysign(struct f32x16 a, struct f32x16 sign)
{
    const __m256 bit = _mm256_set1_ps(-0.0F);
    const struct f32x16 magnitude = lanes_abs(a);
    return (struct f32x16){_mm256_or_ps(magnitude.lo, _mm256_and_ps(bit, sign.lo)),
                           _mm256_or_ps(magnitude.hi, _mm256_and_ps(bit, sign.hi))};
}

static inline struct f32x16 lanes_if_less(struct f32x16 a, struct f32x16 b, struct f32x16 yes,
                                          struct f32x16 no)
{
    return (struct f32x16){_mm256_blendv_ps(no.lo, yes.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
                           _mm256_blendv_ps(no.hi, yes.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}

static inline __m256 lanes_ldexp8(__m256 p, __m256 n)
{
    const __m256i k = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(k, 1);
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    const __m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(k, half), bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
}

static inline struct f32x16 lanes_ldexp(struct f32x16 p, struct f32x16 n)
{
    return (struct f32x16){lanes_ldexp8(p.lo, n.lo), lanes_ldexp8(p.hi, n.hi)};
}

static inline struct f32x16 lanes_swap_pairs(struct f32x16 a)
{
    return (struct f32x16){_mm256_permute_ps(a.lo, 0xb1), _mm256_permute_ps(a.hi, 0xb1)};
}

static inline struct f32x16 lanes_negate_even(struct f32x16 a)
{
    const __m256 sign = _mm256_setr_ps(-0.0F, 0.0F, -0.0F, 0.0F, -0.0F, 0.0F, -0.0F, 0.0F);
    return (struct f32x16){_mm256_xor_ps(a.lo, sign), _mm256_xor_ps(a.hi, sign)};
}

static inline float lanes_sum(struct f32x16 a)
{
    const __m256 eight = _mm256_add_ps(a.lo, a.hi);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static inline float lanes_max_of(struct f32x16 a)
{
    const __m256 eight = _mm256_max_ps(a.lo, a.hi);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

static inline float lanes_first(struct f32x16 a)
{
    return _mm256_cvtss_f32(a.lo);
}

static inline struct f32x16 lanes_load_f16(const uint16_t *p)
{
    return (struct f32x16){
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)),
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p + 8)))};
}

static inline struct f32x16 lanes_set1_f16(uint16_t half)
{
    return lanes_set1(_cvtsh_ss(half));
}

static inline void lanes_store_f16(uint16_t *p, struct f32x16 a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(a.lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i *)(void *)(p + 8), _mm256_cvtps_ph(a.hi, _MM_FROUND_TO_NEAREST_INT));
}

static inline struct f32x16 lanes_load_i8(const int8_t *p)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (struct f32x16){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x)),
                           _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(x, 8)))};
}

#endif
