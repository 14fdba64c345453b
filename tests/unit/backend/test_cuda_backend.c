/* SPDX-License-Identifier: MIT */
/* Proves of the CUDA backend, on a driver that is emulated: its memory ends at its limit, with
 * numbers; bytes cross whole, in order and counted; what fails is told once, by the call that the
 * interface names; everything is given back, however far opening has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cuda/cuda_backend.h"
#include "base/mem.h"
#include "cuda_emulation.h"
#include "kernel/kernel.h"

#define CARD ((size_t)200 << 20)

static struct backend *b;

static void open_gpu(uint64_t memory_bytes)
{
    const struct cuda_config config = {.memory_bytes = memory_bytes};
    emulation_start(1, CARD, 90);
    if (cuda_backend_create(&config, &b) < 0) fail_msg("%s", error_message());
}

static void close_gpu(void)
{
    backend_destroy(&b);
    emulation_end();
}

static struct backend_usage usage(void)
{
    struct backend_usage now;
    b->ops->usage(b, &now);
    return now;
}

static void memory_ends_at_the_limit_and_is_counted(void **state)
{
    (void)state;
    open_gpu(8192);
    void *first = b->ops->alloc(b, MEM_WEIGHTS, 5000); /* counts 5056 */
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % MEM_ALIGN_VECTOR, 0);
    assert_null(b->ops->alloc(b, MEM_KV, 3200));
    assert_non_null(strstr(error_message(), "3200 bytes are wanted, 3136 of 8192 are free"));
    char *second = b->ops->alloc(b, MEM_KV, 3136);
    assert_non_null(second);
    char back[3136];
    memset(back, 1, sizeof(back));
    assert_int_equal(b->ops->download(b, back, second, sizeof(back)), 0);
    for (size_t i = 0; i < sizeof(back); i++) assert_int_equal(back[i], 0);
    assert_null(b->ops->alloc(b, MEM_KV, 1));
    assert_int_equal(usage().used_bytes, 8192);
    b->ops->free(b, first);
    assert_int_equal(usage().used_bytes, 3136);
    assert_int_equal(usage().peak_bytes, 8192);
    assert_int_equal(usage().limit_bytes, 8192);
    b->ops->free(b, second);
    emulation_fail("cuMemAlloc_v2", 0); /* the card has less than it said */
    assert_null(b->ops->alloc(b, MEM_KV, 64));
    assert_non_null(strstr(error_message(), "failed to give 64 bytes of the card's memory"));
    assert_int_equal(usage().used_bytes, 0);
    close_gpu();
}

static void bytes_cross_whole_in_order_and_counted(void **state)
{
    enum { N = 700, BYTES = 1000 };
    static unsigned char from[N][BYTES];
    static unsigned char large[(5 << 20) + 77]; /* several parts of the link, and of the staging */
    static unsigned char back[sizeof(large)];
    (void)state;
    open_gpu(sizeof(large) + BYTES + 128);
    unsigned char *to = b->ops->alloc(b, MEM_WEIGHTS, BYTES);
    unsigned char *to_large = b->ops->alloc(b, MEM_WEIGHTS, sizeof(large));
    for (size_t i = 0; i < N; i++) memset(from[i], (int)(i % 251), BYTES);
    for (size_t i = 0; i < sizeof(large); i++) large[i] = (unsigned char)(i * 31 + i / 997);
    uint64_t fence = 0;
    for (size_t i = 0; i < N; i++) { /* more than the queue holds, all to one place */
        const uint64_t next = b->ops->upload_async(b, to, from[i], BYTES);
        assert_true(next > fence);
        fence = next;
    }
    fence = b->ops->upload_async(b, to_large, large, sizeof(large));
    assert_int_equal(b->ops->fence_wait(b, fence, 60000), 0);
    assert_int_equal(b->ops->fence_wait(b, fence, 0), 0);
    assert_int_equal(b->ops->download(b, back, to, BYTES), 0);
    assert_memory_equal(back, from[N - 1], BYTES);
    assert_int_equal(b->ops->download(b, back, to_large, sizeof(large)), 0);
    assert_memory_equal(back, large, sizeof(large));
    for (size_t i = 0; i < sizeof(large); i++) large[i] ^= 85;
    assert_int_equal(b->ops->upload(b, to_large, large, sizeof(large)), 0);
    assert_int_equal(b->ops->download(b, back, to_large, sizeof(large)), 0);
    assert_memory_equal(back, large, sizeof(large));
    assert_int_equal(usage().up_bytes, N * BYTES + 2 * sizeof(large));
    assert_int_equal(usage().down_bytes, BYTES + 2 * sizeof(large));
    assert_true(usage().up_busy_ns > 0);
    b->ops->free(b, to);
    b->ops->free(b, to_large);
    close_gpu();
}

