/* SPDX-License-Identifier: MIT */
/* Proves that provisional text is what the draft would answer, that it gives way to what the oracle
 * says, and that the oracle's answer is the same whatever is shown meanwhile. argv[1] is the folder
 * of models. The draft is the oracle's own file, so that it guesses right. */
#include <nmos/nmos.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/provisional.h"

#define TEMPLATE_TEXT                                                                              \
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant] "
#define N_TOKENS 40U

static const char *folder;
static struct nmos_model *model;
static struct nmos_session *session;
static struct nmos_scheduler *scheduler;
static struct nmos_template *chat_template;
static const int32_t prompt[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4,
                                 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5, 0, 2, 8, 8, 4, 1, 9, 7};
#define N_PROMPT (sizeof(prompt) / sizeof(prompt[0]))

/* What is guessed, and what was answered. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char guess[8192];
    size_t n_guess;
    size_t n_most; /* of n_guess so far */
    char text[8192];
    size_t len;
    int n_done;
} got = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void take_guess(void *arg, const char *text, size_t len)
{
    (void)arg;
    pthread_mutex_lock(&got.lock);
    memcpy(got.guess, text, len);
    got.n_guess = len;
    if (len > got.n_most) got.n_most = len;
    pthread_cond_signal(&got.changed);
    pthread_mutex_unlock(&got.lock);
}

static int take_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    pthread_mutex_lock(&got.lock);
    memcpy(got.text + got.len, text, len);
    got.len += len;
    pthread_mutex_unlock(&got.lock);
    return 0;
}

static void take_end(void *arg, int status, const struct nmos_generation_result *result)
{
    (void)arg;
    (void)result;
    pthread_mutex_lock(&got.lock);
    got.n_done = status == 0 ? 1 : -1;
    pthread_cond_signal(&got.changed);
    pthread_mutex_unlock(&got.lock);
}

static int open_all(void **state)
{
    char path[4096];
    struct nmos_model_options options = nmos_model_options_default();
    (void)state;
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    options.path = path;
    options.draft_path = path;
    options.ram_bytes = (uint64_t)1 << 30;
    options.ctx = 256;
    options.rows_max = 32;
    options.n_threads = 1;
    return nmos_model_open(&options, &model) || nmos_session_create(model, &session) ||
           nmos_template_create(NULL, TEMPLATE_TEXT, sizeof(TEMPLATE_TEXT) - 1, &chat_template);
}

static int close_all(void **state)
{
    (void)state;
    nmos_session_destroy(&session);
    nmos_template_destroy(&chat_template);
    nmos_model_close(&model);
    return 0;
}

static struct nmos_generation generation(enum nmos_spec spec)
{
    return (struct nmos_generation){.prompt = prompt,
                                    .n_prompt = N_PROMPT,
                                    .n_max = N_TOKENS,
                                    .sampling = nmos_sampling_default(),
                                    .spec = spec,
                                    .on_text = take_text};
}

static void forget(void)
{
    got.n_guess = 0;
    got.n_most = 0;
    got.len = 0;
    got.n_done = 0;
}

/* Until so many bytes are guessed. */
static void wait_guess(size_t n)
{
    pthread_mutex_lock(&got.lock);
    while (got.n_guess < n) pthread_cond_wait(&got.changed, &got.lock);
    pthread_mutex_unlock(&got.lock);
}

static void a_draft_like_the_oracle_guesses_its_answer(void **state)
{
    const struct nmos_generation how = generation(NMOS_SPEC_OFF);
    struct nmos_generation_result result;
    struct provisional *p = NULL;
    struct tokens tokens = {(int32_t *)(uintptr_t)prompt, N_PROMPT};
    (void)state;
    forget();
    assert_int_equal(nmos_session_truncate(session, 0), 0);
    assert_int_equal(nmos_generate(session, &how, &result), 0);
    assert_true(got.len > 20);
    assert_int_equal(provisional_create(session, &how, take_guess, &p), 0);
    provisional_follow(p, &tokens);
    assert_int_equal(got.n_guess, 0); /* nothing is said before Enter */
    provisional_ask(p);
    wait_guess(20);
    assert_memory_equal(got.guess, got.text, 20);
    provisional_verify(p, got.text, 5); /* what the oracle has said is not guessed any more */
    wait_guess(15);
    assert_memory_equal(got.guess, got.text + 5, 15);
    provisional_verify(p, "something else", 14);
    assert_int_equal(got.n_guess, 0);
    tokens.n = 10; /* another prompt */
    provisional_follow(p, &tokens);
    provisional_ask(p);
    wait_guess(1);
    provisional_end(p);
    assert_int_equal(got.n_guess, 0);
    provisional_destroy(&p);
    assert_null(p);
}

/* Asks a question, with guesses shown or not. */
static void answer(const char *question, enum nmos_spec spec, int is_shown)
{
    struct nmos_typing *typing = NULL;
    const struct nmos_typing_options options = {.scheduler = scheduler,
                                                .session = session,
                                                .chat_template = chat_template,
                                                .generation = generation(spec),
                                                .on_provisional = is_shown ? take_guess : NULL,
                                                .anticipation = NMOS_ANTICIPATE_FULL,
                                                .on_done = take_end};
    forget();
    assert_int_equal(nmos_typing_create(model, &options, &typing), 0);
    assert_int_equal(nmos_typing_begin(typing, NULL, 0), 0);
    for (const char *c = question; *c; c++) {
        assert_int_equal(nmos_typing_insert(typing, c, 1), 0);
    }
    assert_int_equal(got.n_most, 0);
    assert_int_equal(nmos_typing_enter(typing), 0);
    pthread_mutex_lock(&got.lock);
    while (got.n_done == 0) pthread_cond_wait(&got.changed, &got.lock);
    pthread_mutex_unlock(&got.lock);
    assert_int_equal(got.n_done, 1);
    assert_int_equal(got.n_guess, 0); /* with the answer's end nothing is provisional any more */
    nmos_typing_destroy(&typing);
}

static void the_oracle_says_the_same_whatever_is_shown(void **state)
{
    static const char *const questions[] = {"what is it", "tell me 12 345 things. ok", "a b c d"};
    static const enum nmos_spec specs[] = {NMOS_SPEC_OFF, NMOS_SPEC_CHAIN, NMOS_SPEC_TREE};
    char expected[8192];
    (void)state;
    assert_int_equal(nmos_scheduler_create(model, &scheduler), 0);
    for (size_t q = 0; q < 3; q++) {
        size_t len = 0;
        for (size_t i = 0; i < 9; i++) {
            assert_int_equal(nmos_session_truncate(session, 0), 0);
            answer(questions[q], specs[i % 3], i > 0);
            if (i == 0) {
                len = got.len;
                memcpy(expected, got.text, len);
            }
            assert_int_equal(got.len, len);
            assert_memory_equal(got.text, expected, len);
        }
    }
    nmos_scheduler_destroy(&scheduler);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_draft_like_the_oracle_guesses_its_answer),
        cmocka_unit_test(the_oracle_says_the_same_whatever_is_shown),
    };
    if (argc < 2) return 1;
    folder = argv[1];
    return cmocka_run_group_tests(tests, open_all, close_all);
}
