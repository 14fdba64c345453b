/* SPDX-License-Identifier: MIT */
/* Proves that what is learned about guesses for an intent is used for its texts alone, changes no
 * text, is there again in the next run, belongs to model and draft, and that a damaged file of one
 * intent is set aside without the others. argv[1] is the folder of models. */
#include <dirent.h>
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

#include "answer_fixture.h"
#include "engine/model.h"

#define N_TOKENS 60U
#define CODE     1U
#define CHAT     2U

static const char *const names[] = {"CODE", "CHAT"};
static const char *folder;
static char cache_dir[200];

/* An answer and how it came about. */
struct told {
    struct answer answer;
    struct nmos_generation_result result;
};

static struct nmos_model_options options_for(const char *draft, unsigned learns)
{
    static char path[4096];
    static char draft_path[4096];
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    snprintf(draft_path, sizeof(draft_path), "%s/%s", folder, draft ? draft : "");
    options.path = path;
    options.draft_path = draft ? draft_path : NULL;
    options.ctx = 128;
    options.ram_bytes = (uint64_t)1 << 30;
    options.n_threads = 1;
    options.intents = names;
    options.n_intents = 2;
    options.learns = learns;
    return options;
}

static struct nmos_model *open_model(const char *draft, unsigned learns)
{
    struct nmos_model *model = NULL;
    const struct nmos_model_options options = options_for(draft, learns);
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

static struct told answer_as(struct nmos_model *model, uint32_t intent)
{
    struct nmos_session *session = NULL;
    struct told told = {0};
    const int32_t prompt[] = {70, 71, 72, 70, 71, 72, 70, 71};
    const struct nmos_generation generation = {.prompt = prompt,
                                               .n_prompt = 8,
                                               .n_max = N_TOKENS,
                                               .sampling = nmos_sampling_default(),
                                               .spec = NMOS_SPEC_TREE,
                                               .intent = intent,
                                               .on_text = take_text,
                                               .arg = &told.answer};
    assert_int_equal(nmos_session_create(model, &session), 0);
    if (nmos_generate(session, &generation, &told.result) < 0) fail_msg("%s", nmos_last_error());
    nmos_session_destroy(&session);
    return told;
}

/* The file of an intent, or of all texts (""), in @p path; and how many files there are. */
static uint32_t find_file(const char *intent, char *path, size_t size)
{
    char within[300];
    char end[40];
    uint32_t n = 0;
    snprintf(within, sizeof(within), "%s/nmos", cache_dir);
    snprintf(end, sizeof(end), "%s%s.bin", *intent ? "-" : "", intent);
    DIR *dir = opendir(within);
    path[0] = '\0';
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        const size_t len = strlen(e->d_name);
        if (strncmp(e->d_name, "guesses-", 8) != 0) continue;
        n++;
        if (len != 8 + 16 + strlen(end) || strcmp(e->d_name + 24, end) != 0) continue;
        snprintf(path, size, "%s/%s", within, e->d_name);
    }
    if (dir) closedir(dir);
    return n;
}

static void forget_all(void)
{
    static const char *const ends[] = {"", "CODE", "CHAT"};
    char path[600];
    for (size_t i = 0; i < 3; i++) {
        while (find_file(ends[i], path, sizeof(path)) && path[0]) {
            assert_int_equal(unlink(path), 0);
        }
    }
}

static void no_text_depends_on_what_was_learned(void **state)
{
    (void)state;
    struct nmos_model *model = open_model("llama.mix-Q3_K_M.gguf", 0);
    const struct told want = answer_as(model, 0);
    assert_int_equal(want.result.intent_guesses, 0);
    assert_int_equal(answer_as(model, CODE).result.intent_guesses, 0);
    nmos_model_close(&model);
    model = open_model("llama.mix-Q3_K_M.gguf", NMOS_LEARN_GUESSES);
    for (uint32_t i = 0; i < 9; i++) {
        const struct told got = answer_as(model, i % 3);
        expect_same(&got.answer, &want.answer);
        assert_int_equal(got.result.intent_guesses > 0, i % 3 > 0);
    }
    nmos_model_close(&model);
    forget_all();
}

static void each_intent_learns_from_its_own_texts(void **state)
{
    (void)state;
    struct nmos_model *model = open_model("llama.mix-Q3_K_M.gguf", NMOS_LEARN_GUESSES);
    const uint32_t n_all = guess_odds_count(&model->odds[0][0]);
    const uint32_t n_first = answer_as(model, CODE).result.intent_guesses;
    assert_true(n_first > 0);
    assert_int_equal(guess_odds_count(&model->odds[CHAT][0]), 0);
    assert_true(guess_odds_count(&model->odds[0][0]) > n_all);
    assert_true(answer_as(model, CODE).result.intent_guesses > n_first);
    assert_int_equal(guess_odds_count(&model->odds[CODE][1]), 0); /* no answer was greedy */
    nmos_model_close(&model);
    forget_all();
}

