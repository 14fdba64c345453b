/* SPDX-License-Identifier: MIT */
/*
 * Typing sessions of the public API.
 *
 * There is at most one job at a time, for one of two things: the stable prefix, tokens that no
 * further typing at the end can change, or the branch, the whole prompt and the beginning of its
 * answer. Each event makes the wanted prompt anew. A job that is still right for it goes on; one
 * that is not is cancelled, and when it has ended the session is cut to what prompt and session
 * have in common, and the next job is submitted from there. Nothing is undone that is still right,
 * and no event waits for a pass.
 */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/provisional.h"
#include "engine/scheduler.h"
#include "engine/typed_prompt.h"
#include "engine/typing_pace.h"

#define AHEAD_TOKENS 16U
#define IDLE_MS      30000U

enum job_kind { JOB_NONE, JOB_PREFIX, JOB_BRANCH };

/* What the job at work is to do. A job that is not kept has a text that is not wanted any more. */
enum job_fate { JOB_KEPT, JOB_FINISHES, JOB_CANCELLED };

struct nmos_typing {
    struct nmos_typing_options options;
    struct nmos_model *model;
    uint32_t ctx;
    uint32_t rows_max;
    uint64_t streamed_bytes; /* of a pass */
    pthread_mutex_t lock;    /* guards all below; taken before the scheduler's */
    pthread_cond_t ended;    /* a job has ended */
    struct typed_prompt prompt;
    struct typed_text line;
    struct typing_rhythm rhythm;
    struct provisional *provisional; /* NULL: none is wanted, or there is no draft */
    uint64_t event_ns;               /* of the last one; 0: none since the beginning */
    struct tokens want;              /* the prompt of the line */
    int has_begun;
    int has_entered;
    int is_closing;
    int must_rest;      /* work ahead has failed: nothing more before the next event */
    enum job_kind kind; /* of the job at work; JOB_NONE: there is none */
    struct nmos_job *job;
    struct tokens goal;   /* of the job, or of the branch that has ended */
    size_t n_new;         /* tokens of it that the session did not have */
    enum job_fate fate;   /* of the job at work */
    int has_branch_ended; /* ... by itself, before Enter; `goal` is its prompt */
    struct buf held;      /* its text until Enter */
    uint32_t n_ahead;     /* pieces of text that it had before Enter */
    int is_live;          /* text goes to the caller */
    int stop;             /* what the caller's on_text has returned, or nmos_typing_cancel() */
    int is_calling;       /* on_done is under way */
    struct nmos_generation_result result; /* of the ended branch */
    struct nmos_typing_state state;
};

/* ---- Jobs. Under the lock. ---- */

static int take_text(void *arg, const char *text, size_t len);
static void take_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result);

static uint32_t milliseconds(double seconds)
{
    return seconds > 0 ? (uint32_t)(seconds * 1e3) : 0;
}

static double seconds_since(uint64_t ns)
{
    return (double)(clock_ns() - ns) * 1e-9;
}

/* Milliseconds until nothing more is computed; 0: nobody has typed for that long. */
static uint32_t rest_in_ms(const struct nmos_typing *t)
{
    const double left = (double)t->options.idle_ms - seconds_since(t->event_ns) * 1e3;
    return left > 0 ? (uint32_t)ceil(left) : 0;
}

/* How a job is to be run: ahead of need it waits for the weights that stay, so that the disk reads
 * these and nothing twice, and until @p hold_s after the last key. */
static struct nmos_job_options job_options(const struct nmos_typing *t, double hold_s)
{
    const int streams = t->streamed_bytes > 0;
    const uint32_t rest_ms = rest_in_ms(t);
    return (struct nmos_job_options){.generation = t->options.generation,
                                     .priority = t->has_entered ? NMOS_PRIORITY_ANSWER
                                                                : NMOS_PRIORITY_AHEAD,
                                     .ahead_max = t->options.ahead_max,
                                     .delay_ms = milliseconds(hold_s - seconds_since(t->event_ns)),
                                     .after_loading = streams,
                                     .rest_ms = rest_ms ? rest_ms : 1, /* 0 would be never */
                                     .on_done = take_end};
}

