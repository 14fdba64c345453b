/* SPDX-License-Identifier: MIT */
/* A typing session of a test: a line goes in, its answer comes out. */
#ifndef NMOS_TESTS_TYPIST_FIXTURE_H
#define NMOS_TESTS_TYPIST_FIXTURE_H

#include <nmos/nmos.h>
#include <pthread.h>
#include <time.h>

#include <cmocka.h>

#include "answer_fixture.h"
#include "engine/scheduler.h"

#define TEMPLATE "{% for m in messages %}{{ m.content }}\n{% endfor %}"

struct typist {
    struct nmos_session *session;
    struct nmos_scheduler *scheduler;
    struct nmos_template *chat_template;
    struct nmos_intent_use uses[2];
    struct nmos_typing *typing;
    struct answer answer;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int has_ended;
};

static void nap(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    (void)nanosleep(&moment, NULL);
}

static void wait_while_reading_ahead(struct nmos_scheduler *scheduler)
{
    for (int is_reading = 1; is_reading; nap()) {
        pthread_mutex_lock(&scheduler->lock);
        is_reading = scheduler->has_expectation || scheduler->reads_ahead;
        pthread_mutex_unlock(&scheduler->lock);
    }
}

/* As on_text of a generation whose text does not matter. */
static int take_nothing(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
    return 0;
}

static int take_typed_text(void *arg, const char *text, size_t len)
{
    struct typist *typist = arg;
    return take_text(&typist->answer, text, len);
}

static void take_end(void *arg, int status, const struct nmos_generation_result *result)
{
    struct typist *typist = arg;
    (void)result;
    assert_int_equal(status, 0);
    pthread_mutex_lock(&typist->lock);
    typist->has_ended = 1;
    pthread_cond_signal(&typist->ended);
    pthread_mutex_unlock(&typist->lock);
}

/* With two intents, and answers of @p n_max tokens; a question has begun. */
static void begin_typing(struct typist *typist, struct nmos_model *model, uint32_t n_max,
                         enum nmos_anticipation anticipation, struct nmos_memory *memory)
{
    *typist = (struct typist){
        .uses = {{.sampling = nmos_sampling_default()}, {.sampling = nmos_sampling_default()}},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .ended = PTHREAD_COND_INITIALIZER};
    assert_int_equal(nmos_session_create(model, &typist->session), 0);
    assert_int_equal(nmos_scheduler_create(model, &typist->scheduler), 0);
    assert_int_equal(
        nmos_template_create(NULL, TEMPLATE, sizeof(TEMPLATE) - 1, &typist->chat_template), 0);
    const struct nmos_typing_options options = {
        .scheduler = typist->scheduler,
        .session = typist->session,
        .chat_template = typist->chat_template,
        .generation = {.n_max = n_max, .on_text = take_typed_text, .arg = typist},
        .intents = typist->uses,
        .n_intents = 2,
        .memory = memory,
        .anticipation = anticipation,
        .on_done = take_end};
    assert_int_equal(nmos_typing_create(model, &options, &typist->typing), 0);
    assert_int_equal(nmos_typing_begin(typist->typing, NULL, 0), 0);
}

static void enter_and_wait(struct typist *typist)
{
    assert_int_equal(nmos_typing_enter(typist->typing), 0);
    pthread_mutex_lock(&typist->lock);
    while (!typist->has_ended) pthread_cond_wait(&typist->ended, &typist->lock);
    pthread_mutex_unlock(&typist->lock);
}

static void end_typing(struct typist *typist)
{
    nmos_typing_destroy(&typist->typing);
    nmos_scheduler_destroy(&typist->scheduler);
    nmos_session_destroy(&typist->session);
    nmos_template_destroy(&typist->chat_template);
}

#endif
