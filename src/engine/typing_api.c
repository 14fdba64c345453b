/* SPDX-License-Identifier: MIT */
/* Typing sessions as other threads see them: keystrokes, Enter, beginning and end. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/scheduler.h"
#include "engine/typing.h"

#define AHEAD_TOKENS 16U
#define IDLE_MS      30000U

/* ---- Events ---- */

static struct str line_of(const struct nmos_typing *t)
{
    return (struct str){t->line.text.data, t->line.text.len};
}

/* The line has changed, or what is expected of it: what is wanted now. Failures show at Enter. */
static void change(struct nmos_typing *t)
{
    struct tokens want = {0};
    t->must_rest = 0;
    if (t->options.anticipation == NMOS_ANTICIPATE_OFF) return;
    t->prompt.system = typing_intents_system(&t->intents);
    if (typed_prompt_encode(&t->prompt, &t->line, "", &want) < 0) return;
    tokens_set(&t->want, want);
    provisional_follow(t->provisional, &t->want);
    if (typing_act(t) < 0) t->must_rest = 1;
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
    typing_rhythm_learn(&t->rhythm, typing_quiet_s(t));
    t->event_ns = clock_ns();
    if (rc == 0) typing_experts_follow(&t->experts, line_of(t));
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

/* Experts of likely intents are read ahead; to save power, those of the likeliest one. */
static void expect_experts(struct nmos_typing *t)
{
    const struct typing_intents *intents = &t->intents;
    double p[NMOS_MODEL_INTENTS_MAX] = {0};
    for (size_t i = 0; i < intents->n && i < t->model->n_intents; i++) {
        const int counts = t->options.anticipation == NMOS_ANTICIPATE_FULL;
        if (counts || i == intents->likeliest) p[i] = intents->p[i];
    }
    typing_experts_expect(&t->experts, p);
}

void nmos_typing_expect(struct nmos_typing *typing, const double *p)
{
    pthread_mutex_lock(&typing->lock);
    const size_t before = typing->intents.likeliest;
    if (!typing->has_entered) {
        typing_intents_expect(&typing->intents, p);
        expect_experts(typing);
    }
    if (typing->has_begun && typing->intents.likeliest != before) change(typing);
    pthread_mutex_unlock(&typing->lock);
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

/* Tokens of the wanted prompt that are read, in the conversation's session or as an opening. */
static uint32_t count_ready(const struct nmos_typing *t)
{
    const uint32_t n = nmos_session_match(t->options.session, t->want.ids, t->want.n);
    const uint32_t n_opening = typing_intents_match(&t->intents, &t->want);
    return n > n_opening ? n : n_opening;
}

/* Under the lock. */
static int enter(struct nmos_typing *t)
{
    struct tokens want = {0};
    t->prompt.system = typing_intents_system(&t->intents);
    TRY(typed_prompt_encode(&t->prompt, &t->line, "", &want));
    tokens_set(&t->want, want);
    if (want.n > t->ctx) {
        return FAIL(NMOS_E_LIMIT,
                    "the conversation has %zu tokens, the context %u positions; a larger --ctx "
                    "makes room",
                    want.n, t->ctx);
    }
    const int is_right = typing_branch_fits(t);
    t->stop = 0;
    t->state.entered_ready = count_ready(t);
    t->state.entered_openings = typing_intents_ready(&t->intents);
    t->state.branch_submitted = is_right && (t->has_branch_ended || typing_job_has_begun(t));
    t->state.branch_hit = is_right && (t->n_ahead > 0 || t->has_branch_ended);
    t->has_entered = 1;
    t->result = t->has_branch_ended ? t->result : (struct nmos_generation_result){0};
    typing_intents_stop(&t->intents);
    if (!is_right || t->held.len == 0) ask_draft(t);
    if (!is_right) return typing_act(t);
    if (!typing_intents_are_working(&t->intents)) typing_intents_close(&t->intents);
    t->is_live = t->kind == JOB_BRANCH;
    if (t->is_live) typing_set_fate(t, JOB_KEPT);
    const int stop = typing_deliver(t, t->held.data, t->held.len);
    if (!t->is_live) {
        typing_finish(t, stop < 0 ? stop : 0, &t->result);
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
        typing->event_ns = clock_ns();
        if (typing->has_begun) change(typing);
    } else {
        /* Also where the answer waits for another job's end: that one's end ends it then. */
        typing->stop = 1;
        if (typing->kind != JOB_NONE) nmos_job_cancel(typing->job);
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
    state->ready_tokens = count_ready(typing);
    state->ahead_tokens = typing_branch_fits(typing) ? typing->n_ahead : 0;
    state->text_bytes = typing->line.text.len;
    state->intent = (uint32_t)typing->intents.likeliest;
    state->opening_tokens = typing_intents_length(&typing->intents);
    state->openings_ready = typing_intents_ready(&typing->intents);
    state->experts_known = typing->experts.likely.n;
    state->is_idle = typing->has_begun && !typing->has_entered &&
                     typing_quiet_s(typing) * 1e3 >= typing->options.idle_ms &&
                     (typing->kind == JOB_NONE || scheduler_job_rests(typing->job)) &&
                     typing_intents_rest(&typing->intents);
    *ret_state = *state;
    pthread_mutex_unlock(&typing->lock);
}

/* ---- Beginning and end ---- */

static int begin_intents(struct nmos_typing *t, int is_open)
{
    const struct openings_config openings = {.model = t->model,
                                             .scheduler = t->options.scheduler,
                                             .prompt = &t->prompt,
                                             .lock = &t->lock,
                                             .on_end = typing_take_opening,
                                             .arg = t};
    typing_intents_stop(&t->intents);
    while (typing_intents_are_working(&t->intents)) pthread_cond_wait(&t->ended, &t->lock);
    const int is_ahead = t->options.anticipation != NMOS_ANTICIPATE_OFF;
    return typing_intents_begin(&t->intents, is_open, is_ahead ? &openings : NULL);
}

int nmos_typing_begin(struct nmos_typing *typing, const struct nmos_message *messages,
                      size_t n_messages)
{
    pthread_mutex_lock(&typing->lock);
    if (typing->has_entered) {
        pthread_mutex_unlock(&typing->lock);
        return FAIL(NMOS_E_BUSY, "an answer runs");
    }
    typing_experts_keep(&typing->experts, line_of(typing));
    typing_experts_begin(&typing->experts);
    empty_line(typing);
    typing->has_begun = 0;
    int rc = typed_prompt_set_messages(&typing->prompt, messages, n_messages);
    if (rc == 0) rc = begin_intents(typing, n_messages == 0);
    if (rc == 0) {
        typing->has_begun = 1;
        typing->event_ns = clock_ns();
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
    int rc = typing_intents_init(&t->intents, options);
    if (rc == 0) rc = typing_experts_init(&t->experts, model, options);
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
    if (rc == 0 && options->on_provisional && model->draft) {
        rc = provisional_create(options->session, &options->generation, options->on_provisional,
                                &t->provisional);
    }
    if (rc < 0) {
        typing_experts_deinit(&t->experts);
        mem_free(t);
        return rc;
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
    typing_intents_stop(&t->intents);
    while (t->kind != JOB_NONE || t->is_calling || typing_intents_are_working(&t->intents)) {
        pthread_cond_wait(&t->ended, &t->lock);
    }
    typing_experts_keep(&t->experts, line_of(t));
    pthread_mutex_unlock(&t->lock);
    typing_experts_deinit(&t->experts);
    typing_intents_deinit(&t->intents);
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
