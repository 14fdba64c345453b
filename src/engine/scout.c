/* SPDX-License-Identifier: MIT */
/* The Scout of nmos.h: features, classifier, the user's intents, probabilities. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "engine/memory_view.h"
#include "intent/classifier.h"
#include "intent/user_intents.h"

struct nmos_scout {
    struct scout_weights weights;
    struct feature_maker *maker;
    struct user_intents *user;  /* NULL: none */
    struct nmos_memory *memory; /* borrowed; NULL: none */
};

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
    user_intents_destroy(&(*scout)->user);
    feature_maker_destroy(&(*scout)->maker);
    mem_free(*scout);
    *scout = NULL;
}

size_t nmos_scout_n_intents(const struct nmos_scout *scout)
{
    return scout->weights.n_classes + user_intents_n(scout->user);
}

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

/* Gives the intent that a text like this one turned out to have the share that puts it first: 0.6
 * at the least likeness that counts, up to 0.95. An intent that is no longer defined changes
 * nothing. */
static void correct(struct nmos_scout *scout, struct str text, struct nmos_intent *intents,
                    size_t n)
{
    char actual[STORE_NAME_MAX + 1];
    const double likeness = correction_store_find(scout->memory->store, text, actual);
    size_t known = n;
    for (size_t i = 0; i < n && likeness > 0; i++) {
        if (strcmp(intents[i].name, actual) == 0) known = i;
    }
    if (known == n) return;
    const double share = fmin(0.95, 0.6 + 0.7 * (likeness - LIKENESS_ENOUGH));
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
    classifier_softmax(odds, n);
    for (size_t c = 0; c < n; c++) {
        ret_intents[c].name = c < n_trained ? scout->weights.names + c * SCOUT_NAME_BYTES
                                            : user_intents_name(scout->user, c - n_trained);
        ret_intents[c].p = odds[c];
    }
    if (scout->memory) correct(scout, view, ret_intents, n);
    sort_intents(ret_intents, n);
}
