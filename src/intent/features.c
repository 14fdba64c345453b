/* SPDX-License-Identifier: MIT */
#include "intent/features.h"

#include <math.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"

#define WINDOW_HEAD  1200U
#define WINDOW_TAIL  400U
#define HEAD_TOKENS  12U
#define TAIL_TOKENS  12U
#define TAIL_FROM    40U /* a text of more tokens has a tail */
#define START_TOKENS 4U
#define GRAM_MIN     3U
#define GRAM_MAX     5U
#define FNV_BASIS    0x811C9DC5U
#define FNV_PRIME    0x01000193U

/* Keep the features of one kind apart from those of another. */
enum { SEED_1 = 0x11, SEED_2 = 0x22, SEED_HEAD = 0x33, SEED_START = 0x44, SEED_TAIL = 0x55 };
enum { SEED_CHARS = 0x66 };

/* Bounds: a token or character is at least a byte of the window and the break inside it. */
#define TOKENS_MAX           (FEATURES_WINDOW_MAX + 1)
#define CHARS_MAX            (FEATURES_WINDOW_MAX + 2)
#define GROUP_MAX            ((GRAM_MAX - GRAM_MIN + 1) * CHARS_MAX)
#define SEEN_BITS            14U /* slots of the table that finds repetitions: more than 2 * GROUP_MAX */
#define MEASURED_OF(weights) (3 * (weights)->n_kinds + 2 * (weights)->n_marks + LENGTHS + 2)

static const uint16_t lengths[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024};
#define LENGTHS (uint32_t)(sizeof(lengths) / sizeof(lengths[0]))

struct feature_maker {
    const struct scout_weights *weights;
    pcre2_code *marks[SCOUT_MARKS_MAX];
    pcre2_match_data *match;
    struct features features;
    char window[FEATURES_WINDOW_MAX + 1];
    size_t n_window;
    uint32_t tokens[TOKENS_MAX]; /* hashes */
    size_t n_tokens;
    uint32_t visible[TOKENS_MAX]; /* tokens without line breaks */
    size_t n_visible;
    unsigned char chars[CHARS_MAX]; /* the window with letters in lower case, ... */
    size_t n_chars;
    uint32_t hashed[FEATURES_GROUPS][GROUP_MAX];
    uint32_t seen[1U << SEEN_BITS];  /* features of a group ... */
    uint32_t round[1U << SEEN_BITS]; /* ... that were put there in this round */
    uint32_t rounds;
};

uint32_t features_hash(const void *data, size_t n)
{
    const unsigned char *bytes = data;
    uint32_t h = FNV_BASIS;
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * FNV_PRIME;
    return h;
}

/* The finisher of MurmurHash3: spreads a hash over all its bits. */
static uint32_t mix(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x85EBCA6BU;
    h ^= h >> 13;
    h *= 0xC2B2AE35U;
    return h ^ h >> 16;
}

static uint32_t pair(uint32_t a, uint32_t b)
{
    return a * 0x9E3779B1U + b;
}

int feature_maker_create(const struct scout_weights *weights, struct feature_maker **ret_maker)
{
    if (MEASURED_OF(weights) != weights->n_measured) {
        return FAIL(NMOS_E_CORRUPT, "the Scout's weights are for %u measured features, not %u",
                    weights->n_measured, MEASURED_OF(weights));
    }
    struct feature_maker *maker = mem_calloc(MEM_GENERAL, 1, sizeof(*maker));
    if (!maker) return NMOS_E_NOMEM;
    maker->weights = weights;
    maker->match = pcre2_match_data_create(1, NULL);
    int rc = maker->match ? 0 : FAIL(NMOS_E_NOMEM, "no memory for the Scout's patterns");
    for (uint32_t i = 0; i < weights->n_marks && rc == 0; i++) {
        int error = 0;
        PCRE2_SIZE at = 0;
        maker->marks[i] = pcre2_compile((PCRE2_SPTR)weights->marks[i].pattern,
                                        weights->marks[i].n_bytes, 0, &error, &at, NULL);
        if (!maker->marks[i]) {
            rc = FAIL(NMOS_E_CORRUPT, "pattern %u of the Scout is wrong at byte %zu", i, at);
        } else {
            (void)pcre2_jit_compile(maker->marks[i], PCRE2_JIT_COMPLETE); /* else interpreted */
        }
    }
    for (int g = 0; g < FEATURES_GROUPS; g++) maker->features.hashed[g] = maker->hashed[g];
    if (rc < 0) {
        feature_maker_destroy(&maker);
        return rc;
    }
    *ret_maker = maker;
    return 0;
}

