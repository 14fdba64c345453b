/* SPDX-License-Identifier: MIT */
/* Proves what guessing rests on: the tree's likeliest nodes form a tree, look-ups find the longest
 * match as a naive search does, odds follow what happens, and the fitted cost is that of the
 * passes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "infer/draft_ngram.h"
#include "infer/guess_credit.h"
#include "infer/guess_tree.h"
#include "infer/pass_cost.h"
#include "infer/sampler.h"

static uint64_t rng;

static uint32_t random_below(uint32_t n)
{
    rng = rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(rng >> 33) % n;
}

static void the_likeliest_nodes_form_a_tree(void **state)
{
    (void)state;
    struct guess_odds odds;
    struct guess_tree tree;
    guess_odds_init(&odds, 0);
    assert_int_equal(guess_tree_init(&tree), 0);
    for (rng = 1; rng < 20; rng++) {
        const uint64_t seed = rng;
        guess_tree_clear(&tree);
        for (int i = 0; i < 300; i++) {
            const int32_t parent = (int32_t)random_below(tree.n + 1) - 1;
            const enum guess_source source = random_below(2) ? GUESS_DRAFT : GUESS_NGRAM;
            (void)guess_tree_add(&tree, parent, (int32_t)random_below(50), source,
                                 (int8_t)random_below(GUESS_BINS), &odds);
        }
        guess_tree_sort(&tree);
        uint8_t is_in[GUESS_NODES_MAX] = {0};
        for (uint32_t i = 0; i < tree.n; i++) {
            const struct guess_node *node = &tree.nodes[tree.order[i]];
            if (i) assert_true(node->p <= tree.nodes[tree.order[i - 1]].p);
            if (node->parent != GUESS_ROOT) {
                assert_true(is_in[node->parent]);
                assert_int_equal(node->depth, tree.nodes[node->parent].depth + 1);
            }
            assert_false(is_in[tree.order[i]]);
            is_in[tree.order[i]] = 1;
            assert_int_equal(guess_tree_child(&tree, node->parent, node->token),
                             (int32_t)tree.order[i]); /* one node for each token */
        }
        rng = seed;
    }
    guess_tree_deinit(&tree);
}

static void a_full_or_deep_tree_takes_no_more(void **state)
{
    (void)state;
    struct guess_odds odds;
    struct guess_tree tree;
    guess_odds_init(&odds, 0);
    assert_int_equal(guess_tree_init(&tree), 0);
    int32_t node = GUESS_ROOT;
    for (uint32_t i = 0; i < GUESS_DEPTH_MAX; i++) {
        node = guess_tree_add(&tree, node, 1, GUESS_DRAFT, guess_bin_of_share(1.0F, 1), &odds);
        assert_int_equal(node, (int32_t)i);
    }
    assert_int_equal(guess_tree_add(&tree, node, 1, GUESS_DRAFT, 0, &odds), GUESS_ROOT);
    for (int32_t t = 2; tree.n < GUESS_NODES_MAX; t++) {
        assert_true(guess_tree_add(&tree, GUESS_ROOT, t, GUESS_NGRAM, 3, &odds) >= 0);
    }
    assert_int_equal(guess_tree_add(&tree, GUESS_ROOT, -5, GUESS_DRAFT, 0, &odds), GUESS_ROOT);
    guess_tree_deinit(&tree);
}

/* Every earlier place, longest first, the latest among equals. */
static struct ngram_match naive_find(const int32_t *tokens, size_t n)
{
    for (uint32_t length = NGRAM_MATCH_MAX; length >= NGRAM_MATCH_MIN; length--) {
        for (size_t end = n; end-- > length;) {
            if (memcmp(tokens + end - length, tokens + n - length, length * sizeof(*tokens)) == 0) {
                return (struct ngram_match){end, length};
            }
        }
        if (length < n && memcmp(tokens, tokens + n - length, length * sizeof(*tokens)) == 0) {
            return (struct ngram_match){length, length}; /* it begins the text */
        }
    }
    return (struct ngram_match){0};
}

