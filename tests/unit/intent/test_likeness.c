/* SPDX-License-Identifier: MIT */
/* Proves that prompts which ask for the same thing are alike, that others are not, and that
 * directions in few dimensions tell the two apart well enough to find neighbours. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "intent/likeness.h"

#define PAIRS 50

static const char *pairs_path;
static struct sketch first[PAIRS];
static struct sketch second[PAIRS];
static struct scout_weights weights;
static struct feature_maker *maker;

static int read_pairs(void **state)
{
    (void)state;
    char line[512];
    FILE *file = fopen(pairs_path, "r");
    if (!file || scout_weights_builtin(&weights) < 0) return -1;
    if (feature_maker_create(&weights, &maker) < 0) return -1;
    for (int i = 0; i < PAIRS; i++) {
        char *tab = fgets(line, sizeof(line), file) ? strchr(line, '\t') : NULL;
        if (!tab) return -1;
        sketch_make(maker, (struct str){line, (size_t)(tab - line)}, &first[i]);
        sketch_make(maker, (struct str){tab + 1, strcspn(tab + 1, "\n")}, &second[i]);
    }
    return fclose(file);
}

static int clean_up(void **state)
{
    (void)state;
    feature_maker_destroy(&maker);
    return 0;
}

static void likeness_tells_pairs_from_others(void **state)
{
    (void)state;
    for (int i = 0; i < PAIRS; i++) {
        assert_true(fabs(sketch_likeness(&first[i], &first[i]) - 1) < 1e-12);
        for (int k = 0; k < PAIRS; k++) {
            const double likeness = sketch_likeness(&first[i], &second[k]);
            assert_true(likeness == sketch_likeness(&second[k], &first[i]));
            assert_true((likeness >= LIKENESS_ENOUGH) == (i == k));
        }
    }
}

static double product(const int8_t *a, const int8_t *b)
{
    int sum = 0;
    for (unsigned d = 0; d < SKETCH_DIMS; d++) sum += a[d] * b[d];
    return sum / 65536.0;
}

static void the_text_alike_is_among_the_nearest_four(void **state)
{
    (void)state;
    int8_t a[SKETCH_DIMS];
    int8_t b[SKETCH_DIMS];
    double error = 0;
    for (int i = 0; i < PAIRS; i++) {
        int n_nearer = 0;
        sketch_project(&first[i], a);
        sketch_project(&second[i], b);
        const double to_its_pair = product(a, b);
        for (int k = 0; k < PAIRS; k++) {
            sketch_project(&second[k], b);
            n_nearer += product(a, b) > to_its_pair;
            error += fabs(product(a, b) - sketch_likeness(&first[i], &second[k])) / PAIRS / PAIRS;
        }
        assert_true(n_nearer < 4);
    }
    assert_true(error < 0.1);
}

static void empty_and_long_texts_are_sketched(void **state)
{
    (void)state;
    static char text[5000];
    struct sketch nothing;
    struct sketch much;
    struct sketch more;
    int8_t vector[SKETCH_DIMS];
    sketch_make(maker, (struct str){NULL, 0}, &nothing);
    assert_true(sketch_likeness(&nothing, &first[0]) == 0);
    sketch_project(&nothing, vector);
    for (unsigned d = 0; d < SKETCH_DIMS; d++) assert_true(vector[d] == 0);
    for (size_t i = 0; i < sizeof(text); i++) text[i] = (char)(i * i * 2654435761U >> 13);
    sketch_make(maker, (struct str){text, sizeof(text)}, &much);
    assert_true(much.n_words + much.n_chars <= SKETCH_HASHES && much.n_chars > 500);
    text[SKETCH_BYTES] ^= 1; /* does not count any more */
    sketch_make(maker, (struct str){text, sizeof(text)}, &more);
    assert_memory_equal(&much, &more, sketch_bytes(&much));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likeness_tells_pairs_from_others),
        cmocka_unit_test(the_text_alike_is_among_the_nearest_four),
        cmocka_unit_test(empty_and_long_texts_are_sketched),
    };
    if (argc < 2) return 1;
    pairs_path = argv[1];
    return cmocka_run_group_tests(tests, read_pairs, clean_up);
}
