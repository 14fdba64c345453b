/* SPDX-License-Identifier: MIT */
/* Proves that the Scout computes what its trainer computed, on texts of any bytes and any length,
 * allocates nothing while somebody types, and refuses damaged weights. */
#include <math.h>
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "intent/classifier.h"

#define TEXT_MAX 8192

static const char *fixture; /* made by tools/train/scout.py --fixture: hex text, p of each class */

static size_t from_hex(const char *hex, char *bytes)
{
    size_t n = 0;
    for (; hex[0] && hex[0] != '\t'; hex += 2) {
        const char pair[] = {hex[0], hex[1], 0};
        bytes[n++] = (char)strtol(pair, NULL, 16);
    }
    return n;
}

/* p of a class by its name, whatever its rank. */
static double p_of(const struct nmos_intent *intents, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(intents[i].name, name) == 0) return intents[i].p;
    }
    fail_msg("no intent is called %s", name);
    return 0;
}

static void probabilities_are_those_of_the_trainer(void **state)
{
    (void)state;
    static const char *const names[] = {"CODE", "CHAT", "DOCS"};
    struct nmos_scout *scout = NULL;
    struct nmos_intent intents[NMOS_INTENTS_MAX];
    static char line[2 * TEXT_MAX + 256];
    static char text[TEXT_MAX];
    FILE *file = fopen(fixture, "r");
    assert_non_null(file);
    assert_int_equal(nmos_scout_create(NULL, &scout), 0);
    size_t n_lines = 0;
    for (; fgets(line, sizeof(line), file); n_lines++) {
        const size_t n = from_hex(line, text);
        nmos_scout_classify(scout, text, n, intents);
        char *at = strchr(line, '\t');
        for (size_t c = 0; c < 3; c++) {
            const double wanted = strtod(at, &at);
            const double p = p_of(intents, 3, names[c]);
            if (fabs(p - wanted) > 1e-5) {
                fail_msg("line %zu: p(%s) is %.9f, not %.9f", n_lines + 1, names[c], p, wanted);
            }
        }
        assert_true(intents[0].p >= intents[1].p && intents[1].p >= intents[2].p);
    }
    assert_true(n_lines > 50);
    nmos_scout_destroy(&scout);
    fclose(file);
}

static void any_bytes_of_any_length_have_probabilities_and_nothing_is_allocated(void **state)
{
    (void)state;
    struct nmos_scout *scout = NULL;
    struct nmos_intent intents[NMOS_INTENTS_MAX];
    static char text[20000];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(text); i++) {
        random = random * 1664525U + 1013904223U;
        text[i] = (char)(random >> 24);
    }
    assert_int_equal(nmos_scout_create(NULL, &scout), 0);
    assert_int_equal(nmos_scout_n_intents(scout), 3);
    const uint64_t n_allocs = mem_alloc_count();
    for (size_t n = 0; n <= sizeof(text); n += n < 1700 ? 1 : 301) {
        nmos_scout_classify(scout, text, n, intents);
        const double sum = intents[0].p + intents[1].p + intents[2].p;
        assert_true(fabs(sum - 1) < 1e-9 && intents[2].p >= 0);
    }
    nmos_scout_classify(scout, NULL, 0, intents);
    assert_int_equal(mem_alloc_count(), n_allocs);
    nmos_scout_destroy(&scout);
    nmos_scout_destroy(&scout);
}

/* What was asked before must not matter, so that every keystroke is answered alike. */
static void an_answer_depends_on_the_text_only(void **state)
{
    (void)state;
    struct nmos_scout *scout = NULL;
    struct nmos_intent first[NMOS_INTENTS_MAX];
    struct nmos_intent again[NMOS_INTENTS_MAX];
    const char *text = "Why does my loop never end?";
    assert_int_equal(nmos_scout_create(NULL, &scout), 0);
    nmos_scout_classify(scout, text, strlen(text), first);
    for (size_t n = 0; n < strlen(text); n++) nmos_scout_classify(scout, text, n, again);
    nmos_scout_classify(scout, text, strlen(text), again);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(first[i].name, again[i].name);
        assert_true(first[i].p == again[i].p);
    }
    nmos_scout_destroy(&scout);
}

static void damaged_weights_are_refused(void **state)
{
    (void)state;
    struct scout_weights w;
    struct scout_weights out;
    struct feature_maker *maker = NULL;
    assert_int_equal(scout_weights_builtin(&w), 0);
    const char *start = w.names - 32;
    const size_t n =
        (size_t)(w.marks[w.n_marks - 1].pattern + w.marks[w.n_marks - 1].n_bytes - start);
    char *copy = mem_alloc(MEM_GENERAL, n, 64);
    assert_non_null(copy);
    memcpy(copy, start, n);
    assert_int_equal(scout_weights_parse(copy, n, &out), 0);
    for (size_t cut = 0; cut < n; cut += cut < 64 ? 1 : 4099) {
        assert_int_equal(scout_weights_parse(copy, cut, &out), NMOS_E_CORRUPT);
    }
    for (size_t i = 8; i < 32; i += 4) { /* the counts of the header */
        const char kept = copy[i + 3];
        copy[i + 3] = 0x7f;
        assert_int_equal(scout_weights_parse(copy, n, &out), NMOS_E_CORRUPT);
        copy[i + 3] = kept;
    }
    memset(copy + 32, 'x', SCOUT_NAME_BYTES);
    assert_int_equal(scout_weights_parse(copy, n, &out), NMOS_E_CORRUPT);
    w.n_measured--;
    assert_int_equal(feature_maker_create(&w, &maker), NMOS_E_CORRUPT);
    w.n_measured++;
    w.marks[0] = (struct scout_mark){"(", 1};
    assert_int_equal(feature_maker_create(&w, &maker), NMOS_E_CORRUPT);
    mem_free(copy);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_those_of_the_trainer),
        cmocka_unit_test(any_bytes_of_any_length_have_probabilities_and_nothing_is_allocated),
        cmocka_unit_test(an_answer_depends_on_the_text_only),
        cmocka_unit_test(damaged_weights_are_refused),
    };
    if (argc < 2) return 1;
    fixture = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
