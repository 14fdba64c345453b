/* SPDX-License-Identifier: MIT */
/* Proves that every row of the table compiles, loses no byte, and cuts as its models do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "tokenizer/pretokenize.h"

static int without_jit; /* 1: as on a system that forbids code made at run time */

/* Words with a bar behind each. */
static int append_word(void *arg, struct str word)
{
    struct buf *out = arg;
    TRY(buf_append(out, word.data, word.len));
    return buf_append(out, "|", 1);
}

static int append_bytes(void *arg, struct str word)
{
    return word.len == 0 ? NMOS_E_CORRUPT : buf_append(arg, word.data, word.len);
}

static int cut(const char *name, struct str text, pretokenize_fn emit, struct buf *out)
{
    const struct pretokenize_rule *rule = NULL;
    struct pretokenizer pre;
    struct pretokenize_work work = {0};
    TRY(pretokenize_find_rule(str_from(name), &rule));
    TRY(pretokenizer_init(&pre, rule));
    pre.has_jit &= !without_jit;
    int rc = pretokenize_work_init(&work);
    if (rc == 0) rc = pretokenize(&pre, &work, 0, pre.n_stages, text, emit, out);
    pretokenize_work_deinit(&work);
    pretokenizer_deinit(&pre);
    return rc;
}

static void assert_words(const char *name, const char *text, const char *expected)
{
    struct buf out = {0};
    if (cut(name, str_from(text), append_word, &out) < 0) fail_msg("%s", error_message());
    assert_string_equal(out.data, expected);
    buf_deinit(&out);
}

static void families_cut_as_their_models_do(void **state)
{
    (void)state;
    assert_words("gpt-2", "I'll  pay 1234!\n\n x", "I|'ll| | pay| 1234|!|\n\n| x|");
    assert_words("llama-bpe", "I'LL  pay 12345!\n\n x", "I|'LL| | pay| |123|45|!\n\n| x|");
    assert_words("qwen2", "a12 (b)\r\n", "a|1|2| (|b|)\r\n|");
    assert_words("smollm", "a12 b", "a|1|2| b|");
    assert_words("deepseek-llm", "a 12\n  ", "a| |12|\n|  |");
    assert_words("deepseek-coder", "x+=1 ?", "x|+=|1| ?|");
    assert_words("falcon", "a, 12345", "a|,| |123|45|");
    assert_words("gpt-4o", "HelloWorld it's 1234", "Hello|World| it's| |123|4|");
    assert_words("tekken", "HelloWorld 12", "Hello|World| |1|2|");
    assert_words("qwen35",
                 "e\xcc\x81"
                 "a 1",
                 "e\xcc\x81"
                 "a| |1|");
    assert_words("deepseek-v3", "a1234 \xe4\xb8\xad", "a|123|4| |\xe4\xb8\xad|");
}

/* U+180E is no white space since Unicode 6.3; U+0085 is. */
static void white_space_is_the_unicode_property(void **state)
{
    (void)state;
    assert_words("gpt-2",
                 "a\xc2\x85"
                 "b",
                 "a|\xc2\x85|b|");
    assert_words("gpt-2", "!\xe1\xa0\x8e!", "!\xe1\xa0\x8e!|");
}

static void no_row_loses_a_byte(void **state)
{
    (void)state;
    static const char text[] =
        "It's 1,234.5\t\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80 e\xcc\x81\xc2\xa0\r\n\n  "
        "x\xe2\x80\x83y  \xd9\xa3\xd9\xa4 ABCdef_ghi\xef\xbc\x81 ";
    for (const struct pretokenize_rule *rule = pretokenize_rules; rule->names; rule++) {
        char name[64] = "";
        memcpy(name, rule->names, strcspn(rule->names, ","));
        struct buf out = {0};
        if (cut(name, STR_LIT(text), append_bytes, &out) < 0)
            fail_msg("%s: %s", name, error_message());
        assert_string_equal(out.data, text);
        buf_deinit(&out);
    }
}

static void unknown_names_are_refused_with_the_known(void **state)
{
    (void)state;
    const struct pretokenize_rule *rule = NULL;
    assert_int_equal(pretokenize_find_rule(STR_LIT("gpt"), &rule), NMOS_E_UNSUPPORTED);
    assert_non_null(strstr(error_message(), "qwen2"));
    assert_int_equal(pretokenize_find_rule(STR_LIT(""), &rule), NMOS_E_UNSUPPORTED);
    assert_null(rule);
}

/* A pattern that tried again at each character of a run would need hours for this one. */
static void long_runs_do_not_backtrack(void **state)
{
    (void)state;
    static const char *const units[] = {"a",        " ", "7",  "\n", "-", "\xe6\xbc\xa2",
                                        "\xcc\x81", "A", " \n"};
    for (const struct pretokenize_rule *rule = pretokenize_rules; rule->names; rule++) {
        char name[64] = "";
        memcpy(name, rule->names, strcspn(rule->names, ","));
        for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
            struct buf text = {0};
            struct buf out = {0};
            while (text.len < 100000)
                assert_int_equal(buf_append(&text, units[u], strlen(units[u])), 0);
            assert_int_equal(buf_append(&text, "x", 1), 0);
            if (cut(name, (struct str){text.data, text.len}, append_bytes, &out) < 0) {
                fail_msg("%s: %s", name, error_message());
            }
            assert_int_equal(out.len, text.len);
            buf_deinit(&text);
            buf_deinit(&out);
        }
    }
}

static void the_interpreter_cuts_alike(void **state)
{
    without_jit = 1;
    families_cut_as_their_models_do(state);
    white_space_is_the_unicode_property(state);
    no_row_loses_a_byte(state);
    long_runs_do_not_backtrack(state);
    without_jit = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_cut_as_their_models_do),
        cmocka_unit_test(white_space_is_the_unicode_property),
        cmocka_unit_test(no_row_loses_a_byte),
        cmocka_unit_test(unknown_names_are_refused_with_the_known),
        cmocka_unit_test(long_runs_do_not_backtrack),
        cmocka_unit_test(the_interpreter_cuts_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
