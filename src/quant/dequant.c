/* SPDX-License-Identifier: MIT */
/* One function per family, each a loop over blocks; formulas stand in quant/blocks.h. */
#include "quant/dequant.h"

#include <assert.h>

#include "quant/blocks.h"
#include "quant/f16.h"
#include "quant/iq_grids.h"
#include "quant/iq_unpack.h"

static void dequant_f16(const uint16_t *in, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = f16_to_f32(in[i]);
}

static void dequant_bf16(const uint16_t *in, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = bf16_to_f32(in[i]);
}

static void dequant_q4_0(const struct block_q4_0 *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_SMALL) {
        const float d = f16_to_f32(b->d);
        for (int j = 0; j < 16; j++) {
            out[j] = d * (float)((b->qs[j] & 15) - 8);
            out[j + 16] = d * (float)((b->qs[j] >> 4) - 8);
        }
    }
}

static void dequant_q4_1(const struct block_q4_1 *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_SMALL) {
        const float d = f16_to_f32(b->d);
        const float m = f16_to_f32(b->m);
        for (int j = 0; j < 16; j++) {
            out[j] = d * (float)(b->qs[j] & 15) + m;
            out[j + 16] = d * (float)(b->qs[j] >> 4) + m;
        }
    }
}

/* The 5-bit numbers of a Q5_0 or Q5_1 block. */
static void unpack_q5(const uint8_t qh[4], const uint8_t qs[16], int q[BLOCK_SMALL])
{
    uint32_t high;
    memcpy(&high, qh, sizeof high);
    for (int j = 0; j < 16; j++) {
        q[j] = (qs[j] & 15) | (int)(((high >> j) & 1) << 4);
        q[j + 16] = (qs[j] >> 4) | (int)(((high >> (j + 16)) & 1) << 4);
    }
}

static void dequant_q5_0(const struct block_q5_0 *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_SMALL) {
        int q[BLOCK_SMALL];
        unpack_q5(b->qh, b->qs, q);
        const float d = f16_to_f32(b->d);
        for (int j = 0; j < BLOCK_SMALL; j++) out[j] = d * (float)(q[j] - 16);
    }
}

static void dequant_q5_1(const struct block_q5_1 *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_SMALL) {
        int q[BLOCK_SMALL];
        unpack_q5(b->qh, b->qs, q);
        const float d = f16_to_f32(b->d);
        const float m = f16_to_f32(b->m);
        for (int j = 0; j < BLOCK_SMALL; j++) out[j] = d * (float)q[j] + m;
    }
}

static void dequant_q8_0(const struct block_q8_0 *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_SMALL) {
        const float d = f16_to_f32(b->d);
        for (int j = 0; j < BLOCK_SMALL; j++) out[j] = d * (float)b->qs[j];
    }
}

/* Bits of weight i of a run of 128 whose byte j holds weights j, j + 32, j + 64 and j + 96. */
static int two_bits(const uint8_t run[32], int i)
{
    return (run[i & 31] >> (2 * (i >> 5))) & 3;
}

static void dequant_q2_k(const struct block_q2_k *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_K) {
        const float d = f16_to_f32(b->d);
        const float dmin = f16_to_f32(b->dmin);
        for (int j = 0; j < BLOCK_K; j++) {
            const uint8_t scale = b->scales[j / 16];
            const int q = two_bits(b->qs + 32 * (j / 128), j & 127);
            out[j] = d * (float)(scale & 15) * (float)q - dmin * (float)(scale >> 4);
        }
    }
}

static void dequant_q3_k(const struct block_q3_k *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_K) {
        const float d = f16_to_f32(b->d);
        for (int j = 0; j < BLOCK_K; j++) {
            const int low = two_bits(b->qs + 32 * (j / 128), j & 127);
            const int high = (b->hmask[j & 31] >> (j / 32)) & 1;
            out[j] = d * (float)q3_k_scale(b->scales, j / 16) * (float)((low | (high << 2)) - 4);
        }
    }
}

static void dequant_q4_k(const struct block_q4_k *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_K) {
        const float d = f16_to_f32(b->d);
        const float dmin = f16_to_f32(b->dmin);
        for (int j = 0; j < BLOCK_K; j++) {
            const int sub = j / 32;
            const int q = (b->qs[32 * (sub / 2) + (j & 31)] >> (4 * (sub & 1))) & 15;
            out[j] = d * (float)q4_k_scale(b->scales, sub) * (float)q -
                     dmin * (float)q4_k_min(b->scales, sub);
        }
    }
}

