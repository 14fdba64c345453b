/* SPDX-License-Identifier: MIT */
/* Proves that a generation goes on where its session stands, and ends where the context does.
 * argv[1] is the folder of models. */
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CTX      96U
#define N_PROMPT 40U

static const char *folder;

struct shown {
    char text[4096];
    size_t len;
};

static int open_model(void **state)
{
    char path[4096];
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    options.path = path;
    options.ctx = CTX;
    options.ram_bytes = (uint64_t)1 << 30;
    options.n_threads = 1;
    if (nmos_model_open(&options, &model) < 0) return -1;
    *state = model;
    return 0;
}

static int close_model(void **state)
{
    struct nmos_model *model = *state;
    nmos_model_close(&model);
    return 0;
}

static int append_text(void *arg, const char *text, size_t len)
{
    struct shown *shown = arg;
    assert_true(len <= sizeof(shown->text) - shown->len);
    memcpy(shown->text + shown->len, text, len);
    shown->len += len;
    return 0;
}

static struct nmos_generation_result generate(struct nmos_session *session, const int32_t *prompt,
                                              size_t n_prompt, uint32_t n_max, struct shown *shown)
{
    struct nmos_generation_result result = {0};
    struct nmos_generation generation = {.prompt = prompt,
                                         .n_prompt = n_prompt,
                                         .n_max = n_max,
                                         .sampling = nmos_sampling_default(),
                                         .on_text = append_text,
                                         .arg = shown};
    const struct nmos_logit_bias no_end = {318, -1e9F};
    /* Penalties look back behind the prompt, into what the session had. */
    generation.sampling.repeat_penalty = 1.3F;
    generation.sampling.presence_penalty = 1.0F;
    generation.sampling.bias = &no_end;
    generation.sampling.n_bias = 1;
    assert_int_equal(nmos_generate(session, &generation, &result), 0);
    return result;
}

static int ignore_logits(void *arg, size_t row_i, float *logits)
{
    (void)arg;
    (void)row_i;
    (void)logits;
    return 0;
}

static void a_session_with_a_past_goes_on_as_if_it_were_one_prompt(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *session = NULL;
    static struct shown whole;
    static struct shown resumed;
    struct nmos_row rows[N_PROMPT];
    int32_t prompt[N_PROMPT];
    for (int32_t i = 0; i < (int32_t)N_PROMPT; i++) prompt[i] = i * 7 % 300;
    assert_int_equal(nmos_session_create(model, &session), 0);
    generate(session, prompt, N_PROMPT, 20, &whole);
    assert_int_equal(nmos_session_truncate(session, 0), 0);
    for (int32_t i = 0; i < 30; i++) rows[i] = (struct nmos_row){session, prompt[i], i - 1, 0};
    assert_int_equal(nmos_forward(model, rows, 30, ignore_logits, NULL), 0);
    assert_int_equal(nmos_session_commit(session, 30), 0);
    generate(session, prompt + 30, N_PROMPT - 30, 20, &resumed);
    assert_int_equal(resumed.len, whole.len);
    assert_memory_equal(resumed.text, whole.text, whole.len);
    nmos_session_destroy(&session);
}

static void a_full_context_ends_the_text_whatever_the_session_had_before(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *session = NULL;
    static struct shown shown;
    const int32_t prompt[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assert_int_equal(nmos_session_create(model, &session), 0);
    struct nmos_generation_result result = generate(session, prompt, 10, 30, &shown);
    assert_int_equal(result.end, NMOS_END_LIMIT);
    const uint32_t n_before = nmos_session_length(session);
    result = generate(session, prompt, 10, UINT32_MAX, &shown);
    assert_int_equal(result.end, NMOS_END_CONTEXT);
    assert_int_equal(nmos_session_length(session), CTX);
    assert_int_equal(result.generated_tokens, CTX - n_before - 10 + 1);
    nmos_session_destroy(&session);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_with_a_past_goes_on_as_if_it_were_one_prompt),
        cmocka_unit_test(a_full_context_ends_the_text_whatever_the_session_had_before),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_generate FOLDER_OF_MODELS\n");
        return 2;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, open_model, close_model);
}
