/* SPDX-License-Identifier: MIT */
/* Proves that the Scout's language model says what a plain chain of tokens says, whatever was typed
 * before, and that its word counts as much as it is worth. argv[1] is a model. */
#include <math.h>
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/scout_labels.h"
#include "intent/evidence.h"

#define N_LABELS 3U

static const char *model_path;
static const struct scout_label labels[N_LABELS] = {{"CODE", NULL}, {"CHAT", NULL}, {"DOCS", NULL}};

static struct nmos_model *open_model(uint32_t ctx, uint32_t rows_max)
{
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    options.path = model_path;
    options.ctx = ctx;
    options.rows_max = rows_max;
    options.n_threads = 1;
    options.sessions_max = 2;
    options.ram_bytes = (uint64_t)1 << 30;
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

/* ---- The twin: every token of every name in a pass of its own ---- */

struct next {
    int32_t token;
    double log_p;
};

static int take_next(void *arg, size_t row_i, float *logits)
{
    struct next *next = arg;
    double sum = 0;
    (void)row_i;
    for (size_t i = 0; i < 4096; i++) sum += exp((double)logits[i] - logits[next->token]);
    next->log_p = -log(sum);
    return 0;
}

/* log p(@p token | the session), and commits it. */
static double step(struct nmos_model *model, struct nmos_session *session, int32_t last,
                   int32_t token)
{
    const struct nmos_row row = {session, last, -1, 1};
    struct next next = {token, 0};
    assert_int_equal(nmos_forward(model, &row, 1, take_next, &next), 0);
    assert_int_equal(nmos_session_commit(session, 1), 0);
    return next.log_p;
}

static size_t put(struct nmos_vocab *vocab, const char *text, unsigned flags, int32_t *tokens,
                  size_t at)
{
    int32_t *ids = NULL;
    size_t n = 0;
    assert_int_equal(nmos_vocab_encode(vocab, text, strlen(text), flags, &ids, &n), 0);
    memcpy(tokens + at, ids, n * sizeof(*ids));
    nmos_free(ids);
    return at + n;
}

static double plain_log_p(struct nmos_model *model, const char *text, const char *name)
{
    static int32_t tokens[2048];
    char head[2048];
    int32_t ids[8];
    struct nmos_vocab *vocab = nmos_model_vocab(model);
    struct nmos_session *session = NULL;
    snprintf(head, sizeof(head), "%sRequest:", scout_labels_examples);
    size_t n = put(vocab, head, NMOS_ENCODE_BOS, tokens, 0);
    if (*text) {
        snprintf(head, sizeof(head), " %s", text);
        n = put(vocab, head, 0, tokens, n);
    }
    n = put(vocab, "\nKind:", 0, tokens, n);
    const size_t n_name = put(vocab, name, 0, ids, 0);
    assert_int_equal(nmos_session_create(model, &session), 0);
    for (size_t i = 0; i + 1 < n; i++) step(model, session, tokens[i], 0);
    double log_p = 0;
    int32_t last = tokens[n - 1];
    for (size_t i = 0; i < n_name && i < 2; i++) {
        log_p += step(model, session, last, ids[i]);
        last = ids[i];
    }
    nmos_session_destroy(&session);
    return log_p;
}

/* ---- Tests ---- */

static void evidence_is_that_of_a_plain_chain(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(1024, 64);
    struct scout_labels *l = NULL;
    static const char *const names[N_LABELS] = {" code", " chat", " docs"};
    const char *text = "how do i sort a list";
    double evidence[N_LABELS];
    assert_int_equal(scout_labels_create(model, labels, N_LABELS, &l), 0);
    assert_int_equal(scout_labels_evidence(l, str_from(text), evidence), 0);
    for (size_t c = 0; c < N_LABELS; c++) {
        const double plain = plain_log_p(model, text, names[c]) - plain_log_p(model, "", names[c]);
        assert_true(fabs(evidence[c] - plain) < 1e-5);
    }
    scout_labels_destroy(&l);
    nmos_model_close(&model);
}

static void evidence_does_not_depend_on_what_was_typed_before(void **state)
{
    (void)state;
    static const char text[] = "sort these 12 nam\303\251s; then print the firs\377t one, please. ";
    struct nmos_model *typed_model = open_model(1024, 64);
    struct nmos_model *model = open_model(1024, 24);
    struct scout_labels *typed = NULL;
    struct scout_labels *fresh = NULL;
    double a[N_LABELS];
    double b[N_LABELS];
    assert_int_equal(scout_labels_create(typed_model, labels, N_LABELS, &typed), 0);
    for (size_t i = 0; i < 2 * sizeof(text); i++) {
        const size_t n = i < sizeof(text) ? i : 2 * sizeof(text) - i - 1; /* typed, then deleted */
        assert_int_equal(scout_labels_evidence(typed, (struct str){text, n}, a), 0);
        if (i % 7) continue;
        assert_int_equal(scout_labels_create(model, labels, N_LABELS, &fresh), 0);
        assert_int_equal(scout_labels_evidence(fresh, (struct str){text, n}, b), 0);
        assert_memory_equal(a, b, sizeof(a));
        scout_labels_destroy(&fresh);
    }
    scout_labels_destroy(&typed);
    nmos_model_close(&typed_model);
    nmos_model_close(&model);
}

static void long_texts_count_up_to_a_limit(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(1024, 64);
    struct scout_labels *l = NULL;
    static char text[100000];
    double a[N_LABELS];
    double b[N_LABELS];
    for (size_t i = 0; i < sizeof(text); i++) text[i] = (char)(i * 37 + i / 251);
    assert_int_equal(scout_labels_create(model, labels, N_LABELS, &l), 0);
    assert_int_equal(scout_labels_evidence(l, (struct str){text, sizeof(text)}, a), 0);
    assert_int_equal(scout_labels_evidence(l, (struct str){text, LABELS_TEXT_BYTES}, b), 0);
    assert_memory_equal(a, b, sizeof(a));
    scout_labels_destroy(&l);
    nmos_model_close(&model);
}

static void too_little_context_is_refused_with_numbers(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(256, 64);
    const struct nmos_scout_options options = {.language_model = model};
    struct nmos_scout *scout = NULL;
    assert_int_equal(nmos_scout_create(&options, &scout), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "256"));
    assert_null(scout);
    nmos_model_close(&model);
}

