/* SPDX-License-Identifier: MIT */
/*
 * Storing a position in the KV cache, over 16 lanes, compiled once per instruction level.
 *
 * Included behind one of the lanes_*.h headers by kernel/attention_<level>.c alone. Formats and
 * places are described in attention_kv.h. Only the conversions are vectors; the elements of a K
 * line lie 16 apart and are laid one by one.
 */
#ifndef NMOS_KERNEL_ATTENTION_KV_IMPL_H
#define NMOS_KERNEL_ATTENTION_KV_IMPL_H

#include <math.h>
#include <string.h>

#include "kernel/attention_kv_internal.h"

/* Quantises 32 values: see attention_kv.h. */
static uint16_t quantize_block(const float *x, int8_t *q)
{
    const struct f32x16 a = lanes_load(x);
    const struct f32x16 b = lanes_load(x + LANES);
    const struct f32x16 sizes = lanes_max(lanes_abs(a), lanes_abs(b));
    /* max drops a NaN, the sum does not. */
    const float sum = lanes_sum(lanes_add(lanes_abs(a), lanes_abs(b)));
    const uint16_t half = f32_to_f16(isnan(sum) ? NAN : lanes_max_of(sizes) / 127.0F);
    const float d = f16_to_f32(half);
    memset(q, 0, KV_BLOCK);
    if (!(d > 0.0F) || isinf(d)) return half;
    const struct f32x16 inverse = lanes_set1(1.0F / d);
    const struct f32x16 limit = lanes_set1(127.0F);
    for (uint32_t i = 0; i < KV_BLOCK; i += LANES) {
        struct f32x16 v = lanes_mul(lanes_load(x + i), inverse);
        v = lanes_max(lanes_sub(lanes_set1(0.0F), limit), lanes_min(limit, v));
        float rounded[LANES]; /* 1.5 * 2^23 + v holds v, rounded, in its low bits */
        lanes_store(rounded, lanes_add(v, lanes_set1(0x1.8p23F)));
        for (uint32_t j = 0; j < LANES; j++)
            q[i + j] = (int8_t)(int32_t)(f32_to_bits(rounded[j]) - 0x4b400000U);
    }
    return half;
}

/* Converts a vector and lays it along a line. */
static void store_line(enum kv_type type, char *head, const struct kv_line *line, const float *x)
{
    char *to = head + line->first;
    const size_t n = line->n;
    if (type == KV_F32) {
        for (size_t i = 0; i < n; i++)
            memcpy(to + i * line->stride * sizeof(float), &x[i], sizeof(float));
    } else if (type == KV_F16) {
        for (size_t i = 0; i < n; i += LANES) {
            uint16_t half[LANES];
            lanes_store_f16(half, lanes_load_n(x + i, n - i));
            for (size_t j = 0; j < LANES && i + j < n; j++) {
                memcpy(to + (i + j) * line->stride * sizeof(uint16_t), &half[j], sizeof(uint16_t));
            }
        }
    } else {
        for (size_t i = 0; i < n; i += KV_BLOCK) {
            int8_t q[KV_BLOCK];
            const uint16_t scale = quantize_block(x + i, q);
            const size_t at = i / KV_BLOCK * line->scale_stride * sizeof(uint16_t);
            memcpy(head + line->first_scale + at, &scale, sizeof(scale));
            for (size_t j = 0; j < KV_BLOCK; j++) memcpy(to + (i + j) * line->stride, &q[j], 1);
        }
    }
}

static void store_position(const struct kv_layout *layout, void *page, uint32_t slot,
                           const float *k, const float *v)
{
    const struct kv_offsets o = kv_offsets_of(layout);
    const struct kv_line k_line = kv_k_line(layout, &o, slot);
    const struct kv_line v_line = kv_v_line(layout, &o, slot);
    for (uint32_t h = 0; h < layout->n_kv_heads; h++) {
        char *head = (char *)page + h * o.head_bytes;
        store_line(layout->type, head, &k_line, k + (size_t)h * layout->head_dim_k);
        store_line(layout->type, head, &v_line, v + (size_t)h * layout->head_dim_v);
    }
}

#endif
