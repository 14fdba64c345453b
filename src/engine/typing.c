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
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "engine/model.h"
#include "engine/typed_text.h"
#include "infer/weight_source.h"

#define AHEAD_TOKENS       16U
/* New tokens that make a pass of their own worth while: fewer ride with the branch. */
#define PREFIX_ROWS        64U
#define PREFIX_ROWS_SAVING 16U

enum job_kind { JOB_NONE, JOB_PREFIX, JOB_BRANCH };

struct tokens {
    int32_t *ids; /* owned; nmos_free() */
    size_t n;
};

struct nmos_typing {
    struct nmos_typing_options options;
    struct nmos_model *model;
    uint32_t ctx;
    pthread_mutex_t lock;          /* guards all below; taken before the scheduler's */
    pthread_cond_t ended;          /* a job has ended */
    struct nmos_message *messages; /* [n_messages + 1] owned texts; the last one is being typed */
    size_t n_messages;
    struct typed_text line;
    struct tokens want; /* the prompt of the line */
    int has_begun;
    int has_entered;
    int is_closing;
    int must_rest;      /* work ahead has failed: nothing more before the next event */
    enum job_kind kind; /* of the job at work; JOB_NONE: there is none */
    struct nmos_job *job;
    struct tokens goal; /* of the job, or of the branch that has ended */
    size_t n_new;       /* tokens of it that the session did not have */
    int is_cancelling;
    int has_branch_ended; /* ... by itself, before Enter; `goal` is its prompt */
    struct buf held;      /* its text until Enter */
    uint32_t n_ahead;     /* pieces of text that it had before Enter */
    int is_live;          /* text goes to the caller */
    int stop;             /* what the caller's on_text has returned, or nmos_typing_cancel() */
    int is_calling;       /* on_done is under way */
    struct nmos_generation_result result; /* of the ended branch */
    struct nmos_typing_state state;
};

/* ---- The prompt ---- */

static void set_tokens(struct tokens *tokens, struct tokens from)
{
    nmos_free(tokens->ids);
    *tokens = from;
}

/* The prompt with @p more behind the line. */
static int encode(struct nmos_typing *t, const char *more, struct tokens *ret)
{
    struct buf text = {0};
    char *prompt = NULL;
    size_t len = 0;
    int rc = buf_printf(&text, "%s", t->line.text.data ? t->line.text.data : "");
    if (rc == 0) rc = buf_printf(&text, "%s", more);
    if (rc == 0) rc = buf_reserve(&text, 1);
    if (rc == 0) {
        text.data[text.len] = '\0';
        t->messages[t->n_messages] = (struct nmos_message){"user", text.data};
        rc = nmos_template_render(t->options.chat_template, t->messages, t->n_messages + 1, &prompt,
                                  &len);
    }
    if (rc == 0) {
        rc = nmos_vocab_encode(nmos_model_vocab(t->model), prompt, len, NMOS_ENCODE_SPECIAL,
                               &ret->ids, &ret->n);
    }
    nmos_free(prompt);
    buf_deinit(&text);
    return rc;
}

static size_t common(const struct tokens *a, const struct tokens *b)
{
    size_t n = 0;
    while (n < a->n && n < b->n && a->ids[n] == b->ids[n]) n++;
    return n;
}

static int is_same(const struct tokens *a, const struct tokens *b)
{
    return a->n == b->n && common(a, b) == a->n;
}

/* Tokens of the wanted prompt that stay whatever is typed at its end, as far as a letter, a new
 * word and a digit can tell, and one less. A wrong count costs time, never the text: what a session
 * has is compared with the prompt token by token. */
static size_t count_stable(struct nmos_typing *t)
{
    static const char *const probes[] = {"a", " a", "1"};
    size_t n = t->want.n;
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        struct tokens other = {0};
        if (encode(t, probes[i], &other) < 0) return 0;
        const size_t n_common = common(&t->want, &other);
        if (n_common < n) n = n_common;
        nmos_free(other.ids);
    }
    return n > 0 ? n - 1 : 0;
}

/* ---- Jobs. Under the lock. ---- */

