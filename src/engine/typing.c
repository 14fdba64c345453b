/* SPDX-License-Identifier: MIT */
/*
 * Jobs of a typing session.
 *
 * There is at most one job at a time, for one of two things: the stable prefix, tokens that no
 * further typing at the end can change, or the branch, the whole prompt and the beginning of its
 * answer. Each event makes the wanted prompt anew. A job that is still right for it goes on; one
 * that is not is cancelled, and when it has ended the session is cut to what prompt and session
 * have in common, and the next job is submitted from there. Nothing is undone that is still right,
 * and no event waits for a pass.
 */
#include "engine/typing.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/scheduler.h"

/* ---- Jobs. Under the lock. ---- */

static int take_text(void *arg, const char *text, size_t len);
static void take_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result);

static uint32_t milliseconds(double seconds)
{
    return seconds > 0 ? (uint32_t)(seconds * 1e3) : 0;
}

uint32_t typing_rest_in_ms(const struct nmos_typing *t)
{
    const double left = (double)t->options.idle_ms - typing_quiet_s(t) * 1e3;
    return left > 0 ? (uint32_t)ceil(left) : 0;
}

double typing_quiet_s(const struct nmos_typing *t)
{
    return (double)(clock_ns() - t->event_ns) * 1e-9;
}

/* The likeliest intent as the model numbers it; 0: it does not know it. */
static uint32_t intent_of_model(const struct nmos_typing *t)
{
    const size_t i = t->intents.likeliest;
    return t->intents.n && i < t->model->n_intents ? (uint32_t)i + 1 : 0;
}

/* How a job is to be run: ahead of need it waits for the weights that stay, so that the disk reads
 * these and nothing twice, and until @p hold_s after the last key. */
static struct nmos_job_options job_options(const struct nmos_typing *t, double hold_s)
{
    const int streams = t->streamed_bytes > 0;
    const uint32_t rest_ms = typing_rest_in_ms(t);
    struct nmos_job_options job = {.generation = t->options.generation,
                                   .priority =
                                       t->has_entered ? NMOS_PRIORITY_ANSWER : NMOS_PRIORITY_AHEAD,
                                   .ahead_max = t->options.ahead_max,
                                   .delay_ms = milliseconds(hold_s - typing_quiet_s(t)),
                                   .after_loading = streams,
                                   .rest_ms = rest_ms ? rest_ms : 1, /* 0 would be never */
                                   .on_done = take_end};
    job.generation.sampling = typing_intents_sampling(&t->intents, &t->options.generation.sampling);
    job.generation.intent = intent_of_model(t);
    return job;
}

static int submit(struct nmos_typing *t, enum job_kind kind, size_t n_goal, double hold_s)
{
    if (n_goal == 0) return FAIL(NMOS_E_INVALID, "the chat template gives an empty prompt");
    uint32_t n_same = nmos_session_match(t->options.session, t->want.ids,
                                         kind == JOB_BRANCH ? n_goal - 1 : n_goal);
    struct nmos_job_options job = job_options(t, hold_s);
    if (n_same == n_goal) return 0; /* all is read */
    TRY(nmos_session_truncate(t->options.session, n_same));
    n_same = nmos_session_length(t->options.session); /* under a cap it may keep less */
    job.generation.prompt = t->want.ids + n_same;
    job.generation.n_prompt = n_goal - n_same;
    job.generation.on_text = take_text;
    job.generation.arg = t;
    if (kind == JOB_PREFIX) job.generation.n_max = 0;
    struct tokens goal = {mem_calloc(MEM_GENERAL, n_goal, sizeof(int32_t)), n_goal};
    if (!goal.ids) return NMOS_E_NOMEM;
    memcpy(goal.ids, t->want.ids, n_goal * sizeof(int32_t));
    tokens_set(&t->goal, goal);
    t->has_branch_ended = 0;
    t->held.len = 0;
    t->n_ahead = 0;
    t->is_live = t->has_entered && kind == JOB_BRANCH;
    t->fate = JOB_KEPT;
    t->n_new = n_goal - n_same;
    t->sampling = job.generation.sampling;
    typing_experts_start_job(&t->experts);
    TRY(nmos_job_submit(t->options.scheduler, t->options.session, &job, &t->job));
    t->kind = kind;
    return 0;
}

int typing_branch_fits(const struct nmos_typing *t)
{
    const struct nmos_sampling wanted =
        typing_intents_sampling(&t->intents, &t->options.generation.sampling);
    if (t->kind != JOB_BRANCH && !t->has_branch_ended) return 0;
    return t->fate != JOB_CANCELLED && tokens_are_same(&t->goal, &t->want) &&
           sampling_is_same(&t->sampling, &wanted);
}

