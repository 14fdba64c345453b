/* SPDX-License-Identifier: MIT */
/*
 * Everything between the matrix products that works on vectors of f32: norms, gates, sums,
 * rotation.
 *
 * One definition for every instruction level, bit for bit (invariant I1): a sum runs over 16 lanes,
 * lane i takes the elements i, i + 16, ... in order, one fused multiply-add or addition each, and
 * the lanes are then added as a tree (i and i + 8, i and i + 4, i and i + 2, 0 and 1); a tail
 * counts as if padded with zeros. exp and tanh are the polynomials of lanes_math.h, division and
 * square root are IEEE's. The only difference allowed is a NaN's payload.
 *
 * All functions: n may be 0; buffers may have any alignment; an output may be the same buffer as an
 * input but must not overlap it otherwise; nothing behind element n - 1 is read or written;
 * thread-safe.
 */
#ifndef NMOS_KERNEL_ELEMENTWISE_H
#define NMOS_KERNEL_ELEMENTWISE_H

#include <stddef.h>

/** Which elements of a head form the pairs that rotary embedding turns. */
enum rope_pairing {
    ROPE_NORM, /* (2i, 2i + 1) */
    ROPE_NEOX, /* (i, i + n_rot / 2) */
};

/** The functions of one instruction level. */
struct elementwise_table {
    /** y = x / sqrt(mean(x^2) + eps) * w; @p w may be NULL (all ones). Zhang and Sennrich 2019,
     * arXiv:1910.07467. */
    void (*rms_norm)(float *y, const float *x, const float *w, size_t n, float eps);
    /** y = a + b. */
    void (*vec_add)(float *y, const float *a, const float *b, size_t n);
    /** y = a x. */
    void (*vec_scale)(float *y, const float *x, float a, size_t n);
    /** y = fma(a, x, y). */
    void (*vec_mul_add)(float *y, float a, const float *x, size_t n);
    /** y = cap tanh(x / cap), cap > 0. */
    void (*vec_softcap)(float *y, const float *x, float cap, size_t n);
    /** y = 1 / (1 + e^-x). */
    void (*vec_sigmoid)(float *y, const float *x, size_t n);
    /** y = e^(x - max) / sum of e^(x - max); every element must be finite or -infinity, one finite.
     */
    void (*vec_softmax)(float *y, const float *x, size_t n);
    /** y = silu(g) u, silu(g) = g / (1 + e^-g). */
    void (*silu_mul)(float *y, const float *g, const float *u, size_t n);
    /** y = gelu(g) u, gelu(g) = g / 2 (1 + tanh(sqrt(2 / pi) (g + 0.044715 g^3))). */
    void (*gelu_tanh_mul)(float *y, const float *g, const float *u, size_t n);
    /** y = g / (1 + e^(-1.702 g)) (u + 1), with g at most 7 and u within [-7, 7] (gpt-oss). */
    void (*swiglu_oai_mul)(float *y, const float *g, const float *u, size_t n);
    /**
     * Turns pair i of the first @p n_rot (even) elements of head @p x by an angle with the given
     * cosine and sine, [n_rot / 2] each (a magnitude scale is part of them): (a, b) becomes (a cos
     * - b sin, a sin + b cos), each as fma(first product's factors, rounded second product). Su et
     * al. 2021, arXiv:2104.09864.
     */
    void (*rope)(float *x, const float *cosine, const float *sine, size_t n_rot,
                 enum rope_pairing pairing);
};

/** The table in use; the portable one until elementwise_init(). */
extern const struct elementwise_table *elementwise;

/** Chooses the table for cpu_level_get(); to be called again after cpu_level_limit(). Not
 * thread-safe. */
void elementwise_init(void);

extern const struct elementwise_table elementwise_scalar;
extern const struct elementwise_table elementwise_avx2;   /* x86-64 only */
extern const struct elementwise_table elementwise_avx512; /* x86-64 only */

#endif
