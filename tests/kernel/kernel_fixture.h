/* SPDX-License-Identifier: MIT */
/* Matrices and buffers for the kernel check and its benchmark. */
#ifndef NMOS_TESTS_KERNEL_FIXTURE_H
#define NMOS_TESTS_KERNEL_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/matmul.h"

/** A weight type under test and where its block keeps f16 scales (-1: none). */
struct type_row {
    enum tensor_type type;
    int half_at[2];
};

extern const struct type_row type_rows[];
extern const size_t n_type_rows;

/** The next of a fixed sequence of random numbers (xorshift64*). */
uint64_t random_next(uint64_t *state);

/** @p bytes whose last byte is followed by an unreadable page; ends the program when memory is
 * short. */
void *guarded_alloc(size_t bytes);
void guarded_free(void *block, size_t bytes);

/** Fills @p n_rows rows of @p n_in weights: random bits, scales between 2^-8 and 2^-4 of either
 * sign. */
void fill_weights(const struct type_row *row, uint32_t n_in, uint32_t n_rows, uint8_t *data);

/** Random activations; every eighth row has blocks of zeros, subnormals, infinities, NaN and huge
 * values. */
void fill_activations(uint32_t n_in, uint32_t n_rows, float *x);

/** Times every type at every level; prints one line each. Arguments: types to time, none for all.
 */
int bench_run(int argc, char **argv);

#endif
