/* SPDX-License-Identifier: MIT */
/* The Scout of nmos.h: features, classifier, the user's intents, a language model's word,
 * probabilities. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/memory_view.h"
#include "engine/scout_labels.h"
#include "intent/classifier.h"
#include "intent/evidence.h"
#include "intent/user_intents.h"

struct nmos_scout {
    struct scout_weights weights;
    struct feature_maker *maker;
    struct user_intents *user;   /* NULL: none */
    struct nmos_memory *memory;  /* borrowed; NULL: none */
    struct scout_labels *labels; /* NULL: no language model is asked */
    double label_weight;         /* of its evidence */
};

static const char *name_of(const struct nmos_scout *scout, size_t c)
{
    const size_t n_trained = scout->weights.n_classes;
    return c < n_trained ? scout->weights.names + c * SCOUT_NAME_BYTES
                         : user_intents_name(scout->user, c - n_trained);
}

/* ---- A language model's word ---- */

/* Opens the labels of all intents on the options' model. */
static int open_labels(struct nmos_scout *scout, const struct nmos_scout_options *options)
{
    struct scout_label labels[NMOS_INTENTS_MAX];
    const size_t n = nmos_scout_n_intents(scout);
    for (size_t c = 0; c < n; c++) labels[c] = (struct scout_label){name_of(scout, c), NULL};
    for (size_t i = 0; i < options->n_classes; i++) {
        const struct nmos_intent_class *class = &options->classes[i];
        if (class->n_examples) labels[scout->weights.n_classes + i].example = class->examples[0];
    }
    return scout_labels_create(options->language_model, labels, n, &scout->labels);
}

/* Log-odds, evidence and truth of the built-in texts, among the trained intents. */
static int ask_texts(struct nmos_scout *scout, const struct evidence_text *texts, size_t n_texts,
                     double *log_odds, double *evidence, size_t *truth)
{
    const size_t n = scout->weights.n_classes;
    for (size_t i = 0; i < n_texts; i++) {
        double all[NMOS_INTENTS_MAX];
        const struct str text = str_from(texts[i].text);
        classifier_logits(&scout->weights, features_of(scout->maker, text), text.len,
                          log_odds + i * n);
        TRY(scout_labels_evidence(scout->labels, text, all));
        memcpy(evidence + i * n, all, n * sizeof(*all));
        for (truth[i] = 0; strcmp(name_of(scout, truth[i]), texts[i].class_name) != 0;) truth[i]++;
    }
    return 0;
}

static int weigh_labels(struct nmos_scout *scout)
{
    size_t n_texts = 0;
    const struct evidence_text *texts = evidence_texts(&n_texts);
    const size_t n = n_texts * scout->weights.n_classes;
    double *log_odds = mem_calloc(MEM_GENERAL, 2 * n, sizeof(*log_odds));
    size_t *truth = mem_calloc(MEM_GENERAL, n_texts, sizeof(*truth));
    int rc = log_odds && truth ? 0 : NMOS_E_NOMEM;
    if (rc == 0) rc = ask_texts(scout, texts, n_texts, log_odds, log_odds + n, truth);
    if (rc == 0) {
        scout->label_weight =
            evidence_weight(log_odds, log_odds + n, truth, n_texts, scout->weights.n_classes);
        LOG_INFO("the Scout's language model counts %.2f of %.2f", scout->label_weight,
                 EVIDENCE_WEIGHT_MAX);
    }
    mem_free(log_odds);
    mem_free(truth);
    return rc;
}

/* Adds the language model's evidence to the log-odds. A model that fails is not asked again: what
 * somebody types must not wait for it. */
static void add_evidence(struct nmos_scout *scout, struct str text, double *log_odds, size_t n)
{
    double evidence[NMOS_INTENTS_MAX];
    if (scout_labels_evidence(scout->labels, text, evidence) < 0) {
        LOG_WARN("the Scout goes on without its language model: %s", nmos_last_error());
        scout_labels_destroy(&scout->labels);
        return;
    }
    for (size_t c = 0; c < n; c++) log_odds[c] += scout->label_weight * evidence[c];
}

/* ---- Opening and closing ---- */

