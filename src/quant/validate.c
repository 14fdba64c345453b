/* SPDX-License-Identifier: MIT */
/*
 * A number is finite unless all bits of its exponent are set. Values come in batches: a batch is
 * first tested as a whole, without a branch per value, and only a batch that fails is searched.
 */
#include "quant/validate.h"

#include <assert.h>
#include <stddef.h>

#include "quant/blocks.h"

#define BATCH 1024

#define F32_EXPONENT  0x7f800000U
#define F16_EXPONENT  0x7c00U
#define BF16_EXPONENT 0x7f80U

static int f16_is_bad(uint16_t h)
{
    return (h & F16_EXPONENT) == F16_EXPONENT;
}

static size_t check_u32(const uint32_t *values, size_t n, uint32_t exponent)
{
    size_t i = 0;
    for (; i + BATCH <= n; i += BATCH) {
        uint32_t n_bad = 0;
        for (int j = 0; j < BATCH; j++) n_bad |= (values[i + j] & exponent) == exponent;
        if (n_bad) break;
    }
    while (i < n && (values[i] & exponent) != exponent) i++;
    return i;
}

static size_t check_u16(const uint16_t *values, size_t n, uint16_t exponent)
{
    size_t i = 0;
    for (; i + BATCH <= n; i += BATCH) {
        uint16_t n_bad = 0;
        for (int j = 0; j < BATCH; j++) {
            n_bad = (uint16_t)(n_bad | ((values[i + j] & exponent) == exponent));
        }
        if (n_bad) break;
    }
    while (i < n && (values[i] & exponent) != exponent) i++;
    return i;
}

/* Where the f16 scale of a block lies, and its f16 min; types without a min name the scale twice.
 */
struct scale_offsets {
    uint16_t d, min;
};

#define OFFSETS(block, a, b)                                                                       \
    {                                                                                              \
        offsetof(struct block, a), offsetof(struct block, b)                                       \
    }

static const struct scale_offsets offsets[TENSOR_TYPE_COUNT] = {
    [TENSOR_Q4_0] = OFFSETS(block_q4_0, d, d),       [TENSOR_Q4_1] = OFFSETS(block_q4_1, d, m),
    [TENSOR_Q5_0] = OFFSETS(block_q5_0, d, d),       [TENSOR_Q5_1] = OFFSETS(block_q5_1, d, m),
    [TENSOR_Q8_0] = OFFSETS(block_q8_0, d, d),       [TENSOR_Q2_K] = OFFSETS(block_q2_k, d, dmin),
    [TENSOR_Q3_K] = OFFSETS(block_q3_k, d, d),       [TENSOR_Q4_K] = OFFSETS(block_q4_k, d, dmin),
    [TENSOR_Q5_K] = OFFSETS(block_q5_k, d, dmin),    [TENSOR_Q6_K] = OFFSETS(block_q6_k, d, d),
    [TENSOR_IQ4_NL] = OFFSETS(block_iq4_nl, d, d),   [TENSOR_IQ4_XS] = OFFSETS(block_iq4_xs, d, d),
    [TENSOR_IQ3_XXS] = OFFSETS(block_iq3_xxs, d, d), [TENSOR_IQ3_S] = OFFSETS(block_iq3_s, d, d),
    [TENSOR_IQ2_XXS] = OFFSETS(block_iq2_xxs, d, d), [TENSOR_IQ2_XS] = OFFSETS(block_iq2_xs, d, d),
    [TENSOR_IQ2_S] = OFFSETS(block_iq2_s, d, d),     [TENSOR_IQ1_S] = OFFSETS(block_iq1_s, d, d),
};

static size_t check_scales(enum tensor_type type, const unsigned char *blocks, size_t n_blocks)
{
    const size_t block_bytes = tensor_format_get(type)->block_bytes;
    for (size_t i = 0; i < n_blocks; i++) {
        uint16_t d, min;
        memcpy(&d, blocks + i * block_bytes + offsets[type].d, sizeof d);
        memcpy(&min, blocks + i * block_bytes + offsets[type].min, sizeof min);
        if (f16_is_bad(d) | f16_is_bad(min)) return i;
    }
    return n_blocks;
}

static size_t check_iq1_m(const struct block_iq1_m *blocks, size_t n_blocks)
{
    size_t i = 0;
    while (i < n_blocks && !f16_is_bad(iq1_m_d(&blocks[i]))) i++;
    return i;
}

static size_t check_mxfp4(const struct block_mxfp4 *blocks, size_t n_blocks)
{
    size_t i = 0;
    while (i < n_blocks && blocks[i].e != 255) i++;
    return i;
}

size_t tensor_blocks_check(enum tensor_type type, const void *blocks, size_t n_blocks)
{
    assert(tensor_format_get(type) && tensor_format_get(type)->is_weight);
    switch (type) {
    case TENSOR_F32: return check_u32(blocks, n_blocks, F32_EXPONENT);
    case TENSOR_F16: return check_u16(blocks, n_blocks, F16_EXPONENT);
    case TENSOR_BF16: return check_u16(blocks, n_blocks, BF16_EXPONENT);
    case TENSOR_IQ1_M: return check_iq1_m(blocks, n_blocks);
    case TENSOR_MXFP4: return check_mxfp4(blocks, n_blocks);
    default: return check_scales(type, blocks, n_blocks);
    }
}
