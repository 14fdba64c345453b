/* SPDX-License-Identifier: MIT */
/*
 * The linear part of the Scout: features to calibrated log-odds of the classes it was trained on.
 *
 * Multinomial logistic regression. Its logits z are calibrated by the text's length n in bytes, as
 * a text that is half typed says less: with L = log2(1 + min(n, 1600)) / 8 the result for class c
 * is z[c] * (sharpness[0] + sharpness[1] * L).
 */
#ifndef NMOS_INTENT_CLASSIFIER_H
#define NMOS_INTENT_CLASSIFIER_H

#include "intent/features.h"

/**
 * Logits of the classes of @p weights.
 * @param text_bytes  length of the whole text.
 * @param ret_logits  [n_classes]
 */
void classifier_logits(const struct scout_weights *weights, const struct features *features,
                       size_t text_bytes, double *ret_logits);

/** Probabilities that @p n logits stand for, in their place: exp(z) / sum of exp(z). */
void classifier_softmax(double *logits, size_t n);

#endif
