/* SPDX-License-Identifier: MIT */
/*
 * Attention over the thread team: a task is one key/value head and a run of rows.
 *
 * Runs are long enough that rows of a prompt share the reading of keys and values, and short enough
 * that there are tasks for every thread. Results do not depend on the cut (see kernel/attention.h).
 */
#include "backend/cpu/cpu_attention.h"

#include "kernel/attention.h"

#define ROWS_PER_TASK 32U

static uint32_t runs_of(uint32_t n_rows)
{
    return (n_rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
}

static struct attn_shape shape_of(const struct attention_config *config, size_t layer_offset)
{
    return (struct attn_shape){.layout = attention_layout(config),
                               .n_heads = config->n_heads,
                               .page_offset = layer_offset,
                               .window = config->window,
                               .scale = config->scale,
                               .softcap = config->softcap,
                               .mass_columns = config->mass_columns};
}

int cpu_attention_check(struct backend *b, const struct attention_config *config)
{
    const struct kv_layout layout = attention_layout(config);
    (void)b;
    return kv_layout_check(&layout);
}

size_t cpu_kv_layer_bytes(struct backend *b, const struct attention_config *config)
{
    const struct kv_layout layout = attention_layout(config);
    (void)b;
    return kv_layer_bytes(&layout);
}

size_t cpu_attention_scratch_bytes(const struct attention_config *config)
{
    const struct attn_shape shape = shape_of(config, 0);
    return attention_scratch_bytes(&shape, (int)ROWS_PER_TASK) +
           ROWS_PER_TASK * sizeof(struct attn_row);
}

size_t cpu_attention_sums_bytes(const struct attention_config *config, uint32_t n_rows)
{
    const struct attn_shape shape = shape_of(config, 0);
    const size_t n_tasks = (size_t)runs_of(n_rows) * config->n_kv_heads;
    return config->in_parts ? n_tasks * attention_sums_bytes(&shape, (int)ROWS_PER_TASK) : 0;
}

struct store_call {
    struct kv_layout layout;
    size_t layer_offset;
    const struct kv_row *rows;
    uint32_t n_rows;
    const float *k;
    const float *v;
};

static void store_task(void *arg, int task, int worker)
{
    const struct store_call *call = arg;
    const uint32_t first = (uint32_t)task * ROWS_PER_TASK;
    const size_t k_width = (size_t)call->layout.n_kv_heads * call->layout.head_dim_k;
    const size_t v_width = (size_t)call->layout.n_kv_heads * call->layout.head_dim_v;
    for (uint32_t r = first; r < first + ROWS_PER_TASK && r < call->n_rows; r++) {
        const struct kv_row *row = &call->rows[r];
        const uint32_t slot = (uint32_t)row->slot;
        char *page = row->pages[slot / call->layout.page_tokens];
        kv_store(&call->layout, page + call->layer_offset, slot % call->layout.page_tokens,
                 call->k + r * k_width, call->v + r * v_width);
    }
    (void)worker;
}

void cpu_kv_store(struct backend *b, const struct attention_config *config, size_t layer_offset,
                  const struct kv_row *rows, uint32_t n_rows, const float *k, const float *v)
{
    struct store_call call = {attention_layout(config), layer_offset, rows, n_rows, k, v};
    threadpool_run(cpu_backend_of(b)->pool, store_task, &call, (int)runs_of(n_rows));
}

void cpu_kv_move(struct backend *b, const struct attention_config *config, size_t layer_offset,
                 void *const *pages, uint32_t from_slot, uint32_t to_slot)
{
    const struct kv_layout layout = attention_layout(config);
    const uint32_t n = layout.page_tokens;
    (void)b;
    kv_copy_slot(&layout, (const char *)pages[from_slot / n] + layer_offset, from_slot % n,
                 (char *)pages[to_slot / n] + layer_offset, to_slot % n);
}

struct attention_call {
    const struct cpu_backend *cpu;
    struct attn_shape shape;
    const struct kv_row *rows;
    uint32_t n_rows;
    const float *q;
    float *out;
    const struct attention_part *part;
    size_t sums_bytes; /* of a task */
};

static void attention_task(void *arg, int task, int worker)
{
    const struct attention_call *call = arg;
    const uint32_t n_kv_heads = call->shape.layout.n_kv_heads;
    const uint32_t first = (uint32_t)task / n_kv_heads * ROWS_PER_TASK;
    const uint32_t left = call->n_rows - first;
    const uint32_t n = left < ROWS_PER_TASK ? left : ROWS_PER_TASK;
    struct attn_row *rows = cpu_scratch(call->cpu, worker);
    for (uint32_t i = 0; i < n; i++) {
        const struct kv_row *row = &call->rows[first + i];
        rows[i] = (struct attn_row){.pages = (const void *const *)row->pages,
                                    .tail_slots = row->tail_slots,
                                    .pos = row->pos,
                                    .n_prefix = row->n_prefix,
                                    .mass = row->mass};
    }
    const size_t q_width = (size_t)call->shape.n_heads * call->shape.layout.head_dim_k;
    const size_t out_width = (size_t)call->shape.n_heads * call->shape.layout.head_dim_v;
    struct attn_part part = {0};
    if (call->part) {
        part = (struct attn_part){.first = call->part->first,
                                  .end = call->part->end,
                                  .is_first = call->part->is_first != 0,
                                  .is_last = call->part->is_last != 0,
                                  .sums = call->cpu->attention_sums + task * call->sums_bytes};
    }
    attention_rows(&call->shape, rows, (int)n, call->q + first * q_width,
                   (int)((uint32_t)task % n_kv_heads), call->out + first * out_width,
                   rows + ROWS_PER_TASK, call->part ? &part : NULL);
}

void cpu_attention(struct backend *b, const struct attention_config *config, size_t layer_offset,
                   const struct kv_row *rows, uint32_t n_rows, const float *q, float *out,
                   const struct attention_part *part)
{
    struct cpu_backend *cpu = cpu_backend_of(b);
    struct attention_call call = {cpu, shape_of(config, layer_offset), rows, n_rows, q, out, part,
                                  0};
    call.sums_bytes = attention_sums_bytes(&call.shape, (int)ROWS_PER_TASK);
    threadpool_run(cpu->pool, attention_task, &call, (int)(runs_of(n_rows) * config->n_kv_heads));
}
