/* SPDX-License-Identifier: MIT */
/*
 * 32 weights of a row, from a block as it lies in a file, as the definition in kernel/matmul.h has
 * them: 8-bit integers, four to a dword, with their scales.
 *
 * Blocks are described in quant/blocks.h. `block` has any alignment that its type's size leaves:
 * dwords are read whole where that is a multiple of four, else as two halves.
 */
#ifndef NMOS_BACKEND_CUDA_DEVICE_UNPACK_H
#define NMOS_BACKEND_CUDA_DEVICE_UNPACK_H

#include "backend/cuda/device/device.h"
#include "quant/blocks.h"

struct weights {
    uint32_t q[8]; /* weights 4 i .. 4 i + 3, the first in the lowest byte */
    int32_t sc[2]; /* of weights 0..15 and 16..31 */
    int32_t m[2];  /* minima per 16 weights: Q2_K only */
    float scale;
    float min; /* 0 for types without minima */
};

/* Types with a minimum per 32 weights, which multiplies nsum, and the one with a minimum per 16. */
INLINE int has_min(uint32_t type)
{
    return type == TENSOR_Q4_1 || type == TENSOR_Q5_1 || type == TENSOR_Q4_K || type == TENSOR_Q5_K;
}

INLINE int has_min16(uint32_t type)
{
    return type == TENSOR_Q2_K;
}

INLINE uint32_t load_u16(const uint8_t *p)
{
    return *(const uint16_t *)(const void *)p;
}

INLINE uint32_t load_u32(const uint8_t *p)
{
    return *(const uint32_t *)(const void *)p;
}

/* A dword at a multiple of two. */
INLINE uint32_t load_halves(const uint8_t *p)
{
    return load_u16(p) | load_u16(p + 2) << 16;
}

INLINE uint32_t load_bytes(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

INLINE float load_half(const uint8_t *p)
{
    return half_f32((uint16_t)load_u16(p));
}

/* Each byte of x, below 128, minus n. */
INLINE uint32_t minus_bytes(uint32_t x, uint32_t n)
{
    return ((x | 0x80808080U) - n * 0x01010101U) ^ 0x80808080U;
}

/* Four bits to the lowest bits of four bytes. */
INLINE uint32_t spread_bits(uint32_t bits)
{
    return ((bits & 15U) * 0x00204081U) & 0x01010101U;
}

/* Low nibbles of 16 bytes are weights 0..15, high ones 16..31. */
INLINE void put_nibbles(uint32_t i, uint32_t bytes, uint32_t offset, struct weights *w)
{
    w->q[i] = minus_bytes(bytes & 0x0f0f0f0fU, offset);
    w->q[i + 4] = minus_bytes(bytes >> 4 & 0x0f0f0f0fU, offset);
}

INLINE void unpack_q4(const uint8_t *b, uint32_t type, struct weights *w)
{
    w->scale = load_half(b);
    if (type == TENSOR_Q4_1) w->min = load_half(b + 2);
    UNROLL(unroll)
    for (uint32_t i = 0; i < 4; i++) {
        if (type == TENSOR_Q4_0) {
            put_nibbles(i, load_halves(b + 2 + (uint64_t)4 * i), 8, w);
        } else {
            put_nibbles(i, load_u32(b + 4 + (uint64_t)4 * i), 0, w);
        }
    }
}

INLINE void unpack_q5(const uint8_t *b, uint32_t type, struct weights *w)
{
    const uint32_t at = type == TENSOR_Q5_0 ? 2 : 4;
    const uint32_t offset = type == TENSOR_Q5_0 ? 16 : 0;
    const uint32_t high = load_halves(b + at);
    w->scale = load_half(b);
    if (type == TENSOR_Q5_1) w->min = load_half(b + 2);
    UNROLL(unroll)
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t bytes = load_halves(b + at + 4 + (uint64_t)4 * i);
        const uint32_t low_five = (bytes & 0x0f0f0f0fU) | spread_bits(high >> (4 * i)) << 4;
        const uint32_t high_five = (bytes >> 4 & 0x0f0f0f0fU) | spread_bits(high >> (4 * i + 16))
                                                                    << 4;
        w->q[i] = minus_bytes(low_five, offset);
        w->q[i + 4] = minus_bytes(high_five, offset);
    }
}

INLINE void unpack_q8_0(const uint8_t *b, struct weights *w)
{
    w->scale = load_half(b);
    UNROLL(unroll)
    for (uint32_t i = 0; i < 8; i++) w->q[i] = load_halves(b + 2 + (uint64_t)4 * i);
}