int typing_job_has_begun(const struct nmos_typing *t)
{
    return t->kind != JOB_NONE && scheduler_job_elapsed(t->job) >= 0;
}

static struct pass_cost get_cost(const struct nmos_typing *t)
{
    pthread_mutex_lock(&t->model->lock);
    const struct pass_cost cost = t->model->cost;
    pthread_mutex_unlock(&t->model->lock);
    return cost;
}

/* Nothing is to be begun before Enter. */
static int must_rest(const struct nmos_typing *t)
{
    if (t->options.anticipation == NMOS_ANTICIPATE_OFF || t->must_rest) return 1;
    if (typing_rest_in_ms(t) == 0) return 1; /* a job that was given up has ended only now */
    return t->want.n > t->ctx;               /* Enter will say so */
}

/* System prompts that the conversation may begin with are read beside whatever else is done. */
static void read_openings(struct nmos_typing *t)
{
    if (t->has_entered || must_rest(t)) return;
    const struct pass_cost cost = get_cost(t);
    const uint32_t n_opening = typing_intents_length(&t->intents);
    struct openings_view view = {
        .cost = &cost,
        .rows_max = t->rows_max,
        .usual_s = t->rhythm.usual_s,
        .n_behind = t->want.n > n_opening ? (uint32_t)t->want.n - n_opening : 0,
        .n_most = (uint32_t)t->want.n + t->options.generation.n_max,
        .only_likeliest = t->options.anticipation == NMOS_ANTICIPATE_PREFIX,
        .job = job_options(t, 0)};
    typing_intents_work(&t->intents, &view);
}

/* Under a cap, a session that has given a page up cannot go back behind that: what is only guessed
 * must not be the reason. */
static int would_forget(const struct nmos_typing *t)
{
    const uint32_t ahead_max = t->options.ahead_max ? t->options.ahead_max : 1;
    pthread_mutex_lock(&t->model->lock);
    const uint32_t end = kv_evict_end(t->options.session);
    pthread_mutex_unlock(&t->model->lock);
    return t->want.n + ahead_max > end;
}

/* What is to be done ahead of need. */
static int submit_ahead(struct nmos_typing *t)
{
    if (must_rest(t) || typing_intents_is_reading(&t->intents)) return 0;
    if (would_forget(t)) return 0;
    TRY(typing_intents_lend(&t->intents, t->options.session, &t->want));
    const struct pass_cost cost = get_cost(t);
    const size_t n_read = nmos_session_match(t->options.session, t->want.ids, t->want.n);
    struct typing_view view = {.cost = &cost,
                               .rows_max = t->rows_max,
                               .n_new = t->want.n - n_read,
                               .n_stable = t->want.n - n_read, /* at most */
                               .is_blank = typed_text_is_blank(&t->line),
                               .expects_more = typed_text_expects_more(&t->line),
                               .saves_power = t->options.anticipation == NMOS_ANTICIPATE_PREFIX,
                               .usual_s = t->rhythm.usual_s};
    double hold_s = 0;
    size_t n_stable = 0;
    enum typing_step step = typing_choose(&view, &hold_s);
    if (step == TYPING_PREFIX) {
        n_stable = typed_prompt_count_stable(&t->prompt, &t->line, &t->want);
        view.n_stable = n_stable > n_read ? n_stable - n_read : 0;
        step = typing_choose(&view, &hold_s);
    }
    if (step == TYPING_PREFIX) return submit(t, JOB_PREFIX, n_stable, 0);
    return step == TYPING_BRANCH ? submit(t, JOB_BRANCH, t->want.n, hold_s) : 0;
}

/* The wanted prompt goes on where the job at work ends, and nobody waits for what comes then. */
static int prefix_fits(const struct nmos_typing *t)
{
    return t->kind == JOB_PREFIX && !t->has_entered &&
           tokens_common(&t->goal, &t->want) == t->goal.n;
}

/* The job at work is not what is wanted, but what it reads is worth more than its time. */
static int should_finish(const struct nmos_typing *t)
{
    const struct pass_cost cost = get_cost(t);
    const size_t n_read = nmos_session_match(t->options.session, t->want.ids, t->want.n);
    const struct typing_job_view job = {.cost = &cost,
                                        .rows_max = t->rows_max,
                                        .elapsed_s = scheduler_job_elapsed(t->job),
                                        .n_job = t->n_new,
                                        .n_new = t->want.n - n_read,
                                        .n_after = t->want.n - tokens_common(&t->goal, &t->want)};
    return typing_should_finish(&job);
}

void typing_set_fate(struct nmos_typing *t, enum job_fate fate)
{
    if (t->fate == JOB_CANCELLED || t->fate == fate) return;
    t->fate = fate;
    if (fate == JOB_CANCELLED) {
        nmos_job_cancel(t->job);
    } else {
        scheduler_job_end_with_prompt(t->job, fate == JOB_FINISHES);
    }
}

