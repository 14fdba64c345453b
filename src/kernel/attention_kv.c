/* SPDX-License-Identifier: MIT */
/* Sizes, checks, and the moves of single positions that need no speed. */
#include "kernel/attention_kv.h"

#include <inttypes.h>
#include <string.h>

#include "kernel/attention_kv_internal.h"

#define KV_HEADS_MAX       4096U
#define KV_HEAD_DIM_MAX    4096U
#define KV_PAGE_TOKENS_MAX (1U << 20)

int kv_layout_check(const struct kv_layout *layout)
{
    const uint32_t multiple = layout->type == KV_Q8_0 ? KV_BLOCK : 8U;
    const uint32_t dims[] = {layout->head_dim_k, layout->head_dim_v};
    for (int i = 0; i < 2; i++) {
        if (dims[i] == 0 || dims[i] > KV_HEAD_DIM_MAX || dims[i] % multiple != 0) {
            return FAIL(NMOS_E_UNSUPPORTED,
                        "head dimension %" PRIu32 " of the KV cache is not a multiple of %" PRIu32
                        " from %" PRIu32 " to %u",
                        dims[i], multiple, multiple, KV_HEAD_DIM_MAX);
        }
    }
    if (layout->n_kv_heads == 0 || layout->n_kv_heads > KV_HEADS_MAX) {
        return FAIL(NMOS_E_UNSUPPORTED, "%" PRIu32 " kv heads; 1 to %u are supported",
                    layout->n_kv_heads, KV_HEADS_MAX);
    }
    if (layout->page_tokens == 0 || layout->page_tokens % 64 != 0 ||
        layout->page_tokens > KV_PAGE_TOKENS_MAX) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "KV pages of %" PRIu32 " positions; a multiple of 64 up to %u is needed",
                    layout->page_tokens, KV_PAGE_TOKENS_MAX);
    }
    return 0;
}

size_t kv_layer_bytes(const struct kv_layout *layout)
{
    return layout->n_kv_heads * kv_offsets_of(layout).head_bytes;
}

void kv_load(const struct kv_layout *layout, const void *page, uint32_t slot, float *k, float *v)
{
    const struct kv_offsets o = kv_offsets_of(layout);
    const struct kv_line kl = kv_k_line(layout, &o, slot);
    const struct kv_line vl = kv_v_line(layout, &o, slot);
    for (uint32_t h = 0; h < layout->n_kv_heads; h++) {
        const char *head = (const char *)page + h * o.head_bytes;
        kv_line_load(layout->type, head, &kl, k + (size_t)h * layout->head_dim_k, 1);
        kv_line_load(layout->type, head, &vl, v + (size_t)h * layout->head_dim_v, 1);
    }
}

static void copy_line(const struct kv_layout *layout, size_t elem_bytes, const char *from_head,
                      const struct kv_line *from, char *to_head, const struct kv_line *to)
{
    for (uint32_t i = 0; i < from->n; i++) {
        const size_t at = i * from->stride * elem_bytes;
        memcpy(to_head + to->first + at, from_head + from->first + at, elem_bytes);
    }
    if (layout->type != KV_Q8_0) return;
    for (uint32_t b = 0; b < from->n / KV_BLOCK; b++) {
        const size_t at = b * from->scale_stride * sizeof(uint16_t);
        memcpy(to_head + to->first_scale + at, from_head + from->first_scale + at,
               sizeof(uint16_t));
    }
}

void kv_copy_slot(const struct kv_layout *layout, const void *from_page, uint32_t from_slot,
                  void *to_page, uint32_t to_slot)
{
    const struct kv_offsets o = kv_offsets_of(layout);
    const struct kv_line from_k = kv_k_line(layout, &o, from_slot);
    const struct kv_line to_k = kv_k_line(layout, &o, to_slot);
    const struct kv_line from_v = kv_v_line(layout, &o, from_slot);
    const struct kv_line to_v = kv_v_line(layout, &o, to_slot);
    for (uint32_t h = 0; h < layout->n_kv_heads; h++) {
        const char *from_head = (const char *)from_page + h * o.head_bytes;
        char *to_head = (char *)to_page + h * o.head_bytes;
        copy_line(layout, o.elem_bytes, from_head, &from_k, to_head, &to_k);
        copy_line(layout, o.elem_bytes, from_head, &from_v, to_head, &to_v);
    }
}
