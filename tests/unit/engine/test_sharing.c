/* SPDX-License-Identifier: MIT */
/* Proves that sessions whose prompts begin alike read and keep that beginning once, without being
 * told, whether it is read now, was read by a session that is gone, or by one that is cancelled;
 * and that each one's text is that of it alone. argv[1] is the folder of models. */
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model.h"

#define CTX        512U
#define N_VOCAB    300
#define N_SESSIONS 100U
#define N_SYSTEM   200U /* tokens that all prompts begin with, and ... */
#define N_OWN      9U   /* ... those of each alone */
#define N_TOKENS   12U
#define PAGE       64U

static const char *folder;
static struct nmos_scheduler *scheduler;

struct talk {
    uint32_t number;
    int32_t prompt[CTX];
    uint32_t n_prompt;
    char text[1024];
    size_t len;
    int goes_at_end; /* the session, with its pages, when the job has ended */
    struct nmos_session *session;
    struct nmos_job *job;
};

static struct talk alone[N_SESSIONS];
static struct talk together[N_SESSIONS];
static uint32_t running_most;
static uint32_t free_least;

/* @p n_pages: of the pool; 0: enough for all. */
static struct nmos_model *open_model(const char *draft, uint32_t n_pages)
{
    static char path[4096];
    static char draft_path[4096];
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    snprintf(draft_path, sizeof(draft_path), "%s/%s", folder, draft ? draft : "");
    options.path = path;
    options.draft_path = draft ? draft_path : NULL;
    options.ram_bytes = (uint64_t)2 << 30;
    options.ctx = CTX;
    options.sessions_max = N_SESSIONS;
    options.kv_tokens = (uint64_t)n_pages * PAGE;
    options.n_threads = 1;
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    assert_int_equal(model->kv.page_tokens, PAGE);
    return model;
}

static int append_text(void *arg, const char *text, size_t len)
{
    struct talk *talk = arg;
    struct nmos_scheduler_stats stats;
    if (len > sizeof(talk->text) - talk->len) return NMOS_E_LIMIT;
    memcpy(talk->text + talk->len, text, len);
    talk->len += len;
    if (!scheduler) return 0;
    nmos_scheduler_get_stats(scheduler, &stats);
    if (stats.n_running > running_most) running_most = stats.n_running;
    if (stats.pages_free < free_least) free_least = stats.pages_free;
    return 0;
}

static void note_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result)
{
    struct talk *talk = arg;
    (void)job;
    (void)status;
    (void)result;
    if (talk->goes_at_end) nmos_session_destroy(&talk->session);
}

static struct talk new_talk(uint32_t number)
{
    struct talk talk = {.number = number, .n_prompt = N_SYSTEM + N_OWN};
    for (uint32_t i = 0; i < talk.n_prompt; i++) {
        const uint32_t of_whom = i < N_SYSTEM ? 0 : number;
        talk.prompt[i] = (int32_t)((of_whom * 31 + i * 7 + i % 5 * 3) % N_VOCAB);
    }
    return talk;
}

static struct nmos_generation generation_of(struct talk *talk, enum nmos_spec spec)
{
    static const struct nmos_logit_bias no_end = {318, -1e9F};
    struct nmos_generation generation = {.prompt = talk->prompt,
                                         .n_prompt = talk->n_prompt,
                                         .n_max = N_TOKENS,
                                         .sampling = nmos_sampling_default(),
                                         .spec = spec,
                                         .on_text = append_text,
                                         .arg = talk};
    generation.sampling.seed = talk->number;
    generation.sampling.bias = &no_end;
    generation.sampling.n_bias = 1;
    return generation;
}

/* Nothing is known of what was read before. */
static void forget_memory(struct nmos_model *model)
{
    for (uint32_t i = 0; i < model->pages.n_pages; i++) {
        if (!model->pages.n_holders[i]) page_index_forget(&model->pages.index, i);
    }
}

static void run_all_alone(void)
{
    struct nmos_model *model = open_model(NULL, 0);
    for (uint32_t i = 0; i < N_SESSIONS; i++) {
        struct nmos_session *session = NULL;
        struct nmos_generation_result result;
        alone[i] = new_talk(i);
        const struct nmos_generation generation = generation_of(&alone[i], NMOS_SPEC_OFF);
        forget_memory(model);
        assert_int_equal(nmos_session_create(model, &session), 0);
        assert_int_equal(nmos_generate(session, &generation, &result), 0);
        nmos_session_destroy(&session);
    }
    assert_int_equal(model->stats.tokens_shared, 0);
    nmos_model_close(&model);
}

static void begin(struct nmos_model *model)
{
    running_most = 0;
    free_least = UINT32_MAX;
    if (nmos_scheduler_create(model, &scheduler) < 0) fail_msg("%s", nmos_last_error());
}

static void submit(struct nmos_model *model, uint32_t i, enum nmos_spec spec,
                   enum nmos_priority priority)
{
    const int goes_at_end = together[i].goes_at_end;
    together[i] = new_talk(i);
    together[i].goes_at_end = goes_at_end;
    const struct nmos_job_options options = {.generation = generation_of(&together[i], spec),
                                             .priority = priority,
                                             .ahead_max = N_TOKENS,
                                             .on_done = note_end};
    assert_int_equal(nmos_session_create(model, &together[i].session), 0);
    if (nmos_job_submit(scheduler, together[i].session, &options, &together[i].job) < 0) {
        fail_msg("%s", nmos_last_error());
    }
}

