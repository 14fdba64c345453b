/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The Scout: what a text that somebody types is meant to be. It works on any bytes and on texts
 * that are half typed, and allocates nothing once created, but with a language model. One thread at
 * a time uses a Scout.
 */
#ifndef NMOS_SCOUT_H
#define NMOS_SCOUT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmos_memory;
struct nmos_model;

/** Predicts intents: "CODE", "CHAT", "DOCS" and those that the user defines. */
struct nmos_scout;

/** An intent that the user defines by words that are typed when it is meant, and by prompts. */
struct nmos_intent_class {
    const char *name;            /**< 1 to 31 letters, digits, _ or - */
    const char *const *keywords; /**< [n_keywords] of 1 to 8 words; small and large letters alike */
    size_t n_keywords;
    const char *const *examples; /**< [n_examples] prompts */
    size_t n_examples;
};

/** Settings of a Scout; all zero is the usual way. Borrowed during the call. */
struct nmos_scout_options {
    const struct nmos_intent_class *classes; /**< [n_classes], at most 56, with 1024 keywords and
                                                256 examples in all */
    size_t n_classes;
    struct nmos_memory *memory; /**< corrects the Scout and outlives it; NULL: none */
    /** A small model that is asked too, and outlives the Scout, which needs one session of it and a
     * context of 1024 positions. What its word counts is found on built-in texts; a model that
     * understands none of them counts for nothing. NULL: none. */
    struct nmos_model *language_model;
};

/** How likely an intent is. */
struct nmos_intent {
    const char *name; /**< lives as long as the Scout */
    double p;         /**< 0..1; all intents together make 1 */
};

/** The largest number of intents that a Scout can have. */
#define NMOS_INTENTS_MAX 64

/** System prompts of intents that are read ahead at one time. */
#define NMOS_OPENINGS_AHEAD 4

/**
 * A Scout with the weights that are part of the library.
 * @param options  NULL: the usual way.
 * @return 0; NMOS_E_INVALID or NMOS_E_LIMIT for a class; NMOS_E_LIMIT for a language model with too
 * little context; NMOS_E_NOMEM, NMOS_E_IO.
 */
int nmos_scout_create(const struct nmos_scout_options *options, struct nmos_scout **ret_scout);

/** Frees it and nulls the pointer; NULL is a no-op. */
void nmos_scout_destroy(struct nmos_scout **scout);

/** From now on @p memory corrects the Scout, and outlives it; NULL: none does. Not while another
 * thread classifies. */
void nmos_scout_set_memory(struct nmos_scout *scout, struct nmos_memory *memory);

/** Number of intents. */
size_t nmos_scout_n_intents(const struct nmos_scout *scout);

/** Name of intent @p i, in a fixed order: the trained ones, then the user's. Lives as long as the
 * Scout. */
const char *nmos_scout_intent_name(const struct nmos_scout *scout, size_t i);

/** What the language model's evidence counts beside the linear part, 0 to 2; 0 without a model. */
double nmos_scout_language_weight(const struct nmos_scout *scout);

/**
 * How likely each intent is, given what has been typed so far. CODE wants code or help with it;
 * DOCS works on a text, table or data given in the prompt; CHAT is everything else. Of a text above
 * 1600 bytes the first 1200 and the last 400 count. Takes a fraction of a millisecond, so it can be
 * asked at every keystroke. With a language model it takes a pass of about ten rows; one that fails
 * is logged and no longer asked. Where the failure memory knows a text that is much like it, the
 * intent of that one comes first.
 * @param ret_intents  [nmos_scout_n_intents()], at most NMOS_INTENTS_MAX; the likeliest first.
 */
void nmos_scout_classify(struct nmos_scout *scout, const void *text, size_t len,
                         struct nmos_intent *ret_intents);

#ifdef __cplusplus
}
#endif

#endif
