/* SPDX-License-Identifier: MIT */
/*
 * What the kernels of one instruction level look like to matmul.c. A leaf header: ISA files include
 * it.
 */
#ifndef NMOS_KERNEL_MATMUL_INTERNAL_H
#define NMOS_KERNEL_MATMUL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/activation.h"
#include "kernel/panel.h"
#include "quant/format.h"

/** One panel times one chunk of activation rows. */
struct panel_job {
    enum tensor_type type;
    const uint8_t *panel;
    const uint8_t *next; /* as long as the panel: fetched into the second-level cache meanwhile */
    const struct act_block *act; /* the chunk's first block; NULL for float weights */
    const float *x;              /* the chunk's first row in f32, for float weights */
    size_t ldx;
    uint32_t n_in;
    uint32_t n_cols; /* activation rows of the chunk, 1..ACT_CHUNK_ROWS */
    float *out;      /* [n_cols][16], 64-aligned */
};

typedef void (*panel_matmul_fn)(const struct panel_job *job);

/** How blocks of @p type split in a panel whose rows hold @p n_in weights. */
struct panel_layout panel_layout_get(enum tensor_type type, uint32_t n_in);

/** The portable kernel of all IQ types and MXFP4. */
void matmul_iq_scalar(const struct panel_job *job);

/** The kernels of one instruction level. matmul[] is indexed by type and NULL where there is none.
 */
struct matmul_table {
    act_quantize_row_fn act_quantize_row;
    panel_pack_fn panel_pack;
    panel_matmul_fn const *matmul;
};

extern const struct matmul_table matmul_table_scalar;
extern const struct matmul_table matmul_table_avx2;
extern const struct matmul_table matmul_table_avx512;

/** 32 weights of one row as the definition in matmul.h has them: the portable unpackers' result. */
struct weights32 {
    int16_t q[ACT_BLOCK];
    int32_t sc[2];
    float scale;
    float min;    /* 0 for types without minima */
    int32_t m[2]; /* minima per 16 weights; read when has_min16 */
    uint8_t has_min;
    uint8_t has_min16;
};

/** One step of the definition in matmul.h for weights @p w and one activation block. */
float weights32_accumulate(float acc, const struct weights32 *w, const struct act_block *a);

/** Weights [32 sub, 32 sub + 32) of row @p row of a panel's block. */
typedef void (*weights32_fn)(const uint8_t *block, uint32_t sub, uint32_t row,
                             struct weights32 *ret);

#endif