void feature_maker_destroy(struct feature_maker **maker)
{
    if (!maker || !*maker) return;
    for (uint32_t i = 0; i < SCOUT_MARKS_MAX; i++) pcre2_code_free((*maker)->marks[i]);
    pcre2_match_data_free((*maker)->match);
    mem_free(*maker);
    *maker = NULL;
}

static void cut_window(struct feature_maker *m, struct str text)
{
    if (text.len <= FEATURES_WINDOW_MAX) {
        if (text.len) memcpy(m->window, text.data, text.len);
        m->n_window = text.len;
        return;
    }
    memcpy(m->window, text.data, WINDOW_HEAD);
    m->window[WINDOW_HEAD] = '\n';
    memcpy(m->window + WINDOW_HEAD + 1, text.data + text.len - WINDOW_TAIL, WINDOW_TAIL);
    m->n_window = WINDOW_HEAD + 1 + WINDOW_TAIL;
}

static unsigned char fold(char c)
{
    const unsigned char byte = (unsigned char)c;
    if (byte >= 'A' && byte <= 'Z') return byte + 32;
    if (byte >= '0' && byte <= '9') return '0';
    if (byte == '\n') return byte;
    return byte < 32 || byte == 127 ? ' ' : byte;
}

static int is_blank(unsigned char c)
{
    return c == ' ' || c == '\n';
}

static int is_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || c == '0' || c >= 128;
}

static void add_token(struct feature_maker *m, const unsigned char *data, size_t n)
{
    const uint32_t hash = features_hash(data, n);
    m->tokens[m->n_tokens++] = hash;
    if (data[0] != '\n') m->visible[m->n_visible++] = hash;
}

/* Tokens, and the characters as runs of characters see them. */
static void cut_tokens(struct feature_maker *m)
{
    m->n_tokens = m->n_visible = 0;
    m->chars[0] = ' ';
    m->n_chars = 1;
    for (size_t i = 0; i < m->n_window;) {
        unsigned char c = fold(m->window[i]);
        unsigned char *start = m->chars + m->n_chars;
        if (is_blank(c)) {
            *start = ' ';
            for (; i < m->n_window && is_blank(c = fold(m->window[i])); i++) {
                if (c == '\n') *start = c;
            }
            m->n_chars++;
            if (*start == '\n') add_token(m, start, 1);
            continue;
        }
        unsigned char *end = start;
        do {
            if (c != '0' || end == start || end[-1] != '0') *end++ = c;
            i++;
        } while (is_word(c) && i < m->n_window && is_word(c = fold(m->window[i])));
        m->n_chars = (size_t)(end - m->chars);
        add_token(m, start, (size_t)(end - start));
    }
}

static void group_begin(struct feature_maker *m, int group)
{
    m->features.n_hashed[group] = 0;
    if (++m->rounds == 0) {
        memset(m->round, 0, sizeof(m->round));
        m->rounds = 1;
    }
}

/* Adds a feature to the group, once. */
static void group_add(struct feature_maker *m, int group, uint32_t feature)
{
    const uint32_t mask = (1U << SEEN_BITS) - 1;
    uint32_t slot = feature & mask;
    while (m->round[slot] == m->rounds) {
        if (m->seen[slot] == feature) return;
        slot = (slot + 1) & mask;
    }
    m->round[slot] = m->rounds;
    m->seen[slot] = feature;
    m->hashed[group][m->features.n_hashed[group]++] = feature;
}

static void hash_words(struct feature_maker *m)
{
    group_begin(m, FEATURES_WORDS);
    for (size_t i = 0; i < m->n_tokens; i++) {
        group_add(m, FEATURES_WORDS, mix(m->tokens[i] ^ SEED_1));
        if (i) group_add(m, FEATURES_WORDS, mix(pair(m->tokens[i - 1], m->tokens[i]) ^ SEED_2));
    }
}

static void hash_chars(struct feature_maker *m)
{
    group_begin(m, FEATURES_CHARS);
    for (size_t i = 0; i < m->n_chars; i++) {
        uint32_t h = FNV_BASIS;
        for (size_t n = 1; n <= GRAM_MAX && i + n <= m->n_chars; n++) {
            h = (h ^ m->chars[i + n - 1]) * FNV_PRIME;
            if (n >= GRAM_MIN) group_add(m, FEATURES_CHARS, mix(h ^ SEED_CHARS));
        }
    }
}

