/* SPDX-License-Identifier: MIT */
/*
 * The CPU as a backend: host memory, a thread team, SIMD kernels.
 *
 * Verbs split their rows, heads or panels of weight rows over the team; results do not depend on
 * the split because every output element is computed whole by one task.
 */
#ifndef NMOS_BACKEND_CPU_CPU_BACKEND_H
#define NMOS_BACKEND_CPU_CPU_BACKEND_H

#include "backend/backend.h"
#include "base/threadpool.h"
#include "kernel/matmul.h"

struct cpu_backend {
    struct backend base; /* first: a struct backend * is a struct cpu_backend * */
    struct threadpool *pool;
    uint32_t n_rows_max;
    uint32_t n_in_max;
    void *act_memory;     /* quantised activations of one linear() */
    char *thread_scratch; /* [n_threads][thread_scratch_bytes] */
    size_t thread_scratch_bytes;
    char *attention_sums; /* of the parts of one attention; NULL: it is never in parts */
};

static inline struct cpu_backend *cpu_backend_of(struct backend *b)
{
    return (struct cpu_backend *)b;
}

/** This worker's scratch. */
static inline void *cpu_scratch(const struct cpu_backend *cpu, int worker)
{
    return cpu->thread_scratch + (size_t)worker * cpu->thread_scratch_bytes;
}

/** Scratch of one thread for any matrix of up to @p n_in weights a row. */
size_t cpu_linear_scratch_bytes(uint32_t n_in);

void cpu_linear(struct backend *b, const float *x, uint32_t n_rows, uint32_t n_in,
                const struct linear_job *jobs, uint32_t n_jobs);
int cpu_weights_prepare(struct backend *b, void *data, enum tensor_type type, uint32_t n_in,
                        uint32_t n_out);

#endif
