/* SPDX-License-Identifier: MIT */
/* Jobs of a scheduler, as other threads see them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/scheduler.h"

#define JOBS_MAX 4096U
#define MS_NS    UINT64_C(1000000)

static int check_job(const struct nmos_scheduler *s, const struct nmos_session *session,
                     const struct nmos_job_options *options)
{
    if (!session || session->model != s->model) {
        return FAIL(NMOS_E_INVALID, "the session is none of the scheduler's model");
    }
    if (options->priority != NMOS_PRIORITY_ANSWER && options->priority != NMOS_PRIORITY_AHEAD) {
        return FAIL(NMOS_E_INVALID, "%d is no priority", (int)options->priority);
    }
    if (options->generation.n_max > 0 && !options->generation.on_text) {
        return FAIL(NMOS_E_INVALID, "nobody takes the text that is to be generated");
    }
    return 0;
}

static struct nmos_job *make_job(struct nmos_scheduler *s, struct nmos_session *session,
                                 const struct nmos_job_options *options)
{
    struct nmos_job *job = mem_calloc(MEM_GENERAL, 1, sizeof(*job));
    if (!job) return NULL;
    *job = (struct nmos_job){.scheduler = s,
                             .session = session,
                             .n_max = options->generation.n_max,
                             .intent = options->generation.intent,
                             .ahead_max = options->ahead_max ? options->ahead_max : 1,
                             .on_done = options->on_done,
                             .arg = options->generation.arg,
                             .n_refs = 2};
    const uint64_t now_ns = clock_ns();
    job->wait_ns = now_ns + options->delay_ms * MS_NS;
    job->rest_ns = options->rest_ms ? now_ns + options->rest_ms * MS_NS : 0;
    job->after_loading = options->after_loading != 0;
    job->info.priority = options->priority;
    job->info.prompt_tokens = (uint32_t)options->generation.n_prompt;
    return job;
}

/* Somebody waits for a job, and so for those of its session before it. Under the lock. */
static void promote(struct nmos_job *job)
{
    for (struct nmos_job *other = job->scheduler->jobs; other; other = other->next) {
        if (other->session == job->session && other->number <= job->number) {
            other->info.priority = NMOS_PRIORITY_ANSWER;
        }
    }
}

/* Under the lock. */
static int queue_job(struct nmos_job *job)
{
    struct nmos_scheduler *s = job->scheduler;
    if (s->is_stopping) return FAIL(NMOS_E_CANCELLED, "the scheduler is being destroyed");
    if (s->n_jobs == JOBS_MAX) return FAIL(NMOS_E_BUSY, "%u jobs are unfinished", s->n_jobs);
    pthread_mutex_lock(&s->model->lock);
    job->session->n_jobs++;
    pthread_mutex_unlock(&s->model->lock);
    job->number = s->n_submitted++;
    *s->jobs_end = job;
    s->jobs_end = &job->next;
    s->n_jobs++;
    s->n_refs++;
    s->stats.n_waiting++;
    if (job->info.priority == NMOS_PRIORITY_ANSWER) {
        promote(job);
        scheduler_give_up_pass(s);
    }
    pthread_cond_signal(&s->wake);
    return 0;
}

int nmos_job_submit(struct nmos_scheduler *s, struct nmos_session *session,
                    const struct nmos_job_options *options, struct nmos_job **ret_job)
{
    TRY(check_job(s, session, options));
    struct nmos_job *job = make_job(s, session, options);
    if (!job) return NMOS_E_NOMEM;
    int rc = generator_create(s->model, &options->generation, &job->generator);
    if (rc == 0) {
        pthread_mutex_lock(&s->lock);
        rc = queue_job(job);
        if (rc == 0 && !ret_job) job->n_refs--; /* it cannot end before the lock is released */
        pthread_mutex_unlock(&s->lock);
    }
    if (rc < 0) {
        generator_destroy(&job->generator);
        mem_free(job);
        return rc;
    }
    if (ret_job) *ret_job = job;
    return 0;
}

void nmos_job_cancel(struct nmos_job *job)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    if (!job->info.has_ended) {
        job->is_cancelled = 1;
        scheduler_give_up_pass(s);
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
}

void nmos_job_promote(struct nmos_job *job)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    if (!job->info.has_ended) {
        promote(job);
        scheduler_give_up_pass(s);
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
}

int nmos_job_wait(struct nmos_job *job, struct nmos_generation_result *ret_result)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    while (!job->info.has_ended) pthread_cond_wait(&s->ended, &s->lock);
    pthread_mutex_unlock(&s->lock);
    if (ret_result) *ret_result = job->result;
    return job->status < 0 ? FAIL(job->status, "%s", job->message) : 0;
}

void nmos_job_release(struct nmos_job **job)
{
    if (!job || !*job) return;
    struct nmos_scheduler *s = (*job)->scheduler;
    pthread_mutex_lock(&s->lock);
    const int is_last = scheduler_unref_job(*job);
    pthread_mutex_unlock(&s->lock);
    if (is_last) scheduler_free(s);
    *job = NULL;
}

void nmos_job_get_info(const struct nmos_job *job, struct nmos_job_info *ret_info)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    *ret_info = job->info;
    pthread_mutex_unlock(&s->lock);
}

double scheduler_job_elapsed(const struct nmos_job *job)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    const uint64_t begun_ns = job->begun_ns;
    pthread_mutex_unlock(&s->lock);
    return begun_ns ? (double)(clock_ns() - begun_ns) * 1e-9 : -1;
}

int scheduler_job_rests(const struct nmos_job *job)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    const int rests = !job->is_in_pass && job->rest_ns && clock_ns() >= job->rest_ns;
    pthread_mutex_unlock(&s->lock);
    return rests;
}

void scheduler_job_rest(struct nmos_job *job, uint32_t rest_ms)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    job->rest_ns = rest_ms ? clock_ns() + rest_ms * MS_NS : 0;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void scheduler_job_set_intent(struct nmos_job *job, uint32_t intent)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    job->intent = intent;
    pthread_mutex_unlock(&s->lock);
}

void scheduler_expect(struct nmos_scheduler *s, const double *p, const struct expert_likely *likely)
{
    pthread_mutex_lock(&s->lock);
    memcpy(s->expectation, p, sizeof(s->expectation));
    s->likely.number = 0;
    if (likely) s->likely = *likely;
    s->has_expectation = 1;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void scheduler_job_end_with_prompt(struct nmos_job *job, int is_to_end)
{
    struct nmos_scheduler *s = job->scheduler;
    pthread_mutex_lock(&s->lock);
    job->ends_with_prompt = is_to_end;
    if (is_to_end && job->info.fed_tokens == job->info.prompt_tokens && !job->info.has_ended) {
        job->is_cancelled = 1;
        scheduler_give_up_pass(s);
    }
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

int scheduler_unref_job(struct nmos_job *job)
{
    struct nmos_scheduler *s = job->scheduler;
    if (--job->n_refs > 0) return 0;
    mem_free(job);
    return --s->n_refs == 0;
}

int scheduler_drop_session(struct nmos_scheduler *s, struct nmos_session *session)
{
    if (!s) return 0;
    pthread_mutex_lock(&s->lock);
    pthread_mutex_lock(&s->model->lock);
    const int has_jobs = session->n_jobs > 0;
    session->is_dropped = has_jobs;
    pthread_mutex_unlock(&s->model->lock);
    for (struct nmos_job *job = s->jobs; has_jobs && job; job = job->next) {
        if (job->session == session) job->is_cancelled = 1;
    }
    if (has_jobs) {
        scheduler_give_up_pass(s);
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    return has_jobs;
}
