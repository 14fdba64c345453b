/* SPDX-License-Identifier: MIT */
#include "infer/sampler.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

struct candidate {
    float logit;
    float weight; /* e^(logit - largest) */
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
        if (isnan(params->bias[i].value)) {
            return FAIL(NMOS_E_INVALID, "logit-bias: the value for token %d is not a number",
                        params->bias[i].token);
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

#define GOLDEN 0x9e3779b97f4a7c15U /* 2^64 / golden ratio, odd: neighbours land far apart */

/* Finaliser of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit. */
static uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static uint64_t position_key(uint64_t seed, uint64_t position)
{
    return mix64(mix64(seed + GOLDEN) + (position + 1) * GOLDEN);
}

static uint64_t token_hash(uint64_t key, int32_t token)
{
    return mix64(key + ((uint64_t)(uint32_t)token + 1) * GOLDEN);
}

/* u = (n + 1/2) / 2^52, n the upper 52 bits of the hash: exact, and never 0 or 1. */
static double uniform(uint64_t hash)
{
    return ((double)(hash >> 12) + 0.5) * 0x1p-52;
}

static double gumbel(uint64_t hash)
{
    return -log(-log(uniform(hash)));
}

/*
 * At least gumbel(hash), without a logarithm: -ln u >= 1 - u, and 1 - u >= 2^-(leading ones of the
 * hash + 1), or 2^-53.
 */
static double gumbel_bound(uint64_t hash)
{
    const uint64_t zeros = ~hash | 1U;
    return (double)(__builtin_clzll(zeros) + 1) * 0.69314718055994531;
}

double sampler_noise(uint64_t seed, uint64_t position, int32_t token)
{
    return gumbel(token_hash(position_key(seed, position), token));
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
    return (a.logit > b.logit) | ((a.logit == b.logit) & (a.token < b.token)); /* no branches */
}

static int32_t largest(const float *logits, uint32_t n_vocab)
{
    struct candidate best = {-INFINITY, 0.0F, -1};
    for (uint32_t t = 0; t < n_vocab; t++) {
        if (logits[t] > best.logit) best = (struct candidate){logits[t], 0.0F, (int32_t)t};
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
        const struct candidate c = {logits[t], 0.0F, (int32_t)t};
        if (!(c.logit > -INFINITY)) continue;
        if (n < k) {
            heap[n++] = c;
            if (n == k && k < s->n_vocab) { /* nothing can follow the whole vocabulary */
                for (size_t i = k / 2 + 1; i-- > 0;) sift_down(heap, k, i);
            }
        } else if (is_before(c, heap[0])) {
            heap[0] = c;
            sift_down(heap, k, 0);
        }
    }
    return n;
}

/* Fills in the weights and returns their sum. */
static double weigh(struct candidate *c, size_t n, float max)
{
    double total = 0.0;
    for (size_t i = 0; i < n; i++) {
        c[i].weight = expf(c[i].logit - max);
        total += (double)c[i].weight;
    }
    return total;
}

/* Keeps those of at least a weight, in their order. */
static size_t keep_heavy(struct candidate *c, size_t n, double least)
{
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        const struct candidate kept = c[i];
        c[n_left] = kept;
        n_left += (double)kept.weight >= least;
    }
    return n_left;
}

/* Moves the candidates that come before a pivot to the front; returns where the pivot ends up. */
static size_t partition(struct candidate *c, size_t n)
{
    const struct candidate pivot = c[n / 2];
    c[n / 2] = c[n - 1];
    size_t front = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        const struct candidate moved = c[i];
        c[i] = c[front];
        c[front] = moved;
        front += (size_t)is_before(moved, pivot);
    }
    c[n - 1] = c[front];
    c[front] = pivot;
    return front;
}

/* Moves the fewest largest whose weight reaches `wanted` to the front, by quickselect; at least
 * one. */
static size_t keep_weight(struct candidate *c, size_t n, double wanted)
{
    size_t n_kept = 0; /* these are in; the n behind them are undecided */
    while (n > 1) {
        struct candidate *rest = c + n_kept;
        const size_t front = partition(rest, n);
        double weight = 0.0;
        for (size_t i = 0; i < front; i++) weight += (double)rest[i].weight;
        if (front > 0 && weight >= wanted) {
            n = front;
            continue;
        }
        wanted -= weight + (double)rest[front].weight;
        n_kept += front + 1;
        n -= front + 1;
        if (wanted <= 0.0) return n_kept;
    }
    return n_kept + n;
}

