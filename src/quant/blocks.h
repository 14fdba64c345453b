/* SPDX-License-Identifier: MIT */
/*
 * How weights lie in a file: one struct per block type.
 *
 * A block holds 32 or 256 consecutive weights of one row. Multi-byte fields are little endian; f16
 * values are kept as their 16 bits (quant/f16.h). "sub" below counts runs of 16 or 32 weights
 * inside a block. Sizes agree with quant/format.h. Sources: ggml:docs/gguf.md,
 * ggml:src/ggml-common.h; MXFP4: OCP Microscaling Formats 1.0.
 */
#ifndef NMOS_QUANT_BLOCKS_H
#define NMOS_QUANT_BLOCKS_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_SMALL 32  /* weights of a block of the _0, _1, IQ4_NL and MXFP4 types */
#define BLOCK_K     256 /* weights of a block of all others */

/* w = d * (q - 8); byte j holds weight j (low nibble) and weight j + 16. */
struct block_q4_0 {
    uint16_t d; /* f16 */
    uint8_t qs[16];
};

/* w = d * q + m; nibbles as in Q4_0. */
struct block_q4_1 {
    uint16_t d, m; /* f16 */
    uint8_t qs[16];
};

/* w = d * (q - 16); nibbles as in Q4_0, bit j of qh is bit 4 of weight j. */
struct block_q5_0 {
    uint16_t d; /* f16 */
    uint8_t qh[4];
    uint8_t qs[16];
};

/* w = d * q + m; bits as in Q5_0. */
struct block_q5_1 {
    uint16_t d, m; /* f16 */
    uint8_t qh[4];
    uint8_t qs[16];
};

/* w = d * q. */
struct block_q8_0 {
    uint16_t d; /* f16 */
    int8_t qs[32];
};

/* w = d * (scale & 15) * q - dmin * (scale >> 4), one scale byte per 16. Two bits per weight: byte
 * j of each 32 bytes of qs holds weights j, j + 32, j + 64 and j + 96 of a run of 128. */
struct block_q2_k {
    uint8_t scales[16];
    uint8_t qs[64];
    uint16_t d, dmin; /* f16 */
};

/* w = d * (scale - 32) * (q - 4), one 6-bit scale per 16 (q3_k_scale). Low two bits as in Q2_K;
 * bit s of hmask[j] is bit 2 of weight 32 s + j. */
struct block_q3_k {
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12];
    uint16_t d; /* f16 */
};

/* w = d * scale * q - dmin * min, 6-bit scale and min per 32 (q4_k_scale, q4_k_min). Byte j of each
 * 32 bytes of qs holds weights j (low nibble) and j + 32 of a run of 64. */
struct block_q4_k {
    uint16_t d, dmin; /* f16 */
    uint8_t scales[12];
    uint8_t qs[128];
};

/* As Q4_K; bit s of qh[j] is bit 4 of weight 32 s + j. */
struct block_q5_k {
    uint16_t d, dmin; /* f16 */
    uint8_t scales[12];
    uint8_t qh[32];
    uint8_t qs[128];
};

/* w = d * scale * (q - 32), a signed scale per 16. In a run of 128, ql[j] holds the low nibbles of
 * weights j and j + 64 (j < 64), and qh[j] bits 4 and 5 of weights j, j + 32, j + 64 and j + 96
 * (j < 32). */
struct block_q6_k {
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    uint16_t d; /* f16 */
};

/* w = d * level[q], nibbles as in Q4_0, levels in quant/iq_grids.h. */
struct block_iq4_nl {
    uint16_t d; /* f16 */
    uint8_t qs[16];
};

/* w = d * (scale - 32) * level[q], 6-bit scale per 32 (iq4_xs_scale); each 16 bytes of qs as in
 * IQ4_NL. */
struct block_iq4_xs {
    uint16_t d; /* f16 */
    uint16_t scales_h;
    uint8_t scales_l[4];
    uint8_t qs[128];
};

/* w = 2^(e - 128) * level[q], nibbles as in Q4_0. e = 255 stands for NaN and is refused on loading.
 */
struct block_mxfp4 {
    uint8_t e;
    uint8_t qs[16];
};

/* Grid types, IQ2: w = d / 8 * (2 s + 1) * (+-grid). Per 32 weights two u32: four grid indices of 8
 * bits; four times seven sign bits (iq_signs8), then the 4-bit s. */
struct block_iq2_xxs {
    uint16_t d; /* f16 */
    uint16_t qs[32];
};

/* Per 8 weights one u16: a 9-bit grid index and seven sign bits. A 4-bit s per 16. */
struct block_iq2_xs {
    uint16_t d; /* f16 */
    uint16_t qs[32];
    uint8_t scales[8];
};

/* Per 8 weights a 10-bit grid index (low byte in qs, two bits in qh) and eight sign bits. A 4-bit s
 * per 16. */
struct block_iq2_s {
    uint16_t d; /* f16 */
    uint8_t qs[32];
    uint8_t signs[32];
    uint8_t qh[8];
    uint8_t scales[8];
};

/* w = d / 4 * (2 s + 1) * (+-grid). Per 4 weights an 8-bit grid index; per 32 a u32 of signs and s
 * as in IQ2_XXS. */