static void dequant_q5_k(const struct block_q5_k *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_K) {
        const float d = f16_to_f32(b->d);
        const float dmin = f16_to_f32(b->dmin);
        for (int j = 0; j < BLOCK_K; j++) {
            const int sub = j / 32;
            const int low = (b->qs[32 * (sub / 2) + (j & 31)] >> (4 * (sub & 1))) & 15;
            const int high = (b->qh[j & 31] >> sub) & 1;
            out[j] = d * (float)q4_k_scale(b->scales, sub) * (float)(low | (high << 4)) -
                     dmin * (float)q4_k_min(b->scales, sub);
        }
    }
}

static void dequant_q6_k(const struct block_q6_k *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_K) {
        const float d = f16_to_f32(b->d);
        for (int j = 0; j < BLOCK_K; j++) {
            const int run = j / 128;
            const int low = (b->ql[64 * run + (j & 63)] >> (4 * ((j >> 6) & 1))) & 15;
            const int high = two_bits(b->qh + 32 * run, j & 127);
            out[j] = d * (float)b->scales[j / 16] * (float)((low | (high << 4)) - 32);
        }
    }
}

/* d * level[q] over 32 weights. */
static void put_levels(float d, const uint8_t qs[16], const int8_t levels[16], float *out)
{
    for (int j = 0; j < 16; j++) {
        out[j] = d * (float)levels[qs[j] & 15];
        out[j + 16] = d * (float)levels[qs[j] >> 4];
    }
}

static void dequant_iq4_nl(const struct block_iq4_nl *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_SMALL) {
        put_levels(f16_to_f32(b->d), b->qs, iq4_levels, out);
    }
}

static void dequant_mxfp4(const struct block_mxfp4 *b, size_t n_blocks, float *out)
{
    for (size_t i = 0; i < n_blocks; i++, b++, out += BLOCK_SMALL) {
        put_levels(mxfp4_scale(b->e), b->qs, mxfp4_levels, out);
    }
}

static void dequant_iq(enum tensor_type type, const void *blocks, size_t n_blocks, float *out)
{
    const iq_unpack_fn unpack = iq_unpack_get(type);
    const unsigned char *block = blocks;
    assert(unpack);
    for (size_t i = 0; i < n_blocks; i++, out += BLOCK_K) {
        struct iq_ints ints;
        unpack(block, &ints);
        for (int j = 0; j < BLOCK_K; j++) {
            out[j] = ints.d * (float)ints.scale[j / 16] * (float)ints.q[j];
        }
        block += tensor_format_get(type)->block_bytes;
    }
}

void dequant_row(enum tensor_type type, const void *blocks, size_t n, float *out)
{
    const struct tensor_format *format = tensor_format_get(type);
    assert(format && format->is_weight && n % format->block_elems == 0);
    const size_t n_blocks = n / format->block_elems;
    switch (type) {
    case TENSOR_F32: memcpy(out, blocks, n * sizeof *out); break;
    case TENSOR_F16: dequant_f16(blocks, n, out); break;
    case TENSOR_BF16: dequant_bf16(blocks, n, out); break;
    case TENSOR_Q4_0: dequant_q4_0(blocks, n_blocks, out); break;
    case TENSOR_Q4_1: dequant_q4_1(blocks, n_blocks, out); break;
    case TENSOR_Q5_0: dequant_q5_0(blocks, n_blocks, out); break;
    case TENSOR_Q5_1: dequant_q5_1(blocks, n_blocks, out); break;
    case TENSOR_Q8_0: dequant_q8_0(blocks, n_blocks, out); break;
    case TENSOR_Q2_K: dequant_q2_k(blocks, n_blocks, out); break;
    case TENSOR_Q3_K: dequant_q3_k(blocks, n_blocks, out); break;
    case TENSOR_Q4_K: dequant_q4_k(blocks, n_blocks, out); break;
    case TENSOR_Q5_K: dequant_q5_k(blocks, n_blocks, out); break;
    case TENSOR_Q6_K: dequant_q6_k(blocks, n_blocks, out); break;
    case TENSOR_IQ4_NL: dequant_iq4_nl(blocks, n_blocks, out); break;
    case TENSOR_MXFP4: dequant_mxfp4(blocks, n_blocks, out); break;
    default: dequant_iq(type, blocks, n_blocks, out); break;
    }
}
