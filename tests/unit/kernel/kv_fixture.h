/* SPDX-License-Identifier: MIT */
/* A session of random keys and values in pages that end at guard pages; what is not stored is NaN.
 */
#ifndef NMOS_TESTS_KV_FIXTURE_H
#define NMOS_TESTS_KV_FIXTURE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guarded.h"
#include "kernel/attention.h"

#define KV_FIXTURE_PAGES_MAX 16

struct kv_fixture {
    struct kv_layout layout;
    void *pages[KV_FIXTURE_PAGES_MAX];
};

/** Room for @p n_slots slots. */
static inline void kv_fixture_init(struct kv_fixture *f, const struct kv_layout *layout,
                                   uint32_t n_slots)
{
    f->layout = *layout;
    const size_t bytes = kv_layer_bytes(layout);
    for (uint32_t i = 0; i < KV_FIXTURE_PAGES_MAX; i++) f->pages[i] = NULL;
    for (uint32_t i = 0; i * layout->page_tokens < n_slots; i++) {
        f->pages[i] = guarded_end(bytes) - bytes;
        memset(f->pages[i], 0xff, bytes);
    }
}

static inline void kv_fixture_deinit(struct kv_fixture *f)
{
    const size_t bytes = kv_layer_bytes(&f->layout);
    for (uint32_t i = 0; i < KV_FIXTURE_PAGES_MAX && f->pages[i]; i++) {
        guarded_free((char *)f->pages[i] + bytes, bytes);
    }
}

/** Stores the K and V that belong to @p token, always the same, in @p slot. */
static inline void kv_fixture_store(const struct kv_fixture *f, uint32_t slot, uint32_t token)
{
    const struct kv_layout *l = &f->layout;
    const size_t n_k = (size_t)l->n_kv_heads * l->head_dim_k;
    const size_t n_v = (size_t)l->n_kv_heads * l->head_dim_v;
    float *x = malloc((n_k + n_v) * sizeof(float));
    uint64_t state = token * 1000003U + 17U;
    for (size_t i = 0; i < n_k + n_v; i++) x[i] = 2.0F * next_f32(&state);
    kv_store(l, f->pages[slot / l->page_tokens], slot % l->page_tokens, x, x + n_k);
    free(x);
}

#endif
