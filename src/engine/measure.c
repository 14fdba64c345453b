/* SPDX-License-Identifier: MIT */
#include "engine/measure.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/threadpool.h"
#include "io/bandwidth.h"
#include "kernel/kernel.h"
#include "kernel/matmul.h"

#define BLOCK_BYTES_MIN ((size_t)128 << 20)
#define BLOCK_BYTES_MAX ((size_t)1 << 30)
#define MEMORY_TASKS    64
#define LINE_WORDS      8U         /* of a cache line */
#define PART_BYTES      (8U << 20) /* of one product, like a matrix of a model of some billions */
#define SMALL_PARTS     8U         /* cut from one, like matrices of experts */
#define N_IN            4096U      /* a multiple of every block */
#define ROWS_MANY       32U
#define ROUNDS          5
#define ROUNDS_NS       150000000U /* no further round begins after this time */
#define PRODUCT_S_MIN   1e-8       /* nothing that could be told from noise */

struct memory_test {
    const uint64_t *words;
    size_t n_words; /* of a task */
    uint64_t sums[MEMORY_TASKS];
};

static void sum_part(void *arg, int task, int worker)
{
    (void)worker;
    struct memory_test *test = arg;
    const size_t n = test->n_words;
    const uint64_t *words = test->words + (size_t)task * n;
    uint64_t sum = 0;
    /* A word of each line brings all of it, and adding is never what is waited for. (Adding up
     * whole lines gave 7 GB/s a core where 16 arrive.) */
    for (size_t i = 0; i < n; i += LINE_WORDS) sum += words[i];
    test->sums[task] = sum;
}

static int measure_memory(const void *block, size_t bytes, uint32_t n_threads,
                          double *ret_bytes_per_s)
{
    struct threadpool *pool = NULL;
    TRY(threadpool_create((int)n_threads, &pool));
    struct memory_test test = {.words = block, .n_words = bytes / MEMORY_TASKS / sizeof(uint64_t)};
    uint64_t best_ns = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t start_ns = clock_ns();
        threadpool_run(pool, sum_part, &test, MEMORY_TASKS);
        const uint64_t ns = clock_ns() - start_ns + 1;
        if (ns < best_ns) best_ns = ns;
    }
    *ret_bytes_per_s = (double)bytes * 1e9 / (double)best_ns;
    threadpool_destroy(&pool);
    return 0;
}

/* A block of weights as a row of equal matrices, and the vectors that products need. */
struct kernel_test {
    struct backend *backend;
    char *weights;
    uint32_t n_parts;
    struct tensor_view part; /* but for its data */
    float *x;                /* [ROWS_MANY][N_IN] */
    float *y;                /* [ROWS_MANY][n_out] */
};

static size_t part_bytes(const struct kernel_test *test)
{
    return tensor_row_bytes(test->part.type, N_IN) * test->part.n_out;
}

/* Multiplies @p n_rows rows by the first @p n_parts matrices. @return the median of the rounds, in
 * seconds. */
static double time_products(const struct kernel_test *test, uint32_t n_rows, uint32_t n_parts)
{
    uint64_t round_ns[ROUNDS];
    int n_rounds = 0;
    const uint64_t begin_ns = clock_ns();
    while (n_rounds < ROUNDS && (n_rounds == 0 || clock_ns() - begin_ns < ROUNDS_NS)) {
        const uint64_t start_ns = clock_ns();
        for (uint32_t i = 0; i < n_parts; i++) {
            struct linear_job job = {
                .weight = test->part, .out = test->y, .out_stride = test->part.n_out};
            job.weight.data = test->weights + i * part_bytes(test);
            test->backend->ops->linear(test->backend, test->x, n_rows, N_IN, &job, 1);
        }
        const uint64_t ns = clock_ns() - start_ns + 1;
        int at = n_rounds++;
        for (; at > 0 && round_ns[at - 1] > ns; at--) round_ns[at] = round_ns[at - 1];
        round_ns[at] = ns;
    }
    const uint64_t median_ns = round_ns[n_rounds / 2];
    return (double)median_ns * 1e-9;
}

/* What a product takes beside its bytes: of small ones, the time that the pace of large ones does
 * not explain. */
static double time_small_products(struct kernel_test *test, double bytes_per_s)
{
    const struct tensor_view whole = test->part;
    const uint32_t n_parts = SMALL_PARTS * test->n_parts;
    test->part.n_out = whole.n_out / SMALL_PARTS / PANEL_ROWS * PANEL_ROWS;
    const double bytes = (double)part_bytes(test) * n_parts;
    const double seconds = (time_products(test, 1, n_parts) - bytes / bytes_per_s) / n_parts;
    test->part = whole;
    return seconds > PRODUCT_S_MIN ? seconds : PRODUCT_S_MIN;
}

