/* SPDX-License-Identifier: MIT */
/*
 * Products of weight matrices with rows of activations: y[c][r] = sum over k of w[r][k] * x[c][k].
 *
 * Kernels read weights in panels of 16 rows (panel.h) and activations as 8-bit blocks of 32
 * (activation.h). A resident matrix is packed once, in place; a streamed one is packed panel by
 * panel into per-thread scratch.
 *
 * The result is defined to the bit (invariant I1), the same on every instruction level, for any
 * number of activation rows, any split of the work, packed or not. For output (c, r) a float
 * accumulator starts at 0 and takes the blocks of 32 weights in file order:
 *
 *     isum = sc[0] * sum(q_w q_x over weights 0..15) + sc[1] * sum(q_w q_x over weights 16..31)
 * exact integer acc  = fmaf(scale, (float)isum * d, acc) acc  = fmaf(min, nsum, acc) types with one
 * minimum per 32 weights acc  = fmaf(-min, (float)(m[0] s16[0] + m[1] s16[1]) * d, acc) types with
 * one per 16 (Q2_K)
 *
 * with d, nsum and s16 of the activation block. The weight w of a type is written as scale * sc *
 * q_w - min * m:
 *
 *     type        scale    sc           q_w            min
 *     Q4_0 Q5_0   d        1            q - 8, q - 16
 *     Q8_0        d        1            q
 *     Q4_1 Q5_1   d        1            q              -m of the block, so that the sum is added
 *     Q4_K Q5_K   d * sc   1            q              dmin * m, in f32
 *     Q6_K        d        sc per 16    q - 32
 *     Q3_K        d        sc per 16    q - 4
 *     Q2_K        d        sc per 16    q              dmin, m per 16
 *     IQ4_NL      d        1            level of q
 *     MXFP4       2^(e-128) 1           level of q (twice the E2M1 value)
 *     IQ4_XS      d * sc   1            level of q
 *     IQ3_XXS     d/4 * sc 1            +-grid         sc is 2 s + 1 here and below
 *     IQ3_S       d * sc   1            +-grid
 *     IQ2_XXS     d/8 * sc 1            +-grid
 *     IQ2_XS/_S   d/8      sc per 16    +-grid
 *     IQ1_S       d/8 * sc 1            8 grid +- 1
 *     IQ1_M       d/8      sc per 16    8 grid +- 1
 *
 * (f16 scales are widened to f32, where d * sc and dmin * m are exact.) F32, F16 and BF16 weights
 * multiply the f32 activations themselves: acc = fmaf(w[r][k], x[c][k], acc) for k = 0, 1, 2 ...
 *
 * To add a type: a row in layouts[] of matmul.c (how its block splits into dwords and a tail), an
 * unpacker for one row in matmul_scalar.c, one for vectors in unpack_simd.inc with its traits in
 * matmul_simd.inc, and a row in the table of tests/kernel/kernel_fixture.c.
 */
#ifndef NMOS_KERNEL_MATMUL_H
#define NMOS_KERNEL_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/activation.h"
#include "kernel/panel.h"
#include "quant/format.h"

enum wmat_layout {
    WMAT_ROWS,   /* as in the file: n_out rows of tensor_row_bytes() */
    WMAT_PANELS, /* each full group of 16 rows packed in place; the n_out % 16 rows behind them as
                    rows */
};

/** A weight matrix; borrows its data. Row r holds n_in weights. */
struct wmat {
    enum tensor_type type;
    enum wmat_layout layout;
    const void *data; /* any alignment; 64 is fastest */
    uint32_t n_in;    /* a multiple of the type's block */
    uint32_t n_out;
};

/** Rows of quantised activations in memory of the caller. */
struct act {
    struct act_block *blocks; /* see activation.h for the order */
    uint32_t n_in;
    uint32_t n_rows;
    uint32_t n_blocks; /* per row: n_in / 32 */
};

/** Chooses the kernels for cpu_level_get(). Call before the others and again after
 * cpu_level_limit(). */
void matmul_init(void);

/** Whether kernel_matmul() can multiply by matrices of @p type. */
int kernel_matmul_supports(enum tensor_type type);

/** Panels of a matrix: n_out / 16, rounded up. */
static inline uint32_t wmat_panels(const struct wmat *w)
{
    return w->n_out / PANEL_ROWS + (w->n_out % PANEL_ROWS != 0);
}

/** Bytes that @p n_rows quantised rows of @p n_in values take; a multiple of 64. */
size_t act_bytes(uint32_t n_in, uint32_t n_rows);

/** Lays @p n_rows rows of @p n_in values out in @p mem (act_bytes(), 64-aligned, borrowed). */
void act_init(struct act *a, void *mem, uint32_t n_in, uint32_t n_rows);

/**
 * Quantises rows [row0, row1): row r is x[r * ldx .. r * ldx + n_in). n_in not a multiple of 32
 * leaves @p a untouched: only float weights have such rows. Thread-safe for disjoint rows.
 */
void act_quantize(const struct act *a, const float *x, size_t ldx, uint32_t row0, uint32_t row1);

/**
 * y[c * ldy + r] for the rows r of panels [panel0, panel1) and all c < a->n_rows.
 *
 * @param w       the matrix; a->n_in equals w->n_in.
 * @param a       quantised activations; for F32, F16 and BF16 weights only a->n_rows is read.
 * @param x       the activations in f32, row c at x + c * ldx; read for F32, F16 and BF16 weights
 * only.
 * @param scratch kernel_matmul_scratch_bytes(), 64-aligned, one for each thread.
 * @note Thread-safe for disjoint panels.
 */
void kernel_matmul(const struct wmat *w, const struct act *a, const float *x, size_t ldx,
                   uint32_t panel0, uint32_t panel1, float *y, size_t ldy, void *scratch);

/** Scratch of kernel_matmul() and panel_pack_in_place(): a multiple of 64, about 16 rows of
 * weights. */
size_t kernel_matmul_scratch_bytes(enum tensor_type type, uint32_t n_in);

/**
 * Packs the full panels among [panel0, panel1) of the rows at @p data (w->data, writable) in place;
 * when all are done the matrix has layout WMAT_PANELS. Thread-safe for disjoint panels, one scratch
 * for each thread.
 * @return 0, or NMOS_E_UNSUPPORTED for a type that kernel_matmul() does not know.
 */
int panel_pack_in_place(const struct wmat *w, uint32_t panel0, uint32_t panel1, void *data,
                        void *scratch) NMOS_MUST_CHECK;

/** Row @p row of @p w in file layout, tensor_row_bytes() bytes, whatever the layout of the matrix.
 */
void wmat_copy_row(const struct wmat *w, uint32_t row, void *ret_row);

#endif