int nmos_scout_create(const struct nmos_scout_options *options, struct nmos_scout **ret_scout)
{
    struct nmos_scout *scout = mem_calloc(MEM_GENERAL, 1, sizeof(*scout));
    if (!scout) return NMOS_E_NOMEM;
    scout->memory = options ? options->memory : NULL;
    int rc = scout_weights_builtin(&scout->weights);
    if (rc == 0) rc = feature_maker_create(&scout->weights, &scout->maker);
    if (rc == 0 && options && options->n_classes) {
        rc = user_intents_create(options->classes, options->n_classes, &scout->weights,
                                 scout->maker, &scout->user);
    }
    if (rc == 0 && options && options->language_model) rc = open_labels(scout, options);
    if (rc == 0 && scout->labels) rc = weigh_labels(scout);
    if (rc < 0) {
        nmos_scout_destroy(&scout);
        return rc;
    }
    *ret_scout = scout;
    return 0;
}

void nmos_scout_destroy(struct nmos_scout **scout)
{
    if (!scout || !*scout) return;
    scout_labels_destroy(&(*scout)->labels);
    user_intents_destroy(&(*scout)->user);
    feature_maker_destroy(&(*scout)->maker);
    mem_free(*scout);
    *scout = NULL;
}

void nmos_scout_set_memory(struct nmos_scout *scout, struct nmos_memory *memory)
{
    scout->memory = memory;
}

size_t nmos_scout_n_intents(const struct nmos_scout *scout)
{
    return scout->weights.n_classes + user_intents_n(scout->user);
}

const char *nmos_scout_intent_name(const struct nmos_scout *scout, size_t i)
{
    return name_of(scout, i);
}

double nmos_scout_language_weight(const struct nmos_scout *scout)
{
    return scout->labels ? scout->label_weight : 0;
}

/* ---- Classifying ---- */

/* Puts the likeliest first; intents that are as likely stay in their order. */
static void sort_intents(struct nmos_intent *intents, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct nmos_intent moved = intents[i];
        size_t to = i;
        for (; to > 0 && intents[to - 1].p < moved.p; to--) intents[to] = intents[to - 1];
        intents[to] = moved;
    }
}

/* Log-odds of the user's intents behind @p n trained ones; @p logits are made log-probabilities, as
 * an intent of the user's competes with all trained ones together. */
static void add_user_intents(struct nmos_scout *scout, struct str text, double *logits, uint32_t n)
{
    struct sketch sketch;
    const struct features *features = features_hashed(scout->maker, text);
    uint32_t tokens[FEATURES_WINDOW_MAX + 1];
    const size_t n_tokens = features->n_tokens;
    memcpy(tokens, features->tokens, n_tokens * sizeof(*tokens));
    sketch_make(scout->maker, text, &sketch);
    classifier_softmax(logits, n);
    for (uint32_t c = 0; c < n; c++) logits[c] = log(logits[c] + 1e-300);
    user_intents_log_odds(scout->user, tokens, n_tokens, &sketch, logits + n);
}

/* Gives the intent that a text like this one turned out to have the share that puts it first. An
 * intent that is no longer defined changes nothing. */
static void correct(struct nmos_scout *scout, struct str text, struct nmos_intent *intents,
                    size_t n)
{
    struct correction_found found;
    size_t known = n;
    memory_find_intent(scout->memory, text, &found);
    for (size_t i = 0; i < n && found.likeness > 0; i++) {
        if (strcmp(intents[i].name, found.bytes) == 0) known = i;
    }
    if (known == n) return;
    const double share = likeness_share(found.likeness);
    for (size_t i = 0; i < n; i++) intents[i].p *= 1 - share;
    intents[known].p += share;
}

void nmos_scout_classify(struct nmos_scout *scout, const void *text, size_t len,
                         struct nmos_intent *ret_intents)
{
    double odds[NMOS_INTENTS_MAX];
    const struct str view = {text, len};
    const uint32_t n_trained = scout->weights.n_classes;
    const size_t n = nmos_scout_n_intents(scout);
    classifier_logits(&scout->weights, features_of(scout->maker, view), len, odds);
    if (scout->user) add_user_intents(scout, view, odds, n_trained);
    if (scout->label_weight > 0 && scout->labels && len) add_evidence(scout, view, odds, n);
    classifier_softmax(odds, n);
    for (size_t c = 0; c < n; c++) {
        ret_intents[c] = (struct nmos_intent){name_of(scout, c), odds[c]};
    }
    if (scout->memory) correct(scout, view, ret_intents, n);
    sort_intents(ret_intents, n);
}
