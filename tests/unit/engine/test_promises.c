/* SPDX-License-Identifier: MIT */
/* Proves that no job that has begun ends for want of a KV page, however small the pool is and
 * whatever sessions are forked, kept or given up meanwhile; that jobs for which there are none yet
 * wait as long as that can help; and that the others fail with numbers before any text. argv[1] is
 * the folder of models. */
#include <nmos/nmos.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model.h"

#define CTX      192U
#define CTX_MAX  512U
#define PAGE     64U
#define SESSIONS 8U
#define N_VOCAB  300

static const char *folder;
static struct nmos_model *model;
static struct nmos_scheduler *scheduler;

/* A job, what is done while it runs, and what came of it. */
struct task {
    int32_t prompt[CTX_MAX];
    uint32_t n_prompt;
    uint32_t n_max;
    char text[4096];
    size_t len;
    void (*on_piece)(struct task *task); /* NULL: nothing is done */
    uint32_t n_pieces;
    int n_done;
    int status;
    char why[512];
    struct nmos_session *session;
    int goes_at_end; /* the session, when the job has ended */
    struct nmos_job *job;
};

static struct nmos_session *forks[SESSIONS];
static uint32_t n_forks;
static uint32_t n_refused;

/* @p n_pages: of the pool; @p n_held: pages that a session may hold, 0: all. */
static void open_model(uint32_t ctx, uint32_t n_pages, uint32_t n_held)
{
    static char path[4096];
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    options.path = path;
    options.ram_bytes = (uint64_t)1 << 30;
    options.ctx = PAGE;
    options.n_threads = 1;
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    const uint64_t page_bytes = model->info.kv_bytes;
    nmos_model_close(&model);
    options.ctx = ctx;
    options.rows_max = PAGE;
    options.sessions_max = SESSIONS;
    options.kv_tokens = (uint64_t)n_pages * PAGE;
    options.kv_cap_bytes = n_held * page_bytes;
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    assert_int_equal(model->kv.page_tokens, PAGE);
    assert_int_equal(model->info.kv_pages, n_pages);
    n_forks = 0;
    n_refused = 0;
}

static void start(void)
{
    if (nmos_scheduler_create(model, &scheduler) < 0) fail_msg("%s", nmos_last_error());
}

static void close_model(void)
{
    nmos_scheduler_destroy(&scheduler);
    while (n_forks) nmos_session_destroy(&forks[--n_forks]);
    assert_int_equal(model->pages.n_free, model->pages.n_pages);
    nmos_model_close(&model);
}

static int take_text(void *arg, const char *text, size_t len)
{
    struct task *task = arg;
    if (len > sizeof(task->text) - task->len) return NMOS_E_LIMIT;
    memcpy(task->text + task->len, text, len);
    task->len += len;
    task->n_pieces++;
    if (task->on_piece) task->on_piece(task);
    return 0;
}

static void note_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result)
{
    struct task *task = arg;
    (void)job;
    (void)result;
    task->n_done++;
    task->status = status;
    if (status < 0) snprintf(task->why, sizeof(task->why), "%s", nmos_last_error());
    if (task->goes_at_end) nmos_session_destroy(&task->session);
}

static struct task new_task(uint32_t number, uint32_t n_prompt, uint32_t n_max)
{
    struct task task = {.n_prompt = n_prompt, .n_max = n_max};
    for (uint32_t i = 0; i < n_prompt; i++) {
        task.prompt[i] = (int32_t)((number * 31 + i * 7 + i % 5 * 3) % N_VOCAB);
    }
    return task;
}

static struct nmos_generation generation_of(struct task *task)
{
    static const struct nmos_logit_bias no_end = {318, -1e9F};
    struct nmos_generation generation = {.prompt = task->prompt,
                                         .n_prompt = task->n_prompt,
                                         .n_max = task->n_max,
                                         .sampling = nmos_sampling_default(),
                                         .spec = NMOS_SPEC_NGRAM,
                                         .on_text = take_text,
                                         .arg = task};
    generation.sampling.bias = &no_end;
    generation.sampling.n_bias = 1;
    return generation;
}

static struct nmos_session *new_session(void)
{
    struct nmos_session *session = NULL;
    if (nmos_session_create(model, &session) < 0) fail_msg("%s", nmos_last_error());
    return session;
}

