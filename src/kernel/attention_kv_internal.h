/* SPDX-License-Identifier: MIT */
/* Where the elements of a position lie in a page; attention_kv.h draws the picture. A leaf header.
 */
#ifndef NMOS_KERNEL_ATTENTION_KV_INTERNAL_H
#define NMOS_KERNEL_ATTENTION_KV_INTERNAL_H

#include <string.h>

#include "kernel/attention_kv.h"
#include "quant/f16.h"

/* Byte offsets inside a kv head's part of the page; K is at 0. */
struct kv_offsets {
    size_t elem_bytes; /* 4, 2 or 1 */
    size_t v;
    size_t k_scales;
    size_t v_scales;
    size_t head_bytes; /* distance between kv heads */
};

/* K or V of one position: element i is at first + i * stride elements, the scale of block b at
 * first_scale + b * scale_stride halves. */
struct kv_line {
    size_t first;       /* bytes from the head's start */
    size_t stride;      /* elements */
    size_t first_scale; /* bytes from the head's start */
    size_t scale_stride;
    uint32_t n;
};

static inline struct kv_offsets kv_offsets_of(const struct kv_layout *layout)
{
    const size_t n = layout->page_tokens;
    struct kv_offsets o;
    o.elem_bytes = layout->type == KV_F32 ? 4 : layout->type == KV_F16 ? 2 : 1;
    o.v = n * layout->head_dim_k * o.elem_bytes;
    o.k_scales = o.v + n * layout->head_dim_v * o.elem_bytes;
    o.v_scales = o.k_scales;
    o.head_bytes = o.k_scales;
    if (layout->type == KV_Q8_0) {
        o.v_scales = o.k_scales + n * (layout->head_dim_k / KV_BLOCK) * sizeof(uint16_t);
        o.head_bytes = o.v_scales + n * (layout->head_dim_v / KV_BLOCK) * sizeof(uint16_t);
    }
    return o;
}

static inline struct kv_line kv_k_line(const struct kv_layout *layout, const struct kv_offsets *o,
                                       uint32_t slot)
{
    const size_t tile = slot / KV_TILE;
    const size_t lane = slot % KV_TILE;
    const size_t n_scales = layout->head_dim_k / KV_BLOCK;
    return (struct kv_line){
        .first = (tile * layout->head_dim_k * KV_TILE + lane) * o->elem_bytes,
        .stride = KV_TILE,
        .first_scale = o->k_scales + (tile * n_scales * KV_TILE + lane) * sizeof(uint16_t),
        .scale_stride = KV_TILE,
        .n = layout->head_dim_k,
    };
}

static inline struct kv_line kv_v_line(const struct kv_layout *layout, const struct kv_offsets *o,
                                       uint32_t slot)
{
    const size_t n_scales = layout->head_dim_v / KV_BLOCK;
    return (struct kv_line){
        .first = o->v + (size_t)slot * layout->head_dim_v * o->elem_bytes,
        .stride = 1,
        .first_scale = o->v_scales + slot * n_scales * sizeof(uint16_t),
        .scale_stride = 1,
        .n = layout->head_dim_v,
    };
}

static inline uint16_t kv_half(const char *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof(half));
    return half;
}

/* Element i of the line goes to to[i * to_stride]. */
static inline void kv_line_load(enum kv_type type, const char *head, const struct kv_line *line,
                                float *to, size_t to_stride)
{
    const char *from = head + line->first;
    for (uint32_t i = 0; i < line->n; i++) {
        float *x = to + i * to_stride;
        if (type == KV_F32) {
            memcpy(x, from + i * line->stride * sizeof(float), sizeof(float));
        } else if (type == KV_F16) {
            *x = f16_to_f32(kv_half(from + i * line->stride * sizeof(uint16_t)));
        } else {
            const size_t scale = i / KV_BLOCK * line->scale_stride * sizeof(uint16_t);
            int8_t q;
            memcpy(&q, from + i * line->stride, 1);
            *x = (float)q * f16_to_f32(kv_half(head + line->first_scale + scale));
        }
    }
}

#endif
