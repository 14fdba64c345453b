/* SPDX-License-Identifier: MIT */
/*
 * Sixteen f32 lanes in portable C: the definition that the vector forms repeat bit for bit.
 *
 * lanes_scalar.h, lanes_avx2.h and lanes_avx512.h define the same struct and the same functions; a
 * kernel body (elementwise_impl.h, attention_impl.h) is written once over them and compiled once
 * per instruction level. Every function is one IEEE operation per lane, or one fixed tree over the
 * 16 lanes, so a body gives the same bits at every level (invariant I1). Only the payload of a NaN
 * may differ. Included by kernel/<name>_scalar.c alone.
 */
#ifndef NMOS_KERNEL_LANES_SCALAR_H
#define NMOS_KERNEL_LANES_SCALAR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "quant/f16.h"

#define LANES                16
/* Vectors of 16 positions or dimensions that the inner product of attention keeps in registers at a
 * time. */
#define LANES_PRODUCT_GROUPS 1

struct f32x16 {
    float lane[LANES];
};

static inline struct f32x16 lanes_set1(float x)
{
    struct f32x16 r;
    for (int i = 0; i < LANES; i++) r.lane[i] = x;
    return r;
}

static inline struct f32x16 lanes_load(const float *p)
{
    struct f32x16 r;
    memcpy(r.lane, p, sizeof(r.lane));
    return r;
}

static inline void lanes_store(float *p, struct f32x16 a)
{
    memcpy(p, a.lane, sizeof(a.lane));
}

/* The first n of p, then zeros; n may exceed 16. Reads nothing behind p[n - 1]. */
static inline struct f32x16 lanes_load_n(const float *p, size_t n)
{
    struct f32x16 r;
    for (size_t i = 0; i < LANES; i++) r.lane[i] = i < n ? p[i] : 0.0F;
    return r;
}

/* Stores the first n lanes; n may exceed 16. */
static inline void lanes_store_n(float *p, struct f32x16 a, size_t n)
{
    for (size_t i = 0; i < LANES && i < n; i++) p[i] = a.lane[i];
}

/* The first n of p, n <= 8, each twice: p0 p0 p1 p1 ..., then zeros. */
static inline struct f32x16 lanes_load_twice_n(const float *p, size_t n)
{
    struct f32x16 r;
    for (size_t i = 0; i < LANES; i++) r.lane[i] = i / 2 < n ? p[i / 2] : 0.0F;
    return r;
}

/* Lanes [0, n) of a, the others of b. */
static inline struct f32x16 lanes_first_n(size_t n, struct f32x16 a, struct f32x16 b)
{
    for (size_t i = 0; i < LANES; i++) {
        if (i >= n) a.lane[i] = b.lane[i];
    }
    return a;
}

static inline struct f32x16 lanes_add(struct f32x16 a, struct f32x16 b)
{
    for (int i = 0; i < LANES; i++) a.lane[i] = a.lane[i] + b.lane[i];
    return a;
}

static inline struct f32x16 lanes_sub(struct f32x16 a, struct f32x16 b)
{
    for (int i = 0; i < LANES; i++) a.lane[i] = a.lane[i] - b.lane[i];
    return a;
}

static inline struct f32x16 lanes_mul(struct f32x16 a, struct f32x16 b)
{
    for (int i = 0; i < LANES; i++) a.lane[i] = a.lane[i] * b.lane[i];
    return a;
}

static inline struct f32x16 lanes_div(struct f32x16 a, struct f32x16 b)
{
    for (int i = 0; i < LANES; i++) a.lane[i] = a.lane[i] / b.lane[i];
    return a;
}

/* a * b + c, rounded once. */
static inline struct f32x16 lanes_fma(struct f32x16 a, struct f32x16 b, struct f32x16 c)
{
    for (int i = 0; i < LANES; i++) c.lane[i] = fmaf(a.lane[i], b.lane[i], c.lane[i]);
    return c;
}

