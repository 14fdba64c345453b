/* SPDX-License-Identifier: MIT */
/*
 * The kernels of the CUDA backend as both sides see them: names and arguments.
 *
 * Included by the host's code, by the kernels when they are compiled for a GPU (device/), and by
 * the same kernels compiled for the processor, where tests run them. A leaf header. Pointers are
 * the device's. Each kernel takes one struct by value.
 */
#ifndef NMOS_BACKEND_CUDA_CUDA_KERNELS_H
#define NMOS_BACKEND_CUDA_CUDA_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/activation.h"
#include "quant/format.h"

/** Threads of a block, by kernel. */
#define CUDA_THREADS          256U
#define CUDA_QUANTIZE_THREADS 32U
#define CUDA_FEW_THREADS      160U
#define CUDA_FLOAT_THREADS    128U

/** The code books and levels of quant/iq_grids.h, in the device's memory. */
struct cuda_books {
    uint16_t iq1[2048];
    uint16_t iq2_xxs[256];
    uint16_t iq2_xs[512];
    uint16_t iq2_s[1024];
    uint16_t iq3_xxs[256];
    uint16_t iq3_s[512];
    int8_t iq4_levels[16];
    int8_t mxfp4_levels[16];
    int8_t iq3_xxs_levels[8];
    int8_t iq3_s_levels[8];
    int8_t iq2_levels[4];
    int8_t iq1_levels[4];
};

/* ---- rows ---- */

/** As backend_ops.rms_norm for block (row, head). */
struct norm_args {
    float *y;
    const float *x;
    const float *w;
    uint64_t y_stride; /* floats from row to row */
    uint64_t x_stride;
    uint32_t n; /* of a head; from head to head too */
    float eps;
};

/** As backend_ops.rope for block (row, head). */
struct rope_args {
    float *x;
    const float *cos_sin;
    uint32_t n_heads;
    uint32_t head_dim;
    uint32_t n_rot;
    uint32_t pairs_are_adjacent;
};

/** As backend_ops.glu; block (run of columns, row). */
struct glu_args {
    float *out;
    const float *gate;
    const float *up;
    uint64_t stride;
    uint32_t n;
    uint32_t is_gelu;
};

enum flat_kind { FLAT_ADD, FLAT_SCALE, FLAT_SOFTCAP };

/** As backend_ops.add, .scale and .softcap. */
struct flat_args {
    float *x;
    const float *y; /* of FLAT_ADD */
    uint64_t n;
    float scalar;
    uint32_t kind;
};

/** As backend_ops.gather_rows; a thread moves one column of all rows, in order. */
struct gather_args {
    float *to;
    const float *from;
    const uint32_t *index;
    uint32_t n_rows;
    uint32_t n;
};

/** As backend_ops.weighted_rows; block (run of columns, row). */
struct weighted_args {
    float *to;
    const float *from;
    const uint32_t *slot;
    const float *weight;
    uint32_t n_used;
    uint32_t n;
};

/** As backend_ops.add_gated; block (run of columns, row). */
struct gated_args {
    float *x;
    const float *y;
    const float *g;
    uint32_t n;
};

/** As backend_ops.softmax for block (row). */
struct softmax_args {
    float *x;
    uint32_t n;
};

/* ---- products ---- */

/** Rows of quantised activations: the dwords of struct act_block, in groups of 32 blocks in which
 * each dword of all blocks lies together, so that threads which hold neighbouring blocks read
 * neighbouring dwords. Dword i of block b of a row is at (b / 32 * ACT_DWORDS + i) * 32 + b % 32 of
 * the row. */
enum act_dword {
    ACT_Q,          /* eight of them */
    ACT_D = 8,      /* f32 */
    ACT_NSUM,       /* f32 */
    ACT_S16,        /* two 16-bit sums */
    ACT_DWORDS = 11 /* nsum32 is not needed */
};
#define ACT_GROUP 32U
/** Dwords of a row of @p n_in values. */
#define ACT_ROW_DWORDS(n_in)                                                                       \
    (((n_in) / ACT_BLOCK + ACT_GROUP - 1U) / ACT_GROUP * ACT_GROUP * ACT_DWORDS)

/** Quantises rows of x [n_rows][n_in]. A thread does one block. */
struct quantize_args {
    const float *x;
    uint32_t *act;
    uint64_t n;        /* blocks of all rows */
    uint32_t n_blocks; /* of a row */
};

/** One matrix of weights as it lies in the file, and what its product is. */
struct linear_matrix {
    const uint8_t *weight;
    const float *bias; /* [n_out] or NULL */
    float *out;        /* [n_cols][out_stride] */
    uint64_t out_stride;
    uint64_t row_bytes;
    uint32_t type;
    uint32_t n_out;
    uint32_t block_bytes;
    uint32_t sub_shift; /* a block has 32 << sub_shift weights; types of floats: 0 */
};

/** Products of one launch. */
#define LINEAR_MATRICES 3U

/** Products of one input with some matrices; see kernel/matmul.h. Block y of a grid is the
 * matrix's number for k_linear_one() and k_linear_few(); the other kernels take the first one. */
struct linear_args {
    struct linear_matrix matrices[LINEAR_MATRICES];
    const uint32_t *act; /* [n_cols][ACT_ROW_DWORDS(n_in)] */
    const float *x;      /* [n_cols][n_in], for float weights */
    const struct cuda_books *books;
    uint32_t n_in;
    uint32_t n_cols;
    uint32_t part_bytes;  /* k_linear_one(), k_linear_few(): room for a part of a row ... */
    uint32_t offset_rows; /* ... and of FEW_TERMS */
};