static void submit(struct task *task, enum nmos_priority priority)
{
    const struct nmos_job_options job = {
        .generation = generation_of(task), .priority = priority, .on_done = note_end};
    if (nmos_job_submit(scheduler, task->session, &job, &task->job) < 0) {
        fail_msg("%s", nmos_last_error());
    }
}

static int wait_for(struct task *task)
{
    const int status = nmos_job_wait(task->job, NULL);
    nmos_job_release(&task->job);
    assert_int_equal(task->n_done, 1);
    return status;
}

static void expect_end(struct task *task)
{
    if (wait_for(task) < 0) fail_msg("%s", task->why);
}

/* The text of a task that has a model to itself. */
static struct task run_alone(struct task task, uint32_t ctx, uint32_t n_held)
{
    struct nmos_generation_result result;
    open_model(ctx, ctx / PAGE * (n_held ? 1 : SESSIONS), n_held);
    task.session = new_session();
    task.on_piece = NULL;
    const struct nmos_generation generation = generation_of(&task);
    if (nmos_generate(task.session, &generation, &result) < 0) fail_msg("%s", nmos_last_error());
    nmos_session_destroy(&task.session);
    close_model();
    return task;
}

static void expect_same_text(const struct task *got, const struct task *want)
{
    assert_int_equal(got->len, want->len);
    assert_memory_equal(got->text, want->text, want->len);
}

/* ---- Forks of what runs ---- */

static void fork_now(struct task *task)
{
    if (task->n_pieces % 3 != 1 || n_forks + 2 == SESSIONS) return;
    struct nmos_session *fork = new_session();
    const int rc = nmos_session_fork(fork, task->session);
    assert_true(rc == 0 || rc == NMOS_E_LIMIT);
    if (rc == 0) {
        assert_int_equal(nmos_session_length(fork), nmos_session_length(task->session));
        forks[n_forks++] = fork;
    } else {
        assert_non_null(strstr(nmos_last_error(), "KV pages"));
        n_refused++;
        nmos_session_destroy(&fork);
    }
}

static void a_fork_takes_no_page_from_an_answer_that_runs(void **state)
{
    (void)state;
    struct task task = new_task(1, 20, CTX - 20);
    const struct task alone = run_alone(task, CTX, 0);
    open_model(CTX, 3, 0);
    start();
    task.session = new_session();
    task.on_piece = fork_now;
    submit(&task, NMOS_PRIORITY_ANSWER);
    expect_end(&task);
    assert_true(n_forks > 3);
    assert_int_equal(n_refused, 0);
    expect_same_text(&task, &alone);
    nmos_session_destroy(&task.session);
    close_model();
}

/* The answer goes on giving pages up, but those that a fork has too are not free by that. */
static void under_a_cap_a_fork_that_could_starve_an_answer_is_refused(void **state)
{
    (void)state;
    struct task task = new_task(1, 300, 200);
    struct task other = new_task(2, 100, 1);
    const struct task alone = run_alone(task, 512, 4);
    open_model(512, 8, 4);
    start();
    other.session = new_session();
    submit(&other, NMOS_PRIORITY_ANSWER);
    expect_end(&other);
    task.session = new_session();
    task.on_piece = fork_now;
    submit(&task, NMOS_PRIORITY_ANSWER);
    expect_end(&task);
    assert_true(n_refused > 0);
    expect_same_text(&task, &alone);
    nmos_session_destroy(&task.session);
    nmos_session_destroy(&other.session);
    close_model();
}

/* ---- Waiting, and what gives way ---- */

static struct task large;
static struct task small;

static void submit_both(struct task *task)
{
    if (task->n_pieces > 1) return;
    submit(&large, NMOS_PRIORITY_ANSWER);
    submit(&small, NMOS_PRIORITY_ANSWER);
}

/* When the first job has ended, its session holds a page that the large one needs, and will go with
 * the small one. */
static void who_has_no_pages_lets_go_first_who_may_give_some_back(void **state)
{
    (void)state;
    const struct task alone = run_alone(new_task(1, 20, CTX - 20), CTX, 0);
    struct task first = new_task(2, 20, 12);
    open_model(CTX, 3, 0);
    start();
    large = new_task(1, 20, CTX - 20);
    large.session = new_session();
    small = new_task(3, 3, 12);
    small.session = new_session();
    small.goes_at_end = 1;
    first.session = small.session;
    first.on_piece = submit_both;
    submit(&first, NMOS_PRIORITY_ANSWER);
    expect_end(&first);
    assert_true(first.n_pieces > 0);
    expect_end(&small);
    expect_end(&large);
    expect_same_text(&large, &alone);
    nmos_session_destroy(&large.session);
    close_model();
}

