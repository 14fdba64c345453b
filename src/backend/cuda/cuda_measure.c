/* SPDX-License-Identifier: MIT */
/* Times what placement wants to know of a GPU: its link, products of one row and of many, and what
 * it takes to start a kernel. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "backend/cuda/cuda_internal.h"
#include "base/clock.h"
#include "base/mem.h"

#define SENT_BYTES ((size_t)32 << 20)
#define N_IN       4096U
#define N_OUT      4096U
#define N_ROWS     64U
/* Together larger than the caches of most cards, so that weights come from its memory. */
#define MATRICES   8U
#define ROUNDS     3
#define TURNS      4U /* through the matrices; waiting for the end then counts little */
#define LAUNCHES   256U

/* Buffers of a measurement, beside the backend's limit. */
struct bench {
    struct cuda_backend *cuda;
    cuda_address weights; /* [MATRICES] of Q4_K, zeros */
    cuda_address x;
    cuda_address y;
    cuda_address act;
    char *host;
};

static size_t matrix_bytes(void)
{
    return tensor_row_bytes(TENSOR_Q4_K, N_IN) * N_OUT;
}

static cuda_result clear(struct cuda_backend *cuda, cuda_address *ret, size_t bytes)
{
    const cuda_result result = cuda->driver->memory_alloc(ret, bytes);
    return result ? result : cuda->driver->fill(*ret, 0, bytes, cuda->stream);
}

static int open_bench(struct bench *bench)
{
    struct cuda_backend *cuda = bench->cuda;
    cuda_result result = clear(cuda, &bench->weights, MATRICES * matrix_bytes());
    if (result == 0) result = clear(cuda, &bench->x, (size_t)N_ROWS * N_IN * sizeof(float));
    if (result == 0) result = clear(cuda, &bench->y, (size_t)N_ROWS * N_OUT * sizeof(float));
    if (result == 0) {
        result = clear(cuda, &bench->act,
                       (size_t)N_ROWS * ACT_ROW_DWORDS((size_t)N_IN) * sizeof(uint32_t));
    }
    if (result != 0) return cuda_fail(cuda->driver, result, "give memory for a measurement");
    bench->host = mem_alloc(MEM_DEVICE, SENT_BYTES, MEM_ALIGN_PAGE);
    if (!bench->host) return NMOS_E_NOMEM;
    memset(bench->host, 1, SENT_BYTES);
    return 0;
}

static void close_bench(struct bench *bench)
{
    const struct cuda_driver *cu = bench->cuda->driver;
    (void)cu->stream_wait(bench->cuda->stream);
    if (bench->weights) (void)cu->memory_free(bench->weights);
    if (bench->x) (void)cu->memory_free(bench->x);
    if (bench->y) (void)cu->memory_free(bench->y);
    if (bench->act) (void)cu->memory_free(bench->act);
    mem_free(bench->host);
}

/* Seconds of one transfer. */
static int time_link(struct bench *bench, double *ret_s)
{
    struct backend *b = &bench->cuda->base;
    const uint64_t start_ns = clock_ns();
    const uint64_t fence =
        b->ops->upload_async(b, (void *)(uintptr_t)bench->weights, bench->host, SENT_BYTES);
    int rc = NMOS_E_BUSY;
    while (rc == NMOS_E_BUSY) rc = b->ops->fence_wait(b, fence, 1000);
    *ret_s = (double)(clock_ns() - start_ns) * 1e-9;
    return rc;
}

/* Seconds of products of @p n_rows rows with all matrices, TURNS times. */
static int time_products(struct bench *bench, uint32_t n_rows, double *ret_s)
{
    struct cuda_backend *cuda = bench->cuda;
    const uint64_t start_ns = clock_ns();
    for (uint32_t i = 0; i < MATRICES * TURNS; i++) {
        const cuda_address at = bench->weights + i % MATRICES * matrix_bytes();
        const struct linear_job job = {.weight = {.data = (const void *)(uintptr_t)at,
                                                  .type = TENSOR_Q4_K,
                                                  .n_in = N_IN,
                                                  .n_out = N_OUT},
                                       .out = (float *)(uintptr_t)bench->y,
                                       .out_stride = N_OUT};
        cuda_multiply(cuda, (const void *)(uintptr_t)bench->act, NULL, n_rows, N_IN, &job, 1);
    }
    const cuda_result result = cuda->driver->stream_wait(cuda->stream);
    *ret_s = (double)(clock_ns() - start_ns) * 1e-9;
    return result ? cuda_fail(cuda->driver, result, "compute a measurement") : 0;
}

/* Seconds of starting LAUNCHES small kernels. */
static int time_launches(struct bench *bench, double *ret_s)
{
    struct cuda_backend *cuda = bench->cuda;
    const uint64_t start_ns = clock_ns();
    for (uint32_t i = 0; i < LAUNCHES; i++) {
        cuda->base.ops->scale(&cuda->base, (float *)(uintptr_t)bench->y, 1.0F, N_OUT);
    }
    const cuda_result result = cuda->driver->stream_wait(cuda->stream);
    *ret_s = (double)(clock_ns() - start_ns) * 1e-9;
    return result ? cuda_fail(cuda->driver, result, "start kernels") : 0;
}

/* Two binary digits, rounded down. */
static double rounded(double rate)
{
    int exponent = 0;
    const double fraction = frexp(rate, &exponent);
    return ldexp(floor(fraction * 4) / 4, exponent);
}

static int measure(struct bench *bench, struct cuda_rates *rates)
{
    /* The best of some rounds: what disturbs only ever slows. */
    double link_s = INFINITY;
    double row_s = INFINITY;
    double rows_s = INFINITY;
    double launches_s = INFINITY;
    TRY(open_bench(bench));
    for (int i = 0; i < ROUNDS; i++) {
        double s = 0;
        TRY(time_link(bench, &s));
        link_s = fmin(link_s, s);
        TRY(time_products(bench, 1, &s));
        row_s = fmin(row_s, s);
        TRY(time_products(bench, N_ROWS, &s));
        rows_s = fmin(rows_s, s);
        TRY(time_launches(bench, &s));
        launches_s = fmin(launches_s, s);
    }
    TRY(bench->cuda->base.ops->fence_wait(&bench->cuda->base, 0,
                                          0)); /* what could not be started */
    rates->link_bytes_per_s = rounded((double)SENT_BYTES / link_s);
    rates->weight_bytes_per_s = rounded((double)matrix_bytes() * MATRICES * TURNS / row_s);
    rates->macs_per_s = rounded((double)N_IN * N_OUT * N_ROWS * MATRICES * TURNS / rows_s);
    rates->launches_per_s = rounded(LAUNCHES / launches_s);
    return 0;
}

static _Atomic(const struct cuda_rates *) replaced;

void cuda_rates_replace(const struct cuda_rates *rates)
{
    atomic_store(&replaced, rates);
}

int cuda_backend_measure(struct backend *b, struct cuda_rates *ret_rates)
{
    struct bench bench = {.cuda = cuda_of(b)};
    const struct cuda_rates *told = atomic_load(&replaced);
    if (told) {
        *ret_rates = *told;
        return 0;
    }
    const int rc = measure(&bench, ret_rates);
    close_bench(&bench);
    return rc;
}
