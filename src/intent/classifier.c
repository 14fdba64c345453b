/* SPDX-License-Identifier: MIT */
#include "intent/classifier.h"

#include <math.h>

void classifier_logits(const struct scout_weights *weights, const struct features *features,
                       size_t text_bytes, double *ret_logits)
{
    const struct scout_weights *w = weights;
    const uint32_t n = w->n_classes;
    for (uint32_t c = 0; c < n; c++) ret_logits[c] = w->bias[c];
    for (int g = 0; g < FEATURES_GROUPS; g++) {
        int64_t sums[SCOUT_CLASSES_MAX] = {0};
        const size_t n_hashed = features->n_hashed[g];
        if (n_hashed == 0) continue;
        for (size_t i = 0; i < n_hashed; i++) {
            const int16_t *row =
                w->table + (size_t)(features->hashed[g][i] >> (32 - w->n_bits)) * n;
            for (uint32_t c = 0; c < n; c++) sums[c] += row[c];
        }
        for (uint32_t c = 0; c < n; c++) {
            ret_logits[c] += (double)sums[c] * w->scale[c] / sqrt((double)n_hashed);
        }
    }
    for (uint32_t i = 0; i < w->n_measured; i++) {
        if (features->measured[i] == 0) continue;
        for (uint32_t c = 0; c < n; c++) {
            ret_logits[c] += (double)features->measured[i] * w->measured[i * n + c];
        }
    }
    const size_t seen = text_bytes < FEATURES_WINDOW_MAX ? text_bytes : FEATURES_WINDOW_MAX;
    const double length = log2(1 + (double)seen) / 8;
    const double sharpness = w->sharpness[0] + w->sharpness[1] * length;
    for (uint32_t c = 0; c < n; c++) ret_logits[c] *= sharpness;
}

void classifier_softmax(double *logits, size_t n)
{
    double max = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++) max = fmax(max, logits[i]);
    for (size_t i = 0; i < n; i++) sum += logits[i] = exp(logits[i] - max);
    for (size_t i = 0; i < n; i++) logits[i] /= sum;
}