static int take_text(void *arg, const char *text, size_t len);
static void take_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result);

static int submit(struct nmos_typing *t, enum job_kind kind, size_t n_goal)
{
    if (n_goal == 0) return FAIL(NMOS_E_INVALID, "the chat template gives an empty prompt");
    const uint32_t n_same = nmos_session_match(t->options.session, t->want.ids,
                                               kind == JOB_BRANCH ? n_goal - 1 : n_goal);
    struct nmos_job_options job = {.generation = t->options.generation,
                                   .priority =
                                       t->has_entered ? NMOS_PRIORITY_ANSWER : NMOS_PRIORITY_AHEAD,
                                   .ahead_max = t->options.ahead_max,
                                   .on_done = take_end};
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
    set_tokens(&t->goal, goal);
    t->has_branch_ended = 0;
    t->held.len = 0;
    t->n_ahead = 0;
    t->is_live = t->has_entered && kind == JOB_BRANCH;
    t->is_cancelling = 0;
    t->n_new = n_goal - n_same;
    TRY(nmos_job_submit(t->options.scheduler, t->options.session, &job, &t->job));
    t->kind = kind;
    t->state.branches += kind == JOB_BRANCH;
    return 0;
}

/* The branch, running or ended, is that of the wanted prompt. */
static int branch_is_right(const struct nmos_typing *t)
{
    if (t->kind != JOB_BRANCH && !t->has_branch_ended) return 0;
    return !t->is_cancelling && is_same(&t->goal, &t->want);
}

/* What is to be done ahead of need. */
static int submit_ahead(struct nmos_typing *t)
{
    const int saves = t->options.anticipation == NMOS_ANTICIPATE_PREFIX;
    const int is_blank = typed_text_is_blank(&t->line);
    if (t->options.anticipation == NMOS_ANTICIPATE_OFF || t->must_rest) return 0;
    if (t->want.n > t->ctx) return 0; /* Enter will say so */
    const size_t n_read = nmos_session_match(t->options.session, t->want.ids, t->want.n);
    const size_t n_least = is_blank ? 1 : saves ? PREFIX_ROWS_SAVING : PREFIX_ROWS;
    if (t->want.n >= n_read + n_least) {
        const size_t n_stable = count_stable(t);
        if (n_stable >= n_read + n_least) return submit(t, JOB_PREFIX, n_stable);
    }
    return is_blank || saves ? 0 : submit(t, JOB_BRANCH, t->want.n);
}

/* Weights that are to stay in memory are not all there yet. */
static int is_loading(const struct nmos_typing *t)
{
    struct stream_stats stats;
    stream_stats(weight_source_stream(t->model->weights), &stats);
    return stats.pinned_ready < stats.pinned_bytes;
}

/* The job at work is to go on. A pass that loads the weights is worth more than what it carries
 * until Enter comes: begun anew at each keystroke, it would never come to the last layers. */
static int job_is_right(const struct nmos_typing *t)
{
    if (t->is_cancelling || (!t->has_entered && is_loading(t))) return 1;
    const int saves = t->options.anticipation == NMOS_ANTICIPATE_PREFIX;
    const int is_small = t->n_new < PREFIX_ROWS && !typed_text_is_blank(&t->line) && !saves;
    return t->kind == JOB_PREFIX && common(&t->goal, &t->want) == t->goal.n &&
           !(is_small || (t->has_entered && t->n_new < PREFIX_ROWS));
}

/* Starts what the wanted prompt needs, or gives up what it does not. */
static int act(struct nmos_typing *t)
{
    if (!t->has_begun || t->is_closing || branch_is_right(t)) return 0;
    if (t->kind == JOB_NONE) {
        return t->has_entered ? submit(t, JOB_BRANCH, t->want.n) : submit_ahead(t);
    }
    if (job_is_right(t)) {
        if (t->has_entered && !t->is_cancelling) nmos_job_promote(t->job);
        return 0;
    }
    t->is_cancelling = 1;
    t->state.given_up += t->kind == JOB_BRANCH;
    nmos_job_cancel(t->job);
    return 0;
}

/* ---- What comes from the scheduler's thread ---- */