/* The argmax of logit and noise. Few candidates can still win when their noise is only bounded: the
 * logarithms of the others are saved. */
static int32_t draw_keyed(const struct sampler *s, size_t n, uint64_t position, float max)
{
    const uint64_t key = position_key(s->params.seed, position);
    double best = -INFINITY;
    int32_t token = -1;
    for (size_t i = 0; i < n; i++) {
        const struct candidate c = s->candidates[i];
        const double x = (double)(c.logit - max) / (double)s->params.temp;
        const uint64_t hash = token_hash(key, c.token);
        if (x + gumbel_bound(hash) < best) continue;
        const double value = x + gumbel(hash);
        if (value > best || (value == best && c.token < token)) {
            best = value;
            token = c.token;
        }
    }
    return token;
}

/* Steps 1 and 2; the token with the largest logit, or -1. */
static int32_t adjust(const struct sampler *s, float *logits, const int32_t *history,
                      size_t n_history)
{
    for (size_t i = 0; i < s->params.n_bias; i++) logits[s->bias[i].token] += s->bias[i].value;
    penalise(s, logits, history, n_history);
    return largest(logits, s->n_vocab);
}

/* Step 4: leaves at most @p k_max candidates in s->candidates and returns their number. */
static size_t filter(const struct sampler *s, const float *logits, float max, size_t k_max)
{
    const struct sampler_params *p = &s->params;
    size_t k = p->top_k && p->top_k < s->n_vocab ? p->top_k : s->n_vocab;
    if (k > k_max) k = k_max;
    size_t n = select_top_k(s, logits, k);
    if (p->top_p < 1.0F || p->min_p > 0.0F) {
        const double total = weigh(s->candidates, n, max);
        /* Both keep the head of the same order, and top-p's share is of the total before min-p. A
         * candidate below the floor is not in top-p: even with all that follow it, it weighs less
         * than 1 - P. */
        const double floor_p = (1.0 - (double)p->top_p) * total / (double)n;
        n = keep_heavy(s->candidates, n, fmax((double)p->min_p, floor_p));
        if (p->top_p < 1.0F) n = keep_weight(s->candidates, n, (double)p->top_p * total);
    }
    return n;
}

int32_t sampler_draw(struct sampler *s, float *logits, const int32_t *history, size_t n_history,
                     uint64_t position)
{
    const int32_t top = adjust(s, logits, history, n_history);
    if (top < 0) return FAIL(NMOS_E_CORRUPT, "all %u logits are NaN or -inf", s->n_vocab);
    if (s->params.temp == 0.0F || isinf(logits[top])) return top;
    const size_t n = filter(s, logits, logits[top], s->n_vocab);
    return draw_keyed(s, n, position, logits[top]);
}

#define RANKED_MAX 64U /* candidates whose scores are compared */

/* Gives every candidate its score as `logit`, relative to the best logit. */
static void score(struct sampler *s, size_t n, uint64_t position, float max)
{
    const uint64_t key = position_key(s->params.seed, position);
    const float temp = s->params.temp;
    for (size_t i = 0; i < n; i++) {
        struct candidate *c = &s->candidates[i];
        const float x = c->logit - max;
        c->logit = temp > 0.0F ? x / temp + (float)gumbel(token_hash(key, c->token)) : x;
    }
}

uint32_t sampler_rank(struct sampler *s, float *logits, const int32_t *history, size_t n_history,
                      uint64_t position, struct sampler_guess *ret_guesses, uint32_t n_most)
{
    const int32_t top = adjust(s, logits, history, n_history);
    if (top < 0 || n_most == 0) return 0;
    if (isinf(logits[top])) {
        ret_guesses[0] = (struct sampler_guess){top, 1.0F};
        return 1;
    }
    /* The filters cut what is drawn; at temperature 0 they do not matter. */
    const size_t n = s->params.temp > 0.0F ? filter(s, logits, logits[top], RANKED_MAX)
                                           : select_top_k(s, logits, RANKED_MAX);
    score(s, n, position, logits[top]);
    double total = 0.0;
    float best = -INFINITY;
    for (size_t i = 0; i < n; i++) best = fmaxf(best, s->candidates[i].logit);
    for (size_t i = 0; i < n; i++) total += exp((double)(s->candidates[i].logit - best));
    uint32_t n_ranked = 0;
    for (; n_ranked < n_most && n_ranked < n; n_ranked++) {
        size_t next = n_ranked;
        for (size_t i = n_ranked + 1; i < n; i++) {
            if (is_before(s->candidates[i], s->candidates[next])) next = i;
        }
        const struct candidate c = s->candidates[next];
        s->candidates[next] = s->candidates[n_ranked];
        s->candidates[n_ranked] = c;
        ret_guesses[n_ranked] =
            (struct sampler_guess){c.token, (float)(exp((double)(c.logit - best)) / total)};
    }
    return n_ranked;
}