static void a_look_up_finds_the_longest_match(void **state)
{
    (void)state;
    int32_t tokens[200];
    rng = 7;
    for (int round = 0; round < 2000; round++) {
        const size_t n = random_below(200);
        const uint32_t kinds = 1 + random_below(6);
        for (size_t i = 0; i < n; i++) tokens[i] = (int32_t)random_below(kinds);
        const struct ngram_match got = ngram_find(tokens, n);
        const struct ngram_match want = naive_find(tokens, n);
        assert_int_equal(got.n_tokens, want.n_tokens);
        assert_int_equal(got.next, want.next);
    }
}

static void odds_follow_what_happens(void **state)
{
    (void)state;
    const int8_t none = -1;
    struct guess_odds odds;
    guess_odds_init(&odds, 0);
    for (int8_t kind = 1; kind < 4; kind++) { /* the draft, the text, both */
        const int8_t draft = (int8_t)(kind & 1 ? 4 : none);
        const int8_t bins[3][GUESS_SOURCES] = {
            {draft, (int8_t)(kind & 2 ? 4 : none)},
            {(int8_t)(draft + (kind & 1)), (int8_t)(kind & 2 ? 5 : none)},
            {(int8_t)(draft + (kind & 1) * 2), (int8_t)(kind & 2 ? 6 : none)}};
        for (int i = 0; i < 4000; i++) {
            guess_odds_learn(&odds, bins[0], i % 4 == 0);
            guess_odds_learn(&odds, bins[1], 1);
            guess_odds_learn(&odds, bins[2], 0);
        }
        assert_true(fabsf(guess_odds_get(&odds, bins[0]) - 0.25F) < 0.05F);
        /* Never 1 nor 0: a child is less likely than its parent, and a hopeless bin can recover. */
        assert_true(guess_odds_get(&odds, bins[1]) < 1.0F);
        assert_true(guess_odds_get(&odds, bins[1]) > 0.9F);
        assert_true(guess_odds_get(&odds, bins[2]) > 0.0F);
        assert_true(guess_odds_get(&odds, bins[2]) < 0.1F);
    }
}

/* The draft's guess and the text's one of a tree; which is likelier is what was learned. */
static int32_t likeliest_token(const struct guess_odds *odds)
{
    struct guess_tree tree;
    assert_int_equal(guess_tree_init(&tree), 0);
    assert_true(guess_tree_add(&tree, GUESS_ROOT, 1, GUESS_DRAFT, 4, odds) >= 0);
    assert_true(guess_tree_add(&tree, GUESS_ROOT, 2, GUESS_NGRAM, 4, odds) >= 0);
    guess_tree_sort(&tree);
    const int32_t token = tree.nodes[tree.order[0]].token;
    guess_tree_deinit(&tree);
    return token;
}

static void odds_of_some_texts_part_from_those_of_all(void **state)
{
    (void)state;
    static const int8_t draft[GUESS_SOURCES] = {4, -1};
    static const int8_t text[GUESS_SOURCES] = {-1, 4};
    struct guess_odds all;
    struct guess_odds apart[2];
    guess_odds_init(&all, 0);
    for (int i = 0; i < 2; i++) guess_odds_init_apart(&apart[i], &all);
    for (int8_t bin = 0; bin < GUESS_BINS; bin++) { /* nothing learned: those of all */
        const int8_t bins[GUESS_SOURCES] = {bin, -1};
        assert_true(guess_odds_get(&apart[0], bins) == guess_odds_get(&all, bins));
    }
    assert_int_equal(guess_odds_count(&apart[0]), 0);
    for (int i = 0; i < 100; i++) { /* two kinds of text, in one of which the draft is right */
        for (int k = 0; k < 2; k++) {
            guess_odds_learn(&apart[k], draft, k == 0);
            guess_odds_learn(&apart[k], text, k == 1);
        }
    }
    assert_int_equal(guess_odds_count(&apart[0]), 200);
    assert_true(guess_odds_get(&apart[0], draft) > 0.9F);
    assert_true(guess_odds_get(&apart[1], draft) < 0.1F);
    assert_true(fabsf(guess_odds_get(&all, draft) - 0.5F) < 0.1F);
    assert_int_equal(likeliest_token(&apart[0]), 1);
    assert_int_equal(likeliest_token(&apart[1]), 2);
    const int8_t other[GUESS_SOURCES] = {5, -1}; /* of which neither has learned anything */
    assert_true(guess_odds_get(&apart[0], other) == guess_odds_get(&all, other));
    assert_true(guess_odds_are_sound(&all) && guess_odds_are_sound(&apart[0]));
    apart[0].p[0][3] = NAN;
    apart[1].n[2][0] = 1e9F;
    assert_false(guess_odds_are_sound(&apart[0]) || guess_odds_are_sound(&apart[1]));
}

