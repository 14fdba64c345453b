/* SPDX-License-Identifier: MIT */
/*
 * exp, tanh and the logistic function over 16 lanes: one polynomial for every instruction level.
 *
 * Included behind one of the lanes_*.h headers. Largest errors over all f32 arguments are checked
 * by tests/unit/kernel/test_elementwise.c: exp and tanh 2 units in the last place, subnormal
 * results included. Polynomials: Remez fits of (e^r - 1 - r) / r^2 on |r| <= ln(2)/2 (relative
 * error of e^r 3.1e-9) and of (tanh(x) - x) / x^3 in x^2 on |x| <= 0.628 (relative error 4.7e-9),
 * coefficients then rounded to f32.
 */
#ifndef NMOS_KERNEL_LANES_MATH_H
#define NMOS_KERNEL_LANES_MATH_H

/* e^x: 0 below -104, infinity above 88.73, NaN for NaN. x = n ln 2 + r, e^x = 2^n e^r. */
static inline struct f32x16 lanes_exp(struct f32x16 x)
{
    /* e^-104 < 2^-150 rounds to 0 and e^89 > 2^128 to infinity; n then fits lanes_ldexp(). The
     * bounds come first, because min and max give their second operand when one is a NaN. */
    x = lanes_min(lanes_set1(89.0F), lanes_max(lanes_set1(-104.0F), x));
    /* Adding 1.5 * 2^23 rounds to an integer. */
    const struct f32x16 magic = lanes_set1(0x1.8p23F);
    const struct f32x16 n = lanes_sub(lanes_fma(x, lanes_set1(0x1.715476p0F), magic), magic);
    struct f32x16 r = lanes_fma(n, lanes_set1(-0x1.62e43p-1F), x);
    r = lanes_fma(n, lanes_set1(0x1.05c61p-29F), r);
    struct f32x16 q = lanes_set1(0x1.6a2352p-10F);
    q = lanes_fma(q, r, lanes_set1(0x1.123a6cp-7F));
    q = lanes_fma(q, r, lanes_set1(0x1.5558f4p-5F));
    q = lanes_fma(q, r, lanes_set1(0x1.55549p-3F));
    q = lanes_fma(q, r, lanes_set1(0x1.fffffcp-2F));
    const struct f32x16 p = lanes_fma(lanes_mul(r, r), q, r);
    return lanes_ldexp(lanes_add(p, lanes_set1(1.0F)), n);
}

/* x / (1 + e^-z), the form in which every gate below uses the logistic function. */
static inline struct f32x16 lanes_gate(struct f32x16 x, struct f32x16 z)
{
    const struct f32x16 e = lanes_exp(lanes_sub(lanes_set1(0.0F), z));
    return lanes_div(x, lanes_add(lanes_set1(1.0F), e));
}

/* tanh: an odd polynomial near 0, 1 - 2 / (e^2|x| + 1) beyond. */
static inline struct f32x16 lanes_tanh(struct f32x16 x)
{
    const struct f32x16 one = lanes_set1(1.0F);
    const struct f32x16 two = lanes_set1(2.0F);
    const struct f32x16 a = lanes_abs(x);
    const struct f32x16 e = lanes_exp(lanes_mul(two, a));
    const struct f32x16 far = lanes_sub(one, lanes_div(two, lanes_add(e, one)));
    const struct f32x16 z = lanes_mul(a, a);
    struct f32x16 p = lanes_set1(-0x1.742c26p-8F);
    p = lanes_fma(p, z, lanes_set1(0x1.51c868p-6F));
    p = lanes_fma(p, z, lanes_set1(-0x1.b82e8ep-5F));
    p = lanes_fma(p, z, lanes_set1(0x1.1106c2p-3F));
    p = lanes_fma(p, z, lanes_set1(-0x1.555532p-2F));
    const struct f32x16 near = lanes_fma(lanes_mul(a, z), p, a);
    return lanes_copysign(lanes_if_less(a, lanes_set1(0.625F), near, far), x);
}

#endif
