/* SPDX-License-Identifier: MIT */
/* Proves that templates are cut into tokens as Jinja2 cuts them, white space rules included, and
   that what cannot be read is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tokenizer/jinja_lex.h"

/* All tokens as text: D data, B/V begin, ] end, N name, S string, I integer, F float, O operator.
 */
static int lex(const char *text, char *out, size_t out_bytes)
{
    static const char letters[] = "?DB]V]NSIFO";
    struct jinja_arena arena;
    struct jinja_lexer lexer;
    struct jinja_token token;
    size_t n = 0;
    jinja_arena_init(&arena, (size_t)1 << 20);
    int rc = jinja_lexer_init(&lexer, &arena, str_from(text));
    out[0] = '\0';
    while (rc == 0) {
        rc = jinja_lexer_next(&lexer, &token);
        if (rc < 0 || token.type == JINJA_TOKEN_EOF) break;
        const struct str shown = token.type == JINJA_TOKEN_OP ? str_from(token.op) : token.text;
        n += (size_t)snprintf(out + n, out_bytes - n, "%c<%.*s>", letters[token.type],
                              STR_ARG(shown));
        if (n >= out_bytes) break;
    }
    jinja_arena_deinit(&arena);
    return rc;
}

static void expect(const char *text, const char *tokens)
{
    char out[2000];
    assert_int_equal(lex(text, out, sizeof(out)), 0);
    assert_string_equal(out, tokens);
}

static void expect_failure(const char *text, const char *message)
{
    char out[2000];
    assert_int_equal(lex(text, out, sizeof(out)), NMOS_E_CORRUPT);
    assert_non_null(strstr(error_message(), message));
}

static void text_and_tags_alternate(void **state)
{
    (void)state;
    expect("a{{ b }}c", "D<a>V<>N<b>]<>D<c>");
    expect("{% if x %}y", "D<>B<>N<if>N<x>]<>D<y>");
    expect("plain", "D<plain>");
    expect("", "");
    expect("{", "D<{>");
}

static void a_block_eats_the_newline_behind_and_the_blanks_before_it(void **state)
{
    (void)state;
    expect("a\n  {% x %}\n  b", "D<a\n>B<>N<x>]<>D<  b>");
    expect("a  {% x %}\nb", "D<a  >B<>N<x>]<>D<b>");
    expect("a\n  {{ x }}\n", "D<a\n  >V<>N<x>]<>");
    expect("a\n {%+ x +%}\nb", "D<a\n >B<>N<x>]<>D<\nb>");
}

static void a_minus_eats_all_white_space(void **state)
{
    (void)state;
    expect("a \n {%- x -%} \n b", "D<a>B<>N<x>]<>D<b>");
    expect("a \n {{- x -}} \n b", "D<a>V<>N<x>]<>D<b>");
    expect("a {#- c -#} b", "D<a>D<b>");
}

static void comments_and_raw_blocks_hold_no_tags(void **state)
{
    (void)state;
    expect("a{# {{ x }} #}b", "D<a>D<b>");
    expect("{% raw %}{{ x }}{% endraw %}b", "D<{{ x }}>D<b>");
    expect("a{%- raw -%} {% {% endraw -%} b", "D<a>D<{% >D<b>");
}

static void newlines_are_normalised_and_the_last_one_dropped(void **state)
{
    (void)state;
    expect("a\r\nb\rc\n", "D<a\nb\nc>");
    expect("a\n\n", "D<a\n>");
}

static void ends_of_tags_do_not_count_inside_brackets(void **state)
{
    (void)state;
    expect("{{ {'a': {}}}}", "D<>V<>O<{>S<a>O<:>O<{>O<}>O<}>]<>");
}

static void numbers_and_strings_are_pythons(void **state)
{
    (void)state;
    expect("{{ 1_0 0x1f 1.5 1e3 2.x 1.2.3 }}", "D<>V<>I<>I<>F<>F<>I<>O<.>N<x>F<>O<.>I<>]<>");
    expect("{{ 'a\\n\\x41\\u00e9\\q' \"it's\" }}", "D<>V<>S<a\nA\xc3\xa9\\q>S<it's>]<>");
}

static void faults_are_named_with_their_line(void **state)
{
    (void)state;
    expect_failure("\n{{ 'a }}", "line 2: a string is not closed");
    expect_failure("{# a", "line 1: a comment is not closed");
    expect_failure("{% raw %}", "a raw block is not closed");
    expect_failure("{{ ) }}", "unexpected ')'");
    expect_failure("{{ (] }}", "unexpected ']', expected ')'");
    expect_failure("{{ $ }}", "unexpected character '$'");
    expect_failure("{{ a", "ends inside of a tag");
    expect_failure("{{ '\\ud800' }}", "is no character");
    expect_failure("{{ '\\x4' }}", "hexadecimal digits");
    expect_failure("{{ 99999999999999999999 }}", "does not fit in 64 bits");
    expect_failure("a\xff", "not valid UTF-8 at byte 1");
}

static void brackets_nest_only_so_deep(void **state)
{
    (void)state;
    char out[2000];
    char text[JINJA_NEST_MAX + 10] = "{{";
    memset(text + 2, '(', JINJA_NEST_MAX + 1);
    assert_int_equal(lex(text, out, sizeof(out)), NMOS_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_tags_alternate),
        cmocka_unit_test(a_block_eats_the_newline_behind_and_the_blanks_before_it),
        cmocka_unit_test(a_minus_eats_all_white_space),
        cmocka_unit_test(comments_and_raw_blocks_hold_no_tags),
        cmocka_unit_test(newlines_are_normalised_and_the_last_one_dropped),
        cmocka_unit_test(ends_of_tags_do_not_count_inside_brackets),
        cmocka_unit_test(numbers_and_strings_are_pythons),
        cmocka_unit_test(faults_are_named_with_their_line),
        cmocka_unit_test(brackets_nest_only_so_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