INLINE void unpack_q4_q5_k(const uint8_t *b, uint32_t type, uint32_t sub, struct weights *w)
{
    const int i_sub = (int)sub;
    const uint8_t *nibbles = b + (type == TENSOR_Q4_K ? 16 : 48) + (uint64_t)32 * (sub / 2);
    w->scale = load_half(b) * (float)q4_k_scale(b + 4, i_sub);
    w->min = load_half(b + 2) * (float)q4_k_min(b + 4, i_sub);
    UNROLL(unroll)
    for (uint32_t i = 0; i < 8; i++) {
        w->q[i] = load_u32(nibbles + (uint64_t)4 * i) >> (4 * (sub % 2)) & 0x0f0f0f0fU;
        if (type == TENSOR_Q5_K) {
            w->q[i] |= (load_u32(b + 16 + (uint64_t)4 * i) >> sub & 0x01010101U) << 4;
        }
    }
}

INLINE void unpack_q6_k(const uint8_t *b, uint32_t sub, struct weights *w)
{
    const uint32_t half = sub / 4;
    const uint32_t quarter = sub % 4;
    const uint8_t *low = b + (uint64_t)64 * half + (uint64_t)32 * (quarter % 2);
    const uint8_t *high = b + 128 + (uint64_t)32 * half;
    UNROLL(unroll)
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t l = load_halves(low + (uint64_t)4 * i) >> (4 * (quarter / 2)) & 0x0f0f0f0fU;
        const uint32_t h = load_halves(high + (uint64_t)4 * i) >> (2 * quarter) & 0x03030303U;
        w->q[i] = minus_bytes(l | h << 4, 32);
    }
    w->sc[0] = (int8_t)b[192 + 2 * sub];
    w->sc[1] = (int8_t)b[193 + 2 * sub];
    w->scale = load_half(b + 208);
}

INLINE void unpack_q3_k(const uint8_t *b, uint32_t sub, struct weights *w)
{
    const uint8_t *low = b + 32 + (uint64_t)32 * (sub / 4);
    UNROLL(unroll)
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t l = load_halves(low + (uint64_t)4 * i) >> (2 * (sub % 4)) & 0x03030303U;
        const uint32_t h = load_halves(b + (uint64_t)4 * i) >> sub & 0x01010101U;
        w->q[i] = minus_bytes(l | h << 2, 4);
    }
    w->sc[0] = q3_k_scale(b + 96, (int)(2 * sub));
    w->sc[1] = q3_k_scale(b + 96, (int)(2 * sub + 1));
    w->scale = load_half(b + 108);
}

INLINE void unpack_q2_k(const uint8_t *b, uint32_t sub, struct weights *w)
{
    const uint8_t *low = b + 16 + (uint64_t)32 * (sub / 4);
    UNROLL(unroll)
    for (uint32_t i = 0; i < 8; i++) {
        w->q[i] = load_u32(low + (uint64_t)4 * i) >> (2 * (sub % 4)) & 0x03030303U;
    }
    UNROLL(unroll)
    for (uint32_t i = 0; i < 2; i++) {
        w->sc[i] = b[2 * sub + i] & 15;
        w->m[i] = b[2 * sub + i] >> 4;
    }
    w->scale = load_half(b + 80);
    w->min = load_half(b + 82);
}

/* Types with a level for each 4-bit code. */
INLINE void put_levels(const uint8_t *qs, const int8_t *levels, struct weights *w)
{
    UNROLL(unroll)
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t bytes = load_bytes(qs + (uint64_t)4 * i);
        w->q[i] = 0;
        w->q[i + 4] = 0;
        UNROLL(unroll)
        for (uint32_t k = 0; k < 4; k++) {
            const uint32_t low = (uint8_t)levels[bytes >> (8 * k) & 15U];
            const uint32_t high = (uint8_t)levels[bytes >> (8 * k + 4) & 15U];
            w->q[i] |= low << (8 * k);
            w->q[i + 4] |= high << (8 * k);
        }
    }
}

INLINE void unpack_levels(const uint8_t *b, uint32_t type, uint32_t sub,
                          const struct cuda_books *books, struct weights *w)
{
    if (type == TENSOR_IQ4_NL) {
        w->scale = load_half(b);
        put_levels(b + 2, books->iq4_levels, w);
    } else if (type == TENSOR_MXFP4) {
        w->scale = mxfp4_scale(b[0]);
        put_levels(b + 1, books->mxfp4_levels, w);
    } else {
        const struct block_iq4_xs *xs = (const void *)b;
        w->scale = half_f32(xs->d) * (float)iq4_xs_scale(xs, (int)sub);
        put_levels(b + 8 + (uint64_t)16 * sub, books->iq4_levels, w);
    }
}