/** k_linear_one, k_linear_few: FEW_ROWS rows of weights, a warp for each, and one or up to FEW_COLS
 * rows of activations; FEW_SUBS blocks of 32 weights at a time. One warp more adds up. */
#define FEW_ROWS    4U
#define FEW_COLS    8U
#define FEW_SUBS    64U
#define FEW_WARP    32U
#define FEW_WORKERS (FEW_ROWS * FEW_WARP)
/** Dwords from row to row of what is worked out, so that rows lie in different banks. */
#define FEW_STRIDE  (FEW_SUBS + 1U)
/** Room in bytes for FEW_SUBS blocks of a row, wherever it lies: blocks of Q8_0 are the longest. */
#define FEW_PART_BYTES(block_bytes, sub_shift)                                                     \
    (((FEW_SUBS >> (sub_shift)) * (block_bytes) + 30U) / 16U * 16U)
#define FEW_LINES ((FEW_PART_BYTES(34U, 0U) / 16U + FEW_WARP - 1U) / FEW_WARP) /* of a thread */
/** Floats that are worked out of a part; Q2_K has @p offset_rows FEW_ROWS, others with minima 1. */
#define FEW_TERMS(n_cols, offset_rows)                                                             \
    (FEW_STRIDE * (FEW_ROWS * (2U + (n_cols)) + (offset_rows) * (n_cols)))
/** Their shared memory in bytes: twice, for the part that is worked out and for its neighbour. */
#define FEW_SHARED_BYTES(part_bytes, n_cols, offset_rows)                                          \
    (2U * (FEW_ROWS * (part_bytes) + 4U * FEW_TERMS(n_cols, offset_rows)))
/** What a block may have of it on every GPU. */
#define SHARED_BYTES_MAX 49152U

/** k_linear_many: tiles of so many rows of weights and of activations. */
#define MANY_TILE 64U

/** k_linear_float: tiles of so many rows of weights and of activations. */
#define FLOAT_ROWS 32U
#define FLOAT_COLS 4U

/* ---- attention ---- */

/** One row of the batch. */
struct cuda_row {
    int32_t pos;
    int32_t slot;
    int32_t n_prefix;
    uint32_t first_tail; /* in kv_args.tails */
    uint32_t first_page; /* in kv_args.pages */
};

/** One layer's keys and values, in the layout of kernel/attention_kv.h. */
struct kv_args {
    const struct cuda_row *rows;
    const int32_t *tails;
    const uint64_t *pages; /* addresses; 0: a page that is missing */
    uint64_t layer_offset;
    uint64_t head_bytes;
    uint64_t v_at; /* offsets from the start of a kv head's part of a page; K is at 0 */
    uint64_t k_scales_at;
    uint64_t v_scales_at;
    uint32_t type; /* enum kv_type */
    uint32_t n_kv_heads;
    uint32_t head_dim_k;
    uint32_t head_dim_v;
    uint32_t page_tokens;
};

/** As backend_ops.kv_store for block (row, kv head). */
struct store_args {
    struct kv_args kv;
    const float *k;
    const float *v;
};

/** As backend_ops.kv_move for block (kv head). */
struct move_args {
    struct kv_args kv; /* without rows, tails and pages */
    uint8_t *from_page;
    uint8_t *to_page;
    uint32_t from_slot; /* within the page */
    uint32_t to_slot;
};

/** Dimensions of a head that k_attention() knows at most. */
#define CUDA_HEAD_DIM_MAX 512U

/** As backend_ops.attention for block (row, query head). */
struct attend_args {
    struct kv_args kv;
    const float *q;
    float *out;
    uint32_t n_heads;
    uint32_t window;
    float scale;
    float softcap;
};

/** X(kernel, its arguments), module by module. */
#define CUDA_ROW_KERNELS(X)                                                                        \
    X(k_norm, norm_args)                                                                           \
    X(k_rope, rope_args)                                                                           \
    X(k_glu, glu_args)                                                                             \
    X(k_flat, flat_args)                                                                           \
    X(k_gather, gather_args)                                                                       \
    X(k_weighted, weighted_args)                                                                   \
    X(k_gated, gated_args)                                                                         \
    X(k_softmax, softmax_args)
#define CUDA_LINEAR_KERNELS(X)                                                                     \
    X(k_quantize, quantize_args)                                                                   \
    X(k_linear_one, linear_args)                                                                   \
    X(k_linear_few, linear_args)                                                                   \
    X(k_linear_many, linear_args)                                                                  \
    X(k_linear_float, linear_args)
#define CUDA_ATTENTION_KERNELS(X)                                                                  \
    X(k_kv_store, store_args)                                                                      \
    X(k_kv_move, move_args)                                                                        \
    X(k_attention, attend_args)
#define CUDA_KERNELS(X)                                                                            \
    CUDA_ROW_KERNELS(X)                                                                            \
    CUDA_LINEAR_KERNELS(X)                                                                         \
    CUDA_ATTENTION_KERNELS(X)

#define CUDA_KERNEL_NUMBER(name, args) CUDA_##name,
enum cuda_kernel { CUDA_KERNELS(CUDA_KERNEL_NUMBER) CUDA_KERNEL_COUNT };
#undef CUDA_KERNEL_NUMBER

#endif
