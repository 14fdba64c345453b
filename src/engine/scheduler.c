/* SPDX-License-Identifier: MIT */
/* The thread that runs the passes of a model for all jobs. */
#include "engine/scheduler.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "infer/expert_source.h"
#include "stream/expert_intents.h"

#define TOKENS_FIRST  128.0 /* expected length of an answer before any has ended */
#define TOKENS_WEIGHT 0.1   /* of the latest answer in the running mean */
#define GUESSES_MAX   128U  /* rows of one generation */
#define MS_NS         UINT64_C(1000000)
#define MOMENT_MS     5U /* until pages that are being written to disk are looked for again */
#define AHEAD_MS      5U /* without a look whether there is a pass to run */

/* ---- Beginning and end ---- */

static void *run(void *arg);

static int init(struct nmos_scheduler *s)
{
    const struct nmos_model_info *info = &s->model->info;
    s->jobs_end = &s->jobs;
    s->n_refs = 1;
    s->mean_tokens = TOKENS_FIRST;
    pthread_mutex_init(&s->lock, NULL);
    clock_cond_init(&s->wake);
    pthread_cond_init(&s->ended, NULL);
    s->running = mem_calloc(MEM_GENERAL, info->sessions_max, sizeof(struct nmos_job *));
    s->riders = mem_calloc(MEM_GENERAL, info->sessions_max, sizeof(s->riders[0]));
    s->row_of_job = mem_calloc(MEM_GENERAL, info->sessions_max, sizeof(s->row_of_job[0]));
    s->rows = mem_calloc(MEM_SCRATCH, info->rows_max, sizeof(s->rows[0]));
    s->job_of_row = mem_calloc(MEM_SCRATCH, info->rows_max, sizeof(s->job_of_row[0]));
    return s->running && s->riders && s->row_of_job && s->rows && s->job_of_row ? 0 : NMOS_E_NOMEM;
}

int nmos_scheduler_create(struct nmos_model *model, struct nmos_scheduler **ret_scheduler)
{
    if (model->scheduler) return FAIL(NMOS_E_BUSY, "the model has a scheduler");
    struct nmos_scheduler *s = mem_calloc(MEM_GENERAL, 1, sizeof(*s));
    if (!s) return NMOS_E_NOMEM;
    s->model = model;
    int rc = init(s);
    if (rc == 0) {
        pthread_mutex_lock(&s->lock); /* the thread looks at `thread` after it has had the lock */
        if (pthread_create(&s->thread, NULL, run, s) != 0) {
            rc = FAIL(NMOS_E_NOMEM, "no thread can be started for the scheduler");
        }
        pthread_mutex_unlock(&s->lock);
    }
    if (rc < 0) {
        scheduler_free(s);
        return rc;
    }
    model->scheduler = s;
    *ret_scheduler = s;
    return 0;
}

void scheduler_free(struct nmos_scheduler *s)
{
    pthread_cond_destroy(&s->ended);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    mem_free((void *)s->running);
    mem_free(s->riders);
    mem_free(s->row_of_job);
    mem_free(s->rows);
    mem_free(s->job_of_row);
    mem_free(s);
}

void nmos_scheduler_destroy(struct nmos_scheduler **scheduler)
{
    if (!scheduler || !*scheduler) return;
    struct nmos_scheduler *s = *scheduler;
    pthread_mutex_lock(&s->lock);
    s->is_stopping = 1;
    for (struct nmos_job *job = s->jobs; job; job = job->next) job->is_cancelled = 1;
    scheduler_give_up_pass(s);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->model->scheduler = NULL;
    pthread_mutex_lock(&s->lock);
    const int is_last = --s->n_refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (is_last) scheduler_free(s);
    *scheduler = NULL;
}

int scheduler_may_run(const struct nmos_scheduler *s)
{
    return !s || pthread_equal(s->thread, pthread_self());
}

void nmos_scheduler_get_stats(const struct nmos_scheduler *scheduler,
                              struct nmos_scheduler_stats *ret_stats)
{
    /* The locks are no part of what is const here. */
    struct nmos_scheduler *s = (struct nmos_scheduler *)(uintptr_t)scheduler;
    pthread_mutex_lock(&s->lock);
    *ret_stats = s->stats;
    pthread_mutex_lock(&s->model->lock);
    ret_stats->pages_free = s->model->pages.n_free;
    pthread_mutex_unlock(&s->model->lock);
    pthread_mutex_unlock(&s->lock);
}

