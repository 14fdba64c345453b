/* SPDX-License-Identifier: MIT */
#include "intent/user_intents.h"

#include <string.h>

#include "base/mem.h"

#define KEYWORD_TOKENS_MAX 8U

struct keyword {
    uint32_t intent;
    uint32_t n_tokens;
    uint32_t tokens[KEYWORD_TOKENS_MAX];
};

struct example {
    uint32_t intent;
    struct sketch *sketch; /* owned, only as long as it is filled */
};

struct user_intents {
    size_t n;
    char names[USER_INTENTS_MAX][USER_NAME_MAX + 1];
    size_t n_keywords;
    struct keyword keywords[USER_KEYWORDS_MAX];
    size_t n_examples;
    struct example examples[USER_EXAMPLES_MAX];
};

static int add_name(struct user_intents *u, const struct scout_weights *weights, const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const size_t len = name ? strlen(name) : 0;
    if (len == 0 || len > USER_NAME_MAX || strspn(name, allowed) != len) {
        return FAIL(
            NMOS_E_INVALID,
            "an intent cannot be called \"%.40s\"; a name has 1 to %u letters, digits, _ or "
            "-",
            name ? name : "", USER_NAME_MAX);
    }
    int is_taken = 0;
    for (uint32_t c = 0; c < weights->n_classes; c++) {
        is_taken |= strcmp(weights->names + (size_t)c * SCOUT_NAME_BYTES, name) == 0;
    }
    for (size_t i = 0; i < u->n; i++) is_taken |= strcmp(u->names[i], name) == 0;
    if (is_taken) return FAIL(NMOS_E_INVALID, "there is already an intent called %s", name);
    memcpy(u->names[u->n], name, len + 1);
    return 0;
}

static int add_keyword(struct user_intents *u, struct feature_maker *maker, const char *text)
{
    if (u->n_keywords == USER_KEYWORDS_MAX) {
        return FAIL(NMOS_E_LIMIT, "more than %u keywords of intents", USER_KEYWORDS_MAX);
    }
    const struct features *features = features_hashed(maker, str_from(text));
    if (features->n_tokens == 0 || features->n_tokens > KEYWORD_TOKENS_MAX) {
        return FAIL(NMOS_E_INVALID,
                    "intent %s: keyword \"%.60s\" has %zu words; 1 to %u are allowed",
                    u->names[u->n], text, features->n_tokens, KEYWORD_TOKENS_MAX);
    }
    struct keyword *keyword = &u->keywords[u->n_keywords++];
    keyword->intent = (uint32_t)u->n;
    keyword->n_tokens = (uint32_t)features->n_tokens;
    memcpy(keyword->tokens, features->tokens, features->n_tokens * sizeof(uint32_t));
    return 0;
}

static int add_example(struct user_intents *u, struct feature_maker *maker, const char *text)
{
    struct sketch sketch;
    if (u->n_examples == USER_EXAMPLES_MAX) {
        return FAIL(NMOS_E_LIMIT, "more than %u examples of intents", USER_EXAMPLES_MAX);
    }
    sketch_make(maker, str_from(text), &sketch);
    struct sketch *copy = mem_alloc(MEM_GENERAL, sketch_bytes(&sketch), MEM_ALIGN_VECTOR);
    if (!copy) return NMOS_E_NOMEM;
    memcpy(copy, &sketch, sketch_bytes(&sketch));
    u->examples[u->n_examples++] = (struct example){(uint32_t)u->n, copy};
    return 0;
}

static int add_intent(struct user_intents *u, const struct nmos_intent_class *class,
                      const struct scout_weights *weights, struct feature_maker *maker)
{
    TRY(add_name(u, weights, class->name));
    if (class->n_keywords + class->n_examples == 0) {
        return FAIL(NMOS_E_INVALID, "intent %s has neither keywords nor examples", class->name);
    }
    for (size_t i = 0; i < class->n_keywords; i++) TRY(add_keyword(u, maker, class->keywords[i]));
    for (size_t i = 0; i < class->n_examples; i++) TRY(add_example(u, maker, class->examples[i]));
    u->n++;
    return 0;
}

int user_intents_create(const struct nmos_intent_class *classes, size_t n,
                        const struct scout_weights *weights, struct feature_maker *maker,
                        struct user_intents **ret_intents)
{
    if (n > USER_INTENTS_MAX) {
        return FAIL(NMOS_E_LIMIT, "%zu intents are defined; %u can be", n, USER_INTENTS_MAX);
    }
    struct user_intents *u = mem_calloc(MEM_GENERAL, 1, sizeof(*u));
    if (!u) return NMOS_E_NOMEM;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) rc = add_intent(u, &classes[i], weights, maker);
    if (rc < 0) {
        user_intents_destroy(&u);
        return rc;
    }
    *ret_intents = u;
    return 0;
}

void user_intents_destroy(struct user_intents **intents)
{
    if (!intents || !*intents) return;
    for (size_t i = 0; i < (*intents)->n_examples; i++) mem_free((*intents)->examples[i].sketch);
    mem_free(*intents);
    *intents = NULL;
}

size_t user_intents_n(const struct user_intents *intents)
{
    return intents ? intents->n : 0;
}

const char *user_intents_name(const struct user_intents *intents, size_t i)
{
    return intents->names[i];
}

static int holds(const uint32_t *tokens, size_t n_tokens, const struct keyword *keyword)
{
    for (size_t i = 0; i + keyword->n_tokens <= n_tokens; i++) {
        if (tokens[i] != keyword->tokens[0]) continue;
        if (memcmp(tokens + i, keyword->tokens, keyword->n_tokens * sizeof(*tokens)) == 0) return 1;
    }
    return 0;
}

void user_intents_log_odds(const struct user_intents *intents, const uint32_t *tokens,
                           size_t n_tokens, const struct sketch *sketch, double *ret_log_odds)
{
    unsigned n_found[USER_INTENTS_MAX] = {0};
    double likeness[USER_INTENTS_MAX] = {0};
    for (size_t i = 0; i < intents->n_keywords; i++) {
        n_found[intents->keywords[i].intent] += holds(tokens, n_tokens, &intents->keywords[i]);
    }
    for (size_t i = 0; i < intents->n_examples; i++) {
        double *most = &likeness[intents->examples[i].intent];
        const double is = sketch_likeness(sketch, intents->examples[i].sketch);
        if (is > *most) *most = is;
    }
    for (size_t i = 0; i < intents->n; i++) {
        ret_log_odds[i] = -6 + (n_found[i] > 0) * 6.0 + (n_found[i] > 1) * 3.0;
        if (likeness[i] > 0.2) ret_log_odds[i] += 24 * (likeness[i] - 0.2);
    }
}