/* Four weights of a code with n_bits a weight; bit i of signs negates weight i. */
INLINE uint32_t four_signed(uint32_t code, uint32_t n_bits, const int8_t *levels, uint32_t signs)
{
    uint32_t four = 0;
    UNROLL(unroll)
    for (uint32_t i = 0; i < 4; i++) {
        const int32_t size = levels[code >> (n_bits * i) & ((1U << n_bits) - 1)];
        const int32_t weight = signs >> i & 1 ? -size : size;
        four |= (uint32_t)(uint8_t)weight << (8 * i);
    }
    return four;
}

/* Eight sign bits from seven: bit 7 makes the number of set bits even. */
INLINE uint32_t even_signs(uint32_t bits7)
{
    const uint32_t folded = bits7 ^ bits7 >> 4;
    const uint32_t odd = (0x6996U >> (folded & 15U)) & 1U;
    return bits7 | odd << 7;
}

INLINE void put_iq2(uint32_t k, uint32_t code, uint32_t signs, const struct cuda_books *books,
                    struct weights *w)
{
    w->q[2 * k] = four_signed(code, 2, books->iq2_levels, signs);
    w->q[2 * k + 1] = four_signed(code >> 8, 2, books->iq2_levels, signs >> 4);
}

INLINE void put_nibble_scales(uint32_t scales, struct weights *w)
{
    w->sc[0] = (int32_t)(2 * (scales & 15U) + 1);
    w->sc[1] = (int32_t)(2 * (scales >> 4) + 1);
}

INLINE void unpack_iq2_xxs(const uint8_t *b, uint32_t sub, const struct cuda_books *books,
                           struct weights *w)
{
    const uint32_t indices = load_halves(b + 2 + (uint64_t)8 * sub);
    const uint32_t signs_scale = load_halves(b + 6 + (uint64_t)8 * sub);
    UNROLL(unroll)
    for (uint32_t k = 0; k < 4; k++) {
        const uint32_t signs = even_signs(signs_scale >> (7 * k) & 127U);
        put_iq2(k, books->iq2_xxs[indices >> (8 * k) & 255U], signs, books, w);
    }
    w->scale = load_half(b) * 0.125F * (float)(2 * (signs_scale >> 28) + 1);
}

INLINE void unpack_iq2_xs(const uint8_t *b, uint32_t sub, const struct cuda_books *books,
                          struct weights *w)
{
    const struct block_iq2_xs *block = (const void *)b;
    UNROLL(unroll)
    for (uint32_t k = 0; k < 4; k++) {
        const uint32_t code = block->qs[4 * sub + k];
        put_iq2(k, books->iq2_xs[code & 511U], even_signs(code >> 9), books, w);
    }
    put_nibble_scales(block->scales[sub], w);
    w->scale = half_f32(block->d) * 0.125F;
}

INLINE void unpack_iq2_s(const uint8_t *b, uint32_t sub, const struct cuda_books *books,
                         struct weights *w)
{
    const struct block_iq2_s *block = (const void *)b;
    UNROLL(unroll)
    for (uint32_t k = 0; k < 4; k++) {
        const uint32_t high = block->qh[sub] >> (2 * k) & 3U;
        const uint32_t code = books->iq2_s[block->qs[4 * sub + k] | high << 8];
        put_iq2(k, code, block->signs[4 * sub + k], books, w);
    }
    put_nibble_scales(block->scales[sub], w);
    w->scale = half_f32(block->d) * 0.125F;
}

INLINE void unpack_iq3_xxs(const uint8_t *b, uint32_t sub, const struct cuda_books *books,
                           struct weights *w)
{
    const struct block_iq3_xxs *block = (const void *)b;
    const uint32_t signs_scale = load_halves(block->signs_scales + 4 * (uint64_t)sub);
    UNROLL(unroll)
    for (uint32_t k = 0; k < 8; k++) {
        const uint32_t signs = even_signs(signs_scale >> (7 * (k / 2)) & 127U);
        const uint32_t code = books->iq3_xxs[block->qs[8 * sub + k]];
        w->q[k] = four_signed(code, 4, books->iq3_xxs_levels, signs >> (4 * (k & 1)));
    }
    w->scale = half_f32(block->d) * 0.25F * (float)(2 * (signs_scale >> 28) + 1);
}

INLINE void unpack_iq3_s(const uint8_t *b, uint32_t sub, const struct cuda_books *books,
                         struct weights *w)
{
    const struct block_iq3_s *block = (const void *)b;
    UNROLL(unroll)
    for (uint32_t k = 0; k < 8; k++) {
        const uint32_t high = block->qh[sub] >> k & 1U;
        const uint32_t code = books->iq3_s[block->qs[8 * sub + k] | high << 8];
        const uint32_t signs = (uint32_t)block->signs[4 * sub + k / 2] >> (4 * (k & 1));
        w->q[k] = four_signed(code, 4, books->iq3_s_levels, signs);
    }
    const uint32_t s = (uint32_t)block->scales[sub / 2] >> (4 * (sub & 1)) & 15U;
    w->scale = half_f32(block->d) * (float)(2 * s + 1);
}

