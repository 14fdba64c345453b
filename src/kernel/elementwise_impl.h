/* SPDX-License-Identifier: MIT */
/*
 * The body of the elementwise functions over 16 lanes, compiled once per instruction level.
 *
 * Included behind one of the lanes_*.h headers by kernel/elementwise_<level>.c alone. Formulas,
 * shapes and the order of sums are in elementwise.h. In each loop `left` elements remain; loads
 * fill a tail with zeros.
 */
#ifndef NMOS_KERNEL_ELEMENTWISE_IMPL_H
#define NMOS_KERNEL_ELEMENTWISE_IMPL_H

#include <math.h>

#include "kernel/elementwise.h"
#include "kernel/lanes_math.h"

static void rms_norm(float *y, const float *x, const float *w, size_t n, float eps)
{
    struct f32x16 squares = lanes_set1(0.0F);
    for (size_t i = 0; i < n; i += LANES) {
        const struct f32x16 v = lanes_load_n(x + i, n - i);
        squares = lanes_fma(v, v, squares);
    }
    const float mean = lanes_sum(squares) / (float)n;
    const struct f32x16 scale = lanes_set1(1.0F / sqrtf(mean + eps));
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        struct f32x16 v = lanes_mul(lanes_load_n(x + i, left), scale);
        if (w) v = lanes_mul(v, lanes_load_n(w + i, left));
        lanes_store_n(y + i, v, left);
    }
}

static void vec_add(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        lanes_store_n(y + i, lanes_add(lanes_load_n(a + i, left), lanes_load_n(b + i, left)), left);
    }
}

static void vec_scale(float *y, const float *x, float a, size_t n)
{
    const struct f32x16 factor = lanes_set1(a);
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        lanes_store_n(y + i, lanes_mul(factor, lanes_load_n(x + i, left)), left);
    }
}

static void vec_mul_add(float *y, float a, const float *x, size_t n)
{
    const struct f32x16 factor = lanes_set1(a);
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const struct f32x16 v =
            lanes_fma(factor, lanes_load_n(x + i, left), lanes_load_n(y + i, left));
        lanes_store_n(y + i, v, left);
    }
}

static void vec_softcap(float *y, const float *x, float cap, size_t n)
{
    const struct f32x16 limit = lanes_set1(cap);
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const struct f32x16 t = lanes_tanh(lanes_div(lanes_load_n(x + i, left), limit));
        lanes_store_n(y + i, lanes_mul(limit, t), left);
    }
}

static void vec_sigmoid(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        lanes_store_n(y + i, lanes_gate(lanes_set1(1.0F), lanes_load_n(x + i, left)), left);
    }
}

static void vec_softmax(float *y, const float *x, size_t n)
{
    const struct f32x16 lowest = lanes_set1(-INFINITY);
    struct f32x16 top = lowest;
    for (size_t i = 0; i < n; i += LANES) {
        top = lanes_max(top, lanes_first_n(n - i, lanes_load_n(x + i, n - i), lowest));
    }
    const struct f32x16 peak = lanes_set1(lanes_max_of(top));
    struct f32x16 sum = lanes_set1(0.0F);
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const struct f32x16 e = lanes_exp(lanes_sub(lanes_load_n(x + i, left), peak));
        sum = lanes_add(sum, lanes_first_n(left, e, lanes_set1(0.0F)));
        lanes_store_n(y + i, e, left);
    }
    const struct f32x16 total = lanes_set1(lanes_sum(sum));
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        lanes_store_n(y + i, lanes_div(lanes_load_n(y + i, left), total), left);
    }
}

static void silu_mul(float *y, const float *g, const float *u, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const struct f32x16 gate = lanes_load_n(g + i, left);
        lanes_store_n(y + i, lanes_mul(lanes_gate(gate, gate), lanes_load_n(u + i, left)), left);
    }
}

/* (1 + tanh(z)) / 2 = 1 / (1 + e^-2z), without the cancellation of 1 + tanh(z) for negative z. */
static void gelu_tanh_mul(float *y, const float *g, const float *u, size_t n)
{
    const struct f32x16 cubic = lanes_set1(0.044715F);
    const struct f32x16 slope = lanes_set1(1.5957691216F); /* 2 sqrt(2 / pi) */
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const struct f32x16 x = lanes_load_n(g + i, left);
        const struct f32x16 inner = lanes_fma(lanes_mul(cubic, lanes_mul(x, x)), x, x);
        const struct f32x16 v = lanes_gate(x, lanes_mul(slope, inner));
        lanes_store_n(y + i, lanes_mul(v, lanes_load_n(u + i, left)), left);
    }
}

static void swiglu_oai_mul(float *y, const float *g, const float *u, size_t n)
{
    const struct f32x16 limit = lanes_set1(7.0F);
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const struct f32x16 gate = lanes_min(limit, lanes_load_n(g + i, left));
        const struct f32x16 up =
            lanes_min(limit, lanes_max(lanes_set1(-7.0F), lanes_load_n(u + i, left)));
        const struct f32x16 v = lanes_gate(gate, lanes_mul(lanes_set1(1.702F), gate));
        lanes_store_n(y + i, lanes_mul(v, lanes_add(up, lanes_set1(1.0F))), left);
    }
}

/* Eight pairs a vector: x cos + (x1, x0) (-sin, sin). */
static void rope_norm(float *x, const float *cosine, const float *sine, size_t n_rot)
{
    for (size_t i = 0; i < n_rot; i += LANES) {
        const size_t left = n_rot - i;
        const struct f32x16 v = lanes_load_n(x + i, left);
        const struct f32x16 c = lanes_load_twice_n(cosine + i / 2, left / 2);
        const struct f32x16 s = lanes_negate_even(lanes_load_twice_n(sine + i / 2, left / 2));
        lanes_store_n(x + i, lanes_fma(v, c, lanes_mul(lanes_swap_pairs(v), s)), left);
    }
}

static void rope_neox(float *x, const float *cosine, const float *sine, size_t n_rot)
{
    const size_t half = n_rot / 2;
    for (size_t i = 0; i < half; i += LANES) {
        const size_t left = half - i;
        const struct f32x16 a = lanes_load_n(x + i, left);
        const struct f32x16 b = lanes_load_n(x + half + i, left);
        const struct f32x16 c = lanes_load_n(cosine + i, left);
        const struct f32x16 s = lanes_load_n(sine + i, left);
        const struct f32x16 bs = lanes_mul(b, lanes_sub(lanes_set1(0.0F), s));
        lanes_store_n(x + i, lanes_fma(a, c, bs), left);
        lanes_store_n(x + half + i, lanes_fma(b, c, lanes_mul(a, s)), left);
    }
}

static void rope(float *x, const float *cosine, const float *sine, size_t n_rot,
                 enum rope_pairing pairing)
{
    if (pairing == ROPE_NORM) {
        rope_norm(x, cosine, sine, n_rot);
    } else {
        rope_neox(x, cosine, sine, n_rot);
    }
}

#define ELEMENTWISE_TABLE                                                                          \
    {                                                                                              \
        .rms_norm = rms_norm, .vec_add = vec_add, .vec_scale = vec_scale,                          \
        .vec_mul_add = vec_mul_add, .vec_softcap = vec_softcap, .vec_sigmoid = vec_sigmoid,        \
        .vec_softmax = vec_softmax, .silu_mul = silu_mul, .gelu_tanh_mul = gelu_tanh_mul,          \
        .swiglu_oai_mul = swiglu_oai_mul, .rope = rope,                                            \
    }

#endif
