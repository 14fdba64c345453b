/* SPDX-License-Identifier: MIT */
/* Proves, on a tiny mixture of experts, that what the first passes of a prompt used is remembered
 * when it is answered, and lets the first pass of a prompt like it read fewer experts on demand,
 * where the intent does not tell them apart; that other prompts, other models and those who do not
 * want it are left alone; and that no text depends on it. argv[1] is the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/memory_view.h"
#include "engine/model.h"
#include "experts_fixture.h"
#include "typist_fixture.h"

#define N_FAMILIES 2U
#define N_LESSONS  4U

static const char *const names[] = {"ONLY"};
static char memory_path[300];

/* Families have no letter in common, prompts of one most words. Answers are short: those of random
 * weights are of any tokens. */
static const char *const lessons[N_FAMILIES][N_LESSONS] = {
    {"aa aaa aaaa", "aaa aaaa aa", "aaaa aa aaa", "aaa aa aaaa"},
    {"xx xxx xxxx", "xxx xxxx xx", "xxxx xx xxx", "xxx xx xxxx"}};
static const char *const alike[N_FAMILIES] = {"aaaa aaa aa", "xxxx xxx xx"};
static const char *const other = "who feeds the parrot?";

static struct nmos_model *open_learning(unsigned learns)
{
    return open_learning_of(names, 1, learns);
}

static struct nmos_memory *open_memory(void)
{
    struct nmos_memory *memory = NULL;
    if (nmos_memory_open(memory_path, &memory) < 0) fail_msg("%s", nmos_last_error());
    return memory;
}

/* Types a line and sends it; what is likely is read first. @return experts that were known. */
static uint32_t type(struct nmos_model *model, enum nmos_anticipation anticipation,
                     struct nmos_memory *memory, const char *line, struct answer *answer)
{
    struct typist typist;
    struct nmos_typing_state state;
    begin_typing(&typist, model, 2, anticipation, memory);
    assert_int_equal(nmos_typing_insert(typist.typing, line, strlen(line)), 0);
    nmos_typing_expect(typist.typing, (const double[]){1, 0});
    nmos_typing_get_state(typist.typing, &state);
    enter_and_wait(&typist);
    end_typing(&typist);
    *answer = typist.answer;
    return state.experts_known;
}

static void teach(struct nmos_memory *memory)
{
    struct answer answer;
    struct nmos_model *model = open_learning(NMOS_LEARN_EXPERTS);
    for (uint32_t i = 0; i < N_LESSONS * N_FAMILIES; i++) {
        const char *line = lessons[i % N_FAMILIES][i / N_FAMILIES];
        (void)type(model, NMOS_ANTICIPATE_FULL, memory, line, &answer);
    }
    nmos_model_close(&model);
}

static int count(void *arg, const struct nmos_memory_event *event)
{
    assert_int_equal(event->kind, NMOS_MEMORY_EXPERT);
    assert_true(event->model != 0 && strstr(event->predicted, " of ") && event->actual[1] == ':');
    ++*(uint32_t *)arg;
    return 0;
}

static uint32_t n_events(struct nmos_memory *memory)
{
    uint32_t n = 0;
    assert_int_equal(nmos_memory_list(memory, count, &n), 0);
    return n;
}

/* Experts that the first pass of a line has to read, behind a cold start and after the intent and
 * what is likely beside it were told. */
static uint64_t n_read_first(struct nmos_model *model, const struct expert_likely *likely,
                             const char *line)
{
    struct nmos_stats before;
    struct nmos_stats after;
    struct nmos_scheduler *scheduler = NULL;
    struct nmos_session *session = NULL;
    const double p[NMOS_MODEL_INTENTS_MAX] = {1};
    struct nmos_generation generation = {.n_max = 1,
                                         .sampling = nmos_sampling_default(),
                                         .spec = NMOS_SPEC_OFF,
                                         .intent = 1,
                                         .on_text = take_nothing};
    int32_t *ids = NULL;
    assert_int_equal(nmos_scheduler_create(model, &scheduler), 0);
    scheduler_expect(scheduler, p, likely);
    wait_while_reading_ahead(scheduler);
    nmos_scheduler_destroy(&scheduler);
    assert_int_equal(nmos_vocab_encode(nmos_model_vocab(model), line, strlen(line), 0, &ids,
                                       &generation.n_prompt),
                     0);
    generation.prompt = ids;
    assert_int_equal(nmos_session_create(model, &session), 0);
    nmos_model_get_stats(model, &before);
    assert_int_equal(nmos_generate(session, &generation, &(struct nmos_generation_result){0}), 0);
    nmos_model_get_stats(model, &after);
    nmos_session_destroy(&session);
    nmos_free(ids);
    return after.experts_read - before.experts_read;
}

