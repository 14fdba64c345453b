/* SPDX-License-Identifier: MIT */
/*
 * What intents change of an answer that is being prepared: the system prompt that leads a new
 * conversation, and how tokens are drawn.
 *
 * The likeliest intent counts, at any moment as if Enter came now. What is prepared for the others
 * are the openings (openings.h). Under the lock of the typing session.
 */
#ifndef NMOS_ENGINE_TYPING_INTENTS_H
#define NMOS_ENGINE_TYPING_INTENTS_H

#include "engine/openings.h"

struct typing_intents {
    const struct nmos_intent_use *uses; /* [n] borrowed */
    size_t n;                           /* 0: intents change nothing */
    size_t likeliest;
    double p[NMOS_INTENTS_MAX];            /* [n] */
    size_t opening_of[NMOS_INTENTS_MAX];   /* [n] */
    const char *systems[NMOS_INTENTS_MAX]; /* [n_systems] different ones; NULL: none */
    size_t n_systems;
    int is_open;               /* the conversation has not begun: the intent chooses how */
    struct openings *openings; /* NULL: no system prompt is asked for, or nothing is prepared */
};

/** Takes the intents over from a typing's options, all as likely. @return 0; NMOS_E_LIMIT for too
 * many. */
int typing_intents_init(struct typing_intents *intents,
                        const struct nmos_typing_options *options) NMOS_MUST_CHECK;
/** When no opening is being read. */
void typing_intents_deinit(struct typing_intents *intents);

/** A message begins, the first one of a conversation (@p is_open) or not. @p config: how openings
 * are read ahead, but for the system prompts; NULL: they are not. When none is being read. */
int typing_intents_begin(struct typing_intents *intents, int is_open,
                         const struct openings_config *config) NMOS_MUST_CHECK;

/** @p p: [n] how likely each intent is now. */
void typing_intents_expect(struct typing_intents *intents, const double *p);

/** The system prompt of the likeliest intent; NULL: none, or the conversation has begun. */
const char *typing_intents_system(const struct typing_intents *intents);

/** How the likeliest intent draws; without intents @p usual. */
struct nmos_sampling typing_intents_sampling(const struct typing_intents *intents,
                                             const struct nmos_sampling *usual);

/** Whether two ways of drawing are the same. */
int sampling_is_same(const struct nmos_sampling *a, const struct nmos_sampling *b);

/** Reads on in openings; view->p is filled in here. */
void typing_intents_work(struct typing_intents *intents, struct openings_view *view);

/** Whether the opening that counts now is being read, so that it is worth waiting for. */
int typing_intents_is_reading(const struct typing_intents *intents);

/** ... or any opening. */
int typing_intents_are_working(const struct typing_intents *intents);

/** No pass runs for openings, or will before the next event. */
int typing_intents_rest(const struct typing_intents *intents);

/** Gives up what is being read of openings; its end is told later. */
void typing_intents_stop(struct typing_intents *intents);

/** Tokens of @p want that are read of the opening that counts now. */
uint32_t typing_intents_match(const struct typing_intents *intents, const struct tokens *want);

/** Lets the conversation's session begin with what was read of the opening that counts now. */
int typing_intents_lend(const struct typing_intents *intents, struct nmos_session *session,
                        const struct tokens *want) NMOS_MUST_CHECK;

/** The conversation begins: gives back what was prepared for other ones. When none is being read.
 */
void typing_intents_close(struct typing_intents *intents);

/** Tokens of the opening that counts now; 0: not known. */
uint32_t typing_intents_length(const struct typing_intents *intents);
/** Tokens of all openings that are read ahead. */
uint32_t typing_intents_ready(const struct typing_intents *intents);

#endif
