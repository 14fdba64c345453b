/* SPDX-License-Identifier: MIT */
/*
 * How much the word of a language model counts beside the linear part of the Scout.
 *
 * The model's evidence for class c of a text x is the pointwise mutual information of label and
 * text, e[c] = log p(label c | x) - log p(label c | no text), so that a label which the model likes
 * to say anyway gains nothing (Zhao et al., "Calibrate before use", 2021). The Scout's log-odds
 * become z[c] + w * e[c]. One weight w is fitted for each model on half-typed texts that the linear
 * part was not trained on: a model that understands them gets a large one, a model that does not
 * gets about 0.
 */
#ifndef NMOS_INTENT_EVIDENCE_H
#define NMOS_INTENT_EVIDENCE_H

#include <stddef.h>

/** The most that a language model can count. */
#define EVIDENCE_WEIGHT_MAX 2.0

/** A text to fit the weight on, and the name of its class. */
struct evidence_text {
    const char *class_name;
    const char *text;
};

/** The texts, *ret_n of them: written for this purpose, cut off as somebody types them. */
const struct evidence_text *evidence_texts(size_t *ret_n);

/**
 * The weight w in [0, EVIDENCE_WEIGHT_MAX] that makes the mean over texts of
 *     log sum_c exp(z[c] + w * e[c]) - (z[t] + w * e[t])
 * plus a penalty of 4 w w / n_texts smallest: a model earns its word. Pure.
 * @param log_odds  z, [n_texts][n_classes]
 * @param evidence  e, [n_texts][n_classes]
 * @param truth     t, [n_texts], below n_classes.
 */
double evidence_weight(const double *log_odds, const double *evidence, const size_t *truth,
                       size_t n_texts, size_t n_classes);

#endif
