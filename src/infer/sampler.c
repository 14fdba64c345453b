/* SPDX-License-Identifier: MIT */
#include "infer/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct candidate {
    float logit;
    int32_t token;
};

struct sampler {
    struct sampler_params params;
    struct sampler_bias *bias;
    uint32_t n_vocab;
    struct candidate *candidates; /* [n_vocab] */
};

static int check_params(const struct sampler_params *p)
{
    const struct {
        const char *name;
        float value;
        float min;
        float max;
    } ranges[] = {{"temp", p->temp, 0.0F, 100.0F},
                  {"top-p", p->top_p, 0.0F, 1.0F},
                  {"min-p", p->min_p, 0.0F, 1.0F},
                  {"repeat-penalty", p->repeat_penalty, 0.01F, 100.0F},
                  {"presence-penalty", p->presence_penalty, -100.0F, 100.0F},
                  {"frequency-penalty", p->frequency_penalty, -100.0F, 100.0F}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (!(ranges[i].value >= ranges[i].min && ranges[i].value <= ranges[i].max)) {
            return FAIL(NMOS_E_INVALID, "%s is %g; %g to %g is possible", ranges[i].name,
                        (double)ranges[i].value, (double)ranges[i].min, (double)ranges[i].max);
        }
    }
    if (p->n_bias > SAMPLER_BIAS_MAX) {
        return FAIL(NMOS_E_LIMIT, "%zu logit biases; at most %u are possible", p->n_bias,
                    SAMPLER_BIAS_MAX);
    }
    return 0;
}

int sampler_create(const struct sampler_params *params, uint32_t n_vocab,
                   struct sampler **ret_sampler)
{
    TRY(check_params(params));
    for (size_t i = 0; i < params->n_bias; i++) {
        if (params->bias[i].token < 0 || (uint32_t)params->bias[i].token >= n_vocab) {
            return FAIL(NMOS_E_INVALID, "logit-bias: token %d is outside the vocabulary of %u",
                        params->bias[i].token, n_vocab);
        }
    }
    struct sampler *s = mem_calloc(MEM_GENERAL, 1, sizeof(*s));
    if (!s) return NMOS_E_NOMEM;
    s->params = *params;
    s->n_vocab = n_vocab;
    s->bias = mem_calloc(MEM_GENERAL, params->n_bias, sizeof(s->bias[0]));
    s->candidates = mem_calloc(MEM_SCRATCH, n_vocab, sizeof(s->candidates[0]));
    if (!s->bias || !s->candidates) {
        sampler_destroy(&s);
        return NMOS_E_NOMEM;
    }
    if (params->n_bias) memcpy(s->bias, params->bias, params->n_bias * sizeof(s->bias[0]));
    s->params.bias = s->bias;
    *ret_sampler = s;
    return 0;
}

void sampler_destroy(struct sampler **sampler)
{
    if (!sampler || !*sampler) return;
    mem_free((*sampler)->bias);
    mem_free((*sampler)->candidates);
    mem_free(*sampler);
    *sampler = NULL;
}

/* Finaliser of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit. */
static uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

double sampler_noise(uint64_t seed, uint64_t position, int32_t token)
{
    const uint64_t golden = 0x9e3779b97f4a7c15U;
    uint64_t x = mix64(seed + golden);
    x = mix64(x + (position + 1) * golden);
    x = mix64(x + ((uint64_t)(uint32_t)token + 1) * golden);
    const double u = ((double)(x >> 11) + 0.5) * 0x1p-53; /* in (0, 1), never an end */
    return -log(-log(u));
}

static void penalise(const struct sampler *s, float *logits, const int32_t *history, size_t n)
{
    const struct sampler_params *p = &s->params;
    if (p->repeat_penalty == 1.0F && p->presence_penalty == 0.0F && p->frequency_penalty == 0.0F) {
        return;
    }
    const size_t n_seen = n < SAMPLER_WINDOW ? n : SAMPLER_WINDOW;
    const int32_t *seen = history + (n - n_seen);
    for (size_t i = 0; i < n_seen; i++) {
        uint32_t n_times = 0;
        int is_first = 1;
        for (size_t j = 0; j < n_seen; j++) {
            if (seen[j] != seen[i]) continue;
            if (j < i) is_first = 0;
            n_times++;
        }
        if (!is_first || seen[i] < 0 || (uint32_t)seen[i] >= s->n_vocab) continue;
        float *logit = &logits[seen[i]];
        *logit = *logit > 0.0F ? *logit / p->repeat_penalty : *logit * p->repeat_penalty;
        *logit -= p->presence_penalty + p->frequency_penalty * (float)n_times;
    }
}