static int submit(struct nmos_typing *t, enum job_kind kind, size_t n_goal, double hold_s)
{
    if (n_goal == 0) return FAIL(NMOS_E_INVALID, "the chat template gives an empty prompt");
    const uint32_t n_same = nmos_session_match(t->options.session, t->want.ids,
                                               kind == JOB_BRANCH ? n_goal - 1 : n_goal);
    struct nmos_job_options job = job_options(t, hold_s);
    if (n_same == n_goal) return 0; /* all is read */
    TRY(nmos_session_truncate(t->options.session, n_same));
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
    TRY(nmos_job_submit(t->options.scheduler, t->options.session, &job, &t->job));
    t->kind = kind;
    return 0;
}

/* The branch, running or ended, has the wanted prompt. */
static int branch_fits(const struct nmos_typing *t)
{
    if (t->kind != JOB_BRANCH && !t->has_branch_ended) return 0;
    return t->fate != JOB_CANCELLED && tokens_are_same(&t->goal, &t->want);
}

/* It has begun: the first pass of the branch runs, or has run. */
static int has_job_begun(const struct nmos_typing *t)
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

/* What is to be done ahead of need. */
static int submit_ahead(struct nmos_typing *t)
{
    if (t->options.anticipation == NMOS_ANTICIPATE_OFF || t->must_rest) return 0;
    if (rest_in_ms(t) == 0) return 0; /* a job that was given up has ended only now */
    if (t->want.n > t->ctx) return 0; /* Enter will say so */
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

static void set_fate(struct nmos_typing *t, enum job_fate fate)
{
    if (t->fate == JOB_CANCELLED || t->fate == fate) return;
    t->fate = fate;
    if (fate == JOB_CANCELLED) {
        nmos_job_cancel(t->job);
    } else {
        scheduler_job_end_with_prompt(t->job, fate == JOB_FINISHES);
    }
}

/* Starts what the wanted prompt needs, or gives up what it does not. */
static int act(struct nmos_typing *t)
{
    if (!t->has_begun || t->is_closing) return 0;
    if (t->kind == JOB_NONE) {
        if (branch_fits(t)) return 0;
        return t->has_entered ? submit(t, JOB_BRANCH, t->want.n, 0) : submit_ahead(t);
    }
    const int is_right = branch_fits(t) || prefix_fits(t);
    set_fate(t, is_right ? JOB_KEPT : should_finish(t) ? JOB_FINISHES : JOB_CANCELLED);
    if (t->fate == JOB_CANCELLED) return 0;
    if (t->has_entered) {
        nmos_job_promote(t->job);
    } else {
        scheduler_job_rest(t->job, t->options.idle_ms);
    }
    return 0;
}

/* ---- What comes from the scheduler's thread ---- */

static int deliver(struct nmos_typing *t, const char *text, size_t len)
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
        rc = deliver(t, text, len);
    } else if (t->fate != JOB_CANCELLED) {
        t->n_ahead++;
        rc = buf_append(&t->held, text, len);
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

static void finish(struct nmos_typing *t, int status, const struct nmos_generation_result *result)
{
    t->has_entered = 0;
    t->has_begun = 0;
    t->is_live = 0;
    t->has_branch_ended = 0;
    t->is_calling = 1;
    provisional_end(t->provisional);
    pthread_mutex_unlock(&t->lock);
    if (t->options.on_done) t->options.on_done(t->options.generation.arg, status, result);
    pthread_mutex_lock(&t->lock);
    t->is_calling = 0;
}

/* The job at work ends. */
static void count_branch(struct nmos_typing *t, int is_given_up)
{
    if (t->kind != JOB_BRANCH || !has_job_begun(t)) return;
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
        finish(t, status, result);
    } else if (t->has_entered && t->stop) {
        finish(t, FAIL(NMOS_E_CANCELLED, "the answer was given up"), result);
    } else if (kind == JOB_BRANCH && status == 0 && fate == JOB_KEPT) {
        t->has_branch_ended = 1; /* the whole answer is there before Enter */
        t->result = *result;
    } else if (status < 0 && fate == JOB_KEPT) {
        t->must_rest = 1;
    }
    t->fate = JOB_KEPT;
    const int rc = act(t);
    if (rc < 0 && t->has_entered) finish(t, rc, result);
    if (rc < 0) t->must_rest = 1;
    pthread_cond_broadcast(&t->ended);
    pthread_mutex_unlock(&t->lock);
}

/* ---- Events ---- */

