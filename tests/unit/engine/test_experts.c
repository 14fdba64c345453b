/* SPDX-License-Identifier: MIT */
/* Proves, through the public interface and on a tiny mixture of experts of mixed types, that a
 * cache of experts of any size gives the logits of resident ones, to the bit; that its passes
 * allocate nothing; that it counts what it does, keeps it for the next run, and does without where
 * it cannot; and that it goes on after a cancelled pass. argv[1] is the model. */
#include <math.h>
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/model.h"
#include "experts_fixture.h"
#include "infer/expert_source.h"

#define N_VOCAB    300U
#define N_SHORT    8U
/* Rows until the cache is full and settled, and rows that are counted. */
#define N_SETTLED  60U
#define N_MEASURED (2 * EXPERT_RECORD_PASSES)

static float want[N_LONG + N_SHORT][N_VOCAB];
static float got[N_LONG + N_SHORT][N_VOCAB];

static int copy_logits(void *arg, size_t row_i, float *logits)
{
    float(*to)[N_VOCAB] = arg;
    memcpy(to[row_i], logits, sizeof(to[row_i]));
    return 0;
}

static int run(struct nmos_model *model, struct nmos_session *session, uint32_t n, void *to)
{
    struct nmos_row rows[N_LONG];
    const uint32_t from = nmos_session_length(session);
    for (uint32_t i = 0; i < n; i++) {
        const int32_t token = (int32_t)((from + i) * (from + i + 7) * 13 % 256);
        rows[i] = (struct nmos_row){session, token, (int32_t)i - 1, 1};
    }
    const int rc = nmos_forward(model, rows, n, copy_logits, to);
    if (rc == 0) assert_int_equal(nmos_session_commit(session, n), 0);
    return rc;
}

/* Logits of a long pass and then of single rows. */
static void run_text(struct nmos_model *model, float (*to)[N_VOCAB])
{
    struct nmos_session *session = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    assert_int_equal(run(model, session, N_LONG, to), 0);
    for (uint32_t i = 0; i < N_SHORT; i++) {
        assert_int_equal(run(model, session, 1, to + N_LONG + i), 0);
    }
    nmos_session_destroy(&session);
}

static void any_cache_gives_the_logits_of_resident_experts(void **state)
{
    (void)state;
    struct nmos_model *model = NULL;
    struct nmos_model_info info;
    struct nmos_stats stats;
    const struct nmos_model_options options = options_for((uint64_t)1 << 30);
    assert_int_equal(nmos_model_open(&options, &model), 0);
    nmos_model_get_info(model, &info);
    assert_int_equal(info.expert_bytes, 0);
    const uint64_t all_bytes = info.weight_bytes;
    run_text(model, want);
    nmos_model_close(&model);
    for (uint64_t percent = 0; percent <= 60; percent += 20) {
        model = open_small(all_bytes * percent / 100);
        nmos_model_get_info(model, &info);
        assert_true(info.expert_bytes > 0);
        run_text(model, got);
        run_text(model, got); /* with what the first run left in the cache */
        assert_memory_equal(got, want, sizeof(want));
        nmos_model_get_stats(model, &stats);
        assert_true(stats.experts_read > 0 && stats.experts_read <= stats.experts_used);
        assert_true(stats.expert_bytes_read > 0 && stats.expert_bytes_read < stats.bytes_read);
        assert_true(stats.experts_guessed_well <= stats.experts_guessed);
        nmos_model_close(&model);
    }
}

static void a_pass_allocates_nothing(void **state)
{
    (void)state;
    struct nmos_model *model = open_small(0);
    run_text(model, got);
    struct nmos_session *session = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    const uint64_t n_before = mem_alloc_count();
    assert_int_equal(run(model, session, N_LONG, got), 0);
    assert_int_equal(run(model, session, 1, got), 0);
    assert_int_equal(mem_alloc_count(), n_before);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void a_cancelled_pass_leaves_a_model_that_works(void **state)
{
    (void)state;
    struct nmos_model *model = open_small(0);
    struct nmos_session *session = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    nmos_model_cancel(model);
    assert_int_equal(run(model, session, N_LONG, got), NMOS_E_CANCELLED);
    assert_int_equal(nmos_session_length(session), 0);
    assert_int_equal(run(model, session, 1, got), 0);
    nmos_session_destroy(&session);
    run_text(model, got);
    assert_memory_equal(got, want, sizeof(want));
    nmos_model_close(&model);
}

static void a_shrunken_cache_gives_the_same_logits(void **state)
{
    (void)state;
    struct nmos_model *model = open_small(4000000);
    struct nmos_model_info before;
    struct nmos_model_info after;
    nmos_model_get_info(model, &before);
    run_text(model, got);
    assert_int_equal(nmos_model_shrink(model, before.budget_bytes - 2000000), 0);
    nmos_model_get_info(model, &after);
    assert_true(after.expert_bytes > 0 && after.expert_bytes < before.expert_bytes);
    run_text(model, got);
    assert_memory_equal(got, want, sizeof(want));
    nmos_model_close(&model);
}

static uint64_t n_learned_of(struct nmos_model *model)
{
    struct expert_stats stats;
    expert_cache_stats(expert_source_cache(model->experts), &stats);
    return stats.n_learned;
}

static void what_was_learned_is_read_ahead_in_the_next_run(void **state)
{
    (void)state;
    char name[600];
    char aside[700];
    find_memory(name, sizeof(name));
    if (name[0]) assert_int_equal(unlink(name), 0);
    struct nmos_model *model = open_small(4000000);
    run_text(model, got);
    assert_int_equal(n_learned_of(model), 0);
    nmos_model_close(&model);
    find_memory(name, sizeof(name));
    assert_non_null(strstr(name, "experts-"));

    model = open_small(4000000);
    expert_cache_rest(expert_source_cache(model->experts));
    run_text(model, got);
    assert_true(n_learned_of(model) > 0);
    assert_memory_equal(got, want, sizeof(want));
    nmos_model_close(&model);

    FILE *file = fopen(name, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 100, SEEK_SET), 0);
    assert_int_equal(fputc(0xa5, file), 0xa5);
    assert_int_equal(fclose(file), 0);
    model = open_small(4000000);
    snprintf(aside, sizeof(aside), "%s.damaged", name);
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_equal(access(name, F_OK), -1);
    run_text(model, got);
    assert_int_equal(n_learned_of(model), 0);
    assert_memory_equal(got, want, sizeof(want));
    nmos_model_close(&model);
    assert_int_equal(unlink(aside), 0);
}