/* Reads @p n tokens into a session of its own. */
static struct nmos_session *read_tokens(uint32_t number, uint32_t n)
{
    struct nmos_session *session = new_session();
    struct task task = new_task(number, n, 0);
    task.session = session;
    submit(&task, NMOS_PRIORITY_ANSWER);
    expect_end(&task);
    return session;
}

static void a_snapshot_that_nobody_writes_gives_its_page_back(void **state)
{
    (void)state;
    struct nmos_snapshot *snapshot = NULL;
    struct nmos_session *other = NULL;
    struct task task = new_task(1, 20, CTX - 90);
    open_model(CTX, 3, 0);
    start();
    task.session = read_tokens(1, 70);
    assert_int_equal(nmos_session_snapshot(task.session, UINT32_MAX, &snapshot), 0);
    assert_int_equal(model->pages.n_free, 0);
    submit(&task, NMOS_PRIORITY_ANSWER);
    expect_end(&task);
    assert_int_equal(nmos_snapshot_save(snapshot, 0), 0); /* what is left of it: a page */
    nmos_snapshot_destroy(&snapshot);
    nmos_session_destroy(&task.session);
    const struct task text = new_task(1, 70, 0);
    other = new_session();
    assert_int_equal(nmos_session_restore(other, text.prompt, 70), 0);
    assert_int_equal(nmos_session_length(other), PAGE);
    nmos_session_destroy(&other);
    close_model();
}

/* A page that the session was cut in, and goes on in, is nobody else's from the moment on when the
 * pages are promised. */
static void who_shares_later_takes_no_page_from_a_job_that_has_begun(void **state)
{
    (void)state;
    struct nmos_job_info info;
    struct task task = new_task(2, 20, CTX - 120);
    const struct task text = new_task(1, 2 * PAGE + 1, 0);
    open_model(CTX, 3, 0);
    start();
    task.session = read_tokens(1, 2 * PAGE);
    assert_int_equal(nmos_session_truncate(task.session, 100), 0);
    const struct nmos_job_options job = {.generation = generation_of(&task),
                                         .priority = NMOS_PRIORITY_AHEAD,
                                         .delay_ms = 1000000,
                                         .on_done = note_end};
    assert_int_equal(nmos_job_submit(scheduler, task.session, &job, &task.job), 0);
    do {
        sched_yield();
        nmos_job_get_info(task.job, &info);
    } while (!info.has_started);
    struct nmos_session *other = new_session();
    assert_int_equal(nmos_session_restore(other, text.prompt, text.n_prompt), 0);
    assert_int_equal(nmos_session_length(other), PAGE);
    nmos_job_promote(task.job);
    expect_end(&task);
    nmos_session_destroy(&other);
    nmos_session_destroy(&task.session);
    close_model();
}

/* ---- What cannot be ---- */

static void what_never_fits_fails_with_numbers_before_any_text(void **state)
{
    (void)state;
    struct nmos_generation_result result;
    open_model(CTX, 4, 0);
    start();
    struct nmos_session *idle[] = {read_tokens(1, 60), read_tokens(2, 70)};
    struct task task = new_task(3, 20, CTX - 20);
    task.session = new_session();
    submit(&task, NMOS_PRIORITY_ANSWER);
    assert_int_equal(wait_for(&task), NMOS_E_LIMIT);
    assert_non_null(strstr(task.why, "192 tokens behind the session's 0 may need 3 more KV pages"));
    assert_non_null(strstr(task.why, "of 4, 3 are in use, and 0 are promised"));
    nmos_scheduler_destroy(&scheduler);
    const struct nmos_generation generation = generation_of(&task);
    assert_int_equal(nmos_generate(task.session, &generation, &result), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "may need 3 more KV pages"));
    assert_int_equal(task.len, 0);
    assert_int_equal(nmos_session_length(task.session), 0);
    nmos_session_destroy(&idle[1]);
    assert_int_equal(nmos_generate(task.session, &generation, &result), 0);
    assert_true(task.len > 0);
    nmos_session_destroy(&idle[0]);
    nmos_session_destroy(&task.session);
    close_model();
}

/* ---- Whatever is done, no job that has begun fails ---- */

static uint64_t rng;

