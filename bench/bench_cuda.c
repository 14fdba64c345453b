/* SPDX-License-Identifier: MIT */
/* Times the CUDA backend on the first GPU: products of each type named (Q4_K Q6_K Q3_K without any)
 * by rows, attention by positions, and the link. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/cuda_driver.h"
#include "base/clock.h"
#include "base/mem.h"
#include "kernel/kernel.h"

#define N_IN        4096U
#define N_OUT       14336U
#define ROWS_MAX    512U
#define WEIGHTS_MAX ((size_t)1200 << 20)

static struct backend *b;

static void must(int rc)
{
    if (rc >= 0) return;
    fprintf(stderr, "%s\n", error_message());
    exit(1);
}

static void *take(size_t bytes)
{
    void *mem = b->ops->alloc(b, MEM_WEIGHTS, bytes);
    if (!mem) must(NMOS_E_NOMEM);
    return mem;
}

/* Waits for what is queued. */
static void wait_for(const void *mem)
{
    char byte[4];
    must(b->ops->download(b, byte, mem, sizeof(byte)));
}

static enum tensor_type type_of(const char *name)
{
    for (uint32_t t = 0; t < TENSOR_TYPE_COUNT; t++) {
        const struct tensor_format *format = tensor_format_get(t);
        if (format && strcmp(format->name, name) == 0) return (enum tensor_type)t;
    }
    fprintf(stderr, "no type %s\n", name);
    exit(2);
}

/* Weights are zeros, which takes as long as others. */
static void bench_products(const char *name, char *weights, float *x, float *y)
{
    static const uint32_t rows[] = {1, 2, 4, 8, 16, 17, 64, 256, 512};
    const enum tensor_type type = type_of(name);
    const size_t bytes = tensor_row_bytes(type, N_IN) * N_OUT;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t n = (uint32_t)(WEIGHTS_MAX / bytes);
        double best_s = 1e9;
        if (rows[i] > 16) n = 4;
        for (int round = 0; round < 3; round++) {
            const uint64_t start_ns = clock_ns();
            for (uint32_t k = 0; k < n; k++) {
                const struct linear_job job = {
                    {weights + k * bytes, type, N_IN, N_OUT, 0}, NULL, y, N_OUT};
                b->ops->linear(b, x, rows[i], N_IN, &job, 1);
            }
            wait_for(y);
            const double s = (double)(clock_ns() - start_ns) * 1e-9;
            if (s < best_s) best_s = s;
        }
        printf("%-8s %3u rows  %8.1f us  %7.1f GB/s of weights  %6.2f T multiply-adds/s\n", name,
               rows[i], best_s / n * 1e6, (double)bytes * n / best_s * 1e-9,
               (double)N_IN * N_OUT * n * rows[i] / best_s * 1e-12);
    }
}

static void bench_attention(uint32_t n_rows, uint32_t n_positions)
{
    const struct attention_config config = {.n_heads = 32,
                                            .n_kv_heads = 8,
                                            .head_dim_k = 128,
                                            .head_dim_v = 128,
                                            .kv_type = KV_F16,
                                            .page_tokens = 256,
                                            .scale = 0.09F};
    static struct kv_row rows[ROWS_MAX];
    void *pages[64];
    const size_t bytes = b->ops->kv_layer_bytes(b, &config);
    const uint32_t n_pages = n_positions / config.page_tokens;
    char *memory = take(bytes * n_pages);
    float *q = take((size_t)n_rows * 4096 * sizeof(float));
    float *out = take((size_t)n_rows * 4096 * sizeof(float));
    for (uint32_t i = 0; i < n_pages; i++) pages[i] = memory + i * bytes;
    for (uint32_t r = 0; r < n_rows; r++) {
        const int32_t pos = (int32_t)(n_positions - n_rows + r);
        rows[r] = (struct kv_row){pos, pos, pages, pos + 1, NULL, NULL};
    }
    double best_s = 1e9;
    for (int round = 0; round < 3; round++) {
        const uint64_t start_ns = clock_ns();
        for (int k = 0; k < 10; k++) b->ops->attention(b, &config, 0, rows, n_rows, q, out, NULL);
        wait_for(out);
        const double s = (double)(clock_ns() - start_ns) * 1e-9;
        if (s < best_s) best_s = s;
    }
    printf("attention %3u rows at %5u positions, 32 heads of 128, f16: %8.1f us\n", n_rows,
           n_positions, best_s / 10 * 1e6);
    b->ops->free(b, memory);
    b->ops->free(b, q);
    b->ops->free(b, out);
}