static void what_was_learned_is_there_in_the_next_run(void **state)
{
    struct guess_odds before[3];
    char path[600];
    (void)state;
    struct nmos_model *model = open_model("llama.mix-Q3_K_M.gguf", NMOS_LEARN_GUESSES);
    (void)answer_as(model, CODE);
    for (size_t i = 0; i < 3; i++) before[i] = model->odds[i][0];
    nmos_model_close(&model);
    assert_int_equal(find_file("CODE", path, sizeof(path)), 3);
    model = open_model("llama.mix-Q3_K_M.gguf", NMOS_LEARN_GUESSES);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(model->odds[i][0].p, before[i].p, sizeof(before[i].p));
        assert_memory_equal(model->odds[i][0].n, before[i].n, sizeof(before[i].n));
    }
    nmos_model_close(&model); /* without a pass: nothing was learned, nothing is written */
    model = open_model(NULL, NMOS_LEARN_GUESSES); /* other guesses */
    assert_int_equal(guess_odds_count(&model->odds[CODE][0]), 0);
    nmos_model_close(&model);
    model = open_model("llama.mix-Q3_K_M.gguf", 0); /* switched off: neither read nor written */
    (void)answer_as(model, CODE);
    nmos_model_close(&model);
    model = open_model("llama.mix-Q3_K_M.gguf", NMOS_LEARN_GUESSES);
    assert_memory_equal(model->odds[CODE][0].n, before[CODE].n, sizeof(before[CODE].n));
    nmos_model_close(&model);
    forget_all();
}

static void a_damaged_file_is_set_aside_alone(void **state)
{
    char path[600];
    char aside[700];
    (void)state;
    struct nmos_model *model = open_model(NULL, NMOS_LEARN_GUESSES);
    (void)answer_as(model, CODE);
    const uint32_t n_chat = answer_as(model, CHAT).result.intent_guesses;
    nmos_model_close(&model);
    for (long at = 0; at < 1600; at += 70) {
        (void)find_file("CODE", path, sizeof(path));
        snprintf(aside, sizeof(aside), "%s.damaged", path);
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        if (at % 3 == 0) {
            assert_int_equal(ftruncate(fileno(file), at), 0);
        } else {
            assert_int_equal(fputc(0xa5, file), 0xa5);
        }
        assert_int_equal(fclose(file), 0);
        model = open_model(NULL, NMOS_LEARN_GUESSES);
        assert_int_equal(access(aside, F_OK), 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(guess_odds_count(&model->odds[CODE][0]), 0);
        assert_true(guess_odds_count(&model->odds[CHAT][0]) >= n_chat);
        (void)answer_as(model, CODE);
        nmos_model_close(&model);
        assert_int_equal(unlink(aside), 0);
    }
    forget_all();
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const bad[] = {"", "a/b", "..", "CODE ", "abcdefghijklmnopqrstuvwxyzabcdef"};
    struct nmos_model *model = NULL;
    struct nmos_session *session = NULL;
    struct nmos_model_options options = options_for(NULL, NMOS_LEARN_GUESSES);
    (void)state;
    options.n_intents = 1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        options.intents = &bad[i];
        assert_int_equal(nmos_model_open(&options, &model), NMOS_E_INVALID);
        assert_non_null(strstr(nmos_last_error(), "1 to 31 letters"));
    }
    options.n_intents = NMOS_MODEL_INTENTS_MAX + 1;
    assert_int_equal(nmos_model_open(&options, &model), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "17 intents; a model tells 16"));
    model = open_model(NULL, NMOS_LEARN_GUESSES);
    const int32_t prompt[] = {70};
    const struct nmos_generation generation = {
        .prompt = prompt, .n_prompt = 1, .n_max = 1, .intent = 3, .on_text = take_text};
    assert_int_equal(nmos_session_create(model, &session), 0);
    assert_int_equal(nmos_generate(session, &generation, &(struct nmos_generation_result){0}),
                     NMOS_E_INVALID);
    assert_non_null(strstr(nmos_last_error(), "intent 3 of the 2"));
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_text_depends_on_what_was_learned),
        cmocka_unit_test(each_intent_learns_from_its_own_texts),
        cmocka_unit_test(what_was_learned_is_there_in_the_next_run),
        cmocka_unit_test(a_damaged_file_is_set_aside_alone),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_guess_memory FOLDER_OF_MODELS\n");
        return 2;
    }
    folder = argv[1];
    if (!getcwd(cache_dir, sizeof(cache_dir) - 40)) return 1;
    snprintf(cache_dir + strlen(cache_dir), 40, "/test_guesses_%d.tmp", (int)getpid());
    if (setenv("XDG_CACHE_HOME", cache_dir, 1) != 0) return 1;
    const int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    char within[300];
    snprintf(within, sizeof(within), "%s/nmos", cache_dir);
    (void)rmdir(within);
    (void)rmdir(cache_dir);
    return n_failed;
}
