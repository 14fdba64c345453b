/* SPDX-License-Identifier: MIT */
/*
 * How much of a row's attention each page gets, as a by-product of the online softmax.
 *
 * Part of the body of attention (attention_impl.h). While a page is gone through, the sum of its
 * exponentials is kept relative to the largest score so far, as the sum of the softmax is; what it
 * was relative to at the page's end is kept too. When the largest score of all is known, each is
 * put in relation to it. No score is looked at twice.
 */
#ifndef NMOS_KERNEL_ATTENTION_MASS_IMPL_H
#define NMOS_KERNEL_ATTENTION_MASS_IMPL_H

#include <math.h>
#include <string.h>

#include "kernel/attention_internal.h"
#include "kernel/lanes_math.h"

static size_t mass_index(const struct attn_job *job, uint32_t query, uint32_t column)
{
    return (size_t)query * job->shape->mass_columns + column;
}

static void begin_masses(const struct attn_job *job)
{
    const size_t n = mass_index(job, (uint32_t)job->n_rows * job->group, 0);
    for (size_t i = 0; i < n; i++) {
        job->page_sum[i] = 0.0F;
        job->page_top[i] = -INFINITY;
    }
}

/* A tile of the page in hand: @p sum of its exponentials relative to @p top; what was summed before
 * was relative to a top of 1 / @p shrink times that. */
static void add_tile_mass(const struct attn_job *job, uint32_t query, uint32_t column, float sum,
                          float shrink, float top)
{
    const size_t at = mass_index(job, query, column);
    job->page_sum[at] = fmaf(job->page_sum[at], shrink, sum);
    job->page_top[at] = top;
}

/* The column of the page of position @p first: how many of those before it are there. */
static uint32_t mass_column(const struct attn_job *job, uint32_t first)
{
    uint32_t column = 0;
    if (!job->shape->mass_columns) return 0;
    for (uint32_t i = 0; i < first / job->shape->layout.page_tokens; i++) {
        column += job->rows[0].pages[i] != NULL;
    }
    return column;
}

/* 16 pages of a row, over the query heads of the kv head, in order. */
static struct f32x16 add_query_masses(const struct attn_job *job, uint32_t row, uint32_t column,
                                      struct f32x16 mass)
{
    for (uint32_t h = 0; h < job->group; h++) {
        const uint32_t query = row * job->group + h;
        const size_t at = mass_index(job, query, column);
        const struct f32x16 top = lanes_set1(job->top[query]);
        const struct f32x16 share =
            lanes_mul(lanes_load(job->page_sum + at), lanes_set1(1.0F / job->sum[query]));
        mass = lanes_fma(share, lanes_exp(lanes_sub(lanes_load(job->page_top + at), top)), mass);
    }
    return mass;
}

static void write_masses(const struct attn_job *job)
{
    const uint32_t n_columns = job->shape->mass_columns;
    for (uint32_t row = 0; row < (uint32_t)job->n_rows; row++) {
        float *to = job->rows[row].mass + (size_t)job->kv_head * n_columns;
        for (uint32_t column = 0; column < n_columns; column += LANES) {
            const struct f32x16 mass = lanes_load(to + column);
            lanes_store(to + column, add_query_masses(job, row, column, mass));
        }
    }
}

#endif