/* ---- The end of jobs. Under the lock, which is released for callbacks. ---- */

static void fail_job(struct nmos_job *job, int status)
{
    job->has_failed = 1;
    job->status = status;
    snprintf(job->message, sizeof(job->message), "%s", error_message());
}

static void unlink_job(struct nmos_scheduler *s, const struct nmos_job *job)
{
    struct nmos_job **at = &s->jobs;
    while (*at != job) at = &(*at)->next;
    *at = job->next;
    if (!*at) s->jobs_end = at;
    s->n_jobs--;
    for (uint32_t i = 0; i < s->n_running; i++) {
        if (s->running[i] == job) s->running[i--] = s->running[--s->n_running];
    }
}

/* The session is free for what its owner wants, or goes if the owner wants nothing any more. */
static void leave_session(struct nmos_job *job)
{
    struct nmos_session *session = job->session;
    pthread_mutex_lock(&session->model->lock);
    if (session->job == job) {
        session->job = NULL;
        kv_promise_end(session);
    }
    const int is_over = --session->n_jobs == 0 && session->is_dropped;
    pthread_mutex_unlock(&session->model->lock);
    if (is_over) session_free(session);
    job->session = NULL;
}

static void end_promise(struct nmos_session *session)
{
    pthread_mutex_lock(&session->model->lock);
    kv_promise_end(session);
    pthread_mutex_unlock(&session->model->lock);
}

static void end_job(struct nmos_scheduler *s, struct nmos_job *job)
{
    unlink_job(s, job);
    generator_result(job->generator, &job->result);
    if (job->status == 0 && job->result.generated_tokens > 0) {
        s->mean_tokens += (job->result.generated_tokens - s->mean_tokens) * TOKENS_WEIGHT;
    }
    s->stats.n_waiting -= !job->info.has_started;
    s->stats.n_running = s->n_running;
    pthread_mutex_unlock(&s->lock);
    generator_destroy(&job->generator);
    leave_session(job);
    if (job->on_done) {
        if (job->status < 0) (void)FAIL(job->status, "%s", job->message);
        job->on_done(job->arg, job, job->status, &job->result);
    }
    pthread_mutex_lock(&s->lock);
    job->info.has_ended = 1;
    pthread_cond_broadcast(&s->ended);
    (void)!scheduler_unref_job(job); /* the scheduler's owner still holds it */
}

static void end_cancelled(struct nmos_scheduler *s)
{
    struct nmos_job *job = s->jobs;
    while (job) {
        struct nmos_job *next = job->next;
        if (job->is_cancelled && !job->has_failed) {
            fail_job(job, FAIL(NMOS_E_CANCELLED, "the job was cancelled"));
        }
        if (job->has_failed) {
            end_job(s, job);
            next = s->jobs; /* others may have come and gone meanwhile */
        }
        job = next;
    }
}

/* ---- The beginning of jobs. Under the lock. ---- */

/* @return 0 when the job has begun, or failed; else NMOS_E_BUSY or NMOS_E_LIMIT, why there are no
 * pages for it. */
static int try_start(struct nmos_scheduler *s, struct nmos_job *job)
{
    const int32_t *coming = NULL;
    const size_t n_coming = generator_coming(job->generator, &coming);
    pthread_mutex_lock(&s->model->lock);
    int rc = kv_promise_make(job->session, (uint64_t)job->info.prompt_tokens + job->n_max, coming,
                             n_coming);
    job->len_most = job->session->promise.len_most;
    pthread_mutex_unlock(&s->model->lock);
    if (rc < 0) return rc;
    rc = generator_start(job->generator, job->session);
    if (rc < 0) {
        fail_job(job, rc);
        end_promise(job->session);
        return 0;
    }
    generator_adopt(job->generator); /* the pages were counted as taken */
    job->session->job = job;
    job->info.has_started = 1;
    s->running[s->n_running++] = job;
    s->stats.n_waiting--;
    s->stats.n_running = s->n_running;
    return 0;
}

/* What runs and is nobody's answer gives way to an answer: the one that began last. @return 0 when
 * there is none. */
