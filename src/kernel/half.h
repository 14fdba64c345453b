/* SPDX-License-Identifier: MIT */
/* Reading of 16-bit floats and unaligned integers in the portable kernels. */
#ifndef NMOS_KERNEL_HALF_H
#define NMOS_KERNEL_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint16_t load_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline float float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/** IEEE binary16 to binary32; a signalling NaN becomes quiet, as in hardware. */
static inline float float_of_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000U) << 16;
    const uint32_t exponent = half >> 10 & 31U;
    const uint32_t mantissa = half & 1023U;
    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24, exact */
        const float magnitude = (float)mantissa * 0x1p-24F;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 31) {
        return float_of_bits(sign | 0x7f800000U | mantissa << 13 | (mantissa ? 0x400000U : 0));
    }
    return float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

#endif