static void hash_ends(struct feature_maker *m)
{
    group_begin(m, FEATURES_HEAD);
    uint32_t start = 0;
    for (size_t i = 0; i < m->n_visible && i < HEAD_TOKENS; i++) {
        group_add(m, FEATURES_HEAD, mix(m->visible[i] ^ SEED_HEAD));
        if (i >= START_TOKENS) continue;
        start = pair(start, m->visible[i]);
        group_add(m, FEATURES_HEAD, mix(start ^ SEED_START));
    }
    group_begin(m, FEATURES_TAIL);
    if (m->n_visible <= TAIL_FROM) return;
    const uint32_t *last = m->visible + m->n_visible - TAIL_TOKENS;
    for (size_t i = 0; i < TAIL_TOKENS; i++) {
        group_add(m, FEATURES_TAIL, mix(last[i] ^ SEED_TAIL));
        if (i) group_add(m, FEATURES_TAIL, mix(pair(last[i - 1], last[i]) ^ SEED_TAIL));
    }
}

/* Bits of a word's kinds. */
static uint32_t kinds_of(const struct scout_weights *w, uint32_t hash)
{
    size_t low = 0;
    for (size_t n = w->n_lexicon; n > 0; n /= 2) {
        const size_t middle = low + n / 2;
        if (w->lexicon[2 * middle] == hash) return w->lexicon[2 * middle + 1];
        if (w->lexicon[2 * middle] < hash) {
            low = middle + 1;
            n--;
        }
    }
    return 0;
}

static float *measure_words(struct feature_maker *m, float *out)
{
    unsigned counts[SCOUT_KINDS_MAX] = {0};
    uint32_t in_head = 0;
    for (size_t i = 0; i < m->n_visible; i++) {
        const uint32_t kinds = kinds_of(m->weights, m->visible[i]);
        if (i < HEAD_TOKENS) in_head |= kinds;
        for (uint32_t rest = kinds; rest; rest &= rest - 1) counts[__builtin_ctz(rest)]++;
    }
    const double n = m->n_visible ? (double)m->n_visible : 1;
    for (uint32_t k = 0; k < m->weights->n_kinds; k++) {
        *out++ = (float)(in_head >> k & 1);
        *out++ = (float)(counts[k] < 4 ? counts[k] : 4) / 4;
        *out++ = (float)fmin(1, 4 * (double)counts[k] / n);
    }
    return out;
}

/* Matches of a pattern in the window that do not overlap; counted up to 8, as more do not count. */
static unsigned count_matches(const struct feature_maker *m, const pcre2_code *pattern)
{
    unsigned count = 0;
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(m->match);
    for (PCRE2_SIZE at = 0; at < m->n_window && count < 8; count++) {
        if (pcre2_match(pattern, (PCRE2_SPTR)m->window, m->n_window, at, 0, m->match, NULL) < 0)
            break;
        at = span[1] > at ? span[1] : at + 1;
    }
    return count;
}

static void measure(struct feature_maker *m, struct str text)
{
    float *out = measure_words(m, m->features.measured);
    for (uint32_t i = 0; i < m->weights->n_marks; i++) {
        const unsigned count = count_matches(m, m->marks[i]);
        *out++ = (float)(count > 0);
        *out++ = (float)count / 8;
    }
    for (uint32_t i = 0; i < LENGTHS; i++) *out++ = (float)(text.len >= lengths[i]);
    size_t n = m->n_window;
    while (n && strchr(" \t\n\r\v\f", m->window[n - 1]) && m->window[n - 1]) n--;
    *out++ = (float)(n && m->window[n - 1] == '?');
    *out = (float)(n && m->window[0] >= 'A' && m->window[0] <= 'Z');
}

const struct features *features_hashed(struct feature_maker *maker, struct str text)
{
    cut_window(maker, text);
    cut_tokens(maker);
    hash_words(maker);
    hash_chars(maker);
    hash_ends(maker);
    maker->features.tokens = maker->visible;
    maker->features.n_tokens = maker->n_visible;
    return &maker->features;
}

const struct features *features_of(struct feature_maker *maker, struct str text)
{
    (void)features_hashed(maker, text);
    measure(maker, text);
    return &maker->features;
}
