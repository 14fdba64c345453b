/* SPDX-License-Identifier: MIT */
/*
 * Attention of a group of rows to the KV cache, one kv head of one layer at a time.
 *
 *   out[r, h] = sum over p of softmax_p(cap(scale q[r, h] . K[p])) V[p],   p in [max(0, pos -
 * window + 1), pos]
 *
 * The sum is defined by position (invariant I1), never by page, slot, number of rows or threads.
 * Positions are taken in tiles of 64 counted from 0, ascending. For each tile:
 *
 *   s[p]  = scale * (fma chain over d = 0, 1, ... of q[d] K[p][d])        then softcap tanh(s /
 * softcap) top'  = max(top, s[p] of the tile);  c = exp(top - top') e[p]  = exp(s[p] - top');  sum
 * = fma(sum, c, tile sum), 16 lanes over the positions, then the tree of elementwise.h acc   = acc
 * * c, then fma(e[p], V[p], acc) for the row's positions of the tile, ascending
 *
 * and out = acc / sum. It starts with top = -infinity and sum = 0, or with a sink: top = sink[h],
 * sum = 1. K and V are read as stored, also those of rows in the same pass. Online softmax: Milakov
 * and Gimelshein 2018, arXiv:1805.02867.
 *
 * Pages may be missing: a row sees the positions of those that are there. How much of its attention
 * each of these gets, the page's mass, can be asked for: the sum of softmax_p over the page's
 * positions and over the query heads. It is summed tile by tile as above, and so has the same bits
 * whatever rides beside the row.
 */
#ifndef NMOS_KERNEL_ATTENTION_H
#define NMOS_KERNEL_ATTENTION_H

#include "kernel/attention_kv.h"

/** What all rows of a layer share. */
struct attn_shape {
    struct kv_layout layout; /* checked by kv_layout_check() */
    uint32_t n_heads;        /* a multiple of n_kv_heads; query head h reads kv head h / (n_heads /
                                n_kv_heads) */
    uint32_t window;         /* positions a row sees, itself included; 0: all */
    float scale;             /* usually 1 / sqrt(head_dim_k) */
    float softcap;           /* 0: none */
    const float *sinks;      /* [n_heads] extra logits in the denominator, or NULL */
    size_t page_offset;      /* bytes from the start of a page to this layer's part of it */
    uint32_t mass_columns;   /* pages of a session that are there, at most, rounded up to 16; 0:
                                nobody asks for masses */
};

/**
 * One row: position p lies in slot p while p < n_prefix, else in slot tail_slots[p - n_prefix].
 * Slot s is in page s / page_tokens. A plain chain has n_prefix = pos + 1. Rows that follow each
 * other and have the same pages pointer share the reading of their common prefix, which is what
 * makes long prompts fast.
 */
struct attn_row {
    const void *const *pages;  /* the session's pages; page + page_offset is 64-byte aligned; NULL:
                                  one below n_prefix that is missing */
    const int32_t *tail_slots; /* [pos + 1 - n_prefix]; may be NULL when that is 0 or less */
    int32_t pos;               /* 0 or more */
    int32_t n_prefix;
    float *mass; /* [n_kv_heads][mass_columns] what the pages that are there get, in their order,
                    is added to these; whole attentions only */
};

/**
 * A part of an attention: the positions [first, end) of what each row sees. Parts of one attention
 * are computed in ascending order, without a gap, by calls that differ in nothing else; the result
 * has the bits of one call. Each position need only be there for the call that reads it.
 */
struct attn_part {
    uint32_t first, end; /* multiples of 64; the last part's end may be anything above */
    uint8_t is_first;
    uint8_t is_last; /* writes the result */
    void *sums;      /* attention_sums_bytes(), 64-byte aligned, kept from part to part */
};

/** Bytes of the sums of @p n_rows rows and one kv head; a multiple of 64. */
size_t attention_sums_bytes(const struct attn_shape *shape, int n_rows);

/** Bytes of scratch that attention_rows() needs for @p n_rows rows; a multiple of 64. */
size_t attention_scratch_bytes(const struct attn_shape *shape, int n_rows);

/**
 * All query heads of kv head @p kv_head for @p n_rows rows.
 *
 * @param q       [n_rows][n_heads][head_dim_k] f32, rotation already applied.
 * @param out     [n_rows][n_heads][head_dim_v] f32; only the heads of @p kv_head are written.
 * @param scratch attention_scratch_bytes(), 64-byte aligned, one for each thread.
 * @param part    NULL: all positions; else all rows are of one session.
 * @note Thread-safe for distinct (row, kv_head). K and V of all positions read must have been
 * stored.
 */
void attention_rows(const struct attn_shape *shape, const struct attn_row *rows, int n_rows,
                    const float *q, int kv_head, float *out, void *scratch,
                    const struct attn_part *part);

/** Chooses the kernels for cpu_level_get(); to be called again after cpu_level_limit(). Not
 * thread-safe. */
void attention_init(void);

#endif