/* Larger logit first; among equals the lower id. */
static int is_before(struct candidate a, struct candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    return is_before(*x, *y) ? -1 : is_before(*y, *x);
}

static int32_t largest(const float *logits, uint32_t n_vocab)
{
    struct candidate best = {-INFINITY, -1};
    for (uint32_t t = 0; t < n_vocab; t++) {
        if (logits[t] > best.logit) best = (struct candidate){logits[t], (int32_t)t};
    }
    return best.token;
}

/* Restores the heap whose root is the candidate that comes last; i may be out of place. */
static void sift_down(struct candidate *heap, size_t n, size_t i)
{
    for (;;) {
        size_t last = i;
        const size_t left = 2 * i + 1;
        if (left < n && is_before(heap[last], heap[left])) last = left;
        if (left + 1 < n && is_before(heap[last], heap[left + 1])) last = left + 1;
        if (last == i) return;
        const struct candidate moved = heap[i];
        heap[i] = heap[last];
        heap[last] = moved;
        i = last;
    }
}

/* The k that come first, in heap order. Most of the vocabulary fails the one comparison with the
 * root. */
static size_t select_top_k(const struct sampler *s, const float *logits, size_t k)
{
    struct candidate *heap = s->candidates;
    size_t n = 0;
    for (uint32_t t = 0; t < s->n_vocab; t++) {
        const struct candidate c = {logits[t], (int32_t)t};
        if (!(c.logit > -INFINITY)) continue;
        if (n < k) {
            heap[n++] = c;
            if (n == k) {
                for (size_t i = k / 2 + 1; i-- > 0;) sift_down(heap, k, i);
            }
        } else if (is_before(c, heap[0])) {
            heap[0] = c;
            sift_down(heap, k, 0);
        }
    }
    return n;
}

static double sum_of_exps(const struct candidate *c, size_t n, float max)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (double)expf(c[i].logit - max);
    return sum;
}

/*
 * Sorts and keeps the head that reaches probability P. Candidates that even all together cannot
 * hold 1 - P are dropped before the sort, which makes it short for any vocabulary.
 */
static size_t keep_top_p(struct candidate *c, size_t n, float top_p, float max)
{
    const double total = sum_of_exps(c, n, max);
    const double floor_p = (1.0 - (double)top_p) / (double)n * total;
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        if (c[i].logit == max || (double)expf(c[i].logit - max) >= floor_p) c[n_left++] = c[i];
    }
    qsort(c, n_left, sizeof(*c), compare_candidates);
    double reached = 0.0;
    for (size_t i = 0; i < n_left; i++) {
        reached += (double)expf(c[i].logit - max);
        if (reached >= (double)top_p * total) return i + 1;
    }
    return n_left;
}

static size_t keep_min_p(struct candidate *c, size_t n, float min_p, float max)
{
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        if (expf(c[i].logit - max) >= min_p) c[n_left++] = c[i];
    }
    return n_left;
}

static int32_t draw_keyed(const struct sampler *s, size_t n, uint64_t position)
{
    double best = -INFINITY;
    int32_t token = -1;
    for (size_t i = 0; i < n; i++) {
        const struct candidate c = s->candidates[i];
        const double value = (double)c.logit / (double)s->params.temp +
                             sampler_noise(s->params.seed, position, c.token);
        if (value > best || (value == best && c.token < token)) {
            best = value;
            token = c.token;
        }
    }
    return token;
}

int32_t sampler_draw(struct sampler *s, float *logits, const int32_t *history, size_t n_history,
                     uint64_t position)
{
    const struct sampler_params *p = &s->params;
    for (size_t i = 0; i < p->n_bias; i++) logits[s->bias[i].token] += s->bias[i].value;
    penalise(s, logits, history, n_history);
    const int32_t top = largest(logits, s->n_vocab);
    if (top < 0) return FAIL(NMOS_E_CORRUPT, "all %u logits are NaN or -inf", s->n_vocab);
    if (p->temp == 0.0F) return top;
    const size_t k = p->top_k && p->top_k < s->n_vocab ? p->top_k : s->n_vocab;
    size_t n = select_top_k(s, logits, k);
    const float max = logits[top];
    if (p->top_p < 1.0F) n = keep_top_p(s->candidates, n, p->top_p, max);
    if (p->min_p > 0.0F) n = keep_min_p(s->candidates, n, p->min_p, max);
    return draw_keyed(s, n, position);
}