/* ---- Rejection sampling ---- */

/* Seeds of streams of noise that have nothing to do with that of sampler_draw(). */
#define PROPOSAL_STREAM 0x7f4a91d3c26be805U
#define VERDICT_STREAM  0x2c85e1b70f93d64aU

/* The distribution that is drawn from: candidates, at most @p k_max, with their probabilities as
 * weights. @return their number; 0 when no token has a score. */
static size_t distribute(const struct sampler *s, float *logits, const int32_t *history,
                         size_t n_history, size_t k_max)
{
    struct candidate *c = s->candidates;
    const int32_t top = adjust(s, logits, history, n_history);
    if (top < 0) return 0;
    if (s->params.temp == 0.0F || isinf(logits[top])) {
        c[0] = (struct candidate){logits[top], 1.0F, top};
        return 1;
    }
    const float max = logits[top];
    const size_t n = filter(s, logits, max, k_max);
    double total = 0.0;
    for (size_t i = 0; i < n; i++) {
        c[i].weight = expf((c[i].logit - max) / s->params.temp);
        total += (double)c[i].weight;
    }
    for (size_t i = 0; i < n; i++) c[i].weight = (float)((double)c[i].weight / total);
    return n;
}

/* A sample of the weights, which need not sum to 1; -1 when all are 0. */
static int32_t draw_weighted(const struct sampler *s, size_t n, uint64_t key)
{
    double best = -INFINITY;
    int32_t token = -1;
    for (size_t i = 0; i < n; i++) {
        const struct candidate c = s->candidates[i];
        if (!(c.weight > 0.0F)) continue;
        const double value = log((double)c.weight) + gumbel(token_hash(key, c.token));
        if (value > best || (value == best && c.token < token)) {
            best = value;
            token = c.token;
        }
    }
    return token;
}

int sampler_propose(struct sampler *s, float *logits, const int32_t *history, size_t n_history,
                    uint64_t position, struct sampler_proposal *ret)
{
    const size_t n = distribute(s, logits, history, n_history, SAMPLER_SHARES_MAX);
    ret->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        ret->shares[i] = (struct sampler_share){s->candidates[i].token, s->candidates[i].weight};
    }
    ret->token = draw_weighted(s, n, position_key(s->params.seed ^ PROPOSAL_STREAM, position));
    return n > 0;
}

/* Leaves max(p - q, 0) as the weights; logits serve as the table from a token to its weight. */
static void subtract(const struct sampler *s, size_t n, float *logits,
                     const struct sampler_proposal *proposal)
{
    struct candidate *c = s->candidates;
    for (size_t i = 0; i < n; i++) logits[c[i].token] = c[i].weight;
    for (uint32_t i = 0; i < proposal->n; i++) {
        logits[proposal->shares[i].token] -= proposal->shares[i].q;
    }
    for (size_t i = 0; i < n; i++) c[i].weight = fmaxf(logits[c[i].token], 0.0F);
}

int32_t sampler_accept(struct sampler *s, float *logits, const int32_t *history, size_t n_history,
                       uint64_t position, const struct sampler_proposal *proposal)
{
    const size_t n = distribute(s, logits, history, n_history, s->n_vocab);
    if (n == 0) return FAIL(NMOS_E_CORRUPT, "all %u logits are NaN or -inf", s->n_vocab);
    double p = 0.0;
    double q = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (s->candidates[i].token == proposal->token) p = (double)s->candidates[i].weight;
    }
    for (uint32_t i = 0; i < proposal->n; i++) {
        if (proposal->shares[i].token == proposal->token) q = (double)proposal->shares[i].q;
    }
    const double u = uniform(position_key(s->params.seed ^ VERDICT_STREAM, position));
    if (u * q < p) return proposal->token;
    subtract(s, n, logits, proposal);
    const int32_t token = draw_weighted(s, n, position_key(s->params.seed, position));
    return token < 0 ? proposal->token : token; /* nothing is left but what rounding took */
}
