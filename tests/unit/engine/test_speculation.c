/* SPDX-License-Identifier: MIT */
/* Proves that guessing ahead changes nothing but the number of passes: the same text, the same end
 * and the same session in every mode, with any draft, streamed or resident; and that guesses
 * accepted by rejection leave the distribution of texts as it is. argv[1] is the folder of models.
 */
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../chi_square.h"

#define CTX 192U

static const char *folder;

struct shown {
    char text[8192];
    size_t len;
    size_t stop_at; /* on_text asks to stop behind so many bytes; 0: never */
};

/* What a generation left behind. */
struct outcome {
    struct shown shown;
    struct nmos_generation_result result;
    uint32_t length;
};

/* What is generated. */
struct task {
    uint32_t text; /* number of the prompt */
    uint32_t n_prompt;
    uint32_t n_max;
    float temp;
    float repeat_penalty;
    const char *stop;
    size_t stop_at;
};

static struct nmos_model *open_model(const char *name, const char *draft, uint64_t ram_bytes)
{
    static char path[4096];
    static char draft_path[4096];
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (draft) snprintf(draft_path, sizeof(draft_path), "%s/%s", folder, draft);
    options.path = path;
    options.draft_path = draft ? draft_path : NULL;
    options.ctx = CTX;
    options.ram_bytes = ram_bytes;
    options.n_threads = 1;
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

static int append_text(void *arg, const char *text, size_t len)
{
    struct shown *shown = arg;
    assert_true(len <= sizeof(shown->text) - shown->len);
    memcpy(shown->text + shown->len, text, len);
    shown->len += len;
    return shown->stop_at && shown->len >= shown->stop_at;
}

/* Generates twice in one session: the second time behind what the first left. */
static void run(struct nmos_model *model, const struct task *task, enum nmos_spec spec,
                struct outcome *ret)
{
    struct nmos_session *session = NULL;
    int32_t prompt[64];
    const char *stops[] = {task->stop};
    memset(ret, 0, sizeof(*ret));
    for (uint32_t i = 0; i < task->n_prompt; i++) {
        prompt[i] = (int32_t)((task->text * 31 + i * 7 + i % 5 * 3) % 300);
    }
    struct nmos_generation generation = {.prompt = prompt,
                                         .n_prompt = task->n_prompt,
                                         .n_max = task->n_max,
                                         .stops = stops,
                                         .n_stops = task->stop != NULL,
                                         .sampling = nmos_sampling_default(),
                                         .spec = spec,
                                         .on_text = append_text,
                                         .arg = &ret->shown};
    generation.sampling.temp = task->temp;
    generation.sampling.repeat_penalty = task->repeat_penalty;
    generation.sampling.seed = task->text;
    ret->shown.stop_at = task->stop_at;
    assert_int_equal(nmos_session_create(model, &session), 0);
    if (nmos_generate(session, &generation, &ret->result) < 0) fail_msg("%s", nmos_last_error());
    if (nmos_session_length(session) + task->n_prompt < CTX) {
        if (nmos_generate(session, &generation, &ret->result) < 0)
            fail_msg("%s", nmos_last_error());
    }
    ret->length = nmos_session_length(session);
    nmos_session_destroy(&session);
}

static void assert_same(const struct outcome *got, const struct outcome *want)
{
    assert_int_equal(got->shown.len, want->shown.len);
    assert_memory_equal(got->shown.text, want->shown.text, want->shown.len);
    assert_int_equal(got->result.end, want->result.end);
    assert_int_equal(got->result.generated_tokens, want->result.generated_tokens);
    assert_int_equal(got->length, want->length);
}

static const struct task tasks[] = {
    {0, 8, 40, 0.0F, 1.0F, NULL, 0},    {1, 5, 60, 0.7F, 1.0F, NULL, 0},
    {2, 20, 50, 1.5F, 1.0F, NULL, 0},   {3, 3, 60, 0.0F, 1.3F, NULL, 0},
    {4, 30, 200, 0.3F, 1.0F, NULL, 0}, /* ends with the context */
    {5, 8, 60, 0.2F, 1.0F, "e", 0},     {6, 8, 60, 0.0F, 1.0F, NULL, 25},
    {7, 8, 1, 0.0F, 1.0F, NULL, 0},     {8, 8, 2, 0.0F, 1.0F, NULL, 0},
    {9, 60, 60, 0.9F, 1.1F, "th", 100},
};
#define N_TASKS (sizeof(tasks) / sizeof(tasks[0]))

static void every_mode_and_draft_gives_the_text_of_none(void **state)
{
    (void)state;
    static const char *const drafts[] = {NULL, "llama.Q4_K.gguf", "llama.mix-Q3_K_M.gguf",
                                         "llama.IQ1_S.gguf"};
    static struct outcome want[N_TASKS];
    static struct outcome got;
    for (size_t d = 0; d < sizeof(drafts) / sizeof(drafts[0]); d++) {
        struct nmos_model *model = open_model("llama.Q4_K.gguf", drafts[d], (uint64_t)1 << 30);
        for (size_t i = 0; i < N_TASKS; i++) {
            if (d == 0) run(model, &tasks[i], NMOS_SPEC_OFF, &want[i]);
            for (int spec = NMOS_SPEC_AUTO; spec <= NMOS_SPEC_TREE; spec++) {
                run(model, &tasks[i], (enum nmos_spec)spec, &got);
                assert_same(&got, &want[i]);
            }
        }
        nmos_model_close(&model);
    }
}

static void a_draft_that_knows_the_target_saves_passes(void **state)
{
    (void)state;
    static struct outcome plain;
    static struct outcome tree;
    static struct outcome chain;
    const struct task task = {11, 8, 80, 0.7F, 1.0F, NULL, 0};
    struct nmos_model *model = open_model("llama.Q4_K.gguf", "llama.Q4_K.gguf", (uint64_t)1 << 30);
    run(model, &task, NMOS_SPEC_OFF, &plain);
    run(model, &task, NMOS_SPEC_CHAIN, &chain);
    run(model, &task, NMOS_SPEC_TREE, &tree);
    assert_int_equal(plain.result.guessed_tokens, 0);
    assert_int_equal(plain.result.decode_passes + 1, plain.result.generated_tokens);
    /* The draft is the target itself: its first guess is always right. */
    assert_int_equal(chain.result.accepted_draft, chain.result.guessed_tokens);
    assert_true(chain.result.decode_passes <= plain.result.decode_passes / 2 + 1);
    assert_true(tree.result.decode_passes <= plain.result.decode_passes / 2 + 1);
    assert_int_equal(tree.result.decode_passes + tree.result.accepted_draft +
                         tree.result.accepted_ngram + 1,
                     tree.result.generated_tokens);
    nmos_model_close(&model);
}

static void a_streamed_target_gives_the_same_text(void **state)
{
    (void)state;
    static struct outcome want;
    static struct outcome got;
    struct nmos_model_info info;
    struct nmos_model *resident = open_model("llama.Q4_K.gguf", NULL, (uint64_t)1 << 30);
    run(resident, &tasks[1], NMOS_SPEC_OFF, &want);
    nmos_model_close(&resident);
    struct nmos_model *model = open_model("llama.Q4_K.gguf", "llama.IQ1_S.gguf", (uint64_t)1 << 30);
    assert_int_equal(nmos_model_shrink(model, 1), 0); /* to the least that works */
    nmos_model_get_info(model, &info);
    assert_true(info.draft_bytes > 0);
    assert_true(info.streamed_bytes > 0);
    run(model, &tasks[1], NMOS_SPEC_TREE, &got);
    assert_same(&got, &want);
    nmos_model_close(&model);
}

/* ---- Rejection: all texts of four tokens, and how likely each is ---- */

#define N_PROMPT 6U
#define N_TOKENS 4U
#define TOP_K    3U
#define N_TEXTS  81U /* TOP_K to the power of N_TOKENS */
#define N_SEEDS  2500U

struct texts {
    struct nmos_model *model;
    struct nmos_session *session;
    float logits[1024];
    char text[N_TEXTS][256];
    double p[N_TEXTS];
    uint32_t counts[N_TEXTS];
    size_t n;
};

static int keep_logits(void *arg, size_t row_i, float *logits)
{
    struct texts *texts = arg;
    struct nmos_model_info info;
    (void)row_i;
    nmos_model_get_info(texts->model, &info);
    assert_true(info.n_vocab <= 1024);
    memcpy(texts->logits, logits, info.n_vocab * sizeof(*logits));
    for (uint32_t i = info.n_vocab; i < 1024; i++) texts->logits[i] = -INFINITY;
    return 0;
}

/* Different tokens may make the same text. */
static size_t find_text(const struct texts *texts, const char *text)
{
    size_t i = 0;
    while (i < texts->n && strcmp(texts->text[i], text) != 0) i++;
    return i;
}

static void add_text(struct texts *texts, const int32_t *tokens, double p)
{
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(
        nmos_vocab_decode(nmos_model_vocab(texts->model), tokens, N_TOKENS, &text, &len), 0);
    const size_t i = find_text(texts, text);
    if (i == texts->n) snprintf(texts->text[texts->n++], sizeof(texts->text[0]), "%s", text);
    texts->p[i] += p;
    nmos_free(text);
}

/* One pass for each beginning, without any guessing: softmax over the TOP_K best logits. */
static void list_texts(struct texts *texts, int32_t *tokens, uint32_t n, double p)
{
    struct nmos_row rows[N_PROMPT + N_TOKENS];
    int32_t best[TOP_K];
    double weight[TOP_K];
    double total = 0;
    if (n == N_PROMPT + N_TOKENS) {
        add_text(texts, tokens + N_PROMPT, p);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = (struct nmos_row){texts->session, tokens[i], (int32_t)i - 1, i + 1 == n};
    }
    assert_int_equal(nmos_forward(texts->model, rows, n, keep_logits, texts), 0);
    for (uint32_t k = 0; k < TOP_K; k++) {
        best[k] = 0;
        for (int32_t t = 1; t < 1024; t++) {
            if (texts->logits[t] > texts->logits[best[k]]) best[k] = t;
        }
        weight[k] = exp((double)texts->logits[best[k]]);
        total += weight[k];
        texts->logits[best[k]] = -INFINITY;
    }
    for (uint32_t k = 0; k < TOP_K; k++) {
        tokens[n] = best[k];
        list_texts(texts, tokens, n + 1, p * weight[k] / total);
    }
}

/* False alarm: one set of seeds in 100,000 (chi_square.h). */
static void rejection_leaves_the_distribution_as_it_is(void **state)
{
    (void)state;
    static struct texts texts;
    int32_t tokens[N_PROMPT + N_TOKENS] = {10, 37, 81, 200, 4, 99};
    uint32_t n_guessed = 0;
    uint32_t n_accepted = 0;
    texts.model = open_model("llama.Q4_K.gguf", "llama.mix-Q3_K_M.gguf", (uint64_t)1 << 30);
    assert_int_equal(nmos_session_create(texts.model, &texts.session), 0);
    list_texts(&texts, tokens, N_PROMPT, 1);
    for (uint32_t seed = 0; seed < N_SEEDS; seed++) {
        struct shown shown = {0};
        struct nmos_generation_result result;
        struct nmos_generation generation = {.prompt = tokens,
                                             .n_prompt = N_PROMPT,
                                             .n_max = N_TOKENS,
                                             .sampling = {.temp = 1.0F,
                                                          .top_k = TOP_K,
                                                          .top_p = 1.0F,
                                                          .repeat_penalty = 1.0F,
                                                          .seed = seed},
                                             .spec = NMOS_SPEC_CHAIN,
                                             .accept = NMOS_ACCEPT_REJECTION,
                                             .on_text = append_text,
                                             .arg = &shown};
        assert_int_equal(nmos_session_truncate(texts.session, 0), 0);
        assert_int_equal(nmos_generate(texts.session, &generation, &result), 0);
        const size_t i = find_text(&texts, shown.text);
        assert_true(i < texts.n); /* no text that cannot be */
        texts.counts[i]++;
        n_guessed += result.guessed_tokens;
        n_accepted += result.accepted_draft;
    }
    assert_true(n_accepted > N_SEEDS / 4 && n_guessed - n_accepted > N_SEEDS / 4);
    const double off = chi_square(texts.counts, texts.p, texts.n, N_SEEDS);
    if (off > 1) fail_msg("%zu texts: %.2f of the critical value", texts.n, off);
    nmos_session_destroy(&texts.session);
    nmos_model_close(&texts.model);
}

static void only_chains_are_accepted_by_rejection(void **state)
{
    (void)state;
    struct nmos_session *session = NULL;
    struct nmos_generation_result result;
    const int32_t prompt[] = {1, 2, 3};
    struct nmos_generation generation = {.prompt = prompt,
                                         .n_prompt = 3,
                                         .n_max = 4,
                                         .sampling = nmos_sampling_default(),
                                         .accept = NMOS_ACCEPT_REJECTION};
    struct nmos_model *model = open_model("llama.Q4_K.gguf", "llama.IQ1_S.gguf", (uint64_t)1 << 30);
    assert_int_equal(nmos_session_create(model, &session), 0);
    generation.spec = NMOS_SPEC_TREE;
    assert_int_equal(nmos_generate(session, &generation, &result), NMOS_E_INVALID);
    generation.spec = NMOS_SPEC_NGRAM;
    assert_int_equal(nmos_generate(session, &generation, &result), NMOS_E_INVALID);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_and_draft_gives_the_text_of_none),
        cmocka_unit_test(a_draft_that_knows_the_target_saves_passes),
        cmocka_unit_test(a_streamed_target_gives_the_same_text),
        cmocka_unit_test(rejection_leaves_the_distribution_as_it_is),
        cmocka_unit_test(only_chains_are_accepted_by_rejection),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_speculation FOLDER_OF_MODELS\n");
        return 2;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
