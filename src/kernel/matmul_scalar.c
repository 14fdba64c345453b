/* SPDX-License-Identifier: MIT */
/*
 * Matrix products, portable: the definition of matmul.h in plain loops over the same panels.
 *
 * Block formats: see quant/blocks.h and ggml:docs/gguf.md. An unpacker writes 32 weights of one
 * row, as integers, with their scales.
 */
#include <math.h>
#include <string.h>

#include "kernel/matmul_internal.h"
#include "quant/f16.h"
#include "quant/format.h"

static uint16_t load_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint32_t dword(const uint8_t *block, uint32_t line, uint32_t row)
{
    uint32_t v;
    memcpy(&v, block + line * (size_t)PANEL_LINE + 4 * (size_t)row, sizeof(v));
    return v;
}

static uint32_t byte(const uint8_t *block, uint32_t line, uint32_t row, uint32_t i)
{
    return block[(line + i / 4) * (size_t)PANEL_LINE + 4 * (size_t)row + i % 4];
}

static float half_tail(const uint8_t *block, uint32_t n_dwords, uint32_t row)
{
    return f16_to_f32(load_u16(block + n_dwords * (size_t)PANEL_LINE + 2 * (size_t)row));
}

/* d in the low half of the dword, dmin or m in the high half. */
static void half_pair(uint32_t dm, float *ret_low, float *ret_high)
{
    *ret_low = f16_to_f32((uint16_t)dm);
    *ret_high = f16_to_f32((uint16_t)(dm >> 16));
}

/* 16 bytes of nibbles: low ones are weights 0..15, high ones 16..31. */
static void nibbles16(const uint8_t *block, uint32_t line, uint32_t row, int offset, int16_t *q)
{
    for (uint32_t k = 0; k < 16; k++) {
        const uint32_t b = byte(block, line, row, k);
        q[k] = (int16_t)((int)(b & 15U) - offset);
        q[k + 16] = (int16_t)((int)(b >> 4) - offset);
    }
}

static void add_fifth_bits(uint32_t turned, int16_t *q)
{
    for (uint32_t k = 0; k < ACT_BLOCK; k++) {
        q[k] = (int16_t)(q[k] + (int)(turned >> (8 * (k % 4) + k / 4) & 1U) * 16);
    }
}

static void q4_0(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    (void)sub;
    nibbles16(block, 0, row, 8, ret->q);
    ret->scale = half_tail(block, 4, row);
}

static void q4_1(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    (void)sub;
    float m;
    half_pair(dword(block, 0, row), &ret->scale, &m);
    nibbles16(block, 1, row, 0, ret->q);
    ret->min = -m;
    ret->has_min = 1;
}

static void q5_0(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    (void)sub;
    nibbles16(block, 1, row, 16, ret->q);
    add_fifth_bits(dword(block, 0, row), ret->q);
    ret->scale = half_tail(block, 5, row);
}

static void q5_1(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    (void)sub;
    float m;
    half_pair(dword(block, 0, row), &ret->scale, &m);
    nibbles16(block, 2, row, 0, ret->q);
    add_fifth_bits(dword(block, 1, row), ret->q);
    ret->min = -m;
    ret->has_min = 1;
}

static void q8_0(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    (void)sub;
    for (uint32_t k = 0; k < ACT_BLOCK; k++) ret->q[k] = (int8_t)byte(block, 0, row, k);
    ret->scale = half_tail(block, 8, row);
}

/* Q4_K and Q5_K: eight 6-bit scales and minima in 12 bytes. */
static void scale_min_k4(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    const uint32_t j = sub % 4;
    uint32_t sc;
    uint32_t m;
    if (sub < 4) {
        sc = byte(block, 1, row, j) & 63U;
        m = byte(block, 1, row, j + 4) & 63U;
    } else {
        const uint32_t both = byte(block, 1, row, j + 8);
        sc = (both & 15U) | byte(block, 1, row, j) >> 6 << 4;
        m = both >> 4 | byte(block, 1, row, j + 4) >> 6 << 4;
    }
    float d;
    float dmin;
    half_pair(dword(block, 0, row), &d, &dmin);
    ret->scale = d * (float)sc;
    ret->min = dmin * (float)m;
    ret->has_min = 1;
}

static void q4_k(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    scale_min_k4(block, sub, row, ret);
    for (uint32_t k = 0; k < ACT_BLOCK; k++) {
        const uint32_t b = byte(block, 4, row, 32 * (sub / 2) + k);
        ret->q[k] = (int16_t)(b >> (4 * (sub % 2)) & 15U);
    }
}

