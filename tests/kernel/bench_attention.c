/* SPDX-License-Identifier: MIT */
/*
 * Times attention on one core: `bench_attention [scalar|avx2|avx512]` prints GFLOP/s of a prompt
 * and GB/s of KV that a single row reads. A flop is a multiplication or an addition of a position
 * that the row sees; the shape is that of Qwen2.5-7B (28 query heads, 4 kv heads, 128 dimensions).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "kernel/attention.h"

#define PAGE_TOKENS   256U
#define REPEATS       7
#define ROW_POSITIONS 4096U

struct bench {
    struct attn_shape shape;
    const void **pages;
    struct attn_row *rows;
    float *q, *out;
    void *scratch;
};

static void *get(size_t bytes)
{
    void *block = mem_alloc(MEM_SCRATCH, bytes, 64);
    if (!block) {
        fprintf(stderr, "%s\n", error_message());
        exit(1);
    }
    memset(block, 0, bytes);
    return block;
}

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)(i * 2654435761U % 1000U) * 0.002F - 1.0F;
}

static void prepare(struct bench *b, int n_positions, int n_rows)
{
    const struct kv_layout *l = &b->shape.layout;
    const size_t n_pages = ((size_t)n_positions + PAGE_TOKENS - 1) / PAGE_TOKENS;
    const size_t n_kv = (size_t)l->n_kv_heads * l->head_dim_k;
    const size_t n_q = (size_t)n_rows * b->shape.n_heads * l->head_dim_k;
    b->pages = get(n_pages * sizeof(*b->pages));
    b->rows = get((size_t)n_rows * sizeof(*b->rows));
    b->q = get(n_q * sizeof(float));
    b->out = get(n_q * sizeof(float));
    b->scratch = get(attention_scratch_bytes(&b->shape, n_rows));
    fill(b->q, n_q);
    float *kv = get((n_kv + 1000) * sizeof(float));
    fill(kv, n_kv + 1000);
    for (int p = 0; p < n_positions; p++) {
        const size_t page = (size_t)p / PAGE_TOKENS;
        if (!b->pages[page]) b->pages[page] = get(kv_layer_bytes(l));
        void *to = (void *)(uintptr_t)b->pages[page];
        kv_store(l, to, (uint32_t)p % PAGE_TOKENS, kv + p % 997, kv + p % 991);
    }
    mem_free(kv);
    for (int r = 0; r < n_rows; r++) {
        const int pos = n_positions - n_rows + r;
        b->rows[r] = (struct attn_row){(const void *const *)b->pages, NULL, pos, pos + 1, NULL};
    }
}

static void release(struct bench *b, int n_positions)
{
    for (size_t i = 0; i * PAGE_TOKENS < (size_t)n_positions; i++)
        mem_free((void *)(uintptr_t)b->pages[i]);
    mem_free(b->pages);
    mem_free(b->rows);
    mem_free(b->q);
    mem_free(b->out);
    mem_free(b->scratch);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of processor time: other programs on the core do not count. */
static double processor_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Median seconds of one layer, rows in calls of at most `chunk`. */
static double time_layer(struct bench *b, int n_rows, int chunk)
{
    double seconds[REPEATS];
    const struct kv_layout *l = &b->shape.layout;
    const size_t row = (size_t)b->shape.n_heads * l->head_dim_k;
    for (int i = 0; i < REPEATS; i++) {
        const double start = processor_s();
        for (int first = 0; first < n_rows; first += chunk) {
            const int n = n_rows - first < chunk ? n_rows - first : chunk;
            for (uint32_t h = 0; h < l->n_kv_heads; h++) {
                attention_rows(&b->shape, b->rows + first, n, b->q + (size_t)first * row, (int)h,
                               b->out + (size_t)first * row, b->scratch, NULL);
            }
        }
        seconds[i] = processor_s() - start;
    }
    qsort(seconds, REPEATS, sizeof(double), by_value);
    return seconds[REPEATS / 2];
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"f32", "f16", "q8_0"};
    for (int level = CPU_SCALAR; argc > 1 && level <= CPU_AVX512; level++) {
        if (!strcmp(argv[1], cpu_level_name((enum cpu_level)level)))
            cpu_level_limit((enum cpu_level)level);
    }
    attention_init();
    printf("level %s, 28 query heads, 4 kv heads, 128 dimensions, one core\n",
           cpu_level_name(cpu_level_get()));
    for (int type = KV_F32; type <= KV_Q8_0; type++) {
        struct bench b = {.shape = {.layout = {(enum kv_type)type, 4, 128, 128, PAGE_TOKENS},
                                    .n_heads = 28,
                                    .scale = 0.09F}};
        prepare(&b, 512, 512);
        for (int chunk = 16; chunk <= 64; chunk *= 2) {
            const double s = time_layer(&b, 512, chunk);
            const double flop = 512.0 * 513.0 / 2.0 * 28.0 * 128.0 * 4.0;
            printf("%-5s prompt of 512, %2d rows a call: %7.2f GFLOP/s, %6.2f ms a layer\n",
                   names[type], chunk, flop / s * 1e-9, s * 1e3);
        }
        release(&b, 512);
        static const int group_sizes[] = {1, 7, 8};
        for (int g = 0; g < 3; g++) {
            b.shape.n_heads = 4U * (uint32_t)group_sizes[g];
            prepare(&b, ROW_POSITIONS, 1);
            const double s = time_layer(&b, 1, 1);
            printf("%-5s one row at %u positions, %d query heads a kv head: %6.2f GB/s\n",
                   names[type], ROW_POSITIONS, group_sizes[g],
                   (double)kv_layer_bytes(&b.shape.layout) * (ROW_POSITIONS / PAGE_TOKENS) / s *
                       1e-9);
            release(&b, ROW_POSITIONS);
        }
    }
    return 0;
}
