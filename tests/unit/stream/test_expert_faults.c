/* SPDX-License-Identifier: MIT */
/* Proves on a simulated device, over 1,000 seeded schedules of faults, sizes, visits and guesses,
 * that a lent expert holds exactly its file's bytes or the failure names layer and expert; that
 * nothing hangs; and that the cache works again afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "expert_fixture.h"
#include "stream/expert_cache.h"

#define N_SCHEDULES 1000U

/* A visit that may end early, on purpose or by a fault. @return whether it failed. */
static int try_visit(struct fixture *fx)
{
    uint32_t n_rows[64];
    const uint32_t layer_i = draw(fx->n_layers);
    const uint32_t n = draw(fx->n_experts + 1);
    const uint32_t n_patience = draw(4) ? 64 : draw(4);
    struct expert_loan loan;
    uint32_t experts[64];
    int rc = 0;
    for (uint32_t k = 0; k < n; k++) n_rows[k] = 1 + draw(3);
    draw_experts(fx, n, experts);
    expert_cache_begin(fx->cache, layer_i, experts, n_rows, n, 3);
    if (draw(2)) {
        uint32_t guesses[64];
        const uint32_t n_guesses = draw(fx->n_experts + 1);
        draw_experts(fx, n_guesses, guesses);
        expert_cache_guess(fx->cache, draw(fx->n_layers), guesses, n_guesses);
    }
    for (uint32_t k = 0; k < n_patience; k++) {
        rc = expert_cache_next(fx->cache, NULL, &loan);
        if (rc != 1) break;
        expect_expert(fx, layer_i, experts[loan.i], &loan);
    }
    expert_cache_end(fx->cache);
    for (uint32_t k = draw(4); k > 0; k--) expert_cache_poll(fx->cache);
    if (rc >= 0) return 0;
    assert_int_equal(rc, NMOS_E_IO);
    assert_non_null(strstr(error_message(), "blk."));
    assert_non_null(strstr(error_message(), "expert"));
    return 1;
}

/* Any habits; what is read ahead because of them may fail as well. */
static void learn(struct fixture *fx)
{
    float heat[FIXTURE_LAYERS * 64];
    for (uint32_t i = 0; i < fx->n_layers * fx->n_experts; i++) heat[i] = (float)draw(5);
    const struct expert_habits habits = {.heat = heat};
    expert_cache_learn(fx->cache, &habits);
    expert_cache_rest(fx->cache);
}

static void run_schedule(uint64_t number)
{
    seed = number;
    const unsigned char *data = content;
    const int has_eio = draw(2) == 0;
    _Atomic int is_broken = 0;
    const struct ioq_sim_config device = {
        .data = &data,
        .seed = number,
        .p_short = draw(2) ? draw(40000) : 0,
        .p_eintr = draw(2) ? draw(30000) : 0,
        .p_eio = has_eio ? draw(20000) : 0,
        .p_stall = draw(4) ? 0 : draw(3000),
        .stall_reaps = draw(10),
        .is_broken = &is_broken,
    };
    struct fixture fx = {.n_experts = 2 + draw(20)};
    uint32_t all[64];
    make_layers(&fx, 9000);
    open_device(&fx, &device, 1 + draw(IOQ_DEPTH_MAX));
    const uint32_t n_slots = 1 + draw(fx.n_experts);
    open_cache(&fx, n_slots, bytes_for(&fx, n_slots) * (1 + draw(2)));
    if (draw(2)) learn(&fx);
    uint32_t n_failures = 0;
    for (uint32_t v = 0; v < 12; v++) n_failures += (uint32_t)try_visit(&fx);
    if (!has_eio) assert_int_equal(n_failures, 0);
    atomic_store(&is_broken, 1);
    for (uint32_t v = 0; v < 4; v++) (void)try_visit(&fx);
    atomic_store(&is_broken, 0);
    /* What is still in flight may fail yet; after that everything is to be had. */
    poll_until_idle(&fx);
    for (uint32_t v = 0; v < 10; v++) (void)try_visit(&fx);
    draw_experts(&fx, fx.n_experts, all);
    for (uint32_t l = 0; !has_eio && l < fx.n_layers; l++) {
        assert_int_equal(visit(&fx, l, all, fx.n_experts), 0);
    }
    close_fixture(&fx);
}

