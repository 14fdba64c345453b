/* SPDX-License-Identifier: MIT */
/*
 * Proves invariant I1 for matrix products: every type at every instruction level gives the bits of
 * the portable kernel run over all rows at once, for any number of activation rows, any range of
 * panels, packed or not; and packing loses nothing. Every buffer ends at an unreadable page. With
 * --bench [TYPE...] it times the kernels.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "kernel/matmul.h"
#include "kernel_fixture.h"
#include "quant/dequant.h"
#include "quant/format.h"

#define COLS_MAX 67U
#define CANARY   0x7f

static const uint32_t col_counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 32, 33, 65, 67};
static const uint32_t out_counts[] = {5, 16, 50};
static int n_failed;

/* One matrix of the check, in both layouts, and its inputs. */
struct fixture {
    struct wmat rows;
    struct wmat panels;
    uint8_t *rows_data;
    uint8_t *panels_data;
    size_t data_bytes;
    float *x;
    float *expected; /* [COLS_MAX][n_out] */
};

static void fail(const struct fixture *f, const char *what, uint32_t n_cols)
{
    printf("FAILED %s: %s %s, %u inputs, %u outputs, %u rows\n", what,
           tensor_format_get(f->rows.type)->name, cpu_level_name(cpu_level_get()), f->rows.n_in,
           f->rows.n_out, n_cols);
    n_failed++;
}

static void multiply(const struct fixture *f, const struct wmat *w, uint32_t n_cols, float *y)
{
    const size_t a_bytes = act_bytes(w->n_in, n_cols);
    const size_t scratch_bytes = kernel_matmul_scratch_bytes(w->type, w->n_in);
    void *const a_mem = guarded_alloc(a_bytes);
    void *const scratch = guarded_alloc(scratch_bytes);
    struct act a;
    act_init(&a, a_mem, w->n_in, n_cols);
    act_quantize(&a, f->x, w->n_in, n_cols / 2, n_cols);
    act_quantize(&a, f->x, w->n_in, 0, n_cols / 2);
    const uint32_t split = wmat_panels(w) / 2;
    kernel_matmul(w, &a, f->x, w->n_in, split, wmat_panels(w), y, w->n_out, scratch);
    kernel_matmul(w, &a, f->x, w->n_in, 0, split, y, w->n_out, scratch);
    guarded_free(a_mem, a_bytes);
    guarded_free(scratch, scratch_bytes);
}

static void check_columns(const struct fixture *f, const struct wmat *w, uint32_t n_cols)
{
    const size_t bytes = (size_t)n_cols * w->n_out * sizeof(float);
    float *const y = guarded_alloc(bytes);
    memset(y, CANARY, bytes);
    multiply(f, w, n_cols, y);
    if (memcmp(y, f->expected, bytes) != 0) {
        fail(f, w->layout == WMAT_ROWS ? "rows" : "panels", n_cols);
    }
    guarded_free(y, bytes);
}

/*
 * The definition itself against dequantised weights in double. Rounding activations to 8 bits moves
 * each product by at most half a step: |w| * d / 2, with d <= max |x| / 124 of its block. 1e-5 of
 * the sum of |w x| is for f32.
 */
static void check_values(const struct fixture *f)
{
    const struct wmat *const w = &f->rows;
    const size_t row_bytes = tensor_row_bytes(w->type, w->n_in);
    float *const weights = guarded_alloc(w->n_in * sizeof(float));
    for (uint32_t r = 0; r < w->n_out; r++) {
        dequant_row(w->type, f->rows_data + r * row_bytes, w->n_in, weights);
        for (uint32_t c = 0; c < 7; c++) { /* the rows without special values */
            const float *const x = f->x + (size_t)c * w->n_in;
            double exact = 0;
            double bound = 1e-30;
            for (uint32_t k = 0; k < w->n_in; k++) {
                float amax = 0;
                const uint32_t first = k / ACT_BLOCK * ACT_BLOCK;
                for (uint32_t i = first; i < first + ACT_BLOCK && i < w->n_in; i++) {
                    amax = fmaxf(amax, fabsf(x[i]));
                }
                const double step = tensor_format_get(w->type)->is_quantized ? amax / 124.0 : 0;
                exact += (double)weights[k] * x[k];
                bound += fabs((double)weights[k]) * (step * 0.50001 + fabs((double)x[k]) * 1e-5);
            }
            const double got = f->expected[(size_t)c * w->n_out + r];
            if (!(fabs(got - exact) <= bound)) fail(f, "value", c);
        }
    }
    guarded_free(weights, w->n_in * sizeof(float));
}

