/* SPDX-License-Identifier: MIT */
/* Proves the rules of encoding and decoding on vocabularies small enough to check by hand. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiny_vocab.h"

static const char *const bpe_tokens[] = {"a",
                                         "b",
                                         "c",
                                         "ab",
                                         "abc",
                                         "\xc4\xa0",
                                         "\xc4\xa0"
                                         "a",
                                         "<|im_end|>",
                                         "<tool>",
                                         "\xc3\xbf",
                                         NULL};
static const char *const bpe_merges[] = {"a b", "ab c", "\xc4\xa0 a", NULL};
static const char *const bpe_ints[] = {"tokenizer.ggml.bos_token_id=7",
                                       "tokenizer.ggml.eos_token_id=7", NULL};
static const struct tiny_vocab bpe = {.model = "gpt2",
                                      .pre = "gpt-2",
                                      .tokens = bpe_tokens,
                                      .types = "1111111341",
                                      .merges = bpe_merges,
                                      .ints = bpe_ints};

static const char *const spm_tokens[] = {"<unk>",
                                         "<s>",
                                         "</s>",
                                         "<0x61>",
                                         "<0xFF>",
                                         "\xe2\x96\x81",
                                         "b",
                                         "c",
                                         "bc",
                                         "\xe2\x96\x81"
                                         "b",
                                         "<u>",
                                         NULL};
static const float spm_scores[] = {0, 0, 0, 0, 0, -1, -2, -3, -4, -5, 0};
static const struct tiny_vocab spm = {
    .model = "llama", .tokens = spm_tokens, .types = "23366111114", .scores = spm_scores};

static struct tokenizer *make(const struct tiny_vocab *v)
{
    struct tokenizer *t = NULL;
    if (tiny_vocab_create(v, &t) < 0) fail_msg("%s", error_message());
    return t;
}

#define ASSERT_IDS(t, text, flags, expected)                                                       \
    do {                                                                                           \
        struct buf out_ = {0};                                                                     \
        assert_string_equal(encode_to_text(t, STR_LIT(text), flags, &out_), expected);             \
        buf_deinit(&out_);                                                                         \
    } while (0)

static void merges_follow_their_rank(void **state)
{
    (void)state;
    struct tokenizer *t = make(&bpe);
    ASSERT_IDS(t, "abcab a", 0, "4 3 6");
    ASSERT_IDS(t, "ca", 0, "2 0");
    ASSERT_IDS(t, "", 0, "");
    tokenizer_destroy(&t);
    assert_null(t);
}

static void control_tokens_are_found_on_request_only(void **state)
{
    (void)state;
    struct tokenizer *t = make(&bpe);
    ASSERT_IDS(t, "a<|im_end|>b", TOKENIZER_PARSE_SPECIAL, "0 7 1");
    ASSERT_IDS(t, "a<tool>b", 0, "0 8 1");
    tokenizer_destroy(&t);
}

static void stray_bytes_keep_their_token(void **state)
{
    (void)state;
    struct tokenizer *t = make(&bpe);
    ASSERT_IDS(t,
               "a\xff"
               "b",
               0, "0 9 1");
    tokenizer_destroy(&t);
}

static void bos_is_added_where_the_metadata_says(void **state)
{
    (void)state;
    struct tokenizer *t = make(&bpe);
    ASSERT_IDS(t, "a", TOKENIZER_ADD_BOS | TOKENIZER_ADD_EOS, "0");
    tokenizer_destroy(&t);
    t = make(&spm);
    ASSERT_IDS(t, "b", TOKENIZER_ADD_BOS | TOKENIZER_ADD_EOS, "1 9");
    ASSERT_IDS(t, "b", 0, "9");
    tokenizer_destroy(&t);
}

static void sentencepiece_merges_by_score_and_falls_back_to_bytes(void **state)
{
    (void)state;
    struct tokenizer *t = make(&spm);
    ASSERT_IDS(t, "bc", 0, "5 8");       /* bc (-4) before " b" (-5) */
    ASSERT_IDS(t, "ab", 0, "5 3 6");     /* 'a' is a byte token only */
    ASSERT_IDS(t, "\xff", 0, "5 4");     /* stray byte */
    ASSERT_IDS(t, "z", 0, "5 0");        /* no byte token: unknown */
    ASSERT_IDS(t, "b<u>b", 0, "9 10 9"); /* a prefix behind a special token, too */
    tokenizer_destroy(&t);
}

static void decoding_gives_the_text_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"abc ab a", "a<tool> b", "", " a"};
    static const char *const spm_texts[] = {"bc b", " b", "", "b<u> b<u>", "bb  c"};
    for (int family = 0; family < 2; family++) {
        struct tokenizer *t = make(family ? &spm : &bpe);
        for (size_t i = 0; i < (family ? 5U : 4U); i++) {
            const char *text = family ? spm_texts[i] : texts[i];
            struct token_ids ids = {0};
            struct buf back = {0};
            assert_int_equal(tokenizer_encode(t, str_from(text), 0, &ids), 0);
            assert_int_equal(tokenizer_decode(t, ids.data, ids.n, &back), 0);
            assert_string_equal(back.data ? back.data : "", text);
            token_ids_deinit(&ids);
            buf_deinit(&back);
        }
        tokenizer_destroy(&t);
    }
}