static void q5_k(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    scale_min_k4(block, sub, row, ret);
    for (uint32_t k = 0; k < ACT_BLOCK; k++) {
        const uint32_t b = byte(block, 12, row, 32 * (sub / 2) + k);
        const uint32_t high = byte(block, 4, row, k) >> sub & 1U;
        ret->q[k] = (int16_t)((b >> (4 * (sub % 2)) & 15U) | high << 4);
    }
}

/* Lines 0..31 low nibbles, 32..47 upper two bits, 48..51 scales. */
static void q6_k(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    const uint32_t half = sub / 4;
    const uint32_t quarter = sub % 4;
    for (uint32_t k = 0; k < ACT_BLOCK; k++) {
        const uint32_t low = byte(block, 0, row, 64 * half + 32 * (quarter % 2) + k);
        const uint32_t high = byte(block, 32, row, 32 * half + k);
        const uint32_t q = (low >> (4 * (quarter / 2)) & 15U) | (high >> (2 * quarter) & 3U) << 4;
        ret->q[k] = (int16_t)((int)q - 32);
    }
    for (uint32_t i = 0; i < 2; i++) ret->sc[i] = (int8_t)byte(block, 48, row, 2 * sub + i);
    ret->scale = half_tail(block, 52, row);
}

/* Lines 0..7 third bits, 8..23 lower two bits, 24..26 sixteen 6-bit scales. */
static void q3_k(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    for (uint32_t k = 0; k < ACT_BLOCK; k++) {
        const uint32_t low = byte(block, 8, row, 32 * (sub / 4) + k) >> (2 * (sub % 4)) & 3U;
        const uint32_t high = byte(block, 0, row, k) >> sub & 1U;
        ret->q[k] = (int16_t)((int)(low | high << 2) - 4);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t s = 2 * sub + i;
        const uint32_t low = byte(block, 24, row, s % 8) >> (4 * (s / 8)) & 15U;
        const uint32_t high = byte(block, 26, row, s % 4) >> (2 * (s / 4)) & 3U;
        ret->sc[i] = (int)(low | high << 4) - 32;
    }
    ret->scale = half_tail(block, 27, row);
}

/* Lines 0..3 scales and minima, 4..19 weights, 20 d and dmin. */
static void q2_k(const uint8_t *block, uint32_t sub, uint32_t row, struct weights32 *ret)
{
    for (uint32_t k = 0; k < ACT_BLOCK; k++) {
        const uint32_t b = byte(block, 4, row, 32 * (sub / 4) + k);
        ret->q[k] = (int16_t)(b >> (2 * (sub % 4)) & 3U);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t b = byte(block, 0, row, 2 * sub + i);
        ret->sc[i] = (int)(b & 15U);
        ret->m[i] = (int)(b >> 4);
    }
    half_pair(dword(block, 20, row), &ret->scale, &ret->min);
    ret->has_min16 = 1;
}

float weights32_accumulate(float acc, const struct weights32 *w, const struct act_block *a)
{
    int32_t isum = 0;
    for (uint32_t half = 0; half < 2; half++) {
        int32_t dot = 0;
        for (uint32_t k = 16 * half; k < 16 * half + 16; k++) dot += w->q[k] * a->q[k];
        isum += w->sc[half] * dot;
    }
    acc = fmaf(w->scale, (float)isum * a->d, acc);
    if (w->has_min) acc = fmaf(w->min, a->nsum, acc);
    if (w->has_min16) {
        const int32_t imin = w->m[0] * a->s16[0] + w->m[1] * a->s16[1];
        acc = fmaf(-w->min, (float)imin * a->d, acc);
    }
    return acc;
}

static void matmul_quantized(const struct panel_job *job, weights32_fn unpack, uint32_t block_elems,
                             uint32_t block_bytes)
{
    memset(job->out, 0, (size_t)job->n_cols * PANEL_ROWS * sizeof(float));
    for (uint32_t b = 0; b < job->n_in / ACT_BLOCK; b++) {
        const uint32_t b_file = b * ACT_BLOCK / block_elems;
        const uint8_t *const block = job->panel + (size_t)b_file * block_bytes * PANEL_ROWS;
        const struct act_block *const a = job->act + (size_t)b * job->n_cols;
        for (uint32_t r = 0; r < PANEL_ROWS; r++) {
            struct weights32 w = {.sc = {1, 1}};
            unpack(block, b % (block_elems / ACT_BLOCK), r, &w);
            for (uint32_t c = 0; c < job->n_cols; c++) {
                float *const out = job->out + (size_t)c * PANEL_ROWS + r;
                *out = weights32_accumulate(*out, &w, a + c);
            }
        }
    }
}

