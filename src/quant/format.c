/* SPDX-License-Identifier: MIT */
#include "quant/format.h"

#include <assert.h>

#define FLOAT_TYPE(name, bytes)                                                                    \
    {                                                                                              \
        name, 1, bytes, 1, 0                                                                       \
    }
#define QUANT_TYPE(name, elems, bytes)                                                             \
    {                                                                                              \
        name, elems, bytes, 1, 1                                                                   \
    }
#define OTHER_TYPE(name, elems, bytes)                                                             \
    {                                                                                              \
        name, elems, bytes, 0, 0                                                                   \
    }

static const struct tensor_format formats[TENSOR_TYPE_COUNT] = {
    [TENSOR_F32] = FLOAT_TYPE("F32", 4),
    [TENSOR_F16] = FLOAT_TYPE("F16", 2),
    [TENSOR_BF16] = FLOAT_TYPE("BF16", 2),
    [TENSOR_Q4_0] = QUANT_TYPE("Q4_0", 32, 18),
    [TENSOR_Q4_1] = QUANT_TYPE("Q4_1", 32, 20),
    [TENSOR_Q5_0] = QUANT_TYPE("Q5_0", 32, 22),
    [TENSOR_Q5_1] = QUANT_TYPE("Q5_1", 32, 24),
    [TENSOR_Q8_0] = QUANT_TYPE("Q8_0", 32, 34),
    [TENSOR_Q2_K] = QUANT_TYPE("Q2_K", 256, 84),
    [TENSOR_Q3_K] = QUANT_TYPE("Q3_K", 256, 110),
    [TENSOR_Q4_K] = QUANT_TYPE("Q4_K", 256, 144),
    [TENSOR_Q5_K] = QUANT_TYPE("Q5_K", 256, 176),
    [TENSOR_Q6_K] = QUANT_TYPE("Q6_K", 256, 210),
    [TENSOR_IQ2_XXS] = QUANT_TYPE("IQ2_XXS", 256, 66),
    [TENSOR_IQ2_XS] = QUANT_TYPE("IQ2_XS", 256, 74),
    [TENSOR_IQ3_XXS] = QUANT_TYPE("IQ3_XXS", 256, 98),
    [TENSOR_IQ1_S] = QUANT_TYPE("IQ1_S", 256, 50),
    [TENSOR_IQ4_NL] = QUANT_TYPE("IQ4_NL", 32, 18),
    [TENSOR_IQ3_S] = QUANT_TYPE("IQ3_S", 256, 110),
    [TENSOR_IQ2_S] = QUANT_TYPE("IQ2_S", 256, 82),
    [TENSOR_IQ4_XS] = QUANT_TYPE("IQ4_XS", 256, 136),
    [TENSOR_IQ1_M] = QUANT_TYPE("IQ1_M", 256, 56),
    [TENSOR_MXFP4] = QUANT_TYPE("MXFP4", 32, 17),
    /* Known sizes only: such tensors can be listed, not multiplied. */
    [TENSOR_Q8_1] = OTHER_TYPE("Q8_1", 32, 36),
    [TENSOR_Q8_K] = OTHER_TYPE("Q8_K", 256, 292),
    [TENSOR_TQ1_0] = OTHER_TYPE("TQ1_0", 256, 54),
    [TENSOR_TQ2_0] = OTHER_TYPE("TQ2_0", 256, 66),
    [TENSOR_I8] = OTHER_TYPE("I8", 1, 1),
    [TENSOR_I16] = OTHER_TYPE("I16", 1, 2),
    [TENSOR_I32] = OTHER_TYPE("I32", 1, 4),
    [TENSOR_I64] = OTHER_TYPE("I64", 1, 8),
    [TENSOR_F64] = OTHER_TYPE("F64", 1, 8),
};

const struct tensor_format *tensor_format_get(uint32_t type)
{
    if (type >= TENSOR_TYPE_COUNT || !formats[type].name) return NULL;
    return &formats[type];
}

size_t tensor_row_bytes(enum tensor_type type, size_t n_in)
{
    const struct tensor_format *format = &formats[type];
    assert(format->name && n_in % format->block_elems == 0);
    return n_in / format->block_elems * format->block_bytes;
}
