/* SPDX-License-Identifier: MIT */
/* Proves, through the public interface, that a model whose layers are computed at a GPU behaves
 * like one at the host: the same logits for chains, forks and trees, pinned there or sent; that
 * what the driver fails to do ends one pass with its words; that a GPU that is not there is refused
 * with the remedy. argv[1] is a model of nine layers. The driver is emulated; with "gpu" behind the
 * model, it is the real one. */
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cuda/cuda_backend.h"
#include "base/mem.h"
#include "cuda_emulation.h"
#include "device_fixture.h"

#define ALL  (64U << 20) /* room for the whole model */
#define SOME 4700000U    /* for scratch, slots, and a layer or two */

/* Places are chosen by these, not by what this machine does. */
static const struct cuda_rates rates = {.link_bytes_per_s = 16e9,
                                        .weight_bytes_per_s = 1e12,
                                        .macs_per_s = 8e12,
                                        .launches_per_s = 1e6};

static const char *path;
static int on_gpu;

static struct logits got;
static struct logits want;

static struct nmos_model_options options_for(const char *device, uint64_t vram_bytes)
{
    struct nmos_model_options options = nmos_model_options_default();
    options.path = path;
    options.ram_bytes = (uint64_t)2 << 30;
    options.ctx = CTX;
    options.rows_max = ROWS_MAX;
    options.rows_typical = ROWS_MAX;
    options.sessions_max = 2;
    options.n_threads = 2;
    options.device = device;
    options.vram_bytes = vram_bytes;
    return options;
}

static struct nmos_model *open_model(const char *device, uint64_t vram_bytes)
{
    struct nmos_model *model = NULL;
    struct nmos_model_info info;
    const struct nmos_model_options options = options_for(device, vram_bytes);
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    nmos_model_get_info(model, &info);
    assert_int_equal(info.n_vocab, N_VOCAB);
    assert_true((info.vram_bytes > 0) == (vram_bytes > 0));
    assert_true(info.vram_bytes <= vram_bytes);
    return model;
}

static void the_same_logits_pinned_and_sent(void **state)
{
    static const uint64_t memories[] = {ALL, SOME};
    (void)state;
    struct nmos_model *model = open_model(NULL, 0);
    run_script(model, &want);
    nmos_model_close(&model);
    for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
        struct nmos_model_info info;
        model = open_model(i ? "cuda:0" : NULL, memories[i]); /* memory alone means the first GPU */
        nmos_model_get_info(model, &info);
        assert_true(info.vram_pinned_bytes > 0);
        assert_true((info.sent_bytes > 0) == (memories[i] == SOME));
        memset(&got, 0, sizeof(got));
        run_script(model, &got);
        assert_memory_equal(&got, &want, sizeof(want));
        nmos_model_close(&model);
    }
}