/* The line has changed: what is wanted now. Failures show at Enter. */
static void change(struct nmos_typing *t)
{
    struct tokens want = {0};
    t->must_rest = 0;
    t->event_ns = clock_ns();
    if (t->options.anticipation == NMOS_ANTICIPATE_OFF) return;
    if (typed_prompt_encode(&t->prompt, &t->line, "", &want) < 0) return;
    tokens_set(&t->want, want);
    provisional_follow(t->provisional, &t->want);
    if (act(t) < 0) t->must_rest = 1;
}

static int begin_event(struct nmos_typing *t)
{
    pthread_mutex_lock(&t->lock);
    if (t->has_begun && !t->has_entered) return 0;
    pthread_mutex_unlock(&t->lock);
    return FAIL(NMOS_E_BUSY, "nothing can be typed now: an answer runs, or none was begun");
}

static int end_event(struct nmos_typing *t, int rc)
{
    typing_rhythm_learn(&t->rhythm, seconds_since(t->event_ns));
    if (rc == 0) change(t);
    pthread_mutex_unlock(&t->lock);
    return rc;
}

int nmos_typing_insert(struct nmos_typing *typing, const char *text, size_t len)
{
    TRY(begin_event(typing));
    return end_event(typing, typed_text_insert(&typing->line, text, len));
}

int nmos_typing_delete(struct nmos_typing *typing, size_t n)
{
    TRY(begin_event(typing));
    typed_text_delete(&typing->line, n);
    return end_event(typing, 0);
}

int nmos_typing_move(struct nmos_typing *typing, size_t pos)
{
    TRY(begin_event(typing));
    typed_text_move(&typing->line, pos);
    pthread_mutex_unlock(&typing->lock);
    return 0;
}

static void empty_line(struct nmos_typing *t)
{
    typed_text_move(&t->line, SIZE_MAX);
    typed_text_delete(&t->line, SIZE_MAX);
}

int nmos_typing_replace(struct nmos_typing *typing, const char *text, size_t len)
{
    TRY(begin_event(typing));
    empty_line(typing);
    return end_event(typing, typed_text_insert(&typing->line, text, len));
}

int nmos_typing_text(struct nmos_typing *typing, char **ret_text, size_t *ret_len)
{
    pthread_mutex_lock(&typing->lock);
    const struct buf *line = &typing->line.text;
    *ret_len = line->len;
    *ret_text = mem_strndup(MEM_GENERAL, line->data ? line->data : "", line->len);
    pthread_mutex_unlock(&typing->lock);
    return *ret_text ? 0 : NMOS_E_NOMEM;
}

/* For as long as the oracle has nothing to say. */
static void ask_draft(struct nmos_typing *t)
{
    if (t->options.anticipation == NMOS_ANTICIPATE_OFF) {
        provisional_follow(t->provisional, &t->want);
    }
    provisional_ask(t->provisional);
}

/* Under the lock. */
static int enter(struct nmos_typing *t)
{
    struct tokens want = {0};
    TRY(typed_prompt_encode(&t->prompt, &t->line, "", &want));
    tokens_set(&t->want, want);
    if (want.n > t->ctx) {
        return FAIL(NMOS_E_LIMIT,
                    "the conversation has %zu tokens, the context %u positions; a larger --ctx "
                    "makes room",
                    want.n, t->ctx);
    }
    const int is_right = branch_fits(t);
    t->stop = 0;
    t->state.entered_ready = nmos_session_match(t->options.session, want.ids, want.n);
    t->state.branch_submitted = is_right && (t->has_branch_ended || has_job_begun(t));
    t->state.branch_hit = is_right && (t->n_ahead > 0 || t->has_branch_ended);
    t->has_entered = 1;
    if (!is_right || t->held.len == 0) ask_draft(t);
    if (!is_right) return act(t);
    t->is_live = t->kind == JOB_BRANCH;
    if (t->is_live) set_fate(t, JOB_KEPT);
    const int stop = deliver(t, t->held.data, t->held.len);
    if (!t->is_live) {
        finish(t, stop < 0 ? stop : 0, &t->result);
    } else if (stop == 0) {
        nmos_job_promote(t->job);
    } else {
        nmos_job_cancel(t->job);
    }
    return 0;
}

int nmos_typing_enter(struct nmos_typing *typing)
{
    TRY(begin_event(typing));
    const int rc = enter(typing);
    if (rc < 0) typing->has_entered = 0;
    pthread_mutex_unlock(&typing->lock);
    return rc;
}