static void surer_guesses_are_taken_to_be_right_more_often(void **state)
{
    (void)state;
    for (int is_greedy = 0; is_greedy < 2; is_greedy++) {
        struct guess_odds odds;
        guess_odds_init(&odds, is_greedy);
        for (int is_first = 0; is_first < 2; is_first++) {
            float before = 0.0F;
            for (float q = 0.0F; q <= 1.0F; q += 0.01F) {
                const int8_t bins[GUESS_SOURCES] = {guess_bin_of_share(q, is_first), -1};
                assert_in_range(bins[GUESS_DRAFT], 0, GUESS_BINS - 1);
                assert_true(guess_odds_get(&odds, bins) >= before);
                before = guess_odds_get(&odds, bins);
            }
            assert_in_range(guess_bin_of_share(NAN, is_first), 0, GUESS_BINS - 1);
            assert_in_range(guess_bin_of_share(1.0F, is_first), 0, GUESS_BINS - 1);
        }
        const int8_t draft[GUESS_SOURCES] = {guess_bin_of_share(0.3F, 1), -1};
        const int8_t text[GUESS_SOURCES] = {-1, guess_bin_of_match(3)};
        const int8_t both[GUESS_SOURCES] = {draft[GUESS_DRAFT], text[GUESS_NGRAM]};
        assert_true(guess_odds_get(&odds, both) > guess_odds_get(&odds, draft));
        assert_true(guess_odds_get(&odds, both) > guess_odds_get(&odds, text));
    }
    assert_int_equal(guess_bin_of_match(1000), GUESS_BINS - 1);
}

/* A chain from the text becomes likelier as a whole where the draft guesses its beginning too, and
 * what is too unlikely stays out. */
static void what_both_guess_lifts_what_is_behind_it(void **state)
{
    (void)state;
    struct guess_odds odds;
    struct guess_tree tree;
    guess_odds_init(&odds, 0);
    assert_int_equal(guess_tree_init(&tree), 0);
    int32_t at = GUESS_ROOT;
    for (int32_t t = 0; t < 3; t++) at = guess_tree_add(&tree, at, t, GUESS_NGRAM, 2, &odds);
    const float alone = tree.nodes[0].p;
    const float behind = tree.nodes[2].p;
    const int32_t other = guess_tree_add(&tree, GUESS_ROOT, 7, GUESS_DRAFT, 3, &odds);
    const float p_other = tree.nodes[other].p;
    assert_int_equal(guess_tree_add(&tree, GUESS_ROOT, 0, GUESS_DRAFT, 3, &odds), 0);
    assert_true(tree.nodes[0].p > alone);
    assert_true(fabsf(tree.nodes[2].p / behind - tree.nodes[0].p / alone) < 1e-3F);
    assert_true(tree.nodes[other].p == p_other);
    tree.p_least = p_other;
    assert_int_equal(guess_tree_add(&tree, GUESS_ROOT, 8, GUESS_DRAFT, 3, &odds), GUESS_ROOT);
    assert_int_equal(guess_tree_add(&tree, GUESS_ROOT, 7, GUESS_DRAFT, 3, &odds), other);
    guess_tree_deinit(&tree);
}

