/* SPDX-License-Identifier: MIT */
/* Cuts the rows into sessions, lays out the scratch and picks the kernels of the processor. */
#include "kernel/attention.h"

#include <assert.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "kernel/attention_internal.h"

static const struct attention_table *table = &attention_scalar;

void attention_init(void)
{
    table = &attention_scalar;
#if defined(__x86_64__)
    if (cpu_level_get() < CPU_AVX2) return;
    table = &attention_avx2;
    if (cpu_level_get() < CPU_AVX512) return;
    table = &attention_avx512;
#endif
}

void kv_store(const struct kv_layout *layout, void *page, uint32_t slot, const float *k,
              const float *v)
{
    table->kv_store(layout, page, slot, k, v);
}

/* Takes n floats, rounded up to cache lines, from the address in *at. */
static float *take(uintptr_t *at, size_t n)
{
    float *taken = (float *)*at;
    *at += size_round_up(n * sizeof(float), 64);
    return taken;
}

/* Points the job's sums behind address @p at and returns where they end. */
static uintptr_t lay_out_sums(struct attn_job *job, uintptr_t at)
{
    const size_t n_queries = (size_t)job->n_rows * job->group;
    job->acc = take(&at, n_queries * job->v_stride);
    job->top = take(&at, n_queries);
    job->sum = take(&at, n_queries);
    job->page_sum = take(&at, n_queries * job->shape->mass_columns);
    job->page_top = take(&at, n_queries * job->shape->mass_columns);
    return at;
}

/* The same for all its buffers. */
static uintptr_t lay_out(struct attn_job *job, uintptr_t at)
{
    job->k_tile = take(&at, (size_t)job->shape->layout.head_dim_k * ATTN_TILE);
    job->v_tile = take(&at, (size_t)job->v_stride * ATTN_TILE);
    job->scores = take(&at, (size_t)ATTN_BLOCK * ATTN_TILE);
    return lay_out_sums(job, at);
}

static struct attn_job make_job(const struct attn_shape *shape, int n_rows)
{
    return (struct attn_job){
        .shape = shape,
        .n_rows = n_rows,
        .offsets = kv_offsets_of(&shape->layout),
        .group = shape->n_heads / shape->layout.n_kv_heads,
        .v_stride = (uint32_t)size_round_up(shape->layout.head_dim_v, 16),
    };
}

size_t attention_scratch_bytes(const struct attn_shape *shape, int n_rows)
{
    struct attn_job job = make_job(shape, n_rows);
    return lay_out(&job, 0);
}

size_t attention_sums_bytes(const struct attn_shape *shape, int n_rows)
{
    struct attn_job job = make_job(shape, n_rows);
    return lay_out_sums(&job, 0);
}

void attention_rows(const struct attn_shape *shape, const struct attn_row *rows, int n_rows,
                    const float *q, int kv_head, float *out, void *scratch,
                    const struct attn_part *part)
{
    static const struct attn_part all = {.end = UINT32_MAX, .is_first = 1, .is_last = 1};
    int first = 0;
    while (first < n_rows) {
        int end = first + 1;
        while (end < n_rows && rows[end].pages == rows[first].pages) end++;
        struct attn_job job = make_job(shape, end - first);
        job.rows = rows + first;
        job.kv_head = (uint32_t)kv_head;
        job.q = q + (size_t)first * shape->n_heads * shape->layout.head_dim_k;
        job.out = out + (size_t)first * shape->n_heads * shape->layout.head_dim_v;
        job.part = part ? part : &all;
        lay_out(&job, (uintptr_t)scratch);
        assert(!part || (end - first == n_rows && !shape->mass_columns));
        if (part) lay_out_sums(&job, (uintptr_t)part->sums);
        table->rows(&job);
        first = end;
    }
}