static float f32(const struct panel_job *job, uint32_t k, uint32_t row)
{
    return f32_from_bits(dword(job->panel, k, row));
}

/* Two weights share a dword; a last odd one lies in the tail. */
static uint16_t u16_of(const struct panel_job *job, uint32_t k, uint32_t row)
{
    const uint32_t line = k / 2;
    if (k + 1 == job->n_in && k % 2 == 0) {
        return load_u16(job->panel + line * (size_t)PANEL_LINE + 2 * (size_t)row);
    }
    return (uint16_t)(dword(job->panel, line, row) >> (16 * (k % 2)));
}

static float f16(const struct panel_job *job, uint32_t k, uint32_t row)
{
    return f16_to_f32(u16_of(job, k, row));
}

static float bf16(const struct panel_job *job, uint32_t k, uint32_t row)
{
    return bf16_to_f32(u16_of(job, k, row));
}

static void matmul_float(const struct panel_job *job,
                         float (*weight)(const struct panel_job *, uint32_t, uint32_t))
{
    memset(job->out, 0, (size_t)job->n_cols * PANEL_ROWS * sizeof(float));
    for (uint32_t k = 0; k < job->n_in; k++) {
        for (uint32_t r = 0; r < PANEL_ROWS; r++) {
            const float w = weight(job, k, r);
            for (uint32_t c = 0; c < job->n_cols; c++) {
                float *const out = job->out + (size_t)c * PANEL_ROWS + r;
                *out = fmaf(w, job->x[c * job->ldx + k], *out);
            }
        }
    }
}

/* One entry per type: the shared loop with its unpacker. */
#define QUANTIZED(name, elems, bytes)                                                              \
    static void matmul_##name(const struct panel_job *job)                                         \
    {                                                                                              \
        matmul_quantized(job, name, elems, bytes);                                                 \
    }
#define FLOAT(name)                                                                                \
    static void matmul_##name(const struct panel_job *job)                                         \
    {                                                                                              \
        matmul_float(job, name);                                                                   \
    }

FLOAT(f32)
FLOAT(f16)
FLOAT(bf16)
QUANTIZED(q4_0, 32, 18)
QUANTIZED(q4_1, 32, 20)
QUANTIZED(q5_0, 32, 22)
QUANTIZED(q5_1, 32, 24)
QUANTIZED(q8_0, 32, 34)
QUANTIZED(q2_k, 256, 84)
QUANTIZED(q3_k, 256, 110)
QUANTIZED(q4_k, 256, 144)
QUANTIZED(q5_k, 256, 176)
QUANTIZED(q6_k, 256, 210)

static const panel_matmul_fn kernels[TENSOR_TYPE_COUNT] = {
    [TENSOR_F32] = matmul_f32,           [TENSOR_F16] = matmul_f16,
    [TENSOR_BF16] = matmul_bf16,         [TENSOR_Q4_0] = matmul_q4_0,
    [TENSOR_Q4_1] = matmul_q4_1,         [TENSOR_Q5_0] = matmul_q5_0,
    [TENSOR_Q5_1] = matmul_q5_1,         [TENSOR_Q8_0] = matmul_q8_0,
    [TENSOR_Q2_K] = matmul_q2_k,         [TENSOR_Q3_K] = matmul_q3_k,
    [TENSOR_Q4_K] = matmul_q4_k,         [TENSOR_Q5_K] = matmul_q5_k,
    [TENSOR_Q6_K] = matmul_q6_k,         [TENSOR_IQ4_NL] = matmul_iq_scalar,
    [TENSOR_IQ4_XS] = matmul_iq_scalar,  [TENSOR_MXFP4] = matmul_iq_scalar,
    [TENSOR_IQ3_XXS] = matmul_iq_scalar, [TENSOR_IQ3_S] = matmul_iq_scalar,
    [TENSOR_IQ2_XXS] = matmul_iq_scalar, [TENSOR_IQ2_XS] = matmul_iq_scalar,
    [TENSOR_IQ2_S] = matmul_iq_scalar,   [TENSOR_IQ1_S] = matmul_iq_scalar,
    [TENSOR_IQ1_M] = matmul_iq_scalar,
};

const struct matmul_table matmul_table_scalar = {act_quantize_row_scalar, panel_pack_scalar,
                                                 kernels};
