/* SPDX-License-Identifier: MIT */
/* Proves, through the public interface, that a model whose layers are computed partly at a device
 * behaves like one at the host: the same logits for chains, forks and trees, also after transfers
 * that failed and passes that were cancelled; that it keeps to --vram; and that a pass allocates
 * nothing. argv[1] is a model of nine layers. */
#include <nmos/nmos.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/sim/sim_link.h"
#include "base/mem.h"
#include "device_fixture.h"

#define VRAM 4200000U /* for scratch, slots, and a layer or two */

static const char *path;

static struct logits got;
static struct logits want;

static struct nmos_model_options options_for(const char *device, uint64_t vram_bytes)
{
    struct nmos_model_options options = nmos_model_options_default();
    options.path = path;
    options.ram_bytes = (uint64_t)1 << 30;
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
    assert_true((info.vram_bytes > 0) == (device != NULL));
    assert_true(info.vram_bytes <= vram_bytes);
    assert_true((info.sent_bytes > 0) == (device != NULL));
    return model;
}

static void sessions_fork_and_branch_as_at_the_host(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(NULL, 0);
    run_script(model, &want);
    nmos_model_close(&model);
    const char *const devices[] = {"sim:1G,50x", "sim:1G@20GB/s,50x"};
    for (size_t i = 0; i < 2; i++) {
        memset(&got, 0, sizeof(got));
        model = open_model(devices[i], VRAM + i * 300000);
        run_script(model, &got);
        assert_memory_equal(&got, &want, sizeof(want));
        nmos_model_close(&model);
    }
}

static void a_model_at_a_device_gives_host_memory_back(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(NULL, 0);
    run_script(model, &want);
    nmos_model_close(&model);
    struct nmos_session *session = NULL;
    struct nmos_model_info before;
    struct nmos_model_info after;
    model = open_model("sim:1G,50x", VRAM);
    assert_int_equal(nmos_session_create(model, &session), 0);
    run_chain(model, session, 1, 2, &got); /* so that layers are on their way */
    nmos_session_destroy(&session);
    nmos_model_get_info(model, &before);
    for (int i = 0; i < 2; i++) { /* the second time nothing is left to give */
        assert_int_equal(nmos_model_shrink(model, 1), 0);
        nmos_model_get_info(model, &after);
        assert_true(after.pinned_bytes < before.pinned_bytes && after.streamed_bytes > 0);
        assert_int_equal(after.vram_bytes, before.vram_bytes);
        memset(&got, 0, sizeof(got));
        run_script(model, &got);
        assert_memory_equal(&got, &want, sizeof(want));
    }
    nmos_model_close(&model);
}

static void passes_allocate_nothing_and_keep_to_the_bound(void **state)
{
    (void)state;
    struct nmos_model *model = open_model("sim:1G,50x", VRAM);
    struct nmos_session *session = NULL;
    struct nmos_model_info info;
    struct nmos_stats before;
    struct nmos_stats after;
    assert_int_equal(nmos_session_create(model, &session), 0);
    run_chain(model, session, 1, 2, &got);
    nmos_model_get_info(model, &info);
    nmos_model_get_stats(model, &before);
    const uint64_t n_allocs = mem_alloc_count();
    for (int pass = 0; pass < 20; pass++) run_chain(model, session, 1, 1, &got);
    assert_int_equal(mem_alloc_count(), n_allocs);
    nmos_model_get_stats(model, &after);
    assert_true(after.vram_peak_bytes <= info.vram_bytes);
    assert_true(after.vram_peak_bytes + 4096 > info.vram_bytes); /* nothing planned in vain */
    /* Of two layers one cannot know whether they have crossed already. */
    const uint64_t crossed = (after.link_bytes - before.link_bytes) / 20;
    assert_in_range(crossed, info.sent_bytes * 3 / 4, info.sent_bytes * 5 / 4);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void a_transfer_that_fails_ends_one_pass_and_no_more(void **state)
{
    (void)state;
    struct nmos_model *model = open_model("sim:1G,50x", VRAM);
    struct nmos_session *session = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    run_chain(model, session, 5, 10, &got);
    run_chain(model, session, 5, 4, &want);
    int n_failed = 0;
    for (int64_t n = 0; n < 150; n += 7) {
        assert_int_equal(nmos_session_truncate(session, 10), 0);
        sim_link_fail_after(n);
        const int rc = try_chain(model, session, 5, 4, &got);
        sim_link_fail_after(-1);
        if (rc < 0) {
            assert_int_equal(rc, NMOS_E_IO);
            assert_non_null(strstr(nmos_last_error(), "the link to the device failed"));
            assert_int_equal(nmos_session_length(session), 10);
            n_failed++;
            run_chain(model, session, 5, 4, &got);
        }
        assert_memory_equal(got.rows[0], want.rows[0], 4 * sizeof(got.rows[0]));
    }
    assert_in_range(n_failed, 5, 22);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void *cancel(void *arg)
{
    nmos_model_cancel(arg);
    return NULL;
}

static void a_pass_that_waits_for_the_link_can_be_cancelled(void **state)
{
    (void)state;
    struct nmos_model *model = open_model("sim:1G,50x", VRAM);
    struct nmos_session *session = NULL;
    pthread_t thread;
    assert_int_equal(nmos_session_create(model, &session), 0);
    run_chain(model, session, 6, 5, &got);
    run_chain(model, session, 6, 3, &want);
    assert_int_equal(nmos_session_truncate(session, 5), 0);
    for (int i = 0; i < 3; i++) {
        sim_link_hold(1); /* what is on its way does not arrive until the pass has ended */
        assert_int_equal(pthread_create(&thread, NULL, cancel, model), 0);
        assert_int_equal(try_chain(model, session, 6, 3, &got), NMOS_E_CANCELLED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        sim_link_hold(0);
        assert_int_equal(nmos_session_length(session), 5);
        run_chain(model, session, 6, 3, &got);
        assert_memory_equal(got.rows[0], want.rows[0], 3 * sizeof(got.rows[0]));
        assert_int_equal(nmos_session_truncate(session, 5), 0);
    }
    nmos_session_destroy(&session);
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

static void what_no_device_has_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",           "sim",         "cuda",           "cuda:",    "cuda:x",     "cuda:-1",
        "cuda:0x",    "cuda:64",     "sim:",           "sim:0",    "sim:x",      "sim:1G@",
        "sim:1G@1GB", "sim:1G@0B/s", "sim:1G,",        "sim:1G,x", "sim:1G,-1x", "sim:1G,nanx",
        "sim:1G,1x2", "sim:1G,1x,",  "sim:1G,2x@3GB/s"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i], 1000, NMOS_E_INVALID, "is not a device");
    }
    assert_refused("sim:1G", 0, NMOS_E_INVALID, "--vram is 0");
    assert_refused("sim:1MiB@1GiB/s,0.5x", 1048577, NMOS_E_INVALID,
                   "sim:1MiB@1GiB/s,0.5x has 1048576");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_fork_and_branch_as_at_the_host),
        cmocka_unit_test(a_model_at_a_device_gives_host_memory_back),
        cmocka_unit_test(passes_allocate_nothing_and_keep_to_the_bound),
        cmocka_unit_test(a_transfer_that_fails_ends_one_pass_and_no_more),
        cmocka_unit_test(a_pass_that_waits_for_the_link_can_be_cancelled),
        cmocka_unit_test(what_no_device_has_is_refused),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_device MODEL\n");
        return 2;
    }
    path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
