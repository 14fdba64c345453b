/* SPDX-License-Identifier: MIT */
/*
 * f16 and bf16 to f32 and back, in portable C, with the results of the F16C instructions.
 *
 * Rounding is to nearest, ties to even; subnormals are exact; a NaN stays a NaN of the same sign
 * and leading payload, made quiet. Source: IEEE 754-2008 binary16; bf16 is the upper half of
 * binary32.
 */
#ifndef NMOS_QUANT_F16_H
#define NMOS_QUANT_F16_H

#include <stdint.h>
#include <string.h>

static inline float f32_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t f32_to_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000U) << 16;
    const uint32_t exponent = (h >> 10) & 31U;
    const uint32_t mantissa = h & 0x3ffU;
    if (exponent == 31U) {
        const uint32_t quiet = mantissa ? 0x400000U : 0U;
        return f32_from_bits(sign | 0x7f800000U | quiet | (mantissa << 13));
    }
    if (exponent == 0U) { /* mantissa * 2^-24, a normal f32 or zero */
        return f32_from_bits(sign | f32_to_bits((float)mantissa * 0x1p-24F));
    }
    return f32_from_bits(sign | ((exponent + 112U) << 23) | (mantissa << 13));
}

static inline uint16_t f32_to_f16(float f)
{
    const uint32_t bits = f32_to_bits(f);
    const uint32_t sign = (bits >> 16) & 0x8000U;
    const uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U) {
        return (uint16_t)(sign | 0x7e00U | ((magnitude >> 13) & 0x3ffU));
    }
    if (magnitude >= 0x477ff000U) return (uint16_t)(sign | 0x7c00U); /* 65520 and above: infinity */
    if (magnitude < 0x38800000U) {
        /* Below 2^-14. Adding 0.5 rounds to a multiple of 2^-24, the unit of a subnormal f16. */
        const float rounded = f32_from_bits(magnitude) + 0.5F;
        return (uint16_t)(sign | (f32_to_bits(rounded) - 0x3f000000U));
    }
    /* Drop 13 bits: add just under half a unit, and the one that is missing when the kept part is
     * odd. */
    const uint32_t odd = (magnitude >> 13) & 1U;
    return (uint16_t)(sign | ((magnitude - (112U << 23) + 0xfffU + odd) >> 13));
}

static inline float bf16_to_f32(uint16_t h)
{
    return f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t f32_to_bf16(float f)
{
    const uint32_t bits = f32_to_bits(f);
    if ((bits & 0x7fffffffU) > 0x7f800000U) return (uint16_t)((bits >> 16) | 0x40U);
    return (uint16_t)((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

#endif