/* The answer gets the KV pages of system prompts that are not meant, once nobody reads them. */
static int submit_answer(struct nmos_typing *t)
{
    if (typing_intents_are_working(&t->intents)) {
        typing_intents_stop(&t->intents);
        return 0; /* the end of the last one begins it */
    }
    TRY(typing_intents_lend(&t->intents, t->options.session, &t->want));
    typing_intents_close(&t->intents);
    return submit(t, JOB_BRANCH, t->want.n, 0);
}

int typing_act(struct nmos_typing *t)
{
    if (!t->has_begun || t->is_closing) return 0;
    read_openings(t);
    if (t->kind == JOB_NONE) {
        if (typing_branch_fits(t)) return 0;
        return t->has_entered ? submit_answer(t) : submit_ahead(t);
    }
    const int is_right = typing_branch_fits(t) || prefix_fits(t);
    typing_set_fate(t, is_right ? JOB_KEPT : should_finish(t) ? JOB_FINISHES : JOB_CANCELLED);
    if (t->fate == JOB_CANCELLED) return 0;
    scheduler_job_set_intent(t->job, intent_of_model(t));
    if (t->has_entered) {
        nmos_job_promote(t->job);
    } else {
        scheduler_job_rest(t->job, t->options.idle_ms);
    }
    return 0;
}

/* ---- What comes from the scheduler's thread ---- */

int typing_deliver(struct nmos_typing *t, const char *text, size_t len)
{
    provisional_verify(t->provisional, text, len);
    if (t->stop == 0 && len) {
        t->stop = t->options.generation.on_text(t->options.generation.arg, text, len);
    }
    return t->stop;
}

static int take_text(void *arg, const char *text, size_t len)
{
    struct nmos_typing *t = arg;
    int rc = 0;
    pthread_mutex_lock(&t->lock);
    if (t->is_live) {
        rc = typing_deliver(t, text, len);
    } else if (t->fate != JOB_CANCELLED) {
        t->n_ahead++;
        rc = buf_append(&t->held, text, len);
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

void typing_finish(struct nmos_typing *t, int status, const struct nmos_generation_result *result)
{
    t->has_entered = 0;
    t->has_begun = 0;
    t->is_live = 0;
    t->has_branch_ended = 0;
    t->is_calling = 1;
    if (status == 0) typing_experts_answered(&t->experts);
    provisional_end(t->provisional);
    pthread_mutex_unlock(&t->lock);
    if (t->options.on_done) t->options.on_done(t->options.generation.arg, status, result);
    pthread_mutex_lock(&t->lock);
    t->is_calling = 0;
}

/* The job at work ends. */
static void count_branch(struct nmos_typing *t, int is_given_up)
{
    if (t->kind != JOB_BRANCH || !typing_job_has_begun(t)) return;
    t->state.branches++;
    t->state.given_up += is_given_up != 0;
}

static void take_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result)
{
    struct nmos_typing *t = arg;
    (void)job;
    pthread_mutex_lock(&t->lock);
    const enum job_kind kind = t->kind;
    const enum job_fate fate = t->fate;
    const int was_live = t->is_live;
    count_branch(t, fate != JOB_KEPT);
    nmos_job_release(&t->job);
    t->kind = JOB_NONE;
    if (was_live) {
        typing_finish(t, status, result);
    } else if (t->has_entered && t->stop) {
        typing_finish(t, FAIL(NMOS_E_CANCELLED, "the answer was given up"), result);
    } else if (kind == JOB_BRANCH && status == 0 && fate == JOB_KEPT) {
        t->has_branch_ended = 1; /* the whole answer is there before Enter */
        t->result = *result;
    } else if (status < 0 && fate == JOB_KEPT) {
        t->must_rest = 1;
    }
    t->fate = JOB_KEPT;
    const int rc = typing_act(t);
    if (rc < 0 && t->has_entered) typing_finish(t, rc, result);
    if (rc < 0) t->must_rest = 1;
    pthread_cond_broadcast(&t->ended);
    pthread_mutex_unlock(&t->lock);
}

void typing_take_opening(void *arg)
{
    struct nmos_typing *t = arg;
    const int is_over = t->has_entered && !typing_intents_are_working(&t->intents);
    if (is_over && t->stop && t->kind == JOB_NONE) {
        typing_finish(t, FAIL(NMOS_E_CANCELLED, "the answer was given up"), &t->result);
    }
    const int rc = typing_act(t);
    if (rc < 0 && t->has_entered) typing_finish(t, rc, &t->result);
    if (rc < 0) t->must_rest = 1;
    if (is_over && t->has_entered) typing_intents_close(&t->intents);
    pthread_cond_broadcast(&t->ended);
}