/* Packs on the level at work; every level must produce the same bytes. */
static void check_packing(struct fixture *f)
{
    uint8_t *const packed = guarded_alloc(f->data_bytes);
    const size_t scratch_bytes = kernel_matmul_scratch_bytes(f->rows.type, f->rows.n_in);
    void *const scratch = guarded_alloc(scratch_bytes);
    memcpy(packed, f->rows_data, f->data_bytes);
    if (panel_pack_in_place(&f->rows, 0, wmat_panels(&f->rows), packed, scratch) != 0) {
        fail(f, "panel_pack_in_place", 0);
    }
    if (cpu_level_get() == CPU_SCALAR) memcpy(f->panels_data, packed, f->data_bytes);
    if (memcmp(packed, f->panels_data, f->data_bytes) != 0) fail(f, "packed bytes", 0);
    const size_t row_bytes = tensor_row_bytes(f->rows.type, f->rows.n_in);
    uint8_t *const row = guarded_alloc(row_bytes);
    for (uint32_t r = 0; r < f->rows.n_out; r++) {
        wmat_copy_row(&f->panels, r, row);
        if (memcmp(row, f->rows_data + r * row_bytes, row_bytes) != 0) fail(f, "copied row", r);
    }
    guarded_free(row, row_bytes);
    guarded_free(scratch, scratch_bytes);
    guarded_free(packed, f->data_bytes);
}

static void check_matrix(const struct type_row *type, uint32_t n_in, uint32_t n_out,
                         enum cpu_level best)
{
    struct fixture f = {.rows = {.type = type->type, .n_in = n_in, .n_out = n_out}};
    const size_t x_bytes = (size_t)COLS_MAX * n_in * sizeof(float);
    const size_t y_bytes = (size_t)COLS_MAX * n_out * sizeof(float);
    f.data_bytes = n_out * tensor_row_bytes(type->type, n_in);
    f.rows.data = f.rows_data = guarded_alloc(f.data_bytes);
    f.panels = f.rows;
    f.panels.layout = WMAT_PANELS;
    f.panels.data = f.panels_data = guarded_alloc(f.data_bytes);
    f.x = guarded_alloc(x_bytes);
    f.expected = guarded_alloc(y_bytes);
    fill_weights(type, n_in, n_out, f.rows_data);
    fill_activations(n_in, COLS_MAX, f.x);
    for (int level = CPU_SCALAR; level <= (int)best; level++) {
        cpu_level_limit((enum cpu_level)level);
        kernel_init();
        check_packing(&f);
        if (level == CPU_SCALAR) {
            multiply(&f, &f.rows, COLS_MAX, f.expected);
            check_values(&f);
        }
        for (size_t i = 0; i < sizeof(col_counts) / sizeof(col_counts[0]); i++) {
            /* The portable kernel has one path for any number of rows: few counts show it. */
            if (level == CPU_SCALAR && i % 5 != 0) continue;
            check_columns(&f, &f.rows, col_counts[i]);
            check_columns(&f, &f.panels, col_counts[i]);
        }
    }
    guarded_free(f.expected, y_bytes);
    guarded_free(f.x, x_bytes);
    guarded_free(f.panels_data, f.data_bytes);
    guarded_free(f.rows_data, f.data_bytes);
}

/* Three blocks, and the odd lengths that float rows may have. */
static void check_type(const struct type_row *type, enum cpu_level best)
{
    const struct tensor_format *const format = tensor_format_get(type->type);
    const uint32_t block = format->is_quantized ? format->block_elems : 1;
    const uint32_t odd = format->is_quantized ? 17 * block : 33;
    for (size_t i = 0; i < sizeof(out_counts) / sizeof(out_counts[0]); i++) {
        check_matrix(type, block, out_counts[i], best);
        check_matrix(type, 3 * block, out_counts[i], best);
    }
    if (odd < 1024) check_matrix(type, odd, 33, best);
    if (!format->is_quantized) check_matrix(type, 96, 33, best);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) return bench_run(argc - 2, argv + 2);
    const enum cpu_level best = cpu_level_get();
    for (size_t i = 0; i < n_type_rows; i++) check_type(&type_rows[i], best);
    printf("%zu types up to level %s: %d failures\n", n_type_rows, cpu_level_name(best), n_failed);
    return n_failed != 0;
}