static void names_with_examples_and_many_names_can_be_asked(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(1024, 192);
    const char *examples[] = {"is this contract\nvoid"};
    struct nmos_intent_class classes[56];
    char names[56][16];
    struct nmos_intent intents[NMOS_INTENTS_MAX];
    struct nmos_scout *scout = NULL;
    for (size_t i = 0; i < 56; i++) {
        snprintf(names[i], sizeof(names[i]), "LEGAL-%zu", i);
        classes[i] = (struct nmos_intent_class){names[i], NULL, 0, examples, 1};
    }
    const struct nmos_scout_options options = {
        .classes = classes, .n_classes = 56, .language_model = model};
    if (nmos_scout_create(&options, &scout) < 0) fail_msg("%s", nmos_last_error());
    assert_true(nmos_scout_language_weight(scout) <= EVIDENCE_WEIGHT_MAX);
    nmos_scout_classify(scout, "who was", 7, intents);
    double sum = 0;
    for (size_t c = 0; c < nmos_scout_n_intents(scout); c++) sum += intents[c].p;
    assert_true(fabs(sum - 1) < 1e-9);
    nmos_scout_destroy(&scout);
    nmos_model_close(&model);
}

static void a_models_word_counts_as_much_as_it_is_worth(void **state)
{
    (void)state;
    enum { N = 60 };
    double z[N * N_LABELS] = {0};
    double right[N * N_LABELS];
    double noise[N * N_LABELS];
    size_t truth[N];
    uint32_t random = 1;
    for (size_t i = 0; i < N; i++) {
        truth[i] = i % N_LABELS;
        for (size_t c = 0; c < N_LABELS; c++) {
            random = random * 1664525U + 1013904223U;
            noise[i * N_LABELS + c] = (random >> 8) / (double)(1 << 22) - 2;
            right[i * N_LABELS + c] = noise[i * N_LABELS + c] + (c == truth[i] ? 3 : 0);
        }
    }
    const double earned = evidence_weight(z, right, truth, N, N_LABELS);
    const double wrong = evidence_weight(z, noise, truth, N, N_LABELS);
    assert_true(earned > 0.5);
    assert_true(wrong < 0.15);
    memset(noise, 0, sizeof(noise));
    assert_true(evidence_weight(z, noise, truth, N, N_LABELS) == 0.0);
}

static void each_text_to_fit_on_has_a_trained_class(void **state)
{
    (void)state;
    size_t n = 0;
    size_t n_of[N_LABELS] = {0};
    const struct evidence_text *texts = evidence_texts(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < N_LABELS; c++) {
            n_of[c] += strcmp(texts[i].class_name, labels[c].name) == 0;
        }
    }
    for (size_t c = 0; c < N_LABELS; c++) assert_int_equal(n_of[c], n / N_LABELS);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    model_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_is_that_of_a_plain_chain),
        cmocka_unit_test(evidence_does_not_depend_on_what_was_typed_before),
        cmocka_unit_test(long_texts_count_up_to_a_limit),
        cmocka_unit_test(too_little_context_is_refused_with_numbers),
        cmocka_unit_test(names_with_examples_and_many_names_can_be_asked),
        cmocka_unit_test(a_models_word_counts_as_much_as_it_is_worth),
        cmocka_unit_test(each_text_to_fit_on_has_a_trained_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