static void bench_small(float *x, float *y)
{
    const uint64_t start_ns = clock_ns();
    for (int i = 0; i < 2000; i++) b->ops->add(b, x, y, 4096);
    const uint64_t queued_ns = clock_ns();
    wait_for(x);
    printf("2000 sums of 4096: %.2f us each to queue, %.2f us each in all\n",
           (double)(queued_ns - start_ns) / 2000 * 1e-3,
           (double)(clock_ns() - start_ns) / 2000 * 1e-3);
    const uint64_t norm_ns = clock_ns();
    for (int i = 0; i < 1000; i++) b->ops->rms_norm(b, y, 4096, x, 4096, x, 1, 4096, 1e-5F);
    wait_for(y);
    printf("1000 norms of 4096: %.2f us each\n", (double)(clock_ns() - norm_ns) / 1000 * 1e-3);
}

/* As the River sends: one transfer of a layer's size after the other. */
static void bench_link(char *to)
{
    const size_t bytes = (size_t)128 << 20;
    char *host = mem_alloc(MEM_DEVICE, bytes, MEM_ALIGN_PAGE);
    if (!host) must(NMOS_E_NOMEM);
    memset(host, 1, bytes);
    const uint64_t start_ns = clock_ns();
    uint64_t fence = 0;
    for (int i = 0; i < 8; i++) fence = b->ops->upload_async(b, to, host, bytes);
    int rc = NMOS_E_BUSY;
    while (rc == NMOS_E_BUSY) rc = b->ops->fence_wait(b, fence, 1000);
    must(rc);
    printf("link, as weights are sent: %.1f GB/s\n",
           8.0 * (double)bytes / (double)(clock_ns() - start_ns));
    const struct cuda_driver *cu = NULL;
    must(cuda_driver_open(&cu));
    for (int is_locked = 0; is_locked < 2; is_locked++) {
        const uint64_t lock_ns = clock_ns();
        if (is_locked && cu->host_register(host, bytes, 0) != 0) exit(1);
        const uint64_t copy_ns = clock_ns();
        for (int i = 0; i < 8; i++) {
            if (cu->copy_up((uintptr_t)to, host, bytes, NULL) != 0) exit(1);
        }
        if (cu->stream_wait(NULL) != 0) exit(1);
        printf(
            "link, the driver's own copy from %s memory: %.1f GB/s; locking 128 MiB took %.1f ms\n",
            is_locked ? "page-locked" : "plain",
            8.0 * (double)bytes / (double)(clock_ns() - copy_ns),
            (double)(copy_ns - lock_ns) * 1e-6);
        if (is_locked) (void)cu->host_unregister(host);
    }
    mem_free(host);
}

int main(int argc, char **argv)
{
    static const char *const some[] = {"Q4_K", "Q6_K", "Q3_K"};
    const struct cuda_config config = {.memory_bytes = (uint64_t)3 << 30};
    const struct attention_config attention = {
        .n_heads = 32, .n_kv_heads = 8, .head_dim_k = 128, .head_dim_v = 128, .page_tokens = 64};
    struct cuda_device_info info;
    struct cuda_rates rates;
    kernel_init();
    must(cuda_device_describe(0, &info));
    const uint64_t start_ns = clock_ns();
    must(cuda_backend_create(&config, &b));
    printf("%s; opened in %.2f s\n", info.name, (double)(clock_ns() - start_ns) * 1e-9);
    const uint64_t measure_ns = clock_ns();
    must(cuda_backend_measure(b, &rates));
    printf("measured in %.3f s: link %.1f GB/s, one row %.0f GB/s, many %.1f T multiply-adds/s\n",
           (double)(clock_ns() - measure_ns) * 1e-9, rates.link_bytes_per_s * 1e-9,
           rates.weight_bytes_per_s * 1e-9, rates.macs_per_s * 1e-12);
    must(b->ops->plan(b, ROWS_MAX, N_IN, &attention));
    char *weights = take(WEIGHTS_MAX);
    float *x = take((size_t)ROWS_MAX * N_IN * sizeof(float));
    float *y = take((size_t)ROWS_MAX * N_OUT * sizeof(float));
    for (int i = 1; i < argc; i++) bench_products(argv[i], weights, x, y);
    for (size_t i = 0; argc == 1 && i < 3; i++) bench_products(some[i], weights, x, y);
    bench_small(x, y);
    for (uint32_t n = 256; n <= 4096; n *= 4) {
        bench_attention(1, n);
        bench_attention(256, n);
    }
    bench_link(weights);
    b->ops->free(b, weights);
    b->ops->free(b, x);
    b->ops->free(b, y);
    backend_destroy(&b);
    return 0;
}
