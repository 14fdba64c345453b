/* SPDX-License-Identifier: MIT */
/*
 * The table of tensor types: how many weights a block holds and how many bytes it takes.
 *
 * Type numbers are those of the GGUF format document (ggml:docs/gguf.md); block layouts are
 * described in quant/blocks.h. This table is the only place in the program that knows a block's
 * size.
 */
#ifndef NMOS_QUANT_FORMAT_H
#define NMOS_QUANT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum tensor_type {
    TENSOR_F32 = 0,
    TENSOR_F16 = 1,
    TENSOR_Q4_0 = 2,
    TENSOR_Q4_1 = 3,
    TENSOR_Q5_0 = 6,
    TENSOR_Q5_1 = 7,
    TENSOR_Q8_0 = 8,
    TENSOR_Q8_1 = 9,
    TENSOR_Q2_K = 10,
    TENSOR_Q3_K = 11,
    TENSOR_Q4_K = 12,
    TENSOR_Q5_K = 13,
    TENSOR_Q6_K = 14,
    TENSOR_Q8_K = 15,
    TENSOR_IQ2_XXS = 16,
    TENSOR_IQ2_XS = 17,
    TENSOR_IQ3_XXS = 18,
    TENSOR_IQ1_S = 19,
    TENSOR_IQ4_NL = 20,
    TENSOR_IQ3_S = 21,
    TENSOR_IQ2_S = 22,
    TENSOR_IQ4_XS = 23,
    TENSOR_I8 = 24,
    TENSOR_I16 = 25,
    TENSOR_I32 = 26,
    TENSOR_I64 = 27,
    TENSOR_F64 = 28,
    TENSOR_IQ1_M = 29,
    TENSOR_BF16 = 30,
    TENSOR_TQ1_0 = 34,
    TENSOR_TQ2_0 = 35,
    TENSOR_MXFP4 = 39,
    TENSOR_TYPE_COUNT = 40,
};

/** One row of the table. */
struct tensor_format {
    const char *name;     /* "Q4_K"; NULL: no such type */
    uint16_t block_elems; /* weights in a block */
    uint16_t block_bytes; /* bytes of a block */
    uint8_t is_weight;    /* matrices of this type can be multiplied and dequantised */
    uint8_t is_quantized; /* multiplied through 8-bit activations */
};

/** The format of @p type, or NULL when the number is unknown. Thread-safe. */
const struct tensor_format *tensor_format_get(uint32_t type);

/** Bytes of one row of @p n_in weights; @p n_in must be a multiple of block_elems (asserted). */
size_t tensor_row_bytes(enum tensor_type type, size_t n_in);

#endif
