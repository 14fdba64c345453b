/* SPDX-License-Identifier: MIT */
/* Proves, on a tiny mixture of experts, that what texts of an intent use is learned, is there in
 * the next run, and lets the experts of the likely intent be read while somebody types, so that the
 * first pass finds more of them; that no text depends on it; and that a damaged file of one intent
 * is set aside alone. argv[1] is the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/model.h"
#include "experts_fixture.h"
#include "infer/expert_source.h"
#include "typist_fixture.h"

#define N_TEXT    60U
#define N_LESSONS 10U

static const char *const names[] = {"ONE", "TWO"};

static struct nmos_model *open_learning(unsigned learns)
{
    return open_learning_of(names, 2, learns);
}

/* Texts of an intent are of two tokens, and others than those of the other one. */
static void read_text(struct nmos_model *model, uint32_t intent, uint32_t number, uint32_t n)
{
    struct nmos_session *session = NULL;
    int32_t tokens[N_TEXT];
    for (uint32_t i = 0; i < n; i++) {
        tokens[i] = (int32_t)(intent * 100 + (i + number) % 2);
    }
    const struct nmos_generation generation = {.prompt = tokens,
                                               .n_prompt = n,
                                               .n_max = 1,
                                               .sampling = nmos_sampling_default(),
                                               .spec = NMOS_SPEC_OFF,
                                               .intent = intent + 1,
                                               .on_text = take_nothing};
    assert_int_equal(nmos_session_create(model, &session), 0);
    assert_int_equal(nmos_generate(session, &generation, &(struct nmos_generation_result){0}), 0);
    nmos_session_destroy(&session);
}

static void teach(void)
{
    struct nmos_model *model = open_learning(NMOS_LEARN_EXPERTS);
    for (uint32_t i = 0; i < 2 * N_LESSONS; i++) read_text(model, i % 2, i, N_TEXT);
    nmos_model_close(&model);
}

static uint64_t n_expected(struct nmos_model *model)
{
    struct nmos_stats stats;
    nmos_model_get_stats(model, &stats);
    return stats.experts_expected;
}

/* Experts that a first pass has to read, after a likely intent was told to a new scheduler; 2:
 * nothing was. */
static uint64_t n_read_first(uint32_t expected, uint32_t meant)
{
    struct nmos_stats before;
    struct nmos_stats after;
    struct nmos_scheduler *scheduler = NULL;
    double p[NMOS_MODEL_INTENTS_MAX] = {0};
    struct nmos_model *model = open_learning(NMOS_LEARN_EXPERTS);
    struct expert_cache *cache = expert_source_cache(model->experts);
    if (expected < 2) {
        p[expected] = 1;
        assert_int_equal(nmos_scheduler_create(model, &scheduler), 0);
        scheduler_expect(scheduler, p, NULL);
        wait_while_reading_ahead(scheduler);
        nmos_scheduler_destroy(&scheduler);
        assert_true(n_expected(model) > 0);
    } else {
        do expert_cache_poll(cache); /* what all texts use */
        while (expert_cache_is_reading(cache));
    }
    nmos_model_get_stats(model, &before);
    read_text(model, meant, 0, 2);
    nmos_model_get_stats(model, &after);
    nmos_model_close(&model);
    return after.experts_read - before.experts_read;
}

static void the_first_pass_finds_what_its_intent_uses(void **state)
{
    (void)state;
    uint64_t known = 0;
    uint64_t unknown = 0;
    uint64_t mistaken = 0;
    teach();
    for (uint32_t meant = 0; meant < 2; meant++) {
        known += n_read_first(meant, meant);
        unknown += n_read_first(2, meant);
        mistaken += n_read_first(1 - meant, meant);
    }
    if (known >= unknown || known >= mistaken) {
        fail_msg("experts to be read: %d when the intent is known, %d when it is not, %d when it "
                 "is mistaken",
                 (int)known, (int)unknown, (int)mistaken);
    }
    remove_folder();
}

