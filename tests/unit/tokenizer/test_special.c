/* SPDX-License-Identifier: MIT */
/* Proves how special tokens are found, which end a generation, and what they strip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiny_vocab.h"

static const char *const tokens[] = {"a",          "<|end|>", "<x>",   "<x>y",
                                     "<|eot_id|>", "</s>",    "<EOT>", NULL};
static const char *const no_merges[] = {NULL};
static const char *const ints[] = {"tokenizer.ggml.eos_token_id=2", NULL};

static struct tokenizer *make(const char *types, const char *name)
{
    const struct tiny_vocab v = {.model = "gpt2",
                                 .pre = "gpt-2",
                                 .tokens = tokens,
                                 .types = types,
                                 .merges = no_merges,
                                 .ints = ints,
                                 .name = name};
    struct tokenizer *t = NULL;
    if (tiny_vocab_create(&v, &t) < 0) fail_msg("%s", error_message());
    return t;
}

static void the_longest_of_several_at_one_place_is_found(void **state)
{
    (void)state;
    struct tokenizer *t = make("1344313", NULL);
    struct buf out = {0};
    assert_string_equal(encode_to_text(t, STR_LIT("a<x>ya<x>a<x"), 0, &out), "0 3 0 2 0");
    assert_int_equal(tokenizer_find(t, STR_LIT("<x>y")), 3);
    assert_int_equal(tokenizer_find(t, STR_LIT("a")), 0);
    assert_int_equal(tokenizer_find(t, STR_LIT("<x")), TOKEN_NONE);
    buf_deinit(&out);
    tokenizer_destroy(&t);
}

static void known_ends_end_whatever_type_they_have(void **state)
{
    (void)state;
    struct tokenizer *t = make("1144314", NULL);
    assert_true(tokenizer_is_end(t, 1)); /* by its spelling */
    assert_true(tokenizer_is_end(t, 2)); /* eos */
    assert_true(tokenizer_is_end(t, 4));
    assert_true(tokenizer_is_end(t, 6));
    assert_false(tokenizer_is_end(t, 0));
    assert_false(tokenizer_is_end(t, 5)); /* </s> as ordinary text */
    assert_int_equal(tokenizer_type(t, 1), TOKEN_CONTROL);
    assert_int_equal(tokenizer_type(t, 6), TOKEN_CONTROL);
    assert_int_equal(tokenizer_roles(t)->eot, 4); /* the likeliest */
    tokenizer_destroy(&t);
}

static void phi3_tokens_swallow_the_space_behind_them(void **state)
{
    (void)state;
    struct buf out = {0};
    struct tokenizer *t = make("1343313", "Phi-3 mini");
    assert_string_equal(encode_to_text(t, STR_LIT("<|end|> \n a"), TOKENIZER_PARSE_SPECIAL, &out),
                        "1 0");
    tokenizer_destroy(&t);
    t = make("1343313", "other");
    assert_string_equal(encode_to_text(t, STR_LIT("<x>a"), TOKENIZER_PARSE_SPECIAL, &out), "2 0");
    buf_deinit(&out);
    tokenizer_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_longest_of_several_at_one_place_is_found),
        cmocka_unit_test(known_ends_end_whatever_type_they_have),
        cmocka_unit_test(phi3_tokens_swallow_the_space_behind_them),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