static int deliver(struct nmos_typing *t, const char *text, size_t len)
{
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
    } else if (!t->is_cancelling) {
        t->n_ahead++;
        rc = buf_append(&t->held, text, len);
        if (rc == 0) rc = act(t); /* it may have gone on while weights were loaded only */
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
    pthread_mutex_unlock(&t->lock);
    if (t->options.on_done) t->options.on_done(t->options.generation.arg, status, result);
    pthread_mutex_lock(&t->lock);
    t->is_calling = 0;
}

static void take_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result)
{
    struct nmos_typing *t = arg;
    (void)job;
    pthread_mutex_lock(&t->lock);
    const enum job_kind kind = t->kind;
    const int was_live = t->is_live;
    nmos_job_release(&t->job);
    t->kind = JOB_NONE;
    if (was_live) {
        finish(t, status, result);
    } else if (t->has_entered && t->stop) {
        finish(t, FAIL(NMOS_E_CANCELLED, "the answer was given up"), result);
    } else if (kind == JOB_BRANCH && status == 0 && !t->is_cancelling) {
        t->has_branch_ended = 1; /* the whole answer is there before Enter */
        t->result = *result;
    } else if (status < 0 && !t->is_cancelling) {
        t->must_rest = 1;
    }
    t->is_cancelling = 0;
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
    if (t->options.anticipation == NMOS_ANTICIPATE_OFF) return;
    if (encode(t, "", &want) < 0) return;
    set_tokens(&t->want, want);
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

/* Under the lock. */
static int enter(struct nmos_typing *t)
{
    struct tokens want = {0};
    TRY(encode(t, "", &want));
    set_tokens(&t->want, want);
    if (want.n > t->ctx) {
        return FAIL(NMOS_E_LIMIT,
                    "the conversation has %zu tokens, the context %u positions; a larger --ctx "
                    "makes room",
                    want.n, t->ctx);
    }
    const int is_right = branch_is_right(t);
    t->stop = 0;
    t->state.entered_ready = nmos_session_match(t->options.session, want.ids, want.n);
    t->state.branch_submitted = is_right;
    t->state.branch_hit = is_right && (t->n_ahead > 0 || t->has_branch_ended);
    t->has_entered = 1;
    if (!is_right) return act(t);
    t->is_live = t->kind == JOB_BRANCH;
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
    state->ahead_tokens = branch_is_right(typing) ? typing->n_ahead : 0;
    state->text_bytes = typing->line.text.len;
    *ret_state = *state;
    pthread_mutex_unlock(&typing->lock);
}

/* ---- Beginning and end ---- */

static void free_messages(struct nmos_typing *t)
{
    for (size_t i = 0; i < t->n_messages; i++) {
        mem_free((void *)(uintptr_t)t->messages[i].role);
        mem_free((void *)(uintptr_t)t->messages[i].content);
    }
    mem_free(t->messages);
    t->messages = NULL;
    t->n_messages = 0;
}

static int copy_messages(struct nmos_typing *t, const struct nmos_message *messages, size_t n)
{
    free_messages(t);
    t->messages = mem_calloc(MEM_GENERAL, n + 1, sizeof(t->messages[0]));
    if (!t->messages) return NMOS_E_NOMEM;
    t->n_messages = n;
    for (size_t i = 0; i < n; i++) {
        const char *role = messages[i].role;
        const char *content = messages[i].content;
        t->messages[i].role = mem_strndup(MEM_GENERAL, role, strlen(role));
        t->messages[i].content = mem_strndup(MEM_GENERAL, content, strlen(content));
        if (!t->messages[i].role || !t->messages[i].content) return NMOS_E_NOMEM;
    }
    return 0;
}

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
    const int rc = copy_messages(typing, messages, n_messages);
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
    t->model = model;
    t->ctx = info.ctx;
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
    pthread_cond_destroy(&t->ended);
    pthread_mutex_destroy(&t->lock);
    free_messages(t);
    buf_deinit(&t->line.text);
    buf_deinit(&t->held);
    nmos_free(t->want.ids);
    nmos_free(t->goal.ids);
    mem_free(t);
    *typing = NULL;
}
