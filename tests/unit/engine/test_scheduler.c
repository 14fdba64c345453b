/* SPDX-License-Identifier: MIT */
/* Proves that a session's text does not depend on who rides beside it, that nobody waits longer
 * than is promised, that answers go before work ahead of need, and that jobs end as they say,
 * whatever ends them. argv[1] is the folder of models. */
#include <nmos/nmos.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define CTX        192U
#define N_VOCAB    300
#define N_SESSIONS 20U
#define N_TOKENS   48U

static const char *folder;

/* A job, and what came of it. */
struct task {
    uint32_t number;
    int32_t prompt[160];
    uint32_t n_prompt;
    char text[4096];
    size_t len;
    size_t stop_at;    /* bytes of text after which on_text asks to stop; 0: never */
    size_t cancel_at;  /* ... cancels the job */
    uint64_t n_allocs; /* when the text began to come, and now */
    uint64_t n_allocs_now;
    int n_done;
    int status;
    uint32_t length; /* of the session in the end */
    int is_kept;     /* the session is not looked at when the job has ended */
    struct nmos_generation_result result;
    struct nmos_session *session;
    struct nmos_job *_Atomic job;
};

static const struct nmos_logit_bias no_end = {318, -1e9F};
static struct task alone[N_SESSIONS];
static struct task together[N_SESSIONS];

static struct nmos_model_options options_for(const char *name)
{
    static char path[4096];
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    options.path = path;
    options.ram_bytes = (uint64_t)1 << 30;
    options.ctx = CTX;
    options.sessions_max = N_SESSIONS;
    options.n_threads = 1;
    return options;
}