static int cancel_ahead(struct nmos_scheduler *s)
{
    struct nmos_job *last = NULL;
    for (uint32_t i = 0; i < s->n_running; i++) {
        struct nmos_job *job = s->running[i];
        if (!scheduler_is_ahead(job)) return 1; /* an answer will end */
        if (!last || job->number > last->number) last = job;
    }
    if (last) last->is_cancelled = 1;
    return last != NULL;
}

static int may_start(const struct nmos_job *job)
{
    return !job->info.has_started && !job->has_failed && !job->is_cancelled && !job->session->job;
}

/* Starts the jobs of a class in their order, as far as there are pages. Where nothing runs, those
 * for which there are none let others go first, who may give some back; when none can begin, the
 * first one fails. @return 0 when one has to wait. */
static int start_class(struct nmos_scheduler *s, enum nmos_priority priority)
{
    struct nmos_job *stuck = NULL;
    for (struct nmos_job *job = s->jobs; job; job = job->next) {
        if (job->info.priority != priority || !may_start(job)) continue;
        const int rc = try_start(s, job);
        if (rc == 0) continue;
        s->waits_a_moment |= rc == NMOS_E_BUSY;
        if (rc == NMOS_E_BUSY) return 0;
        if (scheduler_is_ahead(job) ? s->n_running > 0 : cancel_ahead(s)) return 0;
        if (!stuck) stuck = job;
    }
    if (!stuck || s->n_running > 0) return !stuck;
    const int rc = try_start(s, stuck); /* for the sentence that says why */
    if (rc < 0) fail_job(stuck, rc);
    return 1;
}

/* ---- A pass ---- */

/* Takes in what is expected. Under the lock, which is released meanwhile. */
static void take_expectation(struct nmos_scheduler *s)
{
    double p[NMOS_MODEL_INTENTS_MAX];
    struct expert_likely likely = s->likely;
    memcpy(p, s->expectation, sizeof(p));
    s->has_expectation = 0;
    s->reads_ahead = s->model->experts != NULL;
    if (!s->reads_ahead) return;
    pthread_mutex_unlock(&s->lock);
    expert_intents_expect(expert_source_cache(s->model->experts), p, &likely);
    pthread_mutex_lock(&s->lock);
}

/* Reads expected experts for a moment. Under the lock, which is released meanwhile. */
static void read_ahead(struct nmos_scheduler *s)
{
    pthread_mutex_unlock(&s->lock);
    const int is_more = expert_intents_read(expert_source_cache(s->model->experts), AHEAD_MS);
    pthread_mutex_lock(&s->lock);
    s->reads_ahead = is_more;
}

/* Under the lock, until there is something to do or the first of those that rest may begin. */
static void wait_for_work(struct nmos_scheduler *s)
{
    const uint64_t now_ns = clock_ns();
    uint64_t first_ns = UINT64_MAX;
    if (s->reads_ahead && !scheduler_is_loading(s)) {
        read_ahead(s);
        return;
    }
    if (s->reads_ahead) first_ns = now_ns + SCHEDULER_LOADING_MS * MS_NS;
    for (uint32_t i = 0; i < s->n_running; i++) {
        const uint64_t ns = scheduler_may_begin_ns(s, s->running[i], now_ns);
        if (ns < first_ns) first_ns = ns;
    }
    if (s->waits_a_moment && now_ns + MOMENT_MS * MS_NS < first_ns) {
        first_ns = now_ns + MOMENT_MS * MS_NS;
    }
    if (first_ns == UINT64_MAX) {
        pthread_cond_wait(&s->wake, &s->lock);
        return;
    }
    const struct timespec time = clock_timespec(first_ns);
    (void)pthread_cond_timedwait(&s->wake, &s->lock, &time);
}

/* Rows that a rider may have, guesses included. @p n_spare: rows that nobody has; @p n_sharers:
 * riders that they are for. */
static uint32_t rows_most(const struct nmos_scheduler *s, const struct rider *rider,
                          uint32_t n_spare, uint32_t n_sharers)
{
    const struct nmos_job *job = s->running[rider->job_i];
    const uint32_t places = job->len_most - job->session->table.len;
    const uint32_t guesses = n_sharers ? n_spare / n_sharers : 0;
    const uint32_t n = rider->n_rows + (guesses < GUESSES_MAX ? guesses : GUESSES_MAX);
    return n < places ? n : places > 0 ? places : 1;
}