/* A machine that computes for 80 ms + 10 ms a row, and whose disk needs `disk_s`. */
static double machine_s(double disk_s, double rows)
{
    const double compute_s = 0.080 + 0.010 * rows;
    return pow(pow(compute_s, 4) + pow(disk_s, 4), 0.25);
}

static void the_cost_is_that_of_the_passes(void **state)
{
    (void)state;
    const double disks[] = {0.0, 0.5};
    for (int d = 0; d < 2; d++) {
        struct pass_cost cost = {0};
        assert_true(pass_cost_seconds(&cost, 5) == 0.0);
        for (int i = 0; i < 60; i++) {
            const uint32_t rows = i % 3 ? 1 + (uint32_t)i % 2 : 20 + (uint32_t)i % 20;
            pass_cost_learn(&cost, rows, 0.080 + 0.010 * rows);
            if (disks[d] > 0) pass_cost_learn_disk(&cost, disks[d]);
        }
        for (double rows = 1; rows <= 100; rows *= 3) {
            const double want = machine_s(disks[d], rows);
            assert_true(fabs(pass_cost_seconds(&cost, rows) - want) < 0.05 * want);
        }
        /* Behind half a second there is room for (0.45 - 0.080) / 0.010 rows, behind none for 1. */
        const uint32_t n = pass_cost_rows(&cost, 0.9, 128);
        assert_true(disks[d] > 0 ? n >= 36 && n <= 37 : n == 1);
    }
}

/* An answer of n tokens: a pass of one row takes one second, guesses cost more and win what random
 * draws say, so many of a hundred; whoever has the credit guesses. @return seconds. */
static double credited_s(struct guess_credit *credit, uint32_t n, double cost, uint32_t won_of_100,
                         uint32_t *ret_guessed)
{
    double seconds = 0;
    *ret_guessed = 0;
    for (uint32_t i = 0; i < n;) {
        const int guesses = guess_credit_allows(credit, cost, 1);
        const uint32_t won = guesses && random_below(100) < won_of_100 ? 3 : 0;
        const double step_s = guesses ? 1 + cost : 1;
        guess_credit_settle(credit, 1 + won, step_s, 1);
        seconds += step_s;
        *ret_guessed += (uint32_t)guesses;
        i += 1 + won;
    }
    return seconds;
}

static void guesses_cost_no_more_than_was_put_aside(void **state)
{
    (void)state;
    static const double costs[] = {0.01, 0.3, 0.5, 1, 5, 40};
    uint32_t guessed = 0;
    rng = 3;
    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        for (uint32_t won = 0; won <= 100; won += 10) {
            for (uint32_t n = 8; n <= 4096; n *= 2) {
                struct guess_credit credit = {0};
                const double seconds = credited_s(&credit, n, costs[i], won, &guessed);
                assert_true(seconds <= n * (1 + GUESS_CREDIT_SHARE) + GUESS_CREDIT_FIRST + 1e-9);
            }
        }
    }
    /* In an answer of 64 tokens that is less than a twentieth. */
    assert_true(64 / (64 * (1 + GUESS_CREDIT_SHARE) + GUESS_CREDIT_FIRST) > 0.95);
}