static uint64_t n_read(struct nmos_memory *memory, const char *line, int is_known)
{
    struct expert_likely likely;
    struct nmos_model *model = open_learning(NMOS_LEARN_EXPERTS);
    memory_find_experts(memory, model_fingerprint(model), str_from(line), &likely);
    assert_int_equal(likely.number > 0, line != other);
    const uint64_t n = n_read_first(model, is_known ? &likely : NULL, line);
    nmos_model_close(&model);
    return n;
}

static void the_first_pass_finds_what_a_prompt_like_it_used(void **state)
{
    (void)state;
    uint64_t known = 0;
    uint64_t unknown = 0;
    struct nmos_memory *memory = open_memory();
    teach(memory);
    assert_int_equal(n_events(memory), N_FAMILIES * N_LESSONS);
    nmos_memory_close(&memory);
    memory = open_memory(); /* as the next run finds it */
    for (uint32_t family = 0; family < N_FAMILIES; family++) {
        known += n_read(memory, alike[family], 1);
        unknown += n_read(memory, alike[family], 0);
    }
    if (known >= unknown) {
        fail_msg("experts to be read: %d when the prompt is known, %d when it is not", (int)known,
                 (int)unknown);
    }
    assert_true(n_read(memory, other, 1) > 0); /* and that nothing is known of it */
    nmos_memory_close(&memory);
}

static void no_text_depends_on_it(void **state)
{
    static const enum nmos_anticipation ways[] = {NMOS_ANTICIPATE_OFF, NMOS_ANTICIPATE_PREFIX,
                                                  NMOS_ANTICIPATE_FULL};
    struct answer want;
    struct answer got;
    (void)state;
    struct nmos_memory *memory = open_memory();
    struct nmos_model *model = open_learning(NMOS_LEARN_GUESSES); /* of experts nothing */
    assert_int_equal(type(model, NMOS_ANTICIPATE_FULL, memory, alike[0], &want), 0);
    nmos_model_close(&model);
    assert_int_equal(n_events(memory), 0);
    model = open_learning(NMOS_LEARN_EXPERTS);
    assert_int_equal(type(model, NMOS_ANTICIPATE_OFF, memory, alike[0], &got), 0);
    assert_int_equal(n_events(memory), 0);
    nmos_model_close(&model);
    teach(memory);
    for (size_t i = 0; i < 3; i++) {
        model = open_learning(NMOS_LEARN_EXPERTS);
        const uint32_t n_known = type(model, ways[i], memory, alike[0], &got);
        expect_same(&got, &want);
        assert_int_equal(n_known > 0, ways[i] != NMOS_ANTICIPATE_OFF);
        nmos_model_close(&model);
    }
    nmos_memory_close(&memory);
}

static void experts_of_another_model_are_not_used(void **state)
{
    (void)state;
    struct expert_likely likely;
    struct nmos_memory *memory = open_memory();
    teach(memory);
    struct nmos_model *model = open_learning(NMOS_LEARN_EXPERTS);
    const uint64_t fingerprint = model_fingerprint(model);
    nmos_model_close(&model);
    memory_find_experts(memory, fingerprint, str_from(alike[0]), &likely);
    assert_true(likely.number > 0 && likely.p >= 0.6 && likely.n > 0);
    memory_find_experts(memory, fingerprint ^ 1, str_from(alike[0]), &likely);
    assert_true(likely.number == 0 && likely.n == 0);
    assert_int_equal(nmos_memory_forget_all(memory), 0);
    memory_find_experts(memory, fingerprint, str_from(alike[0]), &likely);
    assert_true(likely.number == 0 && likely.n == 0);
    nmos_memory_close(&memory);
}

static int clean_up(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".index", ".experts.index"};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char name[400];
        snprintf(name, sizeof(name), "%s%s", memory_path, ends[i]);
        (void)unlink(name);
    }
    remove_folder();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_pass_finds_what_a_prompt_like_it_used, clean_up),
        cmocka_unit_test_teardown(no_text_depends_on_it, clean_up),
        cmocka_unit_test_teardown(experts_of_another_model_are_not_used, clean_up),
    };
    if (argc != 2 || begin_experts(argv[1]) < 0) {
        fprintf(stderr, "usage: test_prompt_experts MODEL.gguf\n");
        return 2;
    }
    snprintf(memory_path, sizeof(memory_path), "%s.failures.db", cache_dir);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