/* ---- While somebody types ---- */

/* @return experts read while the message was typed. */
static uint64_t type(struct nmos_model *model, enum nmos_anticipation anticipation,
                     struct answer *answer)
{
    struct typist typist;
    begin_typing(&typist, model, 20, anticipation, NULL);
    nmos_typing_expect(typist.typing, (const double[]){0.8, 0.2});
    wait_while_reading_ahead(typist.scheduler);
    assert_int_equal(nmos_typing_insert(typist.typing, "which is it", 11), 0);
    nmos_typing_expect(typist.typing, (const double[]){0.1, 0.9}); /* perhaps in midst of passes */
    nap();
    const uint64_t n_ahead = n_expected(model);
    enter_and_wait(&typist);
    end_typing(&typist);
    *answer = typist.answer;
    return n_ahead;
}

static void no_text_depends_on_it(void **state)
{
    static const enum nmos_anticipation ways[] = {NMOS_ANTICIPATE_OFF, NMOS_ANTICIPATE_PREFIX,
                                                  NMOS_ANTICIPATE_FULL};
    struct answer want;
    struct answer got;
    (void)state;
    struct nmos_model *model = open_learning(NMOS_LEARN_GUESSES); /* of experts nothing */
    assert_int_equal(type(model, NMOS_ANTICIPATE_FULL, &want), 0);
    nmos_model_close(&model);
    teach();
    for (size_t i = 0; i < 3; i++) {
        model = open_learning(NMOS_LEARN_EXPERTS);
        const uint64_t n_ahead = type(model, ways[i], &got);
        expect_same(&got, &want);
        assert_int_equal(n_ahead > 0, ways[i] != NMOS_ANTICIPATE_OFF);
        nmos_model_close(&model);
    }
    remove_folder();
}

/* ---- Files ---- */

static void name_file(const char *all, const char *intent, char *name, size_t size)
{
    snprintf(name, size, "%.*s-%s.bin", (int)strlen(all) - 4, all, intent);
}

static void a_damaged_file_is_set_aside_alone(void **state)
{
    char folder[300];
    char all[600] = "";
    char one[700];
    char two[700];
    char aside[800];
    (void)state;
    teach();
    snprintf(folder, sizeof(folder), "%s/nmos", cache_dir);
    DIR *dir = opendir(folder);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strlen(e->d_name) == 28) snprintf(all, sizeof(all), "%s/%s", folder, e->d_name);
    }
    closedir(dir);
    name_file(all, names[0], one, sizeof(one));
    name_file(all, names[1], two, sizeof(two));
    assert_int_equal(access(two, F_OK), 0);
    FILE *file = fopen(one, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 200, SEEK_SET), 0);
    assert_int_equal(fputc(0xa5, file), 0xa5);
    assert_int_equal(fclose(file), 0);
    struct nmos_model *model = open_learning(NMOS_LEARN_EXPERTS);
    snprintf(aside, sizeof(aside), "%s.damaged", one);
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_equal(access(one, F_OK), -1);
    assert_int_equal(access(two, F_OK), 0);
    struct nmos_scheduler *scheduler = NULL;
    assert_int_equal(nmos_scheduler_create(model, &scheduler), 0);
    scheduler_expect(scheduler, (const double[NMOS_MODEL_INTENTS_MAX]){0, 1}, NULL);
    wait_while_reading_ahead(scheduler);
    assert_true(n_expected(model) > 0);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
    remove_folder();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_pass_finds_what_its_intent_uses),
        cmocka_unit_test(no_text_depends_on_it),
        cmocka_unit_test(a_damaged_file_is_set_aside_alone),
    };
    if (argc != 2 || begin_experts(argv[1]) < 0) {
        fprintf(stderr, "usage: test_intent_experts MODEL.gguf\n");
        return 2;
    }
    const int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_folder();
    return n_failed;
}
