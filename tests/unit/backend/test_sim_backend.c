/* SPDX-License-Identifier: MIT */
/* Proves of the stand-in device: its memory ends at its limit, with numbers; bytes cross its link
 * whole, in order and counted; a transfer that fails is told once; it computes the CPU's bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/sim/sim_backend.h"
#include "backend/sim/sim_link.h"
#include "kernel/kernel.h"

#define LIMIT 8192U

struct pair {
    struct backend *cpu;
    struct backend *sim;
};
static struct pair machine;

static void open_sim(uint64_t memory_bytes, double bytes_per_s)
{
    const struct sim_config config = {.memory_bytes = memory_bytes,
                                      .link_bytes_per_s = bytes_per_s};
    assert_int_equal(cpu_backend_create(2, &machine.cpu), 0);
    assert_int_equal(sim_backend_create(&config, machine.cpu, &machine.sim), 0);
}

static void close_sim(void)
{
    backend_destroy(&machine.sim);
    backend_destroy(&machine.cpu);
}

static struct backend_usage usage(void)
{
    struct backend_usage now;
    machine.sim->ops->usage(machine.sim, &now);
    return now;
}

static void memory_ends_at_the_limit_and_is_counted(void **state)
{
    (void)state;
    open_sim(LIMIT, 0);
    const struct backend_ops *ops = machine.sim->ops;
    void *a = ops->alloc(machine.sim, MEM_WEIGHTS, 5000); /* counts 5056 */
    assert_non_null(a);
    assert_int_equal((uintptr_t)a % MEM_ALIGN_VECTOR, 0);
    assert_null(ops->alloc(machine.sim, MEM_KV, 3200));
    assert_non_null(strstr(error_message(), "3200 bytes are wanted, 3136 of 8192 are free"));
    void *b = ops->alloc(machine.sim, MEM_KV, 3136);
    assert_non_null(b);
    assert_null(ops->alloc(machine.sim, MEM_KV, 1));
    assert_int_equal(usage().used_bytes, LIMIT);
    ops->free(machine.sim, a);
    assert_int_equal(usage().used_bytes, 3136);
    assert_int_equal(usage().peak_bytes, LIMIT);
    assert_int_equal(usage().limit_bytes, LIMIT);
    ops->free(machine.sim, b);
    close_sim();
}

static void bytes_cross_whole_in_order_and_counted(void **state)
{
    (void)state;
    enum { N = 700, BYTES = 1000 };
    static unsigned char from[N][BYTES];
    static unsigned char back[BYTES];
    open_sim(1 << 20, 0);
    const struct backend_ops *ops = machine.sim->ops;
    unsigned char *to = ops->alloc(machine.sim, MEM_WEIGHTS, BYTES);
    for (size_t i = 0; i < N; i++) memset(from[i], (int)(i % 251), BYTES);
    uint64_t fence = 0;
    for (size_t i = 0; i < N; i++) { /* more than the queue holds, all to one place */
        const uint64_t next = ops->upload_async(machine.sim, to, from[i], BYTES);
        assert_true(next > fence);
        fence = next;
    }
    assert_int_equal(ops->fence_wait(machine.sim, fence, 60000), 0);
    assert_int_equal(ops->fence_wait(machine.sim, fence, 0), 0);
    assert_int_equal(ops->download(machine.sim, back, to, BYTES), 0);
    assert_memory_equal(back, from[N - 1], BYTES);
    assert_int_equal(ops->upload(machine.sim, to, from[7], BYTES), 0);
    assert_memory_equal(to, from[7], BYTES); /* the stand-in's memory can be looked into */
    assert_int_equal(usage().up_bytes, (N + 1) * BYTES);
    assert_int_equal(usage().down_bytes, BYTES);
    ops->free(machine.sim, to);
    close_sim();
}

static void transfers_that_are_abandoned_end_at_once(void **state)
{
    (void)state;
    static unsigned char from[1 << 20];
    open_sim(2 << 20, 1); /* a byte a second */
    const struct backend_ops *ops = machine.sim->ops;
    void *to = ops->alloc(machine.sim, MEM_WEIGHTS, sizeof(from));
    const uint64_t fence = ops->upload_async(machine.sim, to, from, sizeof(from));
    assert_int_equal(ops->fence_wait(machine.sim, fence, 0), NMOS_E_BUSY);
    assert_int_equal(ops->fence_wait(machine.sim, fence, 1), NMOS_E_BUSY);
    assert_int_equal(ops->fence_wait(machine.sim, fence - 1, 0), 0);
    (void)ops->upload_async(machine.sim, to, from, sizeof(from));
    ops->abandon(machine.sim);
    assert_int_equal(ops->fence_wait(machine.sim, fence + 1, 0), 0);
    assert_true(usage().up_bytes < sizeof(from));
    ops->free(machine.sim, to);
    close_sim();
}

