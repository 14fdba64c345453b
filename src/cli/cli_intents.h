/* SPDX-License-Identifier: MIT */
/*
 * What intents are used for, as far as --intent-use leaves it: what the sections [intent:NAME] of
 * the configuration say that one changes, a system prompt and options of sampling, and what the
 * model learns for each apart. Nothing of an answer is changed that no section names, and nothing
 * that the command line gives.
 */
#ifndef NMOS_CLI_CLI_INTENTS_H
#define NMOS_CLI_CLI_INTENTS_H

#include <nmos/nmos.h>

#include "cli/cli.h"

/** The user's intents and the trained ones. Zero-initialise, then cli_intents_close(). */
struct cli_intents {
    size_t n;
    const char *names[NMOS_INTENTS_MAX];           /* [n] the Scout's */
    struct nmos_intent_use uses[NMOS_INTENTS_MAX]; /* [n] sampling: see cli_intents_sample() */
    char *systems[NMOS_INTENTS_MAX];               /* [n] owned; NULL: none */
    unsigned used;                                 /* what --intent-use leaves */
    unsigned learns;                               /* of it: bits of enum nmos_learn */
    int change;                                    /* some intent changes something of an answer */
    size_t n_systems; /* different beginnings of a conversation; 0: no intent has a system prompt */
};

/**
 * Reads the sections.
 * @param options  borrowed, like the scout.
 * @return 0; NMOS_E_INVALID with the line; NMOS_E_NOMEM.
 */
int cli_intents_open(const struct cli_options *options, const struct nmos_scout *scout,
                     struct cli_intents *intents) NMOS_MUST_CHECK;
void cli_intents_close(struct cli_intents *intents);

/** Fills in how each intent draws: as the options say, but for what its section says. */
int cli_intents_sample(struct cli_intents *intents, const struct cli_options *options,
                       const struct nmos_logit_bias *bias) NMOS_MUST_CHECK;

/** The Scout's @p found, [n] in any order, as the probabilities of `uses`. */
void cli_intents_weigh(const struct cli_intents *intents, const struct nmos_intent *found,
                       double *ret_p);

/** Appends what an intent changes, for people: "system prompt, temp 0.2"; nothing: "nothing". */
int cli_intents_tell(const struct cli_intents *intents, const struct cli_options *options, size_t i,
                     struct buf *text) NMOS_MUST_CHECK;

/** Whether a text is the system prompt of some intent. */
int cli_intents_have(const struct cli_intents *intents, const char *system);

/** Refuses sections of intents that do not exist. @return 0 or NMOS_E_INVALID with the line. */
int cli_intents_check_names(const struct cli_options *options,
                            const struct nmos_scout *scout) NMOS_MUST_CHECK;

#endif