static uint32_t random_below(uint32_t n)
{
    rng = rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(rng >> 33) % n;
}

struct player {
    struct task task;
    int is_busy;
};

static struct player players[SESSIONS];
static uint32_t n_ended; /* jobs, well */
static uint32_t n_failed;

static void finish(struct player *p)
{
    if (!p->is_busy) return;
    struct nmos_job_info info;
    (void)nmos_job_wait(p->task.job, NULL);
    nmos_job_get_info(p->task.job, &info);
    const int status = wait_for(&p->task);
    p->is_busy = 0;
    n_ended += status == 0;
    n_failed += status < 0;
    if (status == 0) return;
    assert_int_equal(status, NMOS_E_LIMIT);
    assert_int_equal(info.has_started, 0);
    assert_non_null(strstr(p->task.why, "KV pages"));
}

static void begin_job(struct player *p)
{
    struct nmos_session *session = p->task.session;
    const uint32_t left = model->info.ctx - nmos_session_length(session);
    if (left < 12) return;
    const uint32_t n_prompt = 1 + random_below(left < 100 ? left - 10 : 100);
    p->task = new_task(random_below(3), n_prompt, random_below(left - n_prompt + 1));
    p->task.session = session;
    submit(&p->task, NMOS_PRIORITY_ANSWER);
    p->is_busy = 1;
}

/* Into a session that has nothing to do, of any that may be running. */
static void fork_any(struct player *to, const struct player *from)
{
    if (to == from || to->is_busy) return;
    assert_int_equal(nmos_session_truncate(to->task.session, 0), 0);
    const int rc = nmos_session_fork(to->task.session, from->task.session);
    assert_true(rc == 0 || (rc == NMOS_E_LIMIT && model->kv.n_held_max));
    if (rc < 0) assert_int_equal(nmos_session_length(to->task.session), 0);
}

static void cut(struct player *p)
{
    if (p->is_busy) return;
    const uint32_t len = nmos_session_length(p->task.session);
    const uint32_t to = random_below(2) ? 0 : random_below(len + 1);
    assert_int_equal(nmos_session_truncate(p->task.session, to), 0);
}

static void keep(const struct player *p)
{
    struct nmos_snapshot *snapshot = NULL;
    if (p->is_busy || model->kv.n_held_max) return;
    assert_int_equal(nmos_session_snapshot(p->task.session, UINT32_MAX, &snapshot), 0);
    if (random_below(2)) assert_int_equal(nmos_snapshot_save(snapshot, 1), 0);
    nmos_snapshot_destroy(&snapshot);
}

static void play(uint64_t seed, uint32_t ctx, uint32_t n_pages, uint32_t n_held)
{
    open_model(ctx, n_pages, n_held);
    start();
    rng = seed;
    for (uint32_t i = 0; i < SESSIONS; i++) {
        players[i] = (struct player){.task = {.session = new_session()}};
    }
    for (int i = 0; i < 400; i++) {
        struct player *p = &players[random_below(SESSIONS)];
        switch (random_below(6)) {
        case 0:
        case 1: fork_any(p, &players[random_below(SESSIONS)]); break;
        case 2: cut(p); break;
        case 3: keep(p); break;
        case 4: finish(p); break;
        default:
            if (!p->is_busy) begin_job(p);
        }
    }
    for (uint32_t i = 0; i < SESSIONS; i++) finish(&players[i]);
    for (uint32_t i = 0; i < SESSIONS; i++) nmos_session_destroy(&players[i].task.session);
    close_model();
}

static void no_job_that_has_begun_fails_whatever_is_done_meanwhile(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        play(seed, CTX, 8, 0);
        play(seed, 2 * CTX, 14, 4);
    }
    assert_true(n_ended > 100 && n_failed > 5);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_takes_no_page_from_an_answer_that_runs),
        cmocka_unit_test(under_a_cap_a_fork_that_could_starve_an_answer_is_refused),
        cmocka_unit_test(who_has_no_pages_lets_go_first_who_may_give_some_back),
        cmocka_unit_test(a_snapshot_that_nobody_writes_gives_its_page_back),
        cmocka_unit_test(who_shares_later_takes_no_page_from_a_job_that_has_begun),
        cmocka_unit_test(what_never_fits_fails_with_numbers_before_any_text),
        cmocka_unit_test(no_job_that_has_begun_fails_whatever_is_done_meanwhile),
    };
    if (argc != 2) return 2;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
