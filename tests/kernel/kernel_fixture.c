/* SPDX-License-Identifier: MIT */
#include "kernel_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "quant/format.h"

const struct type_row type_rows[] = {
    {TENSOR_F32, {-1, -1}},    {TENSOR_F16, {-1, -1}},    {TENSOR_BF16, {-1, -1}},
    {TENSOR_Q4_0, {0, -1}},    {TENSOR_Q4_1, {0, 2}},     {TENSOR_Q5_0, {0, -1}},
    {TENSOR_Q5_1, {0, 2}},     {TENSOR_Q8_0, {0, -1}},    {TENSOR_Q2_K, {80, 82}},
    {TENSOR_Q3_K, {108, -1}},  {TENSOR_Q4_K, {0, 2}},     {TENSOR_Q5_K, {0, 2}},
    {TENSOR_Q6_K, {208, -1}},  {TENSOR_IQ4_NL, {0, -1}},  {TENSOR_IQ4_XS, {0, -1}},
    {TENSOR_MXFP4, {-1, -1}},  {TENSOR_IQ3_XXS, {0, -1}}, {TENSOR_IQ3_S, {0, -1}},
    {TENSOR_IQ2_XXS, {0, -1}}, {TENSOR_IQ2_XS, {0, -1}},  {TENSOR_IQ2_S, {0, -1}},
    {TENSOR_IQ1_S, {0, -1}},   {TENSOR_IQ1_M, {-1, -1}},
};
const size_t n_type_rows = sizeof(type_rows) / sizeof(type_rows[0]);

uint64_t random_next(uint64_t *state)
{
    uint64_t s = *state;
    s ^= s >> 12;
    s ^= s << 25;
    s ^= s >> 27;
    *state = s;
    return s * 0x2545f4914f6cdd1dU;
}

static size_t guarded_span(size_t bytes)
{
    return size_round_up(bytes + !bytes, MEM_ALIGN_PAGE);
}

void *guarded_alloc(size_t bytes)
{
    const size_t span = guarded_span(bytes);
    uint8_t *const base = mmap(NULL, span + MEM_ALIGN_PAGE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + span, MEM_ALIGN_PAGE, PROT_NONE) != 0) {
        perror("guarded_alloc");
        exit(1);
    }
    return base + span - bytes;
}

void guarded_free(void *block, size_t bytes)
{
    const size_t span = guarded_span(bytes);
    munmap((uint8_t *)block + bytes - span, span + MEM_ALIGN_PAGE);
}

/* Sign, an exponent that gives 2^-8..2^-4, random mantissa. */
static uint16_t random_half(uint64_t *state)
{
    const uint64_t bits = random_next(state) >> 16;
    return (uint16_t)((bits & 0x83ffU) | (7 + (bits >> 16) % 4) << 10);
}

void fill_weights(const struct type_row *row, uint32_t n_in, uint32_t n_rows, uint8_t *data)
{
    const struct tensor_format *const format = tensor_format_get(row->type);
    uint64_t state = 0x9e3779b97f4a7c15U + row->type;
    const size_t n_blocks = (size_t)n_rows * n_in / format->block_elems;
    for (size_t b = 0; b < n_blocks; b++) {
        uint8_t *const block = data + b * format->block_bytes;
        if (!format->is_quantized) {
            const uint16_t half = random_half(&state);
            const float f = (float)(int64_t)random_next(&state) * 0x1p-67F;
            uint32_t bits;
            memcpy(&bits, &f, sizeof(bits));
            if (row->type == TENSOR_F32) memcpy(block, &bits, 4);
            if (row->type == TENSOR_F16) memcpy(block, &half, 2);
            if (row->type == TENSOR_BF16) memcpy(block, (uint8_t *)&bits + 2, 2);
            continue;
        }
        for (uint32_t i = 0; i < format->block_bytes; i++)
            block[i] = (uint8_t)(random_next(&state) >> 40);
        for (int i = 0; i < 2; i++) {
            const uint16_t half = random_half(&state);
            if (row->half_at[i] >= 0) memcpy(block + row->half_at[i], &half, 2);
            /* Two types keep their scale elsewhere: a power of two, and four nibbles. */
            if (row->type == TENSOR_MXFP4) block[0] = (uint8_t)(118 + half % 8);
            for (int n = 0; n < 4 && row->type == TENSOR_IQ1_M; n++) {
                uint8_t *const high = block + 49 + 2 * n;
                *high = (uint8_t)((*high & 15) | (half >> (4 * n) & 15) << 4);
            }
        }
    }
}

void fill_activations(uint32_t n_in, uint32_t n_rows, float *x)
{
    static const float special[] = {0, -0.0F, 1e-40F, 1e-31F, 3e-30F, 2e29F, 2e30F, INFINITY, NAN};
    const size_t n_special = sizeof(special) / sizeof(special[0]);
    uint64_t state = 0xd1b54a32d192ed03U;
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t k = 0; k < n_in; k++) {
            const double spread = (double)(int64_t)random_next(&state) * 0x1p-63;
            x[r * n_in + k] = (float)(spread * spread * spread);
            if (r % 8 == 7 && k / 32 % 3 == 0) x[r * n_in + k] *= special[r / 8 % n_special];
        }
    }
}