static void guesses_that_win_are_made_in_every_step(void **state)
{
    (void)state;
    struct guess_credit credit = {0};
    uint32_t guessed = 0;
    rng = 4;
    assert_true(fabs(credited_s(&credit, 1000, 0.4, 100, &guessed) - 350) < 1e-6);
    assert_int_equal(guessed, 250);
    /* What is dear at first is saved up for, and then stays. */
    credit = (struct guess_credit){0};
    assert_true(credited_s(&credit, 1000, 0.9, 70, &guessed) < 700);
    (void)credited_s(&credit, 1000, 0.9, 70, &guessed);
    assert_true(guessed > 250);
    /* After long losses, what has become worth it is found again. */
    credit = (struct guess_credit){0};
    (void)credited_s(&credit, 3000, 0.4, 0, &guessed);
    assert_true(guessed < 30); /* a thirtieth of the share is put aside at last */
    (void)credited_s(&credit, 3000, 0.4, 100, &guessed);
    assert_true(guessed > 600);
    /* A step that something else held up for long does not stop it for long. */
    credit = (struct guess_credit){0};
    guess_credit_settle(&credit, 1, 1000, 1);
    (void)credited_s(&credit, 1000, 0.4, 100, &guessed);
    assert_true(guessed > 150);
}

static void passes_of_one_size_are_enough_for_a_guess(void **state)
{
    (void)state;
    struct pass_cost cost = {0};
    for (int i = 0; i < 10; i++) pass_cost_learn(&cost, 8, 0.160);
    /* As much for the weights as for eight rows: that is 10 ms a row. */
    assert_true(fabs(pass_cost_seconds(&cost, 8) - 0.160) < 0.001);
    assert_true(fabs(pass_cost_seconds(&cost, 1) - 0.090) < 0.001);
    pass_cost_learn_disk(&cost, 0.305);
    assert_true(fabs(pass_cost_seconds(&cost, 1) - 0.305) < 0.001);
    assert_true(pass_cost_seconds(&cost, 8) > 0.305);
    assert_true(pass_cost_seconds(&cost, 8) < 0.312);
    assert_int_equal(pass_cost_rows(&cost, 1.0, 128), 22); /* 80 + 22 * 10 ms */
}

static void ranking_puts_the_drawn_token_first(void **state)
{
    (void)state;
    enum { N = 500 };
    float logits[N];
    float copy[N];
    struct sampler_guess guesses[8];
    const float temps[] = {0.0F, 0.7F, 1.3F};
    rng = 3;
    for (int t = 0; t < 3; t++) {
        struct sampler *sampler = NULL;
        const struct sampler_params params = {.temp = temps[t],
                                              .top_k = 40,
                                              .top_p = 0.95F,
                                              .min_p = 0.02F,
                                              .repeat_penalty = 1.1F,
                                              .seed = 9};
        const int32_t history[] = {1, 2, 3};
        assert_int_equal(sampler_create(&params, N, &sampler), 0);
        for (uint64_t position = 0; position < 200; position++) {
            for (int i = 0; i < N; i++) logits[i] = (float)random_below(1000) * 0.01F;
            memcpy(copy, logits, sizeof(copy));
            const uint32_t n = sampler_rank(sampler, copy, history, 3, position, guesses, 8);
            assert_true(n >= 1 && n <= 8);
            assert_int_equal(guesses[0].token, sampler_draw(sampler, logits, history, 3, position));
            float sum = 0;
            for (uint32_t i = 0; i < n; i++) {
                if (i) assert_true(guesses[i].q <= guesses[i - 1].q);
                sum += guesses[i].q;
            }
            assert_true(sum > 0.0F && sum < 1.0001F);
        }
        sampler_destroy(&sampler);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_likeliest_nodes_form_a_tree),
        cmocka_unit_test(a_full_or_deep_tree_takes_no_more),
        cmocka_unit_test(a_look_up_finds_the_longest_match),
        cmocka_unit_test(odds_follow_what_happens),
        cmocka_unit_test(odds_of_some_texts_part_from_those_of_all),
        cmocka_unit_test(surer_guesses_are_taken_to_be_right_more_often),
        cmocka_unit_test(what_both_guess_lifts_what_is_behind_it),
        cmocka_unit_test(the_cost_is_that_of_the_passes),
        cmocka_unit_test(guesses_cost_no_more_than_was_put_aside),
        cmocka_unit_test(guesses_that_win_are_made_in_every_step),
        cmocka_unit_test(passes_of_one_size_are_enough_for_a_guess),
        cmocka_unit_test(ranking_puts_the_drawn_token_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