static void ids_outside_the_vocabulary_are_refused(void **state)
{
    (void)state;
    struct tokenizer *t = make(&bpe);
    struct buf back = {0};
    const int32_t bad[] = {0, 10};
    struct str piece = {0};
    assert_int_equal(tokenizer_decode(t, bad, 2, &back), NMOS_E_INVALID);
    assert_int_equal(back.len, 0);
    assert_int_equal(tokenizer_piece(t, -1, &piece), NMOS_E_INVALID);
    assert_int_equal(tokenizer_type(t, 10), TOKEN_UNDEFINED);
    assert_false(tokenizer_is_end(t, -1));
    buf_deinit(&back);
    tokenizer_destroy(&t);
}

static void a_failed_allocation_leaves_the_ids_as_they_were(void **state)
{
    (void)state;
    struct tokenizer *t = make(&bpe);
    struct token_ids ids = {0};
    char text[300]; /* more ids than the first block holds */
    memset(text, 'c', sizeof(text));
    for (int64_t n = 0; n < 20 && ids.n == 0; n++) { /* up to the working set */
        mem_fail_after(n);
        const int rc = tokenizer_encode(t, STR_LIT("c"), 0, &ids);
        mem_fail_after(-1);
        assert_true(rc == 0 || (rc == NMOS_E_NOMEM && ids.n == 0));
    }
    token_ids_deinit(&ids);
    for (int64_t n = 0; n < 20; n++) {
        mem_fail_after(n);
        const int rc = tokenizer_encode(t, (struct str){text, sizeof(text)}, 0, &ids);
        mem_fail_after(-1);
        if (rc == 0) break;
        assert_int_equal(rc, NMOS_E_NOMEM);
        assert_int_equal(ids.n, 0);
    }
    assert_int_equal(ids.n, sizeof(text));
    token_ids_deinit(&ids);
    tokenizer_destroy(&t);
    assert_int_equal(mem_used(MEM_VOCAB), 0);
}

static void vocabularies_may_differ_in_padding_only(void **state)
{
    (void)state;
    static const char *const padded[] = {"a",
                                         "b",
                                         "c",
                                         "ab",
                                         "abc",
                                         "\xc4\xa0",
                                         "\xc4\xa0"
                                         "a",
                                         "<|im_end|>",
                                         "<tool>",
                                         "\xc3\xbf",
                                         "[PAD10]",
                                         NULL};
    static const char *const other[] = {"a",
                                        "b",
                                        "c",
                                        "ab",
                                        "abc",
                                        "\xc4\xa0",
                                        "\xc4\xa0"
                                        "a",
                                        "<|im_end|>",
                                        "<took>",
                                        "\xc3\xbf",
                                        NULL};
    struct tiny_vocab v = bpe;
    v.tokens = padded;
    v.types = "11111113415";
    struct tokenizer *a = make(&bpe);
    struct tokenizer *b = make(&v);
    assert_int_equal(tokenizer_compare(a, b), 0);
    tokenizer_destroy(&b);
    v.types = "11111113411";
    v.tokens = other;
    v.types = bpe.types;
    b = make(&v);
    assert_int_equal(tokenizer_compare(b, a), NMOS_E_INVALID);
    assert_non_null(strstr(error_message(), "token 8"));
    tokenizer_destroy(&a);
    tokenizer_destroy(&b);
}

static void *encode_often(void *arg)
{
    struct tokenizer *t = arg;
    struct token_ids ids = {0};
    int bad = 0;
    for (int i = 0; i < 500; i++) {
        ids.n = 0;
        bad |= tokenizer_encode(t, STR_LIT("abcab a<tool>"), 0, &ids) < 0 || ids.n != 4;
    }
    token_ids_deinit(&ids);
    return bad ? t : NULL;
}

static void threads_encode_at_the_same_time(void **state)
{
    (void)state;
    struct tokenizer *t = make(&bpe);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encode_often, t), 0);
    for (int i = 0; i < 4; i++) {
        void *bad = t;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    tokenizer_destroy(&t);
}

static void unknown_kinds_are_refused_by_name(void **state)
{
    (void)state;
    struct tokenizer *t = NULL;
    struct tiny_vocab v = bpe;
    v.pre = "gpt-9";
    assert_int_equal(tiny_vocab_create(&v, &t), NMOS_E_UNSUPPORTED);
    assert_non_null(strstr(error_message(), "gpt-9"));
    assert_non_null(strstr(error_message(), "llama-bpe"));
    v = bpe;
    v.model = "t5";
    assert_int_equal(tiny_vocab_create(&v, &t), NMOS_E_UNSUPPORTED);
    assert_non_null(strstr(error_message(), "t5"));
    v.model = NULL;
    assert_int_equal(tiny_vocab_create(&v, &t), NMOS_E_CORRUPT);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_follow_their_rank),
        cmocka_unit_test(control_tokens_are_found_on_request_only),
        cmocka_unit_test(stray_bytes_keep_their_token),
        cmocka_unit_test(bos_is_added_where_the_metadata_says),
        cmocka_unit_test(sentencepiece_merges_by_score_and_falls_back_to_bytes),
        cmocka_unit_test(decoding_gives_the_text_back),
        cmocka_unit_test(ids_outside_the_vocabulary_are_refused),
        cmocka_unit_test(a_failed_allocation_leaves_the_ids_as_they_were),
        cmocka_unit_test(vocabularies_may_differ_in_padding_only),
        cmocka_unit_test(threads_encode_at_the_same_time),
        cmocka_unit_test(unknown_kinds_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