static void a_failed_transfer_is_told_once_by_the_fence_behind_it(void **state)
{
    (void)state;
    static unsigned char from[64];
    open_sim(1 << 20, 0);
    const struct backend_ops *ops = machine.sim->ops;
    void *to = ops->alloc(machine.sim, MEM_WEIGHTS, sizeof(from));
    sim_link_fail_after(1);
    const uint64_t first = ops->upload_async(machine.sim, to, from, 64);
    const uint64_t second = ops->upload_async(machine.sim, to, from, 63);
    const uint64_t third = ops->upload_async(machine.sim, to, from, 62);
    assert_int_equal(ops->fence_wait(machine.sim, first, 60000), 0);
    assert_int_equal(ops->fence_wait(machine.sim, third, 60000), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "transfer of 63 bytes"));
    assert_int_equal(ops->fence_wait(machine.sim, second, 60000), 0);
    assert_int_equal(usage().up_bytes, 64 + 62);
    sim_link_fail_after(0);
    assert_int_equal(ops->upload(machine.sim, to, from, 64), NMOS_E_IO);
    assert_int_equal(ops->upload(machine.sim, to, from, 64), 0);
    sim_link_fail_after(0);
    assert_int_equal(ops->download(machine.sim, from, to, 64), NMOS_E_IO);
    ops->free(machine.sim, to);
    close_sim();
}

static void a_product_has_the_bits_of_the_cpu(void **state)
{
    (void)state;
    enum { N_IN = 64, N_OUT = 33, N_ROWS = 3 };
    static float w[N_OUT * N_IN];
    static float x[N_ROWS * N_IN];
    static float want[N_ROWS * N_OUT];
    static float got[N_ROWS * N_OUT];
    const struct attention_config attention = {
        .n_heads = 1, .n_kv_heads = 1, .head_dim_k = 64, .head_dim_v = 64, .page_tokens = 64};
    open_sim(64 << 20, 0);
    for (size_t i = 0; i < sizeof(w) / sizeof(w[0]); i++) w[i] = (float)(i % 17) - 8.1F;
    for (size_t i = 0; i < sizeof(x) / sizeof(x[0]); i++) x[i] = (float)(i % 13) * 0.37F;
    struct backend *both[] = {machine.cpu, machine.sim};
    for (int i = 0; i < 2; i++) {
        struct backend *b = both[i];
        assert_int_equal(b->ops->plan(b, N_ROWS, N_IN, &attention), 0);
        float *bw = b->ops->alloc(b, MEM_WEIGHTS, sizeof(w));
        float *bx = b->ops->alloc(b, MEM_SCRATCH, sizeof(x));
        float *by = b->ops->alloc(b, MEM_SCRATCH, sizeof(want));
        assert_int_equal(b->ops->upload(b, bw, w, sizeof(w)), 0);
        assert_int_equal(b->ops->upload(b, bx, x, sizeof(x)), 0);
        const struct linear_job job = {
            .weight = {.data = bw, .type = TENSOR_F32, .n_in = N_IN, .n_out = N_OUT},
            .out = by,
            .out_stride = N_OUT};
        b->ops->linear(b, bx, N_ROWS, N_IN, &job, 1);
        assert_int_equal(b->ops->download(b, i ? got : want, by, sizeof(want)), 0);
        b->ops->free(b, bw);
        b->ops->free(b, bx);
        b->ops->free(b, by);
    }
    assert_memory_equal(got, want, sizeof(want));
    assert_true(want[5] != 0.0F);
    close_sim();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_ends_at_the_limit_and_is_counted),
        cmocka_unit_test(bytes_cross_whole_in_order_and_counted),
        cmocka_unit_test(transfers_that_are_abandoned_end_at_once),
        cmocka_unit_test(a_failed_transfer_is_told_once_by_the_fence_behind_it),
        cmocka_unit_test(a_product_has_the_bits_of_the_cpu),
    };
    kernel_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