static int may_guess(const struct nmos_scheduler *s, const struct rider *rider)
{
    return !rider->is_prompt && rider->n_rows && rider->is_ahead == s->riders[0].is_ahead;
}

/* Fills in a rider's rows behind the @p n_rows that there are. @return how many. */
static uint32_t fill_rider(struct nmos_scheduler *s, const struct rider *rider, uint32_t n_rows,
                           const struct generator_share *share)
{
    struct nmos_job *job = s->running[rider->job_i];
    uint32_t n = 0;
    const int rc = generator_rows(job->generator, s->rows, n_rows, share, &n);
    if (rc < 0) fail_job(job, rc);
    job->is_finished = rc > 0;
    if (rc != 0) return 0;
    s->row_of_job[rider->job_i] = n_rows;
    for (uint32_t k = 0; k < n; k++) s->job_of_row[n_rows + k] = rider->job_i;
    return n;
}

/* Fills the rows of the pass; there are pages for all. @return their number. */
static uint32_t fill_rows(struct nmos_scheduler *s, uint32_t n_granted)
{
    const uint32_t rows_max = s->model->info.rows_max;
    uint32_t n_rows = 0;
    uint32_t n_total = n_granted; /* rows, those of later riders included */
    uint32_t n_sharers = 0;
    for (uint32_t i = 0; i < s->n_riders; i++) n_sharers += may_guess(s, &s->riders[i]);
    for (uint32_t i = 0; i < s->n_riders; i++) {
        struct rider *rider = &s->riders[i];
        if (!rider->n_rows) continue;
        const struct generator_share share = {
            .n_most = may_guess(s, rider) ? rows_most(s, rider, rows_max - n_total, n_sharers--)
                                          : rider->n_rows,
            .n_beside = n_total - rider->n_rows};
        const uint32_t n = fill_rider(s, rider, n_rows, &share);
        n_total = n_total - rider->n_rows + n;
        n_rows += n;
        rider->n_rows = n;
    }
    return n_rows;
}

/* An error of one job is not one of the pass. */
static int take_logits(void *arg, size_t row_i, float *logits)
{
    struct nmos_scheduler *s = arg;
    const uint32_t job_i = s->job_of_row[row_i];
    struct nmos_job *job = s->running[job_i];
    if (job->has_failed) return 0;
    const int rc = generator_logits(job->generator, row_i - s->row_of_job[job_i], logits);
    if (rc < 0) fail_job(job, rc);
    return 0;
}

static int is_cancelled(struct nmos_job *job)
{
    pthread_mutex_lock(&job->scheduler->lock);
    const int result = job->is_cancelled;
    pthread_mutex_unlock(&job->scheduler->lock);
    return result;
}

/* What the pass has brought to its jobs. */
static void advance_jobs(struct nmos_scheduler *s)
{
    for (uint32_t i = 0; i < s->n_riders; i++) {
        struct nmos_job *job = s->running[s->riders[i].job_i];
        if (!s->riders[i].n_rows || job->has_failed || is_cancelled(job)) continue;
        const int rc = generator_advance(job->generator);
        if (rc < 0) fail_job(job, rc);
        job->is_finished = rc > 0;
    }
}

static void fail_pass(struct nmos_scheduler *s, int rc)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    if (rc == NMOS_E_BUSY) (void)nanosleep(&moment, NULL);   /* pages are being kept or restored */
    if (rc == NMOS_E_BUSY || rc == NMOS_E_CANCELLED) return; /* rows that are wanted run again */
    for (uint32_t i = 0; i < s->n_riders; i++) {
        if (s->riders[i].n_rows) fail_job(s->running[s->riders[i].job_i], rc);
    }
}

/* Runs a pass for the riders. Without the lock. @return its rows; 0 when there was none. */
static uint32_t carry(struct nmos_scheduler *s, uint32_t n_granted)
{
    const uint32_t n_rows = fill_rows(s, n_granted);
    if (n_rows == 0) return 0; /* all have ended */
    const int rc = nmos_forward(s->model, s->rows, n_rows, take_logits, s);
    if (rc < 0) {
        fail_pass(s, rc);
        return 0;
    }
    advance_jobs(s);
    return n_rows;
}

