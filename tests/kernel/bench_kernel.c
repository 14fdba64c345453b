/* SPDX-License-Identifier: MIT */
/*
 * Times the matrix kernels on one thread: GMAC/s and GB/s of weights, as rows and packed, and
 * packing a whole matrix where it lies. It counts the thread's own processor time, so that other
 * programs on the machine disturb it little.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "kernel/matmul.h"
#include "kernel_fixture.h"

static const uint32_t col_counts[] = {1, 8, 32, 512};
static const uint32_t shapes[][2] = {{3584, 18944}, {18944, 3584}, {3584, 3584}}; /* n_in, n_out */

#define REPEATS 5

static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The best of a few runs, in seconds per product of all n_cols rows. */
static double time_product(const struct wmat *w, const struct act *a, const float *x, float *y,
                           void *scratch)
{
    const uint32_t n_panels = wmat_panels(w);
    double best = 1e30;
    for (int i = 0; i < REPEATS; i++) {
        const double start = thread_seconds();
        kernel_matmul(w, a, x, w->n_in, 0, n_panels, y, w->n_out, scratch);
        const double seconds = thread_seconds() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

/* The best of a few runs, in seconds. What is packed more than once is no weights any more. */
static double time_packing(const struct wmat *w, void *data, void *scratch)
{
    double best = 1e30;
    for (int i = 0; i < REPEATS; i++) {
        const double start = thread_seconds();
        if (panel_pack_in_place(w, 0, wmat_panels(w), data, scratch) != 0) return -1;
        const double seconds = thread_seconds() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

static int bench_matrix(const struct type_row *type, uint32_t n_in, uint32_t n_out)
{
    struct wmat w = {.type = type->type, .n_in = n_in, .n_out = n_out};
    const size_t bytes = n_out * tensor_row_bytes(type->type, n_in);
    const uint32_t cols_max = col_counts[sizeof(col_counts) / sizeof(col_counts[0]) - 1];
    uint8_t *const data = mem_alloc(MEM_GENERAL, bytes, MEM_ALIGN_VECTOR);
    float *const x = mem_alloc(MEM_GENERAL, sizeof(float) * n_in * cols_max, MEM_ALIGN_VECTOR);
    float *const y = mem_alloc(MEM_GENERAL, sizeof(float) * n_out * cols_max, MEM_ALIGN_VECTOR);
    void *const blocks = mem_alloc(MEM_GENERAL, act_bytes(n_in, cols_max), MEM_ALIGN_VECTOR);
    void *const scratch =
        mem_alloc(MEM_GENERAL, kernel_matmul_scratch_bytes(type->type, n_in), MEM_ALIGN_VECTOR);
    if (!data || !x || !y || !blocks || !scratch) return 1;
    fill_weights(type, n_in, n_out, data);
    w.data = data;
    for (uint32_t i = 0; i < n_in * cols_max; i++) x[i] = (float)(i % 255) - 127.0F;
    for (int layout = WMAT_ROWS; layout <= WMAT_PANELS; layout++) {
        if (layout == WMAT_PANELS) {
            const double seconds = time_packing(&w, data, scratch);
            if (seconds < 0) return 1;
            printf("%-7s %-6s %-6s %5u x %5u  %8s  %8.3f ms  %13s  %5.1f GB/s\n",
                   tensor_format_get(type->type)->name, cpu_level_name(cpu_level_get()), "packs",
                   n_in, n_out, "", seconds * 1e3, "", (double)bytes / seconds * 1e-9);
            fill_weights(type, n_in, n_out, data);
            if (panel_pack_in_place(&w, 0, wmat_panels(&w), data, scratch) != 0) return 1;
        }
        w.layout = (enum wmat_layout)layout;
        for (size_t i = 0; i < sizeof(col_counts) / sizeof(col_counts[0]); i++) {
            struct act a;
            act_init(&a, blocks, n_in, col_counts[i]);
            act_quantize(&a, x, n_in, 0, col_counts[i]);
            const double seconds = time_product(&w, &a, x, y, scratch);
            const double macs = (double)n_in * n_out * col_counts[i];
            printf("%-7s %-6s %-6s %5u x %5u  %3u rows  %8.3f ms  %6.1f GMAC/s  %5.1f GB/s\n",
                   tensor_format_get(type->type)->name, cpu_level_name(cpu_level_get()),
                   layout == WMAT_ROWS ? "rows" : "panels", n_in, n_out, col_counts[i],
                   seconds * 1e3, macs / seconds * 1e-9, (double)bytes / seconds * 1e-9);
            fflush(stdout);
        }
    }
    mem_free(data);
    mem_free(x);
    mem_free(y);
    mem_free(blocks);
    mem_free(scratch);
    return 0;
}

/* Arguments: names of types and levels, and "small" for the smallest shape only; none: everything
 * but scalar. */
static int is_wanted(int argc, char **argv, const char *name, int by_default)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) return 1;
    }
    return by_default;
}

int bench_run(int argc, char **argv)
{
    const enum cpu_level best = cpu_level_get();
    const int is_small = is_wanted(argc, argv, "small", 0);
    int any_type = 0;
    for (size_t i = 0; i < n_type_rows; i++) {
        any_type |= is_wanted(argc, argv, tensor_format_get(type_rows[i].type)->name, 0);
    }
    for (int level = CPU_SCALAR; level <= (int)best; level++) {
        if (!is_wanted(argc, argv, cpu_level_name((enum cpu_level)level), level == (int)best))
            continue;
        cpu_level_limit((enum cpu_level)level);
        kernel_init();
        for (size_t i = 0; i < n_type_rows; i++) {
            const char *const name = tensor_format_get(type_rows[i].type)->name;
            if (!is_wanted(argc, argv, name, !any_type)) continue;
            for (size_t s = is_small ? 2 : 0; s < 3; s++) {
                if (bench_matrix(&type_rows[i], shapes[s][0], shapes[s][1]) != 0) return 1;
            }
        }
    }
    return 0;
}