/* b where a or b is a NaN. */
static inline struct f32x16 lanes_min(struct f32x16 a, struct f32x16 b)
{
    for (int i = 0; i < LANES; i++) b.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
    return b;
}

static inline struct f32x16 lanes_max(struct f32x16 a, struct f32x16 b)
{
    for (int i = 0; i < LANES; i++) b.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
    return b;
}

static inline struct f32x16 lanes_abs(struct f32x16 a)
{
    for (int i = 0; i < LANES; i++) a.lane[i] = fabsf(a.lane[i]);
    return a;
}

static inline struct f32x16 lanes_copysign(struct f32x16 a, struct f32x16 sign)
{
    for (int i = 0; i < LANES; i++) a.lane[i] = copysignf(a.lane[i], sign.lane[i]);
    return a;
}

/* yes where a < b, no elsewhere. */
static inline struct f32x16 lanes_if_less(struct f32x16 a, struct f32x16 b, struct f32x16 yes,
                                          struct f32x16 no)
{
    for (int i = 0; i < LANES; i++) no.lane[i] = a.lane[i] < b.lane[i] ? yes.lane[i] : no.lane[i];
    return no;
}

/* p * 2^n with one rounding, for integral n in [-151, 129] and |p| in [1/2, 2]. */
static inline struct f32x16 lanes_ldexp(struct f32x16 p, struct f32x16 n)
{
    for (int i = 0; i < LANES; i++) {
        /* 1.5 * 2^23 + n holds n in its low bits, without a conversion that a NaN would make
         * undefined. Two factors, since 2^n itself need not be a number; the first product is
         * exact. */
        const uint32_t k = f32_to_bits(n.lane[i] + 0x1.8p23F) - 0x4b400000U;
        const uint32_t half = (k + 256U) / 2U - 128U;
        const float a = f32_from_bits((half + 127U) << 23);
        const float b = f32_from_bits((k - half + 127U) << 23);
        p.lane[i] = p.lane[i] * a * b;
    }
    return p;
}

/* x1 x0 x3 x2 ... */
static inline struct f32x16 lanes_swap_pairs(struct f32x16 a)
{
    struct f32x16 r;
    for (int i = 0; i < LANES; i++) r.lane[i] = a.lane[i ^ 1];
    return r;
}

/* -x0 x1 -x2 x3 ... */
static inline struct f32x16 lanes_negate_even(struct f32x16 a)
{
    for (int i = 0; i < LANES; i += 2) a.lane[i] = -a.lane[i];
    return a;
}

/* The fixed tree: lanes i and i + 8, then i and i + 4, i and i + 2, 0 and 1. */
static inline float lanes_sum(struct f32x16 a)
{
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) a.lane[i] = a.lane[i] + a.lane[i + width];
    }
    return a.lane[0];
}

static inline float lanes_max_of(struct f32x16 a)
{
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            a.lane[i] = a.lane[i] > a.lane[i + width] ? a.lane[i] : a.lane[i + width];
        }
    }
    return a.lane[0];
}

static inline float lanes_first(struct f32x16 a)
{
    return a.lane[0];
}

/* 16 halves, widened exactly. */
static inline struct f32x16 lanes_load_f16(const uint16_t *p)
{
    struct f32x16 r;
    for (int i = 0; i < LANES; i++) r.lane[i] = f16_to_f32(p[i]);
    return r;
}

/* One half in every lane. */
static inline struct f32x16 lanes_set1_f16(uint16_t half)
{
    return lanes_set1(f16_to_f32(half));
}

/* 16 halves, rounded to nearest even. */
static inline void lanes_store_f16(uint16_t *p, struct f32x16 a)
{
    for (int i = 0; i < LANES; i++) p[i] = f32_to_f16(a.lane[i]);
}

static inline struct f32x16 lanes_load_i8(const int8_t *p)
{
    struct f32x16 r;
    for (int i = 0; i < LANES; i++) r.lane[i] = (float)p[i];
    return r;
}

#endif