/* Eight weights of an IQ1 code in eighths, all shifted by one eighth. */
INLINE void put_iq1(uint32_t k, uint32_t code, int32_t shift, const struct cuda_books *books,
                    struct weights *w)
{
    w->q[2 * k] = 0;
    w->q[2 * k + 1] = 0;
    UNROLL(unroll)
    for (uint32_t i = 0; i < 8; i++) {
        const int32_t weight = 8 * books->iq1_levels[code >> (2 * i) & 3U] + shift;
        w->q[2 * k + i / 4] |= (uint32_t)(uint8_t)weight << (8 * (i % 4));
    }
}

INLINE void unpack_iq1_s(const uint8_t *b, uint32_t sub, const struct cuda_books *books,
                         struct weights *w)
{
    const struct block_iq1_s *block = (const void *)b;
    const uint32_t qh = block->qh[sub];
    UNROLL(unroll)
    for (uint32_t k = 0; k < 4; k++) {
        const uint32_t index = block->qs[4 * sub + k] | (qh >> (3 * k) & 7U) << 8;
        put_iq1(k, books->iq1[index], qh & 0x8000U ? -1 : 1, books, w);
    }
    w->scale = half_f32(block->d) * 0.125F * (float)(2 * (qh >> 12 & 7U) + 1);
}

INLINE void unpack_iq1_m(const uint8_t *b, uint32_t sub, const struct cuda_books *books,
                         struct weights *w)
{
    const struct block_iq1_m *block = (const void *)b;
    UNROLL(unroll)
    for (uint32_t k = 0; k < 4; k++) {
        const uint32_t nibble = (uint32_t)block->qh[2 * sub + k / 2] >> (4 * (k & 1)) & 15U;
        const uint32_t index = block->qs[4 * sub + k] | (nibble & 7U) << 8;
        put_iq1(k, books->iq1[index], nibble & 8U ? -1 : 1, books, w);
    }
    UNROLL(unroll)
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t at = 2 * sub + i;
        w->sc[i] = (int32_t)(2 * ((uint32_t)block->scales[at / 4] >> (3 * (at & 3)) & 7U) + 1);
    }
    w->scale = half_f32(iq1_m_d(block)) * 0.125F;
}

/* Weights [32 sub, 32 sub + 32) of a block. */
INLINE void unpack(const uint8_t *b, uint32_t type, uint32_t sub, const struct cuda_books *books,
                   struct weights *w)
{
    w->sc[0] = 1;
    w->sc[1] = 1;
    w->m[0] = 0;
    w->m[1] = 0;
    w->min = 0.0F;
    switch (type) {
    case TENSOR_Q4_0: unpack_q4(b, TENSOR_Q4_0, w); break;
    case TENSOR_Q4_1: unpack_q4(b, TENSOR_Q4_1, w); break;
    case TENSOR_Q5_0: unpack_q5(b, TENSOR_Q5_0, w); break;
    case TENSOR_Q5_1: unpack_q5(b, TENSOR_Q5_1, w); break;
    case TENSOR_Q8_0: unpack_q8_0(b, w); break;
    case TENSOR_Q2_K: unpack_q2_k(b, sub, w); break;
    case TENSOR_Q3_K: unpack_q3_k(b, sub, w); break;
    case TENSOR_Q4_K: unpack_q4_q5_k(b, TENSOR_Q4_K, sub, w); break;
    case TENSOR_Q5_K: unpack_q4_q5_k(b, TENSOR_Q5_K, sub, w); break;
    case TENSOR_Q6_K: unpack_q6_k(b, sub, w); break;
    case TENSOR_IQ2_XXS: unpack_iq2_xxs(b, sub, books, w); break;
    case TENSOR_IQ2_XS: unpack_iq2_xs(b, sub, books, w); break;
    case TENSOR_IQ2_S: unpack_iq2_s(b, sub, books, w); break;
    case TENSOR_IQ3_XXS: unpack_iq3_xxs(b, sub, books, w); break;
    case TENSOR_IQ3_S: unpack_iq3_s(b, sub, books, w); break;
    case TENSOR_IQ1_S: unpack_iq1_s(b, sub, books, w); break;
    case TENSOR_IQ1_M: unpack_iq1_m(b, sub, books, w); break;
    case TENSOR_IQ4_NL: unpack_levels(b, TENSOR_IQ4_NL, sub, books, w); break;
    case TENSOR_MXFP4: unpack_levels(b, TENSOR_MXFP4, sub, books, w); break;
    default: unpack_levels(b, TENSOR_IQ4_XS, sub, books, w); break;
    }
    if (type == TENSOR_Q4_1 || type == TENSOR_Q5_1) w->min = -w->min;
}

#endif
