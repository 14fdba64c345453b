/* SPDX-License-Identifier: MIT */
/*
 * Matrix products over the thread team.
 *
 * All products of one input share one quantisation of it and one parallel loop, so that a decode
 * step of one row pays for few barriers. A task is a run of weight panels; runs are short enough to
 * balance the team and long enough that claiming one costs nothing.
 */
#include <assert.h>

#include "backend/cpu/cpu_backend.h"

#define JOBS_MAX 128U

/* Bytes of weights in a task when there is one activation row: about 5 microseconds of memory
 * bandwidth. */
#define TASK_BYTES       (64U << 10)
/* Tasks per thread when rows are many and compute binds. */
#define TASKS_PER_THREAD 8U

/* One product of a call, as the tasks see it. */
struct product {
    struct wmat weight;
    const struct linear_job *job;
    uint32_t n_panels;
    uint32_t panels_per_task;
    uint32_t first_task;
};

struct linear_call {
    const struct cpu_backend *cpu;
    const float *x;
    uint32_t n_in;
    struct act act;
    uint32_t n_products;
    struct product products[JOBS_MAX];
};

size_t cpu_linear_scratch_bytes(uint32_t n_in)
{
    size_t most = 0;
    n_in = (n_in + 255) / 256 * 256; /* a multiple of every block */
    for (uint32_t type = 0; type < TENSOR_TYPE_COUNT; type++) {
        if (!tensor_format_get(type) || !kernel_matmul_supports((enum tensor_type)type)) continue;
        const size_t bytes = kernel_matmul_scratch_bytes((enum tensor_type)type, n_in);
        if (bytes > most) most = bytes;
    }
    return most;
}

static void add_bias(const struct linear_job *job, uint32_t n_rows, uint32_t first, uint32_t end)
{
    for (uint32_t r = 0; r < n_rows; r++) {
        float *row = job->out + r * job->out_stride;
        for (uint32_t i = first; i < end; i++) row[i] += job->bias[i];
    }
}

static void run_task(void *arg, int task, int worker)
{
    const struct linear_call *call = arg;
    uint32_t i = call->n_products - 1;
    while (call->products[i].first_task > (uint32_t)task) i--;
    const struct product *p = &call->products[i];
    const uint32_t panel0 = ((uint32_t)task - p->first_task) * p->panels_per_task;
    const uint32_t left = p->n_panels - panel0;
    const uint32_t panel1 = panel0 + (left < p->panels_per_task ? left : p->panels_per_task);
    kernel_matmul(&p->weight, &call->act, call->x, call->n_in, panel0, panel1, p->job->out,
                  p->job->out_stride, cpu_scratch(call->cpu, worker));
    if (p->job->bias) {
        const uint32_t end = panel1 * PANEL_ROWS;
        add_bias(p->job, call->act.n_rows, panel0 * PANEL_ROWS,
                 end < p->weight.n_out ? end : p->weight.n_out);
    }
}

struct quantize_call {
    const struct act *act;
    const float *x;
    uint32_t rows_per_task;
};

static void quantize_task(void *arg, int task, int worker)
{
    const struct quantize_call *call = arg;
    const uint32_t row0 = (uint32_t)task * call->rows_per_task;
    uint32_t row1 = row0 + call->rows_per_task;
    if (row1 > call->act->n_rows) row1 = call->act->n_rows;
    act_quantize(call->act, call->x, call->act->n_in, row0, row1);
    (void)worker;
}

static void quantize(struct cpu_backend *cpu, const struct act *act, const float *x)
{
    struct quantize_call call = {act, x, 16};
    const uint32_t n_tasks = (act->n_rows + call.rows_per_task - 1) / call.rows_per_task;
    threadpool_run(cpu->pool, quantize_task, &call, (int)n_tasks);
}

/* Panels in a task: by bytes for one row, by an even share of the work for many. */
static uint32_t panels_per_task(const struct product *p, uint32_t n_rows, uint32_t n_threads)
{
    const size_t panel_bytes = PANEL_ROWS * tensor_row_bytes(p->weight.type, p->weight.n_in);
    const uint32_t by_bytes = (uint32_t)(TASK_BYTES / n_rows / panel_bytes) + 1;
    const uint32_t by_share = p->n_panels / (n_threads * TASKS_PER_THREAD) + 1;
    return by_bytes < by_share ? by_bytes : by_share;
}

void cpu_linear(struct backend *b, const float *x, uint32_t n_rows, uint32_t n_in,
                const struct linear_job *jobs, uint32_t n_jobs)
{
    struct cpu_backend *cpu = cpu_backend_of(b);
    struct linear_call call = {.cpu = cpu, .x = x, .n_in = n_in, .n_products = n_jobs};
    const uint32_t n_threads = (uint32_t)threadpool_size(cpu->pool);
    uint32_t n_tasks = 0;
    int needs_act = 0;
    assert(n_rows > 0 && n_rows <= cpu->n_rows_max && n_in <= cpu->n_in_max && n_jobs <= JOBS_MAX);
    for (uint32_t i = 0; i < n_jobs; i++) {
        const struct tensor_view *w = &jobs[i].weight;
        struct product *p = &call.products[i];
        assert(w->n_in == n_in);
        p->weight = (struct wmat){.type = w->type,
                                  .layout = w->is_packed ? WMAT_PANELS : WMAT_ROWS,
                                  .data = w->data,
                                  .n_in = n_in,
                                  .n_out = w->n_out};
        p->job = &jobs[i];
        p->n_panels = wmat_panels(&p->weight);
        p->panels_per_task = panels_per_task(p, n_rows, n_threads);
        p->first_task = n_tasks;
        n_tasks += (p->n_panels + p->panels_per_task - 1) / p->panels_per_task;
        needs_act |= tensor_format_get(w->type)->is_quantized;
    }
    act_init(&call.act, cpu->act_memory, n_in, n_rows);
    if (needs_act) quantize(cpu, &call.act, x);
    threadpool_run(cpu->pool, run_task, &call, (int)n_tasks);
}

struct pack_call {
    const struct cpu_backend *cpu;
    const struct wmat *weight;
    void *data;
    uint32_t panels_per_task;
};

static void pack_task(void *arg, int task, int worker)
{
    const struct pack_call *call = arg;
    const uint32_t n_panels = wmat_panels(call->weight);
    const uint32_t panel0 = (uint32_t)task * call->panels_per_task;
    uint32_t panel1 = panel0 + call->panels_per_task;
    if (panel1 > n_panels) panel1 = n_panels;
    const int rc = panel_pack_in_place(call->weight, panel0, panel1, call->data,
                                       cpu_scratch(call->cpu, worker));
    assert(rc == 0);
    (void)rc;
}

int cpu_weights_prepare(struct backend *b, void *data, enum tensor_type type, uint32_t n_in,
                        uint32_t n_out)
{
    struct cpu_backend *cpu = cpu_backend_of(b);
    if (!kernel_matmul_supports(type) || n_out < PANEL_ROWS) return 0;
    const struct wmat weight = {
        .type = type, .layout = WMAT_ROWS, .data = data, .n_in = n_in, .n_out = n_out};
    struct pack_call call = {cpu, &weight, data, 8};
    const uint32_t n_tasks =
        (wmat_panels(&weight) + call.panels_per_task - 1) / call.panels_per_task;
    threadpool_run(cpu->pool, pack_task, &call, (int)n_tasks);
    return 1;
}
