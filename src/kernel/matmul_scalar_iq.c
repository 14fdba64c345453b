/* SPDX-License-Identifier: MIT */
/*
 * Matrix products of the IQ types and MXFP4, portable.
 *
 * Their blocks are hard to read field by field from a panel, so each row's block is put together
 * again and unpacked by quant/, whose functions define these types; then the shared step of
 * matmul.h follows.
 */
#include <string.h>

#include "kernel/matmul_internal.h"
#include "quant/blocks.h"
#include "quant/f16.h"
#include "quant/format.h"
#include "quant/iq_grids.h"
#include "quant/iq_unpack.h"

#define SUBS_MAX (BLOCK_K / ACT_BLOCK)

/* IQ4_NL and MXFP4: one block is 32 weights. */
static void small_block(float scale, const uint8_t qs[16], const int8_t levels[16],
                        struct weights32 *ret)
{
    *ret = (struct weights32){.sc = {1, 1}, .scale = scale};
    for (int k = 0; k < 16; k++) {
        ret->q[k] = levels[qs[k] & 15];
        ret->q[k + 16] = levels[qs[k] >> 4];
    }
}

/* The 256-weight types. Those with a scale per 32 weights multiply it into the float scale. */
static void large_block(enum tensor_type type, const void *block, struct weights32 *ret)
{
    const int is_per_16 = type == TENSOR_IQ2_XS || type == TENSOR_IQ2_S || type == TENSOR_IQ1_M;
    struct iq_ints ints;
    iq_unpack_get(type)(block, &ints);
    for (int sub = 0; sub < (int)SUBS_MAX; sub++, ret++) {
        const int8_t *const scale = ints.scale + (size_t)2 * sub;
        *ret = (struct weights32){.sc = {1, 1}, .scale = ints.d * (float)scale[0]};
        if (is_per_16) *ret = (struct weights32){.sc = {scale[0], scale[1]}, .scale = ints.d};
        for (int k = 0; k < (int)ACT_BLOCK; k++) ret->q[k] = ints.q[ACT_BLOCK * sub + k];
    }
}

static void unpack_block(enum tensor_type type, const void *block, struct weights32 *ret)
{
    if (type == TENSOR_IQ4_NL) {
        const struct block_iq4_nl *b = block;
        small_block(f16_to_f32(b->d), b->qs, iq4_levels, ret);
    } else if (type == TENSOR_MXFP4) {
        const struct block_mxfp4 *b = block;
        small_block(mxfp4_scale(b->e), b->qs, mxfp4_levels, ret);
    } else {
        large_block(type, block, ret);
    }
}

void matmul_iq_scalar(const struct panel_job *job)
{
    const struct tensor_format *const format = tensor_format_get(job->type);
    struct panel_layout layout = panel_layout_get(job->type, format->block_elems);
    const uint32_t n_subs = format->block_elems / ACT_BLOCK;
    const uint8_t *block = job->panel;
    const struct act_block *a = job->act;
    memset(job->out, 0, (size_t)job->n_cols * PANEL_ROWS * sizeof(float));
    for (uint32_t b = 0; b < job->n_in / format->block_elems; b++) {
        for (uint32_t r = 0; r < PANEL_ROWS; r++) {
            uint16_t row[BLOCK_K / 2]; /* no block is longer */
            struct weights32 w[SUBS_MAX];
            panel_unpack_row(&layout, block, r, (uint8_t *)row);
            unpack_block(job->type, row, w);
            for (uint32_t c = 0; c < job->n_cols; c++) {
                float *const out = job->out + (size_t)c * PANEL_ROWS + r;
                for (uint32_t sub = 0; sub < n_subs; sub++) {
                    *out = weights32_accumulate(*out, &w[sub], &a[sub * job->n_cols + c]);
                }
            }
        }
        block += (size_t)layout.block_bytes * PANEL_ROWS;
        a += (size_t)n_subs * job->n_cols;
    }
}