/* @return rows of its own that the answer took, as its prompt did not. */
static uint32_t wait_for(uint32_t i)
{
    struct nmos_generation_result result;
    assert_int_equal(nmos_job_wait(together[i].job, &result), 0);
    nmos_job_release(&together[i].job);
    nmos_session_destroy(&together[i].session);
    assert_int_equal(together[i].len, alone[i].len);
    assert_memory_equal(together[i].text, alone[i].text, alone[i].len);
    return result.generated_tokens - (result.end == NMOS_END_LIMIT);
}

static void a_hundred_sessions_read_and_keep_their_system_prompt_once(void **state)
{
    (void)state;
    struct nmos_scheduler_stats stats;
    const uint32_t n_shared = N_SYSTEM / PAGE;
    /* Each needs the shared pages and one or two of its own. */
    const uint32_t n_pages = n_shared + 2 * N_SESSIONS;
    struct nmos_model *model = open_model(NULL, n_pages);
    begin(model);
    for (uint32_t i = 0; i < N_SESSIONS; i++) {
        submit(model, i, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    }
    uint64_t n_rows = n_shared * PAGE + N_SESSIONS * (N_SYSTEM % PAGE + N_OWN);
    for (uint32_t i = 0; i < N_SESSIONS; i++) n_rows += wait_for(i);
    nmos_scheduler_get_stats(scheduler, &stats);
    assert_int_equal(running_most, N_SESSIONS); /* their pages would be 400 without sharing */
    assert_int_equal(model->stats.tokens_shared, (N_SESSIONS - 1) * n_shared * PAGE);
    assert_int_equal(stats.rows, n_rows);
    assert_int_equal(stats.pages_free, n_pages);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

static void a_small_pool_starts_those_who_share_when_the_beginning_is_read(void **state)
{
    (void)state;
    const uint32_t n_shared = N_SYSTEM / PAGE;
    struct nmos_model *model = open_model(NULL, CTX / PAGE);
    begin(model);
    for (uint32_t i = 0; i < 20; i++) together[i].goes_at_end = 1;
    for (uint32_t i = 0; i < 20; i++) submit(model, i, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    for (uint32_t i = 0; i < 20; i++) (void)wait_for(i);
    assert_int_equal(free_least, 0);
    assert_int_equal(running_most, CTX / PAGE - n_shared); /* of one page each; two without */
    for (uint32_t i = 0; i < 20; i++) together[i].goes_at_end = 0;
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

static void what_a_session_read_is_found_when_it_is_gone(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(NULL, 0);
    begin(model);
    for (uint32_t i = 0; i < 4; i++) {
        submit(model, i, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
        (void)wait_for(i);
        assert_int_equal(model->stats.tokens_shared, i * (N_SYSTEM / PAGE) * PAGE);
    }
    nmos_scheduler_destroy(&scheduler);
    /* The same without a scheduler. */
    together[5] = new_talk(5);
    struct nmos_generation_result result;
    const struct nmos_generation generation = generation_of(&together[5], NMOS_SPEC_OFF);
    const uint64_t n_rows = model->stats.rows;
    assert_int_equal(nmos_session_create(model, &together[5].session), 0);
    assert_int_equal(nmos_generate(together[5].session, &generation, &result), 0);
    assert_int_equal(model->stats.rows - n_rows, N_SYSTEM % PAGE + N_OWN + N_TOKENS - 1);
    assert_memory_equal(together[5].text, alone[5].text, alone[5].len);
    nmos_session_destroy(&together[5].session);
    nmos_model_close(&model);
}

static void who_reads_for_others_may_be_cancelled_or_less_urgent(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 6; round++) {
        struct nmos_model *model = open_model(NULL, 0);
        begin(model);
        submit(model, 0, NMOS_SPEC_OFF, round % 2 ? NMOS_PRIORITY_AHEAD : NMOS_PRIORITY_ANSWER);
        for (uint32_t i = 1; i < 8; i++) submit(model, i, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
        if (round / 2 == 1) nmos_job_cancel(together[0].job);
        if (round / 2 == 2) nmos_session_destroy(&together[0].session);
        for (uint32_t i = 1; i < 8; i++) (void)wait_for(i);
        (void)!nmos_job_wait(together[0].job, NULL);
        nmos_job_release(&together[0].job);
        nmos_session_destroy(&together[0].session);
        nmos_scheduler_destroy(&scheduler);
        nmos_model_close(&model);
    }
}

static void a_draft_shares_what_it_has_read_too(void **state)
{
    (void)state;
    struct nmos_model *model = open_model("llama.Q4_K.gguf", 0);
    begin(model);
    for (uint32_t i = 0; i < 10; i++) submit(model, i, NMOS_SPEC_TREE, NMOS_PRIORITY_ANSWER);
    for (uint32_t i = 0; i < 10; i++) (void)wait_for(i);
    assert_true(model->draft->stats.tokens_shared >= 9 * (N_SYSTEM / PAGE) * PAGE);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_sessions_read_and_keep_their_system_prompt_once),
        cmocka_unit_test(a_small_pool_starts_those_who_share_when_the_beginning_is_read),
        cmocka_unit_test(what_a_session_read_is_found_when_it_is_gone),
        cmocka_unit_test(who_reads_for_others_may_be_cancelled_or_less_urgent),
        cmocka_unit_test(a_draft_shares_what_it_has_read_too),
    };
    if (argc < 2) {
        fprintf(stderr, "usage: test_sharing FOLDER_OF_MODELS\n");
        return 2;
    }
    folder = argv[1];
    run_all_alone();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
