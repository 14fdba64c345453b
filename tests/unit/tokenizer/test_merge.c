/* SPDX-License-Identifier: MIT */
/*
 * Proves that long words, merged in windows, give the ids of the plain procedure: join the best
 * pair, the leftmost among equals, until none is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tiny_vocab.h"
#include "tokenizer/tokenizer_internal.h"

#define WORD_BYTES 5000U /* several windows */

/* The definition, quadratic. */
static void merge_plainly(const struct tokenizer *t, struct str word, struct token_ids *ids)
{
    for (size_t i = 0; i < word.len; i++) {
        assert_int_equal(token_ids_append(ids, t->byte_ids[(unsigned char)word.data[i]]), 0);
    }
    for (;;) {
        const struct merge_rule *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i + 1 < ids->n; i++) {
            const struct merge_rule *rule = vocab_find_rule(t, ids->data[i], ids->data[i + 1]);
            if (!rule || (best && rule->rank >= best->rank)) continue;
            best = rule;
            at = i;
        }
        if (!best) return;
        ids->data[at] = best->joined;
        memmove(&ids->data[at + 1], &ids->data[at + 2], (ids->n - at - 2) * sizeof(*ids->data));
        ids->n--;
    }
}

static void compare_with_definition(struct tokenizer *t, const char *word, size_t n)
{
    struct token_ids expected = {0};
    struct token_ids actual = {0};
    merge_plainly(t, (struct str){word, n}, &expected);
    assert_int_equal(tokenizer_encode(t, (struct str){word, n}, 0, &actual), 0);
    assert_int_equal(actual.n, expected.n);
    assert_memory_equal(actual.data, expected.data, actual.n * sizeof(*actual.data));
    token_ids_deinit(&expected);
    token_ids_deinit(&actual);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

/* A vocabulary over a, b and c whose merges join random pairs of earlier tokens. */
static struct tokenizer *random_vocab(uint32_t *seed, size_t n_merges)
{
    static char texts[64][80];
    static char pairs[64][160];
    static const char *tokens[64];
    static const char *merges[64];
    size_t n = 3;
    size_t m = 0;
    for (size_t i = 0; i < 3; i++) tokens[i] = strcpy(texts[i], i == 0 ? "a" : i == 1 ? "b" : "c");
    for (size_t tries = 0; m < n_merges && tries < 1000; tries++) {
        const char *left = tokens[next_random(seed) % n];
        const char *right = tokens[next_random(seed) % n];
        if (strlen(left) + strlen(right) > 70) continue;
        snprintf(pairs[m], sizeof(pairs[m]), "%s %s", left, right);
        merges[m] = pairs[m];
        snprintf(texts[n], sizeof(texts[n]), "%s%s", left, right);
        m++;
        size_t same = 0;
        while (same < n && strcmp(tokens[same], texts[n]) != 0) same++;
        if (same == n) {
            tokens[n] = texts[n];
            n++;
        }
    }
    tokens[n] = NULL;
    merges[m] = NULL;
    const struct tiny_vocab v = {
        .model = "gpt2", .pre = "gpt-2", .tokens = tokens, .merges = merges};
    struct tokenizer *t = NULL;
    if (tiny_vocab_create(&v, &t) < 0) fail_msg("%s", error_message());
    return t;
}

static void random_words_under_random_merges(void **state)
{
    (void)state;
    static char word[WORD_BYTES];
    for (uint32_t seed = 1; seed <= 12; seed++) {
        uint32_t random = seed;
        struct tokenizer *t = random_vocab(&random, 5 + seed * 4);
        const uint32_t n_letters = 1 + seed % 3;
        for (size_t i = 0; i < WORD_BYTES; i++)
            word[i] = (char)('a' + next_random(&random) % n_letters);
        compare_with_definition(t, word, WORD_BYTES - seed * 37);
        tokenizer_destroy(&t);
    }
}

/* Tokens as long as several windows: a^2, a^4, ... a^8192. Every seam inside them must be found
 * out. */
static void tokens_longer_than_a_window(void **state)
{
    (void)state;
    static char long_text[8193];
    static char merges_text[14][8194];
    const char *tokens[16] = {0};
    const char *merges[15] = {0};
    memset(long_text, 'a', 8192);
    for (size_t i = 0; i <= 13; i++) {
        const size_t n = (size_t)1 << i;
        tokens[i] = long_text + 8192 - n;
        if (i == 0) continue;
        memset(merges_text[i], 'a', n + 1);
        merges_text[i][n / 2] = ' ';
        merges[i - 1] = merges_text[i];
    }
    const struct tiny_vocab v = {
        .model = "gpt2", .pre = "gpt-2", .tokens = tokens, .merges = merges};
    struct tokenizer *t = NULL;
    if (tiny_vocab_create(&v, &t) < 0) fail_msg("%s", error_message());
    static char word[3 * 8192 + 5];
    memset(word, 'a', sizeof(word));
    struct buf out = {0};
    assert_string_equal(encode_to_text(t, (struct str){word, sizeof(word)}, 0, &out),
                        "13 13 13 2 0");
    buf_deinit(&out);
    tokenizer_destroy(&t);
}

/* Tokens "c", "ac", "aac", ... that grow to the left: where the word ends decides about a boundary
 * a thousand bytes before it, so that a window's result is wrong far from its end, and only the
 * seam shows it. */
static void a_seam_that_does_not_hold_takes_the_word_back(void **state)
{
    (void)state;
    enum { N_TOKENS = 1000 };
    static char spelling[N_TOKENS + 1];
    static char merges_text[N_TOKENS][N_TOKENS + 2];
    static const char *tokens[N_TOKENS + 2];
    static const char *merges[N_TOKENS];
    memset(spelling, 'a', N_TOKENS - 1);
    spelling[N_TOKENS - 1] = 'c';
    tokens[N_TOKENS] = "a";
    for (size_t i = 0; i < N_TOKENS; i++) tokens[i] = spelling + N_TOKENS - 1 - i;
    for (size_t i = 0; i + 1 < N_TOKENS; i++) {
        snprintf(merges_text[i], sizeof(merges_text[i]), "a %s", tokens[i]);
        merges[i] = merges_text[i];
    }
    const struct tiny_vocab v = {
        .model = "gpt2", .pre = "gpt-2", .tokens = tokens, .merges = merges};
    struct tokenizer *t = NULL;
    if (tiny_vocab_create(&v, &t) < 0) fail_msg("%s", error_message());
    for (size_t n = 2100; n < 20000; n = n * 3 / 2) {
        static char word[20000];
        struct token_ids ids = {0};
        memset(word, 'a', n);
        word[n - 1] = 'c';
        assert_int_equal(tokenizer_encode(t, (struct str){word, n}, 0, &ids), 0);
        assert_int_equal(ids.n, n - N_TOKENS + 1);
        for (size_t i = 0; i + 1 < ids.n; i++) assert_int_equal(ids.data[i], N_TOKENS);
        assert_int_equal(ids.data[ids.n - 1], N_TOKENS - 1);
        token_ids_deinit(&ids);
    }
    tokenizer_destroy(&t);
}

static void a_remembered_word_gives_the_same_ids(void **state)
{
    (void)state;
    uint32_t random = 5;
    struct tokenizer *t = random_vocab(&random, 30);
    for (size_t n = 1; n <= 40; n++) {
        for (int again = 0; again < 2; again++) {
            compare_with_definition(t, "abcabcaabbccabcabacbacbcabcbaabcabcaabba", n);
        }
    }
    tokenizer_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_words_under_random_merges),
        cmocka_unit_test(tokens_longer_than_a_window),
        cmocka_unit_test(a_seam_that_does_not_hold_takes_the_word_back),
        cmocka_unit_test(a_remembered_word_gives_the_same_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
