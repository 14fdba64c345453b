/* SPDX-License-Identifier: MIT */
/* What the tests of typing sessions share: a small model with a session, a scheduler and a
 * template, and what came of an answer. */
#ifndef NMOS_TESTS_TYPING_FIXTURE_H
#define NMOS_TESTS_TYPING_FIXTURE_H

#include <nmos/nmos.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TEMPLATE_TEXT                                                                              \
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant] "
#define N_TOKENS 12U

static const char *folder; /* of models */
static struct nmos_model *model;
static struct nmos_session *session;
static struct nmos_scheduler *scheduler;
static struct nmos_template *chat_template;

/* What came of an answer. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    char text[4096];
    size_t len;
    int n_done;
    int status;
    int stop_at; /* bytes after which on_text asks to stop; 0: never */
} got = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

static void expect_nothing_yet(void)
{
    got.len = 0;
    got.text[0] = '\0';
    got.n_done = 0;
    got.stop_at = 0;
}

static int take_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    pthread_mutex_lock(&got.lock);
    assert_true(len < sizeof(got.text) - got.len);
    memcpy(got.text + got.len, text, len);
    got.len += len;
    got.text[got.len] = '\0';
    const int stop = got.stop_at && got.len >= (size_t)got.stop_at;
    pthread_mutex_unlock(&got.lock);
    return stop;
}

static void take_end(void *arg, int status, const struct nmos_generation_result *result)
{
    (void)arg;
    (void)result;
    pthread_mutex_lock(&got.lock);
    got.n_done++;
    got.status = status;
    pthread_cond_signal(&got.ended);
    pthread_mutex_unlock(&got.lock);
}

static void wait_end(void)
{
    pthread_mutex_lock(&got.lock);
    while (got.n_done == 0) pthread_cond_wait(&got.ended, &got.lock);
    pthread_mutex_unlock(&got.lock);
    assert_int_equal(got.n_done, 1);
}

static void expect_answer(const char *expected)
{
    wait_end();
    assert_int_equal(got.status, 0);
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.text, expected, got.len);
}

/* Opens all, a conversation of @p ctx positions; @p n_aside more sessions may exist. */
static int open_fixture(uint32_t ctx, uint32_t n_aside)
{
    char path[4096];
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    options.path = path;
    options.ram_bytes = (uint64_t)1 << 30;
    options.ctx = ctx;
    options.rows_max = 32;
    options.n_threads = 1;
    options.sessions_max = 1 + n_aside;
    options.sessions_aside = n_aside;
    return nmos_model_open(&options, &model) || nmos_session_create(model, &session) ||
           nmos_scheduler_create(model, &scheduler) ||
           nmos_template_create(NULL, TEMPLATE_TEXT, sizeof(TEMPLATE_TEXT) - 1, &chat_template);
}

static int close_all(void **state)
{
    (void)state;
    nmos_scheduler_destroy(&scheduler);
    nmos_session_destroy(&session);
    nmos_template_destroy(&chat_template);
    nmos_model_close(&model);
    return 0;
}

static struct nmos_typing_state state_of(struct nmos_typing *typing)
{
    struct nmos_typing_state state;
    nmos_typing_get_state(typing, &state);
    return state;
}

static void insert(struct nmos_typing *typing, const char *text)
{
    assert_int_equal(nmos_typing_insert(typing, text, strlen(text)), 0);
}

static void nap(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    (void)nanosleep(&moment, NULL);
}

#endif