static void bytes_are_right_or_an_error_is_told(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < N_SCHEDULES; i++) run_schedule(i);
}

static void open_one(struct fixture *fx, const struct ioq_sim_config *device,
                     uint32_t stall_limit_ms)
{
    *fx = (struct fixture){.n_layers = 1, .n_experts = 4};
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        fx->layers[0].parts[p] = (struct expert_part){.offset = 100000 * p, .bytes = 20000};
    }
    open_device(fx, device, 8);
    const struct expert_cache_config config = {.files = &fx->files,
                                               .n_files = 1,
                                               .ioq = fx->ioq,
                                               .layers = fx->layers,
                                               .n_layers = 1,
                                               .n_experts = 4,
                                               .n_slots_min = 2,
                                               .bytes = bytes_for(fx, 2),
                                               .stall_limit_ms = stall_limit_ms};
    assert_int_equal(expert_cache_open(&config, &fx->cache), 0);
}

static void a_bad_sector_names_its_expert_and_spares_the_others(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data, .bad_begin = 145000, .bad_end = 145001};
    struct fixture fx;
    open_one(&fx, &device, 0);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){0, 1, 2}, 3), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "blk.0, expert 2: simulated"));
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){3, 0}, 2), 0);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){2}, 1), NMOS_E_IO);
    close_fixture(&fx);
}

static void a_silent_device_is_named(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data, .p_stall = 65536, .stall_reaps = 1000000};
    struct fixture fx;
    open_one(&fx, &device, 20);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){0}, 1), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "not answered for 20 ms"));
    close_fixture(&fx);
}

static void waiting_ends_when_it_is_cancelled(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data, .p_stall = 65536, .stall_reaps = 100};
    const uint32_t n_rows[] = {1};
    struct expert_loan loan;
    const _Atomic int cancel = 1;
    struct fixture fx;
    open_one(&fx, &device, 0);
    expert_cache_begin(fx.cache, 0, (const uint32_t[]){1}, n_rows, 1, 1);
    assert_int_equal(expert_cache_next(fx.cache, &cancel, &loan), NMOS_E_CANCELLED);
    expert_cache_end(fx.cache);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){1}, 1), 0);
    close_fixture(&fx);
}

static void a_file_cut_short_is_named(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "test_expert_faults_%d.tmp", (int)getpid());
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(content, 1, FIXTURE_BYTES, out), FIXTURE_BYTES);
    assert_int_equal(fclose(out), 0);
    struct file *file = NULL;
    struct fixture fx = {.n_layers = 1, .n_experts = 4};
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        fx.layers[0].parts[p] = (struct expert_part){.offset = 100000 * p, .bytes = 20000};
    }
    assert_int_equal(file_open(path, &file), 0);
    fx.files = file;
    assert_int_equal(ioq_open(IOQ_AUTO, &fx.files, 1,
                              file->direct_fd >= 0 ? IOQ_DIRECT : IOQ_BUFFERED, 8, &fx.ioq),
                     0);
    open_cache(&fx, 2, bytes_for(&fx, 2));
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){0, 1, 2, 3}, 4), 0);
    assert_int_equal(truncate(path, 150000), 0);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){0, 1, 2, 3}, 4), NMOS_E_IO);
    assert_non_null(strstr(error_message(), path));
    close_fixture(&fx);
    file_close(&file);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_right_or_an_error_is_told),
        cmocka_unit_test(a_bad_sector_names_its_expert_and_spares_the_others),
        cmocka_unit_test(a_silent_device_is_named),
        cmocka_unit_test(waiting_ends_when_it_is_cancelled),
        cmocka_unit_test(a_file_cut_short_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