/* Under the lock. */
void scheduler_give_up_pass(struct nmos_scheduler *s)
{
    int answer_waits = 0;
    if (!s->is_in_pass) return;
    for (const struct nmos_job *job = s->jobs; job; job = job->next) {
        const int is_wanted = !job->is_cancelled;
        if (job->is_in_pass && is_wanted && !scheduler_is_ahead(job)) return;
        answer_waits |= is_wanted && !scheduler_is_ahead(job);
    }
    for (const struct nmos_job *job = s->jobs; job && !answer_waits; job = job->next) {
        if (job->is_in_pass && !job->is_cancelled) return;
    }
    nmos_model_cancel(s->model);
}

/* Marks who is in the pass. Under the lock. */
static void begin_pass(struct nmos_scheduler *s)
{
    const uint64_t now_ns = clock_ns();
    s->is_in_pass = 1;
    for (uint32_t i = 0; i < s->n_riders; i++) {
        struct nmos_job *job = s->running[s->riders[i].job_i];
        job->is_in_pass = s->riders[i].n_rows > 0;
        if (job->is_in_pass && job->begun_ns == 0) job->begun_ns = now_ns;
        generator_set_intent(job->generator, job->intent);
    }
}

static void count_rider(struct nmos_scheduler *s, const struct rider *rider)
{
    struct nmos_job *job = s->running[rider->job_i];
    job->n_left_out = rider->n_rows ? 0 : job->n_left_out + 1;
    job->info.passes += rider->n_rows > 0;
    if (rider->is_ahead) s->stats.rows_ahead += rider->n_rows;
    if (job->n_left_out > job->info.wait_most) job->info.wait_most = job->n_left_out;
    if (!rider->is_ahead && job->n_left_out > s->stats.wait_most) {
        s->stats.wait_most = job->n_left_out;
    }
    s->stats.last_jobs += rider->n_rows > 0;
}

/* Under the lock. @p n_rows: of the pass, 0 when it failed. */
static void end_pass(struct nmos_scheduler *s, uint32_t n_rows)
{
    s->is_in_pass = 0;
    /* Who gave the pass up may have come too late; the next one is not meant. */
    atomic_store_explicit(&s->model->cancel, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < s->n_running; i++) {
        struct generator_progress at;
        struct nmos_job *job = s->running[i];
        generator_progress(job->generator, &at);
        job->is_in_pass = 0;
        job->info.fed_tokens = at.fed;
        job->info.generated_tokens = at.generated;
        if (at.fed == 0 && !job->is_cancelled) job->begun_ns = 0; /* its pass was given up */
        if (job->ends_with_prompt && at.fed == job->info.prompt_tokens) job->is_cancelled = 1;
    }
    if (n_rows == 0) {
        s->stats.given_up++;
        return;
    }
    s->stats.passes++;
    s->stats.rows += n_rows;
    s->stats.last_rows = n_rows;
    s->stats.last_jobs = 0;
    for (uint32_t i = 0; i < s->n_riders; i++) count_rider(s, &s->riders[i]);
}

static void end_finished(struct nmos_scheduler *s)
{
    for (uint32_t i = 0; i < s->n_running; i++) {
        struct nmos_job *job = s->running[i];
        if (job->is_finished) {
            end_job(s, job);
            i = UINT32_MAX; /* from the beginning: the order has changed */
        }
    }
}

/* Failed or cancelled before a pass. */
static int has_ended_jobs(const struct nmos_scheduler *s)
{
    for (const struct nmos_job *job = s->jobs; job; job = job->next) {
        if (job->is_cancelled || job->has_failed) return 1;
    }
    return 0;
}

static void *run(void *arg)
{
    struct nmos_scheduler *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        end_finished(s);
        end_cancelled(s);
        s->waits_a_moment = 0;
        if (s->is_stopping && !s->jobs) break;
        if (start_class(s, NMOS_PRIORITY_ANSWER)) {
            (void)start_class(s, NMOS_PRIORITY_AHEAD);
        }
        if (has_ended_jobs(s)) continue;
        if (s->has_expectation) {
            take_expectation(s);
            continue;
        }
        if (scheduler_choose_riders(s) == 0) {
            wait_for_work(s);
            continue;
        }
        const uint32_t n_granted =
            pass_plan(s->riders, s->n_riders, &s->model->cost, s->model->info.rows_max);
        begin_pass(s);
        pthread_mutex_unlock(&s->lock);
        const uint32_t n_rows = carry(s, n_granted);
        pthread_mutex_lock(&s->lock);
        end_pass(s, n_rows);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
