/* SPDX-License-Identifier: MIT */
/* Proves that expressions bind as Jinja2 binds them (not always as Python does), that unsupported
   tags are refused by name and line, and that nesting is limited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tokenizer/jinja_lex.h"
#include "tokenizer/jinja_parse.h"

static struct jinja_arena arena;

static int set_up(void **state)
{
    (void)state;
    jinja_arena_init(&arena, (size_t)4 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jinja_arena_deinit(&arena);
    return 0;
}

/* The expression of "{{ text }}". */
static const struct jinja_node *expression(const char *text)
{
    struct jinja_node *body = NULL;
    assert_int_equal(jinja_parse(&arena, str_from(text), &body), 0);
    assert_int_equal(body->kind, NODE_OUTPUT);
    return body->a;
}

static void expect_failure(const char *text, int rc, const char *message)
{
    struct jinja_node *body = NULL;
    assert_int_equal(jinja_parse(&arena, str_from(text), &body), rc);
    assert_non_null(strstr(error_message(), message));
}

static void a_filter_applies_to_the_signed_number(void **state)
{
    (void)state;
    const struct jinja_node *node = expression("{{ -1 | abs }}");
    assert_int_equal(node->kind, NODE_FILTER);
    assert_int_equal(node->a->kind, NODE_NEG);
}

static void concatenation_binds_tighter_than_addition(void **state)
{
    (void)state;
    const struct jinja_node *node = expression("{{ a + b ~ c }}");
    assert_int_equal(node->kind, NODE_BINARY);
    assert_int_equal(node->b->kind, NODE_CONCAT);
}

static void power_associates_to_the_left(void **state)
{
    (void)state;
    const struct jinja_node *node = expression("{{ a ** b ** c }}");
    assert_int_equal(node->op, JINJA_OP_POW);
    assert_int_equal(node->a->op, JINJA_OP_POW);
    assert_int_equal(node->b->kind, NODE_NAME);
}

static void comparisons_chain_and_not_in_is_one_operator(void **state)
{
    (void)state;
    const struct jinja_node *node = expression("{{ a < b not in c }}");
    assert_int_equal(node->kind, NODE_COMPARE);
    assert_int_equal(node->b->op, JINJA_OP_LT);
    assert_int_equal(node->b->next->op, JINJA_OP_NOT_IN);
    assert_null(node->b->next->next);
}

static void a_test_takes_one_argument_without_parentheses(void **state)
{
    (void)state;
    const struct jinja_node *node = expression("{{ a is divisibleby 3 and b }}");
    assert_int_equal(node->kind, NODE_AND);
    assert_int_equal(node->a->kind, NODE_TEST);
    assert_int_equal(node->a->b->a->value.as.integer, 3);
}

static void what_is_not_supported_is_refused_by_name_and_line(void **state)
{
    (void)state;
    static const char *const tags[] = {"include", "import", "from", "extends", "autoescape", "do"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        char text[64] = "\n{% ";
        strncat(text, tags[i], 20);
        strncat(text, " 'a' %}", 20);
        expect_failure(text, NMOS_E_UNSUPPORTED, "line 2");
        assert_non_null(strstr(error_message(), tags[i]));
        assert_non_null(strstr(error_message(), "--chat-template"));
    }
}

static void faults_say_what_was_expected(void **state)
{
    (void)state;
    expect_failure("{% if x %}", NMOS_E_CORRUPT, "expected elif, got 'the end of the template'");
    expect_failure("{{ }}", NMOS_E_CORRUPT, "expected an expression, got '}}'");
    expect_failure("{% frob %}", NMOS_E_CORRUPT, "unknown or unexpected tag 'frob'");
    expect_failure("{% break %}", NMOS_E_CORRUPT, "'break' stands outside of a loop");
    expect_failure("{% for a in b %}{% macro m() %}{% continue %}", NMOS_E_CORRUPT,
                   "outside of a loop");
    expect_failure("{% set none = 1 %}", NMOS_E_CORRUPT, "a name to assign to");
    expect_failure("{{ f(a=1, 2) }}", NMOS_E_CORRUPT, "order of arguments");
    expect_failure("{{ a is b is c }}", NMOS_E_CORRUPT, "second test");
    expect_failure("{% macro m(a=1, b) %}", NMOS_E_CORRUPT, "default");
}

static void nesting_and_size_are_limited(void **state)
{
    (void)state;
    char text[4 * JINJA_NEST_MAX + 100] = "{{ ";
    for (int i = 0; i < JINJA_NEST_MAX; i++) strncat(text, "not ", 5);
    expect_failure(text, NMOS_E_LIMIT, "nested");
    struct jinja_node *body = NULL;
    const struct str large = {"", JINJA_TEMPLATE_BYTES_MAX + 1};
    assert_int_equal(jinja_parse(&arena, large, &body), NMOS_E_LIMIT);
}

static void memory_is_limited(void **state)
{
    (void)state;
    struct jinja_node *body = NULL;
    struct jinja_arena small;
    jinja_arena_init(&small, 100);
    assert_int_equal(jinja_parse(&small, STR_LIT("{{ a }}"), &body), NMOS_E_NOMEM);
    assert_non_null(strstr(error_message(), "100 bytes"));
    jinja_arena_deinit(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_applies_to_the_signed_number),
        cmocka_unit_test(concatenation_binds_tighter_than_addition),
        cmocka_unit_test(power_associates_to_the_left),
        cmocka_unit_test(comparisons_chain_and_not_in_is_one_operator),
        cmocka_unit_test(a_test_takes_one_argument_without_parentheses),
        cmocka_unit_test(what_is_not_supported_is_refused_by_name_and_line),
        cmocka_unit_test(faults_say_what_was_expected),
        cmocka_unit_test(nesting_and_size_are_limited),
        cmocka_unit_test(memory_is_limited),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
