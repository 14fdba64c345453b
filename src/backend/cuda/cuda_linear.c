/* SPDX-License-Identifier: MIT */
/* Matrix products of the CUDA backend: chooses the kernel of device/linear.c. */
#include <assert.h>

#include "backend/cuda/cuda_internal.h"

/* Up to so many rows, groups of FEW_COLS read the weights again and again: a tile of 64 columns
 * would be empty for the most part. */
#define FEW_ROWS_MAX (2U * FEW_COLS)

static uint32_t parts(uint32_t n, uint32_t of)
{
    return (n + of - 1) / of;
}

static void quantize(struct cuda_backend *cuda, const float *x, uint32_t n_rows, uint32_t n_in)
{
    const uint64_t n = (uint64_t)n_rows * (n_in / ACT_BLOCK);
    const struct quantize_args args = {x, cuda->act, n, n_in / ACT_BLOCK};
    cuda_launch(cuda, CUDA_k_quantize,
                (uint32_t)((n + CUDA_QUANTIZE_THREADS - 1) / CUDA_QUANTIZE_THREADS), 1,
                CUDA_QUANTIZE_THREADS, 0, &args);
}

/* Blocks hold 32 or 256 weights. */
static uint32_t sub_shift(const struct tensor_format *format)
{
    return format->block_elems > ACT_BLOCK ? 3 : 0;
}

static struct linear_matrix matrix_of(const struct linear_job *job)
{
    const struct tensor_view *w = &job->weight;
    const struct tensor_format *format = tensor_format_get(w->type);
    return (struct linear_matrix){.weight = w->data,
                                  .bias = job->bias,
                                  .out = job->out,
                                  .out_stride = job->out_stride,
                                  .row_bytes = tensor_row_bytes(w->type, w->n_in),
                                  .type = w->type,
                                  .n_out = w->n_out,
                                  .block_bytes = format->block_bytes,
                                  .sub_shift = sub_shift(format)};
}

/* What k_linear_few() needs for @p job beside others. */
static void make_room(struct linear_args *args, const struct linear_job *job)
{
    const enum tensor_type type = job->weight.type;
    const struct tensor_format *format = tensor_format_get(type);
    const uint32_t part_bytes = FEW_PART_BYTES(format->block_bytes, sub_shift(format));
    const int has_min =
        type == TENSOR_Q4_1 || type == TENSOR_Q5_1 || type == TENSOR_Q4_K || type == TENSOR_Q5_K;
    const uint32_t offset_rows = type == TENSOR_Q2_K ? FEW_ROWS : has_min ? 1 : 0;
    if (part_bytes > args->part_bytes) args->part_bytes = part_bytes;
    if (offset_rows > args->offset_rows) args->offset_rows = offset_rows;
}

static uint32_t shared_bytes(const struct linear_args *args)
{
    return FEW_SHARED_BYTES(args->part_bytes, args->n_cols, args->offset_rows);
}

/* As many products of quantised weights as go in one launch, for up to FEW_COLS rows from @p first
 * on. @return how many. */
static uint32_t multiply_few(struct cuda_backend *cuda, struct linear_args args,
                             const struct linear_job *jobs, uint32_t n_jobs, uint32_t first)
{
    uint32_t n = 0;
    uint32_t n_out = 0;
    const uint32_t n_cols_max = args.n_cols < FEW_COLS ? args.n_cols : FEW_COLS;
    const uint32_t n_cols = args.n_cols - first;
    for (args.n_cols = n_cols_max; n < n_jobs && n < LINEAR_MATRICES; n++) {
        struct linear_args with = args;
        make_room(&with, &jobs[n]);
        if (!tensor_format_get(jobs[n].weight.type)->is_quantized) break;
        if (n > 0 && shared_bytes(&with) > SHARED_BYTES_MAX) break;
        args.part_bytes = with.part_bytes;
        args.offset_rows = with.offset_rows;
        args.matrices[n] = matrix_of(&jobs[n]);
        args.matrices[n].out += first * jobs[n].out_stride;
        if (jobs[n].weight.n_out > n_out) n_out = jobs[n].weight.n_out;
    }
    if (n_cols < n_cols_max) args.n_cols = n_cols;
    const size_t act_row = ACT_ROW_DWORDS((size_t)args.n_in);
    args.act += first * act_row;
    cuda_launch(cuda, args.n_cols == 1 ? CUDA_k_linear_one : CUDA_k_linear_few,
                parts(n_out, FEW_ROWS), n, CUDA_FEW_THREADS, shared_bytes(&args), &args);
    return n;
}

/* One product of any other kind. */
static void multiply(struct cuda_backend *cuda, struct linear_args args,
                     const struct linear_job *job)
{
    const uint32_t n_out = job->weight.n_out;
    args.matrices[0] = matrix_of(job);
    if (tensor_format_get(job->weight.type)->is_quantized) {
        cuda_launch(cuda, CUDA_k_linear_many, parts(args.n_cols, MANY_TILE),
                    parts(n_out, MANY_TILE), CUDA_THREADS, 0, &args);
    } else {
        cuda_launch(cuda, CUDA_k_linear_float, parts(n_out, FLOAT_ROWS),
                    parts(args.n_cols, FLOAT_COLS), CUDA_FLOAT_THREADS, 0, &args);
    }
}

void cuda_multiply(struct cuda_backend *cuda, const uint32_t *act, const float *x, uint32_t n_rows,
                   uint32_t n_in, const struct linear_job *jobs, uint32_t n_jobs)
{
    const struct linear_args args = {
        .act = act, .x = x, .books = cuda->books, .n_in = n_in, .n_cols = n_rows};
    for (uint32_t i = 0; i < n_jobs;) {
        uint32_t n = 1; /* jobs of one launch */
        if (n_rows > FEW_ROWS_MAX || !tensor_format_get(jobs[i].weight.type)->is_quantized) {
            multiply(cuda, args, &jobs[i]);
        } else {
            for (uint32_t first = 0; first < n_rows; first += FEW_COLS) {
                n = multiply_few(cuda, args, jobs + i, n_jobs - i, first);
            }
        }
        i += n;
    }
}

void cuda_linear(struct backend *b, const float *x, uint32_t n_rows, uint32_t n_in,
                 const struct linear_job *jobs, uint32_t n_jobs)
{
    struct cuda_backend *cuda = cuda_of(b);
    int needs_act = 0;
    assert(n_rows > 0 && n_rows <= cuda->n_rows_max && n_in <= cuda->n_in_max);
    for (uint32_t i = 0; i < n_jobs; i++) {
        assert(jobs[i].weight.n_in == n_in && !jobs[i].weight.is_packed);
        needs_act |= tensor_format_get(jobs[i].weight.type)->is_quantized;
    }
    if (needs_act) quantize(cuda, x, n_rows, n_in);
    cuda_multiply(cuda, cuda->act, x, n_rows, n_in, jobs, n_jobs);
}
