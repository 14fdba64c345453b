/* SPDX-License-Identifier: MIT */
/*
 * How the keys and values of one layer lie in a page of the KV cache.
 *
 * A page holds page_tokens positions ("slots") of a layer, one kv head behind the other. For each
 * kv head:
 *
 *     K         [page_tokens / 16][head_dim_k][16]         a vector lane is a position
 *     V         [page_tokens][head_dim_v]                  a vector lane is a dimension
 *     K scales  [page_tokens / 16][head_dim_k / 32][16]    f16, q8_0 only
 *     V scales  [page_tokens][head_dim_v / 32]             f16, q8_0 only
 *
 * so that a score is one chain of fused multiply-adds over the dimensions, 16 positions at a time,
 * without a sum across lanes. f16 rounds to nearest even. q8_0 holds, for 32 dimensions of a
 * position, d = f16(max |x| / 127) and q = round to nearest even(x (1 / d)) within +-127, and is
 * read back as q d; a block whose d is 0 reads as zeros, one whose d is infinite or NaN as NaN.
 */
#ifndef NMOS_KERNEL_ATTENTION_KV_H
#define NMOS_KERNEL_ATTENTION_KV_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define KV_TILE  16U /* positions that lie interleaved in K */
#define KV_BLOCK 32U /* dimensions that share a scale in q8_0 */

enum kv_type {
    KV_F32,
    KV_F16,
    KV_Q8_0,
};

/** One layer's part of a page. */
struct kv_layout {
    enum kv_type type;
    uint32_t n_kv_heads;
    uint32_t head_dim_k;  /* multiple of 8; of 32 for q8_0 */
    uint32_t head_dim_v;  /* likewise */
    uint32_t page_tokens; /* multiple of 64 */
};

/** Checks the ranges above. @return 0, or NMOS_E_UNSUPPORTED naming the value that does not fit. */
int kv_layout_check(const struct kv_layout *layout) NMOS_MUST_CHECK;

/** Bytes of one layer in one page, a multiple of 64; the layout must have passed kv_layout_check().
 */
size_t kv_layer_bytes(const struct kv_layout *layout);

/**
 * Stores one position, converted to the layout's type.
 *
 * @param page the layer's part of the page, 64-byte aligned.
 * @param slot position inside the page.
 * @param k    [n_kv_heads][head_dim_k] f32, rotation already applied.
 * @param v    [n_kv_heads][head_dim_v] f32.
 * @note Thread-safe for distinct slots.
 */
void kv_store(const struct kv_layout *layout, void *page, uint32_t slot, const float *k,
              const float *v);

/** Reads one position back as attention sees it; shapes as in kv_store(). */
void kv_load(const struct kv_layout *layout, const void *page, uint32_t slot, float *k, float *v);

/** Copies one position, bit for bit, to another slot of the same or another page. */
void kv_copy_slot(const struct kv_layout *layout, const void *from_page, uint32_t from_slot,
                  void *to_page, uint32_t to_slot);

#endif
