/* SPDX-License-Identifier: MIT */
#include "intent/likeness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t copy_group(const struct features *features, int group, uint32_t *to, size_t room)
{
    const size_t n = features->n_hashed[group] < room ? features->n_hashed[group] : room;
    memcpy(to, features->hashed[group], n * sizeof(*to));
    qsort(to, n, sizeof(*to), by_number);
    return (uint32_t)n;
}

void sketch_make(struct feature_maker *maker, struct str text, struct sketch *ret_sketch)
{
    if (text.len > SKETCH_BYTES) text.len = SKETCH_BYTES;
    const struct features *features = features_hashed(maker, text);
    struct sketch *s = ret_sketch;
    s->n_words = copy_group(features, FEATURES_WORDS, s->hashes, SKETCH_HASHES);
    s->n_chars =
        copy_group(features, FEATURES_CHARS, s->hashes + s->n_words, SKETCH_HASHES - s->n_words);
}

static double overlap(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
    size_t i = 0;
    size_t k = 0;
    size_t n_both = 0;
    if (n_a == 0 || n_b == 0) return 0;
    while (i < n_a && k < n_b) {
        const uint32_t x = a[i];
        const uint32_t y = b[k];
        n_both += x == y;
        i += x <= y;
        k += y <= x;
    }
    return (double)n_both / sqrt((double)n_a * (double)n_b);
}

double sketch_likeness(const struct sketch *a, const struct sketch *b)
{
    return (overlap(a->hashes, a->n_words, b->hashes, b->n_words) +
            overlap(a->hashes + a->n_words, a->n_chars, b->hashes + b->n_words, b->n_chars)) /
           2;
}

double likeness_share(double likeness)
{
    return fmin(0.95, 0.6 + 0.7 * (likeness - LIKENESS_ENOUGH));
}

/* 64 random signs, the @p part-th ones, that a feature stands for (SplitMix64). */
static uint64_t signs_of(uint32_t feature, unsigned part)
{
    uint64_t x = (((uint64_t)part << 32 | feature) + 1) * 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

/* Adds the direction of a set, of length sqrt(1/2). */
static void add_direction(const uint32_t *hashes, size_t n, float *vector)
{
    int32_t sums[SKETCH_DIMS] = {0};
    for (size_t i = 0; i < n; i++) {
        for (unsigned part = 0; part < SKETCH_DIMS / 64; part++) {
            const uint64_t signs = signs_of(hashes[i], part);
            int32_t *to = sums + (size_t)64 * part;
            for (unsigned d = 0; d < 64; d++) to[d] += (int32_t)(signs >> d & 1) * 2 - 1;
        }
    }
    const float scale = n ? 1 / sqrtf(2 * (float)n * SKETCH_DIMS) : 0;
    for (unsigned d = 0; d < SKETCH_DIMS; d++) vector[d] += (float)sums[d] * scale;
}

void sketch_project(const struct sketch *sketch, int8_t ret_vector[SKETCH_DIMS])
{
    float vector[SKETCH_DIMS] = {0};
    add_direction(sketch->hashes, sketch->n_words, vector);
    add_direction(sketch->hashes + sketch->n_words, sketch->n_chars, vector);
    for (unsigned d = 0; d < SKETCH_DIMS; d++) {
        const float scaled = roundf(vector[d] * 256);
        ret_vector[d] = (int8_t)fmaxf(-127, fminf(127, scaled));
    }
}
