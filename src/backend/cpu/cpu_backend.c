/* SPDX-License-Identifier: MIT */
#include "backend/cpu/cpu_backend.h"

#include <string.h>

#include "backend/cpu/cpu_attention.h"
#include "backend/cpu/cpu_rows.h"

static void cpu_destroy(struct backend *b)
{
    struct cpu_backend *cpu = cpu_backend_of(b);
    threadpool_destroy(&cpu->pool);
    mem_free(cpu->act_memory);
    mem_free(cpu->thread_scratch);
    mem_free(cpu->attention_sums);
    mem_free(cpu);
}

/* Every page is touched now, so that what is planned is held and no later fault can fail. */
static void *cpu_alloc(struct backend *b, enum mem_tag tag, size_t bytes)
{
    void *mem = mem_alloc(tag, bytes, MEM_ALIGN_VECTOR);
    if (mem) mem_touch(mem, bytes);
    (void)b;
    return mem;
}

static void cpu_free(struct backend *b, void *mem)
{
    mem_free(mem);
    (void)b;
}

static void cpu_copy(struct backend *b, void *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
    (void)b;
}

static int cpu_transfer(struct backend *b, void *to, const void *from, size_t bytes)
{
    cpu_copy(b, to, from, bytes);
    return 0;
}

static uint64_t cpu_upload_async(struct backend *b, void *to, const void *host, size_t bytes)
{
    cpu_copy(b, to, host, bytes);
    return 0;
}

static int cpu_fence_wait(struct backend *b, uint64_t fence, uint32_t timeout_ms)
{
    (void)b;
    (void)fence;
    (void)timeout_ms;
    return 0;
}

static void cpu_abandon(struct backend *b)
{
    (void)b;
}

static void cpu_usage(struct backend *b, struct backend_usage *ret_usage)
{
    *ret_usage = (struct backend_usage){.limit_bytes = UINT64_MAX};
    (void)b;
}

static size_t scratch_bytes_per_thread(uint32_t n_in_max, const struct attention_config *config)
{
    const size_t linear = cpu_linear_scratch_bytes(n_in_max);
    const size_t attention = cpu_attention_scratch_bytes(config);
    return size_round_up(linear > attention ? linear : attention, MEM_ALIGN_PAGE);
}

static size_t cpu_plan_bytes(struct backend *b, uint32_t n_rows, uint32_t n_in_max,
                             const struct attention_config *attention)
{
    const size_t n_threads = (size_t)threadpool_size(cpu_backend_of(b)->pool);
    return act_bytes(n_in_max, n_rows) + n_threads * scratch_bytes_per_thread(n_in_max, attention) +
           cpu_attention_sums_bytes(attention, n_rows);
}

static int cpu_plan(struct backend *b, uint32_t n_rows, uint32_t n_in_max,
                    const struct attention_config *attention)
{
    struct cpu_backend *cpu = cpu_backend_of(b);
    const size_t n_threads = (size_t)threadpool_size(cpu->pool);
    cpu->n_rows_max = n_rows;
    cpu->n_in_max = n_in_max;
    cpu->thread_scratch_bytes = scratch_bytes_per_thread(n_in_max, attention);
    cpu->act_memory = b->ops->alloc(b, MEM_SCRATCH, act_bytes(n_in_max, n_rows));
    cpu->thread_scratch = b->ops->alloc(b, MEM_SCRATCH, n_threads * cpu->thread_scratch_bytes);
    if (!cpu->act_memory || !cpu->thread_scratch) return NMOS_E_NOMEM;
    if (!attention->in_parts) return 0;
    cpu->attention_sums =
        b->ops->alloc(b, MEM_SCRATCH, cpu_attention_sums_bytes(attention, n_rows));
    return cpu->attention_sums ? 0 : NMOS_E_NOMEM;
}

static const struct backend_ops cpu_ops = {.name = "cpu",
                                           .destroy = cpu_destroy,
                                           .alloc = cpu_alloc,
                                           .free = cpu_free,
                                           .usage = cpu_usage,
                                           .upload = cpu_transfer,
                                           .download = cpu_transfer,
                                           .copy = cpu_copy,
                                           .upload_async = cpu_upload_async,
                                           .fence_wait = cpu_fence_wait,
                                           .abandon = cpu_abandon,
                                           .weights_prepare = cpu_weights_prepare,
                                           .plan_bytes = cpu_plan_bytes,
                                           .plan = cpu_plan,
                                           .linear = cpu_linear,
                                           .rms_norm = cpu_rms_norm,
                                           .head_norm = cpu_head_norm,
                                           .rope = cpu_rope,
                                           .attention_check = cpu_attention_check,
                                           .kv_layer_bytes = cpu_kv_layer_bytes,
                                           .kv_store = cpu_kv_store,
                                           .kv_move = cpu_kv_move,
                                           .attention = cpu_attention,
                                           .glu = cpu_glu,
                                           .add = cpu_add,
                                           .scale = cpu_scale,
                                           .softcap = cpu_softcap,
                                           .gather_rows = cpu_gather_rows,
                                           .weighted_rows = cpu_weighted_rows,
                                           .add_gated = cpu_add_gated,
                                           .softmax = cpu_softmax};

int cpu_backend_create(int n_threads, struct backend **ret_backend)
{
    struct cpu_backend *cpu = mem_calloc(MEM_GENERAL, 1, sizeof(*cpu));
    if (!cpu) return NMOS_E_NOMEM;
    cpu->base.ops = &cpu_ops;
    const int rc = threadpool_create(n_threads, &cpu->pool);
    if (rc < 0) {
        mem_free(cpu);
        return rc;
    }
    *ret_backend = &cpu->base;
    return 0;
}

void backend_destroy(struct backend **backend)
{
    if (!backend || !*backend) return;
    (*backend)->ops->destroy(*backend);
    *backend = NULL;
}
