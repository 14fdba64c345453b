/* SPDX-License-Identifier: MIT */
/*
 * Intents that the user defines, by keywords and example prompts, beside those that were trained.
 *
 * Nothing is retrained: a text's odds for such an intent against all trained ones together are
 * exp(-6 + 6 [a keyword] + 3 [a second keyword] + 24 max(0, likeness - 0.2)), with the likeness of
 * the example that is most like it. So one keyword, or a likeness of 0.45, makes it as likely as
 * the rest, and a text that has neither keeps its intents.
 */
#ifndef NMOS_INTENT_USER_INTENTS_H
#define NMOS_INTENT_USER_INTENTS_H

#include <nmos/scout.h>

#include "intent/likeness.h"

#define USER_INTENTS_MAX  (NMOS_INTENTS_MAX - SCOUT_CLASSES_MAX)
#define USER_KEYWORDS_MAX 1024U /* of all intents together */
#define USER_EXAMPLES_MAX 256U
#define USER_NAME_MAX     31U

/** The intents of one user. */
struct user_intents;

/**
 * Takes over @p n definitions, which are copied.
 * @param maker    used during the call only.
 * @param weights  whose classes they stand beside.
 * @return 0; NMOS_E_INVALID for a name that is taken or malformed, or an intent without keywords
 * and examples; NMOS_E_LIMIT for too many; NMOS_E_NOMEM.
 */
int user_intents_create(const struct nmos_intent_class *classes, size_t n,
                        const struct scout_weights *weights, struct feature_maker *maker,
                        struct user_intents **ret_intents) NMOS_MUST_CHECK;
/** Frees them and nulls the pointer; NULL is a no-op. */
void user_intents_destroy(struct user_intents **intents);

/** Number of intents; 0 for NULL. */
size_t user_intents_n(const struct user_intents *intents);
/** Name of intent @p i, living as long as @p intents. */
const char *user_intents_name(const struct user_intents *intents, size_t i);

/**
 * Log-odds of each intent against the trained ones.
 * @param tokens  [n_tokens] hashes, as struct features has them.
 * @param ret_log_odds  [user_intents_n()]
 */
void user_intents_log_odds(const struct user_intents *intents, const uint32_t *tokens,
                           size_t n_tokens, const struct sketch *sketch, double *ret_log_odds);

#endif
