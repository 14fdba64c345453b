/* SPDX-License-Identifier: MIT */
/*
 * Verbs on rows of activations: norms, rotations, gates, sums. Each task takes a run of rows.
 *
 * Short work runs on the calling thread: waking the team costs more than a few thousand floats.
 */
#include "backend/cpu/cpu_rows.h"

#include <string.h>

#include "kernel/elementwise.h"

#define FLOATS_PER_TASK 16384U

/* What a row task needs; each verb uses the fields it has a use for. */
struct rows_call {
    void (*row)(const struct rows_call *call, size_t r);
    float *y;
    size_t y_stride;
    const float *x;
    size_t x_stride;
    const float *w;
    const uint32_t *index;
    uint32_t n_rows;
    uint32_t n;       /* floats of a row or of a head */
    uint32_t n_heads; /* or experts used */
    uint32_t n_rot;
    uint32_t rows_per_task;
    int kind;
    float scalar; /* eps, factor or cap */
};

static void rows_task(void *arg, int task, int worker)
{
    const struct rows_call *call = arg;
    const size_t first = (size_t)task * call->rows_per_task;
    size_t end = first + call->rows_per_task;
    if (end > call->n_rows) end = call->n_rows;
    for (size_t r = first; r < end; r++) call->row(call, r);
    (void)worker;
}

static void run_rows(struct backend *b, struct rows_call *call, size_t floats_per_row)
{
    call->rows_per_task = (uint32_t)(FLOATS_PER_TASK / (floats_per_row + 1)) + 1;
    const uint32_t n_tasks = (call->n_rows + call->rows_per_task - 1) / call->rows_per_task;
    threadpool_run(cpu_backend_of(b)->pool, rows_task, call, (int)n_tasks);
}

static void rms_norm_row(const struct rows_call *c, size_t r)
{
    elementwise->rms_norm(c->y + r * c->y_stride, c->x + r * c->x_stride, c->w, c->n, c->scalar);
}

void cpu_rms_norm(struct backend *b, float *y, size_t y_stride, const float *x, size_t x_stride,
                  const float *w, uint32_t n_rows, uint32_t n, float eps)
{
    struct rows_call call = {.row = rms_norm_row,
                             .y = y,
                             .y_stride = y_stride,
                             .x = x,
                             .x_stride = x_stride,
                             .w = w,
                             .n_rows = n_rows,
                             .n = n,
                             .scalar = eps};
    run_rows(b, &call, n);
}

static void head_norm_row(const struct rows_call *c, size_t r)
{
    for (uint32_t h = 0; h < c->n_heads; h++) {
        float *head = c->y + r * c->y_stride + (size_t)h * c->n;
        elementwise->rms_norm(head, head, c->w, c->n, c->scalar);
    }
}

void cpu_head_norm(struct backend *b, float *x, const float *w, uint32_t n_rows, uint32_t n_heads,
                   uint32_t head_dim, float eps)
{
    struct rows_call call = {.row = head_norm_row,
                             .y = x,
                             .y_stride = (size_t)n_heads * head_dim,
                             .w = w,
                             .n_rows = n_rows,
                             .n = head_dim,
                             .n_heads = n_heads,
                             .scalar = eps};
    run_rows(b, &call, (size_t)n_heads * head_dim);
}

static void rope_row(const struct rows_call *c, size_t r)
{
    const float *cos_row = c->x + r * c->n_rot;
    const float *sin_row = cos_row + c->n_rot / 2;
    for (uint32_t h = 0; h < c->n_heads; h++) {
        float *head = c->y + r * c->y_stride + (size_t)h * c->n;
        elementwise->rope(head, cos_row, sin_row, c->n_rot, c->kind ? ROPE_NORM : ROPE_NEOX);
    }
}

void cpu_rope(struct backend *b, float *x, const float *cos_sin, uint32_t n_rows, uint32_t n_heads,
              uint32_t head_dim, uint32_t n_rot, int pairs_are_adjacent)
{
    struct rows_call call = {.row = rope_row,
                             .y = x,
                             .y_stride = (size_t)n_heads * head_dim,
                             .x = cos_sin,
                             .n_rows = n_rows,
                             .n = head_dim,
                             .n_heads = n_heads,
                             .n_rot = n_rot,
                             .kind = pairs_are_adjacent};
    run_rows(b, &call, (size_t)n_heads * n_rot);
}

static void glu_row(const struct rows_call *c, size_t r)
{
    const float *gate = c->x + r * c->x_stride;
    const float *up = c->w + r * c->x_stride;
    float *out = c->y + r * c->n;
    if (c->kind == GLU_GELU_TANH) {
        elementwise->gelu_tanh_mul(out, gate, up, c->n);
    } else {
        elementwise->silu_mul(out, gate, up, c->n);
    }
}

