/* SPDX-License-Identifier: MIT */
/*
 * What a small language model says about an intent: the log-probabilities of the intents' names
 * behind a few examples and the text.
 *
 *     Request: <example>
 *     Kind: code
 *     ...
 *     Request: <text>
 *     Kind:
 *
 * One pass of the model carries the tokens of the text that are new, the tail, and the names as
 * branches of a tree. The text stays in the session's past, so a keystroke costs about ten rows.
 */
#ifndef NMOS_ENGINE_SCOUT_LABELS_H
#define NMOS_ENGINE_SCOUT_LABELS_H

#include <nmos/nmos.h>

#include "base/str.h"

/** Of a text the first bytes and tokens count. */
#define LABELS_TEXT_BYTES  512U
#define LABELS_TEXT_TOKENS 256U

/** Shown to the model before the user's examples, so that the names of the trained intents mean
 * something to it. */
extern const char scout_labels_examples[];

/** An intent's name, and a prompt that is meant by it. */
struct scout_label {
    const char *name;
    const char *example; /* NULL: none is shown to the model */
};

struct scout_labels;

/**
 * Opens a session of @p model, which outlives the labels, and reads the examples into it.
 * @param labels  [n_labels], at most NMOS_INTENTS_MAX; borrowed during the call.
 * @return 0; NMOS_E_LIMIT when the model's context or pass is too small; NMOS_E_NOMEM, NMOS_E_IO.
 */
int scout_labels_create(struct nmos_model *model, const struct scout_label *labels, size_t n_labels,
                        struct scout_labels **ret_labels) NMOS_MUST_CHECK;

void scout_labels_destroy(struct scout_labels **labels);

/**
 * The evidence of intent/evidence.h for each label, in nats: log p(name | text) - log p(name | no
 * text). Of a name the first two tokens count.
 * @param ret_evidence  [n_labels]
 * @return 0, or what the pass failed with.
 */
int scout_labels_evidence(struct scout_labels *labels, struct str text,
                          double *ret_evidence) NMOS_MUST_CHECK;

#endif