struct block_iq3_xxs {
    uint16_t d; /* f16 */
    uint8_t qs[64];
    uint8_t signs_scales[32];
};

/* w = d * (2 s + 1) * (+-grid). Per 4 weights a 9-bit grid index (bit 8 in qh), a sign bit per
 * weight, a 4-bit s per 32. */
struct block_iq3_s {
    uint16_t d; /* f16 */
    uint8_t qs[64];
    uint8_t qh[8];
    uint8_t signs[32];
    uint8_t scales[4];
};

/* w = d * (2 s + 1) * (grid +- 1/8), grid in {-1, 0, 1}. Per 8 weights an 11-bit index (low byte
 * in qs, three bits in qh); per 32 the 3-bit s in bits 12-14 of qh and in bit 15 the sign of the 1
 * (set: minus). */
struct block_iq1_s {
    uint16_t d; /* f16 */
    uint8_t qs[32];
    uint16_t qh[8];
};

/* As IQ1_S; a nibble of qh per 8 weights holds three index bits and the sign of the 1/8; 3-bit s
 * per 16. The f16 d is spread over the upper nibbles of the four u16 of scales (iq1_m_d). */
struct block_iq1_m {
    uint8_t qs[32];
    uint8_t qh[16];
    uint16_t scales[4];
};

static_assert(sizeof(struct block_q4_0) == 18, "Q4_0");
static_assert(sizeof(struct block_q4_1) == 20, "Q4_1");
static_assert(sizeof(struct block_q5_0) == 22, "Q5_0");
static_assert(sizeof(struct block_q5_1) == 24, "Q5_1");
static_assert(sizeof(struct block_q8_0) == 34, "Q8_0");
static_assert(sizeof(struct block_q2_k) == 84, "Q2_K");
static_assert(sizeof(struct block_q3_k) == 110, "Q3_K");
static_assert(sizeof(struct block_q4_k) == 144, "Q4_K");
static_assert(sizeof(struct block_q5_k) == 176, "Q5_K");
static_assert(sizeof(struct block_q6_k) == 210, "Q6_K");
static_assert(sizeof(struct block_iq4_nl) == 18, "IQ4_NL");
static_assert(sizeof(struct block_iq4_xs) == 136, "IQ4_XS");
static_assert(sizeof(struct block_mxfp4) == 17, "MXFP4");
static_assert(sizeof(struct block_iq2_xxs) == 66, "IQ2_XXS");
static_assert(sizeof(struct block_iq2_xs) == 74, "IQ2_XS");
static_assert(sizeof(struct block_iq2_s) == 82, "IQ2_S");
static_assert(sizeof(struct block_iq3_xxs) == 98, "IQ3_XXS");
static_assert(sizeof(struct block_iq3_s) == 110, "IQ3_S");
static_assert(sizeof(struct block_iq1_s) == 50, "IQ1_S");
static_assert(sizeof(struct block_iq1_m) == 56, "IQ1_M");

/** Scale of sub-block @p sub (0..7, 32 weights each) from the 12 bytes of Q4_K and Q5_K. */
static inline uint8_t q4_k_scale(const uint8_t scales[12], int sub)
{
    if (sub < 4) return scales[sub] & 63;
    return (uint8_t)((scales[sub + 4] & 15) | ((scales[sub - 4] >> 6) << 4));
}

/** Min of sub-block @p sub (0..7) from the 12 bytes of Q4_K and Q5_K. */
static inline uint8_t q4_k_min(const uint8_t scales[12], int sub)
{
    if (sub < 4) return scales[sub + 4] & 63;
    return (uint8_t)((scales[sub + 4] >> 4) | ((scales[sub] >> 6) << 4));
}

/** Scale of sub-block @p sub (0..15, 16 weights each) of Q3_K, -32 .. 31. */
static inline int q3_k_scale(const uint8_t scales[12], int sub)
{
    const int low = (scales[sub & 7] >> (4 * (sub >> 3))) & 15;
    const int high = (scales[8 + (sub & 3)] >> (2 * (sub >> 2))) & 3;
    return (low | (high << 4)) - 32;
}

/** Scale of sub-block @p sub (0..7, 32 weights each) of IQ4_XS, -32 .. 31. */
static inline int iq4_xs_scale(const struct block_iq4_xs *b, int sub)
{
    const int low = (b->scales_l[sub / 2] >> (4 * (sub & 1))) & 15;
    const int high = (b->scales_h >> (2 * sub)) & 3;
    return (low | (high << 4)) - 32;
}

/** The f16 scale of an IQ1_M block. */
static inline uint16_t iq1_m_d(const struct block_iq1_m *b)
{
    return (uint16_t)((b->scales[0] >> 12) | ((b->scales[1] >> 8) & 0xf0U) |
                      ((b->scales[2] >> 4) & 0xf00U) | (b->scales[3] & 0xf000U));
}

/** 2^(e - 128), the scale of an MXFP4 block whose levels are twice the E2M1 values. Exact,
 * subnormals too. */
static inline float mxfp4_scale(uint8_t e)
{
    const uint32_t bits = e < 2 ? 0x200000U << e : (uint32_t)(e - 1) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return scale;
}

#endif