static void a_failed_transfer_is_told_once_by_the_fence_behind_it(void **state)
{
    static unsigned char from[64];
    static const char *const calls[] = {"cuMemcpyHtoDAsync_v2", "cuStreamWaitEvent",
                                        "cuEventSynchronize", "cuStreamSynchronize"};
    (void)state;
    open_gpu(1 << 20);
    void *to = b->ops->alloc(b, MEM_WEIGHTS, sizeof(from));
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        emulation_fail(calls[i], 1);
        const uint64_t first = b->ops->upload_async(b, to, from, 64);
        const uint64_t second = b->ops->upload_async(b, to, from, 63);
        const uint64_t third = b->ops->upload_async(b, to, from, 62);
        assert_int_equal(b->ops->fence_wait(b, first, 60000), 0);
        assert_int_equal(b->ops->fence_wait(b, third, 60000), NMOS_E_IO);
        assert_non_null(strstr(error_message(), "take a transfer of 63 bytes: injected failure"));
        assert_int_equal(b->ops->fence_wait(b, second, 60000), 0);
    }
    emulation_fail("cuMemcpyHtoDAsync_v2", 0);
    const uint64_t last = b->ops->upload_async(b, to, from, 64);
    b->ops->abandon(b);
    assert_int_equal(b->ops->fence_wait(b, last, 0), 0);
    emulation_fail(NULL, 0);
    emulation_fail("cuMemcpyHtoDAsync_v2", 0);
    assert_int_equal(b->ops->upload(b, to, from, 64), NMOS_E_IO);
    assert_int_equal(b->ops->upload(b, to, from, 64), 0);
    emulation_fail("cuMemcpyDtoHAsync_v2", 0);
    assert_int_equal(b->ops->download(b, from, to, 64), NMOS_E_IO);
    assert_int_equal(b->ops->download(b, from, to, 64), 0);
    b->ops->free(b, to);
    close_gpu();
}

static void a_verb_that_failed_is_told_once_by_the_next_who_waits(void **state)
{
    static float host[16];
    (void)state;
    open_gpu(1 << 20);
    float *x = b->ops->alloc(b, MEM_SCRATCH, sizeof(host));
    emulation_fail("cuLaunchKernel", 0);
    b->ops->scale(b, x, 2.0F, 16);
    b->ops->scale(b, x, 2.0F, 16);
    assert_int_equal(b->ops->download(b, host, x, sizeof(host)), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "start the kernel k_flat: injected failure (719)"));
    assert_int_equal(b->ops->download(b, host, x, sizeof(host)), 0);
    emulation_fail("cuLaunchKernel", 0);
    b->ops->add(b, x, x, 16);
    assert_int_equal(b->ops->fence_wait(b, 0, 0), NMOS_E_IO);
    assert_int_equal(b->ops->fence_wait(b, 0, 0), 0);
    b->ops->free(b, x);
    close_gpu();
}

static void what_opening_has_taken_is_given_back(void **state)
{
    static const char *const calls[] = {"cuInit",
                                        "cuDeviceGetCount",
                                        "cuDeviceGetName",
                                        "cuDeviceGet",
                                        "cuDevicePrimaryCtxRetain",
                                        "cuCtxSetCurrent",
                                        "cuStreamCreate",
                                        "cuMemGetInfo_v2",
                                        "cuModuleLoadData",
                                        "cuModuleGetFunction",
                                        "cuMemHostRegister_v2",
                                        "cuEventCreate"};
    const struct cuda_config config = {.memory_bytes = 1 << 20};
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (int n = 0; n < 400; n = n * 3 + 1) {
            emulation_start(1, CARD, 75);
            emulation_fail(calls[i], n);
            const int rc = cuda_backend_create(&config, &b);
            emulation_fail(NULL, 0);
            if (rc == 0) backend_destroy(&b);
            if (n == 0) assert_true(rc < 0);
            emulation_end();
        }
    }
    for (int64_t n = 0; n < 6; n++) {
        emulation_start(1, CARD, 75);
        mem_fail_after(n);
        const int rc = cuda_backend_create(&config, &b);
        mem_fail_after(-1);
        if (rc == 0) backend_destroy(&b);
        emulation_end();
    }
}

static void geometries_that_it_cannot_compute_are_refused(void **state)
{
    struct attention_config config = {
        .n_heads = 4, .n_kv_heads = 2, .head_dim_k = 64, .head_dim_v = 64, .page_tokens = 64};
    (void)state;
    open_gpu(1 << 20);
    assert_int_equal(b->ops->attention_check(b, &config), 0);
    config.head_dim_v = 520;
    assert_int_equal(b->ops->attention_check(b, &config), NMOS_E_UNSUPPORTED);
    assert_non_null(
        strstr(error_message(), "heads of 64 and 520 dimensions; a GPU computes up to 512"));
    config.head_dim_v = 64;
    config.in_parts = 1;
    assert_int_equal(b->ops->attention_check(b, &config), NMOS_E_UNSUPPORTED);
    close_gpu();
}

static void rates_are_measured_and_rounded(void **state)
{
    struct cuda_rates rates = {0};
    (void)state;
    open_gpu(1 << 20);
    emulation_skip_kernels(1);
    assert_int_equal(cuda_backend_measure(b, &rates), 0);
    assert_true(rates.link_bytes_per_s > 0 && rates.weight_bytes_per_s > 0 &&
                rates.macs_per_s > 0 && rates.launches_per_s > 0);
    const double rounded[] = {rates.link_bytes_per_s, rates.weight_bytes_per_s, rates.macs_per_s,
                              rates.launches_per_s};
    for (int i = 0; i < 4; i++) {
        double x = rounded[i];
        while (x >= 4) x /= 2;
        assert_true(x == 2.0 || x == 3.0);
    }
    assert_int_equal(usage().used_bytes, 0);
    emulation_fail("cuMemAlloc_v2", 2);
    assert_int_equal(cuda_backend_measure(b, &rates), NMOS_E_IO);
    assert_int_equal(emulation_used(), 0);
    close_gpu();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_ends_at_the_limit_and_is_counted),
        cmocka_unit_test(bytes_cross_whole_in_order_and_counted),
        cmocka_unit_test(a_failed_transfer_is_told_once_by_the_fence_behind_it),
        cmocka_unit_test(a_verb_that_failed_is_told_once_by_the_next_who_waits),
        cmocka_unit_test(what_opening_has_taken_is_given_back),
        cmocka_unit_test(geometries_that_it_cannot_compute_are_refused),
        cmocka_unit_test(rates_are_measured_and_rounded),
    };
    kernel_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
