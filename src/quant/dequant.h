/* SPDX-License-Identifier: MIT */
/* Stored weights to f32: the definition of every weight type. */
#ifndef NMOS_QUANT_DEQUANT_H
#define NMOS_QUANT_DEQUANT_H

#include <stddef.h>

#include "quant/format.h"

/**
 * Writes the values of @p n consecutive weights, with the formulas of quant/blocks.h in the
 * reference's order of operations (bit-identical to ggml's to_float).
 * @param type    a weight type (asserted).
 * @param blocks  n / block_elems blocks as they lie in a file, aligned to 4 bytes for F32, else
 * to 2.
 * @param n       a multiple of the type's block_elems (asserted).
 * @param out     n floats; must not overlap @p blocks.
 * Scalar and unhurried: for embedding rows, tests and tools; matrices go through kernel/.
 * Thread-safe.
 */
void dequant_row(enum tensor_type type, const void *blocks, size_t n, float *out);

#endif
