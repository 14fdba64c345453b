/* SPDX-License-Identifier: MIT */
/* What the attention kernels of one instruction level look like to attention.c. */
#ifndef NMOS_KERNEL_ATTENTION_INTERNAL_H
#define NMOS_KERNEL_ATTENTION_INTERNAL_H

#include "kernel/attention.h"
#include "kernel/attention_kv_internal.h"

#define ATTN_TILE 64U /* positions of a tile: part of the definition of the sum */
#define ATTN_BLOCK                                                                                 \
    6U /* query vectors that share the reading of a tile from the first-level cache */

/** The call in hand and its scratch. */
struct attn_job {
    const struct attn_shape *shape;
    const struct attn_row *rows; /* of one session */
    int n_rows;
    struct kv_offsets offsets; /* of the layout */
    uint32_t kv_head;
    uint32_t group;    /* query heads of the kv head */
    uint32_t v_stride; /* head_dim_v rounded up to 16 */
    const struct attn_part *part;
    const float *q; /* of rows[0] */
    float *out;     /* of rows[0] */
    float *k_tile;  /* [head_dim_k][64] */
    float *v_tile;  /* [64][v_stride] */
    float *scores;  /* [ATTN_BLOCK][64] */
    float *acc;     /* [n_rows * group][v_stride] */
    float *top;     /* [n_rows * group] largest score so far */
    float *sum;     /* [n_rows * group] */
    /* [n_rows * group][mass_columns] of each page: its sum, and the largest score that is relative
     * to. */
    float *page_sum;
    float *page_top;
};

struct attention_table {
    void (*rows)(const struct attn_job *job);
    void (*kv_store)(const struct kv_layout *layout, void *page, uint32_t slot, const float *k,
                     const float *v);
};

extern const struct attention_table attention_scalar;
extern const struct attention_table attention_avx2;
extern const struct attention_table attention_avx512;

#endif