static void time_kernels(struct kernel_test *test, struct hardware *hw)
{
    const double all_bytes = (double)part_bytes(test) * test->n_parts;
    hw->streamed_bytes_per_s = all_bytes / time_products(test, 1, test->n_parts);
    for (uint32_t i = 0; i < test->n_parts; i++) {
        test->part.is_packed =
            test->backend->ops->weights_prepare(test->backend, test->weights + i * part_bytes(test),
                                                test->part.type, N_IN, test->part.n_out);
    }
    hw->pinned_bytes_per_s = all_bytes / time_products(test, 1, test->n_parts);
    hw->product_s = time_small_products(test, hw->pinned_bytes_per_s);
    hw->macs_per_s =
        (double)ROWS_MANY * N_IN * test->part.n_out / time_products(test, ROWS_MANY, 1);
}

static int measure_kernels(void *block, size_t bytes, enum tensor_type type, uint32_t n_threads,
                           struct hardware *hw)
{
    static const struct attention_config small = {.n_heads = 1,
                                                  .n_kv_heads = 1,
                                                  .head_dim_k = 64,
                                                  .head_dim_v = 64,
                                                  .page_tokens = 64,
                                                  .scale = 1};
    struct kernel_test test = {.weights = block, .part = {.type = type, .n_in = N_IN}};
    test.part.n_out =
        (uint32_t)(PART_BYTES / tensor_row_bytes(type, N_IN)) / PANEL_ROWS * PANEL_ROWS;
    test.n_parts = (uint32_t)(bytes / part_bytes(&test));
    memset(block, 0, bytes); /* products of any numbers take as long */
    kernel_init();
    TRY(cpu_backend_create((int)n_threads, &test.backend));
    int rc = test.backend->ops->plan(test.backend, ROWS_MANY, N_IN, &small);
    test.x = mem_calloc(MEM_GENERAL, (size_t)ROWS_MANY * N_IN, sizeof(float));
    test.y = mem_calloc(MEM_GENERAL, (size_t)ROWS_MANY * test.part.n_out, sizeof(float));
    if (rc == 0 && (!test.x || !test.y)) rc = NMOS_E_NOMEM;
    for (size_t i = 0; rc == 0 && i < (size_t)ROWS_MANY * N_IN; i++) test.x[i] = 1;
    if (rc == 0) time_kernels(&test, hw);
    mem_free(test.x);
    mem_free(test.y);
    backend_destroy(&test.backend);
    return rc;
}

/* What is read must come from memory: twice what the last cache holds. (128 MiB on a machine with
 * 260 MiB of it gave 40 GB/s of weights where memory gives 27.) */
static size_t block_bytes(void)
{
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    const size_t wanted = cache > 0 ? size_round_up(2 * (size_t)cache, (size_t)1 << 20) : 0;
    if (wanted < BLOCK_BYTES_MIN) return BLOCK_BYTES_MIN;
    return wanted < BLOCK_BYTES_MAX ? wanted : BLOCK_BYTES_MAX;
}

int measure_compute(enum tensor_type type, uint32_t n_threads, struct hardware *hw)
{
    const size_t bytes = block_bytes();
    void *block = mem_alloc(MEM_GENERAL, bytes, MEM_ALIGN_PAGE);
    if (!block) return NMOS_E_NOMEM;
    memset(block, 1, bytes);
    int rc = measure_memory(block, bytes, n_threads, &hw->memory_bytes_per_s);
    if (rc == 0) rc = measure_kernels(block, bytes, type, n_threads, hw);
    mem_free(block);
    return rc;
}

int measure_hardware(const struct measure_config *config, struct hardware *hw)
{
    const unsigned found = config->cache == MEASURE_KEPT ? measure_cache_load(config, hw) : 0;
    const enum ioq_mode mode = config->file->direct_fd >= 0 ? IOQ_DIRECT : IOQ_BUFFERED;
    if (!(found & MEASURE_DISK)) {
        TRY(bandwidth_sample(IOQ_AUTO, mode, config->file, config->on_progress, config->arg,
                             &hw->disk_bytes_per_s));
    }
    if (!(found & MEASURE_COMPUTE)) TRY(measure_compute(config->type, config->n_threads, hw));
    hw->is_from_cache = found == (MEASURE_DISK | MEASURE_COMPUTE);
    if (config->cache == MEASURE_UNKEPT || hw->is_from_cache) return 0;
    if (measure_cache_store(config, hw) < 0) {
        LOG_INFO("what was measured is not kept: %s", error_message());
    }
    return 0;
}