void nmos_typing_cancel(struct nmos_typing *typing)
{
    pthread_mutex_lock(&typing->lock);
    if (!typing->has_entered) {
        empty_line(typing);
        if (typing->has_begun) change(typing);
    } else if (typing->kind != JOB_NONE) {
        /* Also where the answer waits for another job's end: that one's end begins it then. */
        typing->stop = 1;
        nmos_job_cancel(typing->job);
    }
    pthread_mutex_unlock(&typing->lock);
}

void nmos_typing_get_state(struct nmos_typing *typing, struct nmos_typing_state *ret_state)
{
    pthread_mutex_lock(&typing->lock);
    struct nmos_typing_state *state = &typing->state;
    state->has_entered = typing->has_entered;
    state->is_working = typing->kind != JOB_NONE;
    state->prompt_tokens = (uint32_t)typing->want.n;
    state->ready_tokens =
        nmos_session_match(typing->options.session, typing->want.ids, typing->want.n);
    state->ahead_tokens = branch_fits(typing) ? typing->n_ahead : 0;
    state->text_bytes = typing->line.text.len;
    state->is_idle = typing->has_begun && !typing->has_entered &&
                     seconds_since(typing->event_ns) * 1e3 >= typing->options.idle_ms &&
                     (typing->kind == JOB_NONE || scheduler_job_rests(typing->job));
    *ret_state = *state;
    pthread_mutex_unlock(&typing->lock);
}

/* ---- Beginning and end ---- */

int nmos_typing_begin(struct nmos_typing *typing, const struct nmos_message *messages,
                      size_t n_messages)
{
    pthread_mutex_lock(&typing->lock);
    if (typing->has_entered) {
        pthread_mutex_unlock(&typing->lock);
        return FAIL(NMOS_E_BUSY, "an answer runs");
    }
    empty_line(typing);
    typing->has_begun = 0;
    const int rc = typed_prompt_set_messages(&typing->prompt, messages, n_messages);
    if (rc == 0) {
        typing->has_begun = 1;
        change(typing);
    }
    pthread_mutex_unlock(&typing->lock);
    return rc;
}

int nmos_typing_create(struct nmos_model *model, const struct nmos_typing_options *options,
                       struct nmos_typing **ret_typing)
{
    if (!options->scheduler || !options->session || !options->chat_template ||
        !options->generation.on_text) {
        return FAIL(NMOS_E_INVALID, "typing needs a scheduler, a session, a template and on_text");
    }
    struct nmos_model_info info;
    struct nmos_typing *t = mem_calloc(MEM_GENERAL, 1, sizeof(*t));
    if (!t) return NMOS_E_NOMEM;
    nmos_model_get_info(model, &info);
    t->options = *options;
    if (t->options.ahead_max == 0) t->options.ahead_max = AHEAD_TOKENS;
    if (t->options.idle_ms == 0) t->options.idle_ms = IDLE_MS;
    t->prompt.chat_template = options->chat_template;
    t->prompt.vocab = nmos_model_vocab(model);
    typing_rhythm_init(&t->rhythm);
    t->model = model;
    t->ctx = info.ctx;
    t->rows_max = info.rows_max;
    t->streamed_bytes = info.streamed_bytes;
    if (options->on_provisional && model->draft) {
        const int rc = provisional_create(options->session, &options->generation,
                                          options->on_provisional, &t->provisional);
        if (rc < 0) {
            mem_free(t);
            return rc;
        }
    }
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->ended, NULL);
    *ret_typing = t;
    return 0;
}

void nmos_typing_destroy(struct nmos_typing **typing)
{
    if (!typing || !*typing) return;
    struct nmos_typing *t = *typing;
    pthread_mutex_lock(&t->lock);
    t->is_closing = 1;
    if (t->kind != JOB_NONE) nmos_job_cancel(t->job);
    while (t->kind != JOB_NONE || t->is_calling) pthread_cond_wait(&t->ended, &t->lock);
    pthread_mutex_unlock(&t->lock);
    provisional_destroy(&t->provisional);
    pthread_cond_destroy(&t->ended);
    pthread_mutex_destroy(&t->lock);
    typed_prompt_deinit(&t->prompt);
    buf_deinit(&t->line.text);
    buf_deinit(&t->held);
    nmos_free(t->want.ids);
    nmos_free(t->goal.ids);
    mem_free(t);
    *typing = NULL;
}