void cpu_glu(struct backend *b, enum glu_kind kind, float *out, const float *gate, const float *up,
             size_t stride, uint32_t n_rows, uint32_t n)
{
    struct rows_call call = {.row = glu_row,
                             .y = out,
                             .x = gate,
                             .x_stride = stride,
                             .w = up,
                             .n_rows = n_rows,
                             .n = n,
                             .kind = (int)kind};
    run_rows(b, &call, (size_t)n * 4);
}

/* Flat vectors are cut into rows of this many floats. */
#define FLAT_ROW 4096U

static uint32_t flat_length(const struct rows_call *c, size_t r, size_t n_all)
{
    const size_t left = n_all - r * FLAT_ROW;
    return left < FLAT_ROW ? (uint32_t)left : c->n;
}

static void add_row(const struct rows_call *c, size_t r)
{
    float *y = c->y + r * FLAT_ROW;
    elementwise->vec_add(y, y, c->x + r * FLAT_ROW, flat_length(c, r, c->y_stride));
}

static void scale_row(const struct rows_call *c, size_t r)
{
    float *y = c->y + r * FLAT_ROW;
    elementwise->vec_scale(y, y, c->scalar, flat_length(c, r, c->y_stride));
}

static void softcap_row(const struct rows_call *c, size_t r)
{
    float *y = c->y + r * FLAT_ROW;
    elementwise->vec_softcap(y, y, c->scalar, flat_length(c, r, c->y_stride));
}

/* y_stride holds the length of the whole vector. */
static void run_flat(struct backend *b, void (*row)(const struct rows_call *, size_t), float *y,
                     const float *x, float scalar, size_t n)
{
    struct rows_call call = {.row = row,
                             .y = y,
                             .y_stride = n,
                             .x = x,
                             .n_rows = (uint32_t)((n + FLAT_ROW - 1) / FLAT_ROW),
                             .n = FLAT_ROW,
                             .scalar = scalar};
    run_rows(b, &call, FLAT_ROW);
}

void cpu_add(struct backend *b, float *x, const float *y, size_t n)
{
    run_flat(b, add_row, x, y, 0.0F, n);
}

void cpu_scale(struct backend *b, float *x, float s, size_t n)
{
    run_flat(b, scale_row, x, NULL, s, n);
}

void cpu_softcap(struct backend *b, float *x, float cap, size_t n)
{
    run_flat(b, softcap_row, x, NULL, cap, n);
}

/* In order and on one thread: rows may move down within one matrix. */
void cpu_gather_rows(struct backend *b, float *to, const float *from, const uint32_t *row_i,
                     uint32_t n_rows, uint32_t n)
{
    for (uint32_t i = 0; i < n_rows; i++) {
        memmove(to + (size_t)i * n, from + (size_t)row_i[i] * n, n * sizeof(float));
    }
    (void)b;
}

static void weighted_row(const struct rows_call *c, size_t r)
{
    float *out = c->y + r * c->n;
    memset(out, 0, c->n * sizeof(float));
    for (uint32_t k = 0; k < c->n_heads; k++) {
        const size_t i = r * c->n_heads + k;
        elementwise->vec_mul_add(out, c->w[i], c->x + (size_t)c->index[i] * c->n, c->n);
    }
}

void cpu_weighted_rows(struct backend *b, float *to, const float *from, const uint32_t *slot,
                       const float *weight, uint32_t n_rows, uint32_t n_used, uint32_t n)
{
    struct rows_call call = {.row = weighted_row,
                             .y = to,
                             .x = from,
                             .w = weight,
                             .index = slot,
                             .n_rows = n_rows,
                             .n = n,
                             .n_heads = n_used};
    run_rows(b, &call, (size_t)n * n_used);
}

static void add_gated_row(const struct rows_call *c, size_t r)
{
    float gate = 0.0F;
    elementwise->vec_sigmoid(&gate, &c->w[r], 1);
    elementwise->vec_mul_add(c->y + r * c->n, gate, c->x + r * c->n, c->n);
}

void cpu_add_gated(struct backend *b, float *x, const float *y, const float *g, uint32_t n_rows,
                   uint32_t n)
{
    struct rows_call call = {
        .row = add_gated_row, .y = x, .x = y, .w = g, .n_rows = n_rows, .n = n};
    run_rows(b, &call, n);
}

static void softmax_row(const struct rows_call *c, size_t r)
{
    float *row = c->y + r * c->n;
    elementwise->vec_softmax(row, row, c->n);
}

void cpu_softmax(struct backend *b, float *x, uint32_t n_rows, uint32_t n)
{
    struct rows_call call = {.row = softmax_row, .y = x, .n_rows = n_rows, .n = n};
    run_rows(b, &call, n);
}