static void passes_allocate_nothing_and_keep_to_the_bound(void **state)
{
    (void)state;
    struct nmos_model *model = open_model("cuda:0", ALL);
    struct nmos_session *session = NULL;
    struct nmos_model_info info;
    struct nmos_stats stats;
    assert_int_equal(nmos_session_create(model, &session), 0);
    run_chain(model, session, 1, 2, &got);
    const uint64_t n_allocs = mem_alloc_count();
    for (int pass = 0; pass < 10; pass++) run_chain(model, session, 1, 1, &got);
    assert_int_equal(mem_alloc_count(), n_allocs);
    nmos_model_get_info(model, &info);
    nmos_model_get_stats(model, &stats);
    assert_true(stats.vram_peak_bytes <= info.vram_bytes);
    assert_true(stats.vram_peak_bytes + 4096 > info.vram_bytes); /* nothing planned in vain */
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void what_the_driver_fails_to_do_ends_one_pass(void **state)
{
    static const char *const calls[] = {"cuLaunchKernel", "cuMemcpyHtoDAsync_v2",
                                        "cuMemcpyDtoHAsync_v2", "cuStreamSynchronize"};
    (void)state;
    if (on_gpu) skip();
    struct nmos_model *model = open_model("cuda:0", ALL);
    struct nmos_session *session = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    run_chain(model, session, 5, 10, &got);
    run_chain(model, session, 5, 4, &want);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        int n_failed = 0;
        for (int n = 0; n < 40; n += 20) {
            assert_int_equal(nmos_session_truncate(session, 10), 0);
            emulation_fail(calls[i], n);
            const int rc = try_chain(model, session, 5, 4, &got);
            emulation_fail(NULL, 0);
            if (rc < 0) {
                assert_int_equal(rc, NMOS_E_IO);
                assert_non_null(strstr(nmos_last_error(), "injected failure (719)"));
                assert_int_equal(nmos_session_length(session), 10);
                n_failed++;
                run_chain(model, session, 5, 4, &got);
            }
            assert_memory_equal(got.rows[0], want.rows[0], 4 * sizeof(got.rows[0]));
        }
        assert_true(n_failed > 0);
    }
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

/* Nothing is downloaded of such a pass, so nothing but a last look can tell. */
static void a_pass_without_logits_that_failed_leaves_nothing(void **state)
{
    (void)state;
    if (on_gpu) skip();
    struct nmos_model *model = open_model("cuda:0", ALL);
    struct nmos_session *session = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    run_chain(model, session, 7, 80, NULL);
    run_chain(model, session, 7, 2, &want);
    for (int n = 0; n < 100; n += 33) {
        assert_int_equal(nmos_session_truncate(session, 0), 0);
        /* Other tokens each time: pages are known by theirs. */
        const uint32_t text = 11 + (uint32_t)n;
        emulation_fail("cuLaunchKernel", n);
        assert_int_equal(try_chain(model, session, text, 80, NULL), NMOS_E_IO);
        assert_non_null(strstr(nmos_last_error(), "injected failure (719)"));
        emulation_fail(NULL, 0);
        assert_int_equal(nmos_session_length(session), 0);
        run_chain(model, session, 7, 80, NULL);
        run_chain(model, session, 7, 2, &got);
        assert_memory_equal(got.rows[0], want.rows[0], 2 * sizeof(got.rows[0]));
    }
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void run_fork_of_rows(struct nmos_model *model, struct nmos_session *session)
{
    struct nmos_row rows[3];
    for (int32_t i = 0; i < 3; i++) {
        rows[i] = (struct nmos_row){session, token_of(9, (uint32_t)i), i == 0 ? -1 : 0, 1};
    }
    assert_int_equal(nmos_forward(model, rows, 3, copy_logits, &got), 0);
}

static void a_path_or_a_page_that_could_not_be_moved_is_not_kept(void **state)
{
    (void)state;
    if (on_gpu) skip();
    struct nmos_model *model = open_model("cuda:0", ALL);
    struct nmos_session *session = NULL;
    struct nmos_session *other = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    assert_int_equal(nmos_session_create(model, &other), 0);
    run_chain(model, session, 3, 10, NULL);
    run_fork_of_rows(model, session);
    assert_int_equal(nmos_session_commit_path(session, 2), 0);
    run_chain(model, session, 5, 2, &want);

    assert_int_equal(nmos_session_truncate(session, 10), 0);
    run_fork_of_rows(model, session);
    emulation_fail("cuLaunchKernel", 0);
    assert_int_equal(nmos_session_commit_path(session, 2), NMOS_E_IO);
    emulation_fail(NULL, 0);
    assert_int_equal(nmos_session_length(session), 10);
    assert_true(nmos_session_commit_path(session, 2) < 0); /* its rows are gone */
    run_fork_of_rows(model, session);
    assert_int_equal(nmos_session_commit_path(session, 2), 0);
    run_chain(model, session, 5, 2, &got);
    assert_memory_equal(got.rows[0], want.rows[0], 2 * sizeof(got.rows[0]));

    assert_int_equal(nmos_session_truncate(session, 12), 0);
    assert_int_equal(nmos_session_fork(other, session), 0);
    emulation_fail("cuMemcpyDtoDAsync_v2", 0);
    const int rc = try_chain(model, other, 5, 2, &got); /* writes into a copy of the page */
    emulation_fail(NULL, 0);
    assert_int_equal(rc, NMOS_E_IO);
    assert_int_equal(nmos_session_length(other), 12);
    run_chain(model, other, 5, 2, &got);
    assert_memory_equal(got.rows[0], want.rows[0], 2 * sizeof(got.rows[0]));
    nmos_session_destroy(&session);
    nmos_session_destroy(&other);
    nmos_model_close(&model);
}

static void assert_refused(const char *device, uint64_t vram_bytes, int status, const char *words)
{
    struct nmos_model *model = NULL;
    const struct nmos_model_options options = options_for(device, vram_bytes);
    assert_int_equal(nmos_model_open(&options, &model), status);
    assert_null(model);
    if (!strstr(nmos_last_error(), words)) fail_msg("%s", nmos_last_error());
}

static void what_no_gpu_has_is_refused(void **state)
{
    (void)state;
    if (on_gpu) skip();
    assert_refused("cuda:0", 0, NMOS_E_INVALID,
                   "--vram is 0, so nothing may be placed there; Emulated GPU has 268435456 bytes");
    assert_refused("cuda:1", 1000, NMOS_E_UNSUPPORTED, "no GPU number 1; this machine has 1");
    assert_refused("cuda:0", 268435457, NMOS_E_INVALID,
                   "--vram 268435457: GPU 0 (Emulated GPU) has 268435456 bytes free");
    assert_refused("cuda:0", 134217729, NMOS_E_INVALID,
                   "name at most 134217728, or end what uses it");
    emulation_fail("cuModuleLoadData", 1);
    assert_refused("cuda:0", ALL, NMOS_E_IO, "failed to compile the kernels: injected failure");
    emulation_fail("cuMemHostRegister_v2", 0);
    assert_refused("cuda:0", ALL, NMOS_E_IO, "failed to lock 1 MiB");
    emulation_fail("cuMemHostRegister_v2", 1);
    assert_refused("cuda:0", ALL, NMOS_E_IO, "failed to lock 8 MiB");
    emulation_start(1, (size_t)256 << 20, 60);
    assert_refused("cuda:0", ALL, NMOS_E_UNSUPPORTED, "capability 6.0; 6.1 is the least");
    emulation_start(0, 0, 0);
    assert_refused(NULL, 1000, NMOS_E_UNSUPPORTED,
                   "--vram 1000: no GPU can be used: its driver knows of none; leave --vram away");
    emulation_start(1, (size_t)256 << 20, 61);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_logits_pinned_and_sent),
        cmocka_unit_test(passes_allocate_nothing_and_keep_to_the_bound),
        cmocka_unit_test(what_the_driver_fails_to_do_ends_one_pass),
        cmocka_unit_test(a_pass_without_logits_that_failed_leaves_nothing),
        cmocka_unit_test(a_path_or_a_page_that_could_not_be_moved_is_not_kept),
        cmocka_unit_test(what_no_gpu_has_is_refused),
    };
    if (argc < 2) {
        fprintf(stderr, "usage: test_cuda_device MODEL [gpu]\n");
        return 2;
    }
    path = argv[1];
    on_gpu = argc > 2 && strcmp(argv[2], "gpu") == 0;
    cuda_rates_replace(&rates);
    if (!on_gpu) emulation_start(1, (size_t)256 << 20, 61);
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    if (!on_gpu) emulation_end();
    return rc;
}