/* What is measured in one run is what the next one expects to read. The second cache may have a
 * slot more or less. */
static void a_run_tells_the_next_one_what_passes_read(void **state)
{
    (void)state;
    char name[600];
    struct nmos_session *session = NULL;
    struct nmos_stats from;
    struct nmos_stats to;
    struct nmos_model_info info;
    find_memory(name, sizeof(name));
    if (name[0]) assert_int_equal(unlink(name), 0);
    struct nmos_model *model = open_small(4000000);
    assert_int_equal(nmos_session_create(model, &session), 0);
    for (uint32_t i = 0; i < N_SETTLED + N_MEASURED; i++) {
        if (i == N_SETTLED) nmos_model_get_stats(model, &from);
        assert_int_equal(run(model, session, 1, got), 0);
    }
    nmos_model_get_stats(model, &to);
    assert_int_equal(run(model, session, 1, got), 0);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
    model = open_small(4000000);
    nmos_model_get_info(model, &info);
    const struct expert_record *record = &model->habits.records[0];
    assert_true(record->n_blocks == N_MEASURED / EXPERT_RECORD_PASSES);
    const double measured = (double)(to.bytes_read - from.bytes_read) / N_MEASURED;
    const double expected = (double)info.streamed_bytes;
    if (fabs(expected / measured - 1) > 0.1) fail_msg("%f, %f", expected, measured);
    nmos_model_close(&model);
}

static void a_folder_that_cannot_be_written_is_done_without(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_CACHE_HOME", "/dev/null/no", 1), 0);
    struct nmos_model *model = open_small(4000000);
    run_text(model, got);
    assert_memory_equal(got, want, sizeof(want));
    nmos_model_close(&model);
    assert_int_equal(setenv("XDG_CACHE_HOME", cache_dir, 1), 0);
}

static void a_plan_names_the_cache(void **state)
{
    (void)state;
    struct nmos_model *model = open_small(1000000);
    struct nmos_model_info info;
    struct nmos_plan *plan = NULL;
    nmos_model_get_info(model, &info);
    nmos_model_close(&model);
    /* What the process holds may have grown, under a sanitizer for one: the first bound that does.
     */
    for (uint64_t more = 2000000; !plan && more < 40000000; more += 500000) {
        const struct nmos_model_options options = options_for(info.budget_bytes + more);
        (void)nmos_plan_create(&options, NULL, &plan);
    }
    if (!plan) fail_msg("%s", nmos_last_error());
    assert_true(plan->expert_bytes > 0);
    assert_true(plan->touched_bytes < plan->model_bytes); /* four experts of sixteen */
    assert_true(plan->streamed_bytes > 0 && plan->streamed_bytes < plan->touched_bytes);
    uint64_t n_bytes = 0;
    for (uint32_t i = 0; i < plan->n_shards; i++) n_bytes += plan->shards[i].n_bytes;
    assert_true(n_bytes <= plan->model_bytes && n_bytes > plan->model_bytes / 2);
    nmos_plan_destroy(&plan);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cache_gives_the_logits_of_resident_experts),
        cmocka_unit_test(a_pass_allocates_nothing),
        cmocka_unit_test(a_cancelled_pass_leaves_a_model_that_works),
        cmocka_unit_test(a_shrunken_cache_gives_the_same_logits),
        cmocka_unit_test(what_was_learned_is_read_ahead_in_the_next_run),
        cmocka_unit_test(a_run_tells_the_next_one_what_passes_read),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_done_without),
        cmocka_unit_test(a_plan_names_the_cache),
    };
    if (argc != 2 || begin_experts(argv[1]) < 0) {
        fprintf(stderr, "usage: test_experts MODEL.gguf\n");
        return 2;
    }
    const int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_folder();
    return n_failed;
}