static struct nmos_model *open_model(const struct nmos_model_options *options)
{
    struct nmos_model *model = NULL;
    if (nmos_model_open(options, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

static struct nmos_scheduler *start(struct nmos_model *model)
{
    struct nmos_scheduler *scheduler = NULL;
    if (nmos_scheduler_create(model, &scheduler) < 0) fail_msg("%s", nmos_last_error());
    return scheduler;
}

static int append_text(void *arg, const char *text, size_t len)
{
    struct task *task = arg;
    if (len > sizeof(task->text) - task->len) return NMOS_E_LIMIT;
    memcpy(task->text + task->len, text, len);
    if (task->len == 0) task->n_allocs = mem_alloc_count();
    task->len += len;
    task->n_allocs_now = mem_alloc_count();
    if (task->cancel_at && task->len >= task->cancel_at) {
        while (!task->job) sched_yield(); /* it is being submitted */
        nmos_job_cancel(task->job);
    }
    return task->stop_at && task->len >= task->stop_at;
}

static void note_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result)
{
    struct task *task = arg;
    (void)job;
    task->n_done++;
    task->status = status;
    task->result = *result;
    if (task->is_kept) return;
    task->length = nmos_session_length(task->session);
    nmos_session_destroy(&task->session);
}

static struct nmos_generation generation_of(struct task *task, enum nmos_spec spec)
{
    struct nmos_generation generation = {.prompt = task->prompt,
                                         .n_prompt = task->n_prompt,
                                         .n_max = N_TOKENS,
                                         .sampling = nmos_sampling_default(),
                                         .spec = spec,
                                         .on_text = append_text,
                                         .arg = task};
    static const float temps[] = {0.0F, 0.7F, 1.5F};
    generation.sampling.temp = temps[task->number % 3];
    generation.sampling.seed = task->number;
    generation.sampling.bias = &no_end;
    generation.sampling.n_bias = 1;
    if (task->number % 4 == 1) generation.sampling.repeat_penalty = 1.2F;
    return generation;
}

static struct task new_task(uint32_t number)
{
    struct task task = {.number = number, .n_prompt = 3 + number * 7 % 60};
    for (uint32_t i = 0; i < sizeof(task.prompt) / sizeof(task.prompt[0]); i++) {
        task.prompt[i] = (int32_t)((number * 31 + i * 7 + i % 5 * 3) % N_VOCAB);
    }
    if (number % 5 == 4) task.stop_at = 20;
    return task;
}

static void run_alone(struct nmos_model *model, struct task *task)
{
    struct nmos_session *session = NULL;
    const struct nmos_generation generation = generation_of(task, NMOS_SPEC_OFF);
    assert_int_equal(nmos_session_create(model, &session), 0);
    assert_int_equal(nmos_generate(session, &generation, &task->result), 0);
    task->length = nmos_session_length(session);
    nmos_session_destroy(&session);
}

static void run_all_alone(void)
{
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model *model = open_model(&options);
    for (uint32_t i = 0; i < N_SESSIONS; i++) {
        alone[i] = new_task(i);
        run_alone(model, &alone[i]);
    }
    nmos_model_close(&model);
}

static struct nmos_job *submit(struct nmos_scheduler *scheduler, struct task *task,
                               enum nmos_spec spec, enum nmos_priority priority)
{
    struct nmos_job *job = NULL;
    const struct nmos_job_options options = {
        .generation = generation_of(task, spec), .priority = priority, .on_done = note_end};
    if (nmos_job_submit(scheduler, task->session, &options, &job) < 0) {
        fail_msg("%s", nmos_last_error());
    }
    task->job = job;
    return job;
}

/* Reads tokens into the session, generating nothing. */
static struct nmos_job *read_ahead(struct nmos_scheduler *scheduler, struct task *task,
                                   uint32_t n_tokens)
{
    struct nmos_job *job = NULL;
    struct nmos_job_options options = {.generation = generation_of(task, NMOS_SPEC_OFF),
                                       .priority = NMOS_PRIORITY_AHEAD};
    options.generation.n_prompt = n_tokens;
    options.generation.n_max = 0;
    options.generation.on_text = NULL;
    assert_int_equal(nmos_job_submit(scheduler, task->session, &options, &job), 0);
    return job;
}

static void assert_same_text(const struct task *got, const struct task *want)
{
    assert_int_equal(got->len, want->len);
    assert_memory_equal(got->text, want->text, want->len);
}

static void end(struct task *task)
{
    struct nmos_job *job = task->job;
    const int status = nmos_job_wait(job, NULL);
    assert_int_equal(status, task->status);
    nmos_job_release(&job);
    nmos_session_destroy(&task->session);
}

static void run_together(struct nmos_model *model, enum nmos_spec spec, uint32_t wait_max)
{
    struct nmos_scheduler_stats stats;
    struct nmos_scheduler *scheduler = start(model);
    for (uint32_t i = 0; i < N_SESSIONS; i++) {
        together[i] = new_task(i);
        assert_int_equal(nmos_session_create(model, &together[i].session), 0);
        submit(scheduler, &together[i], spec, NMOS_PRIORITY_ANSWER);
    }
    for (uint32_t i = 0; i < N_SESSIONS; i++) {
        end(&together[i]);
        assert_same_text(&together[i], &alone[i]);
        assert_int_equal(together[i].n_done, 1);
        assert_int_equal(together[i].status, 0);
        assert_int_equal(together[i].length, alone[i].length);
        assert_int_equal(together[i].result.end, alone[i].result.end);
        assert_int_equal(together[i].result.generated_tokens, alone[i].result.generated_tokens);
    }
    nmos_scheduler_get_stats(scheduler, &stats);
    assert_true(stats.wait_most <= wait_max);
    assert_int_equal(stats.n_running + stats.n_waiting, 0);
    nmos_scheduler_destroy(&scheduler);
}

static void a_text_does_not_depend_on_who_rides_beside_it(void **state)
{
    (void)state;
    static const uint32_t rows[] = {1, 4, 16, 192};
    run_all_alone();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nmos_model_options options = options_for("llama.Q4_K.gguf");
        options.rows_max = rows[i];
        struct nmos_model *model = open_model(&options);
        run_together(model, NMOS_SPEC_OFF, 4 + (N_SESSIONS + rows[i] - 1) / rows[i]);
        run_together(model, NMOS_SPEC_NGRAM, 4 + (N_SESSIONS + rows[i] - 1) / rows[i]);
        nmos_model_close(&model);
    }
}

static void guesses_of_many_sessions_change_no_text(void **state)
{
    (void)state;
    char draft[4096];
    struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    snprintf(draft, sizeof(draft), "%s/llama.IQ1_S.gguf", folder);
    options.draft_path = draft;
    struct nmos_model *model = open_model(&options);
    run_all_alone();
    run_together(model, NMOS_SPEC_TREE, 9);
    run_together(model, NMOS_SPEC_AUTO, 9);
    assert_int_equal(nmos_model_shrink(model, 1), 0); /* streamed from here on */
    run_together(model, NMOS_SPEC_TREE, 9);
    nmos_model_close(&model);
}

static void a_draft_without_pages_guesses_nothing(void **state)
{
    (void)state;
    char draft[4096];
    struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    snprintf(draft, sizeof(draft), "%s/llama.Q4_K.gguf", folder);
    options.draft_path = draft;
    options.kv_tokens = CTX; /* three pages for all */
    struct nmos_model *model = open_model(&options);
    run_all_alone();
    run_together(model, NMOS_SPEC_TREE, 24);
    nmos_model_close(&model);
}

static void a_long_prompt_leaves_a_running_answer_its_rows(void **state)
{
    (void)state;
    struct nmos_job_info info;
    struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    options.rows_max = 8;
    struct nmos_model *model = open_model(&options);
    struct nmos_scheduler *scheduler = start(model);
    for (uint32_t i = 0; i < 4; i++) {
        together[i] = new_task(i);
        together[i].stop_at = 0;
        together[i].n_prompt = i ? 140 : 3;
        assert_int_equal(nmos_session_create(model, &together[i].session), 0);
        submit(scheduler, &together[i], NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    }
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(nmos_job_wait(together[i].job, NULL), 0);
    nmos_job_get_info(together[0].job, &info);
    assert_int_equal(info.wait_most, 0);
    assert_int_equal(info.passes, together[0].result.decode_passes + 1);
    for (uint32_t i = 0; i < 4; i++) end(&together[i]);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

static void what_was_read_ahead_gives_the_same_answer(void **state)
{
    (void)state;
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model *model = open_model(&options);
    struct task *task = &together[0];
    struct nmos_job_info info;
    alone[0] = new_task(8);
    alone[0].n_prompt = 100;
    run_alone(model, &alone[0]);
    struct nmos_scheduler *scheduler = start(model);
    *task = alone[0];
    task->len = 0;
    assert_int_equal(nmos_session_create(model, &task->session), 0);
    struct nmos_job *first = read_ahead(scheduler, task, 70);
    /* The answer comes behind it, and makes it part of the answer. */
    memmove(task->prompt, task->prompt + 70, 30 * sizeof(task->prompt[0]));
    task->n_prompt = 30;
    struct nmos_job *answer = submit(scheduler, task, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    assert_int_equal(nmos_job_wait(answer, NULL), 0);
    nmos_job_get_info(first, &info);
    assert_true(info.has_ended);
    assert_int_equal(info.fed_tokens, 70);
    assert_int_equal(info.generated_tokens, 0);
    nmos_job_release(&first);
    end(task);
    assert_int_equal(task->length, alone[0].length);
    /* Penalties look at the job's own prompt; without any, the text is that of one prompt. */
    assert_same_text(task, &alone[0]);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

/* What on_progress needs to submit an answer in the middle of the first pass. */
struct intruder {
    struct nmos_scheduler *scheduler;
    struct task *task;
    int n_calls;
};

static void intrude(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    struct intruder *intruder = arg;
    (void)done_bytes;
    (void)total_bytes;
    if (intruder->n_calls++ != 1) return; /* not before the pass has computed a layer */
    submit(intruder->scheduler, intruder->task, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
}

static void an_answer_ends_a_pass_that_is_all_ahead_of_need(void **state)
{
    (void)state;
    struct intruder intruder = {.task = &together[0]};
    struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_scheduler_stats stats;
    struct nmos_job_info info;
    options.on_progress = intrude;
    options.progress_arg = &intruder;
    run_all_alone();
    struct nmos_model *model = open_model(&options);
    struct nmos_scheduler *scheduler = start(model);
    struct task ahead = new_task(1);
    intruder.scheduler = scheduler;
    together[0] = new_task(0);
    assert_int_equal(nmos_session_create(model, &together[0].session), 0);
    assert_int_equal(nmos_session_create(model, &ahead.session), 0);
    struct nmos_job *job = read_ahead(scheduler, &ahead, 100);
    assert_int_equal(nmos_job_wait(job, NULL), 0); /* its rows were run later */
    nmos_scheduler_get_stats(scheduler, &stats);
    nmos_job_get_info(job, &info);
    assert_int_equal(stats.given_up, 1);
    assert_int_equal(info.fed_tokens, 100);
    end(&together[0]);
    assert_same_text(&together[0], &alone[0]);
    nmos_job_release(&job);
    nmos_session_destroy(&ahead.session);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

static void a_branch_is_adopted_with_what_it_has_said(void **state)
{
    (void)state;
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model *model = open_model(&options);
    struct nmos_session *typed = NULL;
    struct task *branch = &together[0];
    struct nmos_job_info info;
    alone[0] = new_task(11);
    run_alone(model, &alone[0]);
    struct nmos_scheduler *scheduler = start(model);
    *branch = new_task(11);
    assert_int_equal(nmos_session_create(model, &typed), 0);
    branch->session = typed;
    const uint32_t n_prefix = branch->n_prompt - 2;
    struct nmos_job *prefix = read_ahead(scheduler, branch, n_prefix);
    assert_int_equal(nmos_job_wait(prefix, NULL), 0);
    nmos_job_release(&prefix);
    assert_int_equal(nmos_session_create(model, &branch->session), 0);
    assert_int_equal(nmos_session_fork(branch->session, typed), 0);
    assert_int_equal(nmos_session_match(branch->session, branch->prompt, branch->n_prompt),
                     n_prefix);
    memmove(branch->prompt, branch->prompt + n_prefix, 2 * sizeof(branch->prompt[0]));
    branch->n_prompt = 2;
    struct nmos_job_options ahead = {.generation = generation_of(branch, NMOS_SPEC_OFF),
                                     .priority = NMOS_PRIORITY_AHEAD,
                                     .ahead_max = 5,
                                     .on_done = note_end};
    struct nmos_job *job = NULL;
    assert_int_equal(nmos_job_submit(scheduler, branch->session, &ahead, &job), 0);
    branch->job = job;
    do { /* it comes to rest by itself */
        nmos_job_get_info(job, &info);
    } while (info.generated_tokens < 5);
    /* Other work goes on beside it, and it stays where it is. */
    struct task other = new_task(3);
    assert_int_equal(nmos_session_create(model, &other.session), 0);
    submit(scheduler, &other, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    end(&other);
    nmos_job_get_info(job, &info);
    assert_int_equal(info.generated_tokens, 5);
    assert_false(info.has_ended);
    nmos_session_destroy(&typed);
    nmos_job_promote(job);
    end(branch);
    assert_int_equal(branch->status, 0);
    assert_int_equal(branch->length, alone[0].length);
    assert_same_text(branch, &alone[0]);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

/* Times are such that no pass may begin at any of them. */
static void a_job_ahead_of_need_waits_and_rests_as_it_is_told(void **state)
{
    (void)state;
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model *model = open_model(&options);
    const struct timespec moment = {.tv_nsec = 20000000};
    const uint32_t rules[][2] = {{2, 1}, {1000000, 0}}; /* rests before it may begin; waits */
    alone[0] = new_task(11);
    run_alone(model, &alone[0]);
    struct nmos_scheduler *scheduler = start(model);
    for (size_t i = 0; i < 2; i++) {
        struct task *task = &together[0];
        struct nmos_job_info info;
        *task = new_task(11);
        assert_int_equal(nmos_session_create(model, &task->session), 0);
        struct nmos_job_options ahead = {.generation = generation_of(task, NMOS_SPEC_OFF),
                                         .priority = NMOS_PRIORITY_AHEAD,
                                         .delay_ms = rules[i][0],
                                         .rest_ms = rules[i][1],
                                         .after_loading = 1,
                                         .on_done = note_end};
        struct nmos_job *job = NULL;
        assert_int_equal(nmos_job_submit(scheduler, task->session, &ahead, &job), 0);
        task->job = job;
        (void)nanosleep(&moment, NULL);
        nmos_job_get_info(job, &info);
        assert_int_equal(info.passes, 0);
        nmos_job_promote(job); /* what was said of it ahead of need means nothing now */
        end(task);
        assert_int_equal(task->status, 0);
        assert_same_text(task, &alone[0]);
    }
    struct task late = new_task(3);
    struct nmos_job *job = NULL;
    assert_int_equal(nmos_session_create(model, &late.session), 0);
    struct nmos_job_options ahead = {.generation = generation_of(&late, NMOS_SPEC_OFF),
                                     .priority = NMOS_PRIORITY_AHEAD,
                                     .delay_ms = 5,
                                     .after_loading = 1,
                                     .on_done = note_end};
    ahead.generation.n_max = 0;
    assert_int_equal(nmos_job_submit(scheduler, late.session, &ahead, &job), 0);
    late.job = job; /* it begins by itself */
    end(&late);
    assert_int_equal(late.status, 0);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

static void a_cancelled_job_leaves_its_session_whole(void **state)
{
    (void)state;
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model *model = open_model(&options);
    struct task *task = &together[0];
    alone[0] = new_task(2);
    run_alone(model, &alone[0]);
    struct nmos_scheduler *scheduler = start(model);
    *task = new_task(2);
    assert_int_equal(nmos_session_create(model, &task->session), 0);
    struct nmos_job *prefix = read_ahead(scheduler, task, 1);
    task->cancel_at = 10;
    task->is_kept = 1;
    memmove(task->prompt, task->prompt + 1, (task->n_prompt - 1) * sizeof(task->prompt[0]));
    task->n_prompt--;
    assert_int_equal(nmos_job_wait(prefix, NULL), 0);
    nmos_job_release(&prefix);
    struct nmos_job *blocked = submit(scheduler, task, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    assert_int_equal(nmos_job_wait(blocked, NULL), NMOS_E_CANCELLED);
    assert_int_equal(task->n_done, 1);
    assert_true(task->len < alone[0].len);
    assert_memory_equal(task->text, alone[0].text, task->len);
    nmos_job_release(&blocked);
    assert_int_equal(nmos_session_truncate(task->session, 1), 0);
    task->cancel_at = 0;
    task->len = 0;
    submit(scheduler, task, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    end(task);
    assert_same_text(task, &alone[0]);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

static void a_small_pool_makes_jobs_wait_and_refuses_what_never_fits(void **state)
{
    (void)state;
    struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model_info info;
    options.kv_tokens = CTX;
    struct nmos_model *model = open_model(&options);
    nmos_model_get_info(model, &info);
    assert_int_equal(info.kv_pages, 3);
    run_all_alone();
    run_together(model, NMOS_SPEC_OFF, 24);
    /* Three idle sessions hold a page each; nobody will give one back. */
    struct nmos_scheduler *scheduler = start(model);
    for (uint32_t i = 0; i < 4; i++) {
        together[i] = new_task(i);
        assert_int_equal(nmos_session_create(model, &together[i].session), 0);
        if (i < 3) {
            struct nmos_job *job = read_ahead(scheduler, &together[i], 60);
            assert_int_equal(nmos_job_wait(job, NULL), 0);
            nmos_job_release(&job);
        }
    }
    submit(scheduler, &together[3], NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    assert_int_equal(nmos_job_wait(together[3].job, NULL), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "KV pages"));
    end(&together[3]);
    for (uint32_t i = 0; i < 3; i++) nmos_session_destroy(&together[i].session);
    nmos_scheduler_destroy(&scheduler);
    options.kv_tokens = CTX - 1;
    assert_int_equal(nmos_model_open(&options, &model), NMOS_E_INVALID);
    nmos_model_close(&model);
}

static void passes_allocate_nothing(void **state)
{
    (void)state;
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model *model = open_model(&options);
    struct nmos_scheduler *scheduler = start(model);
    struct task *task = &together[0];
    uint32_t number = 0; /* of a text that does not end early */
    while (alone[number].result.generated_tokens < N_TOKENS) number++;
    *task = new_task(number);
    assert_int_equal(nmos_session_create(model, &task->session), 0);
    submit(scheduler, task, NMOS_SPEC_NGRAM, NMOS_PRIORITY_ANSWER);
    end(task);
    assert_int_equal(task->result.generated_tokens, N_TOKENS);
    assert_int_equal(task->n_allocs_now, task->n_allocs);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_close(&model);
}

static void what_is_in_use_is_refused_and_what_is_given_up_goes(void **state)
{
    (void)state;
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    struct nmos_model *model = open_model(&options);
    struct nmos_scheduler *scheduler = start(model);
    struct nmos_scheduler *second = NULL;
    struct nmos_generation_result result;
    struct task *kept = &together[0];
    struct task *dropped = &together[1];
    *kept = new_task(4);
    *dropped = new_task(7);
    dropped->is_kept = 1;
    kept->stop_at = 0;
    assert_int_equal(nmos_scheduler_create(model, &second), NMOS_E_BUSY);
    assert_int_equal(nmos_session_create(model, &kept->session), 0);
    assert_int_equal(nmos_session_create(model, &dropped->session), 0);
    const struct nmos_generation generation = generation_of(kept, NMOS_SPEC_OFF);
    assert_int_equal(nmos_generate(kept->session, &generation, &result), NMOS_E_BUSY);
    struct nmos_job_options ahead = {.generation = generation, .priority = NMOS_PRIORITY_AHEAD};
    struct nmos_job *resting = NULL;
    assert_int_equal(nmos_job_submit(scheduler, kept->session, &ahead, &resting), 0);
    assert_int_equal(nmos_session_truncate(kept->session, 0), NMOS_E_BUSY);
    struct nmos_job *orphan = submit(scheduler, dropped, NMOS_SPEC_OFF, NMOS_PRIORITY_ANSWER);
    nmos_session_destroy(&dropped->session);
    const int status = nmos_job_wait(orphan, NULL); /* it may have been faster */
    assert_true(status == 0 || status == NMOS_E_CANCELLED);
    assert_int_equal(dropped->n_done, 1);
    nmos_scheduler_destroy(&scheduler); /* the resting job ends with it */
    assert_int_equal(nmos_job_wait(resting, NULL), NMOS_E_CANCELLED);
    nmos_job_release(&resting);
    nmos_job_release(&orphan);
    assert_int_equal(nmos_session_truncate(kept->session, 0), 0);
    kept->len = 0;
    assert_int_equal(nmos_generate(kept->session, &generation, &result), 0);
    nmos_session_destroy(&kept->session);
    nmos_model_close(&model);
}

/* ---- Threads that do what they like ---- */

struct crowd {
    struct nmos_model *model;
    struct nmos_scheduler *scheduler;
    _Atomic uint32_t first;
    _Atomic int n_wrong;
};

static void *do_as_one_likes(void *arg)
{
    struct crowd *crowd = arg;
    const uint32_t first = atomic_fetch_add(&crowd->first, 5);
    for (uint32_t i = first; i < first + 5; i++) {
        struct task task = new_task(i);
        struct nmos_session *fork = NULL;
        struct nmos_session *session = NULL;
        struct nmos_job *job = NULL;
        struct nmos_job *branch = NULL;
        struct nmos_scheduler_stats stats;
        struct nmos_stats model_stats;
        if (nmos_session_create(crowd->model, &session) < 0) break;
        struct nmos_job_options options = {.generation = generation_of(&task, NMOS_SPEC_NGRAM)};
        struct nmos_job_options ahead = options;
        ahead.priority = NMOS_PRIORITY_AHEAD;
        ahead.generation.n_max = 0;
        crowd->n_wrong += nmos_job_submit(crowd->scheduler, session, &options, &job) != 0;
        if (nmos_session_create(crowd->model, &fork) == 0) {
            crowd->n_wrong += nmos_session_fork(fork, session) != 0;
            crowd->n_wrong += nmos_job_submit(crowd->scheduler, fork, &ahead, &branch) != 0;
        }
        nmos_scheduler_get_stats(crowd->scheduler, &stats);
        nmos_model_get_stats(crowd->model, &model_stats);
        if (branch && i % 3 == 0) nmos_job_cancel(branch);
        if (branch && i % 3 == 1) nmos_job_promote(branch);
        crowd->n_wrong += nmos_job_wait(job, NULL) != 0;
        crowd->n_wrong += task.len != alone[i].len || memcmp(task.text, alone[i].text, task.len);
        nmos_session_destroy(&fork);
        nmos_job_release(&branch);
        nmos_job_release(&job);
        nmos_session_destroy(&session);
    }
    return NULL;
}

static void threads_may_do_what_they_like(void **state)
{
    (void)state;
    struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    options.rows_max = 32;
    run_all_alone();
    struct nmos_model *model = open_model(&options);
    assert_int_equal(nmos_model_shrink(model, 1), 0); /* streamed: the River's threads take part */
    struct crowd crowd = {.model = model, .scheduler = start(model)};
    pthread_t threads[N_SESSIONS / 5];
    for (size_t i = 0; i < N_SESSIONS / 5; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, do_as_one_likes, &crowd), 0);
    }
    for (size_t i = 0; i < N_SESSIONS / 5; i++) pthread_join(threads[i], NULL);
    assert_int_equal(crowd.n_wrong, 0);
    nmos_scheduler_destroy(&crowd.scheduler);
    nmos_model_close(&model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_does_not_depend_on_who_rides_beside_it),
        cmocka_unit_test(guesses_of_many_sessions_change_no_text),
        cmocka_unit_test(a_draft_without_pages_guesses_nothing),
        cmocka_unit_test(a_long_prompt_leaves_a_running_answer_its_rows),
        cmocka_unit_test(what_was_read_ahead_gives_the_same_answer),
        cmocka_unit_test(an_answer_ends_a_pass_that_is_all_ahead_of_need),
        cmocka_unit_test(a_branch_is_adopted_with_what_it_has_said),
        cmocka_unit_test(a_job_ahead_of_need_waits_and_rests_as_it_is_told),
        cmocka_unit_test(a_cancelled_job_leaves_its_session_whole),
        cmocka_unit_test(a_small_pool_makes_jobs_wait_and_refuses_what_never_fits),
        cmocka_unit_test(passes_allocate_nothing),
        cmocka_unit_test(what_is_in_use_is_refused_and_what_is_given_up_goes),
        cmocka_unit_test(threads_may_do_what_they_like),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_scheduler FOLDER_OF_MODELS\n");
        return 2;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
