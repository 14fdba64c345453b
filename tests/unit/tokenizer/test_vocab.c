/* SPDX-License-Identifier: MIT */
/* Proves that contradicting vocabularies are refused with the fact that is wrong, never trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiny_vocab.h"
#include "tokenizer/tokenizer_internal.h"

static const char *const tokens[] = {"a", "b", "ab", NULL};
static const char *const merges[] = {"a b", NULL};
static const struct tiny_vocab good = {
    .model = "gpt2", .pre = "gpt-2", .tokens = tokens, .types = "111", .merges = merges};

static void refuse(const struct tiny_vocab *v, int status, const char *says)
{
    struct tokenizer *t = NULL;
    const size_t used = mem_used(MEM_VOCAB);
    assert_int_equal(tiny_vocab_create(v, &t), status);
    assert_null(t);
    if (!strstr(error_message(), says)) fail_msg("'%s' does not say '%s'", error_message(), says);
    assert_int_equal(mem_used(MEM_VOCAB), used);
}

static void bad_tokens_are_refused(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    struct tiny_vocab v = good;
    v.tokens = NULL;
    refuse(&v, NMOS_E_CORRUPT, "tokenizer.ggml.tokens");
    v.tokens = none;
    refuse(&v, NMOS_E_CORRUPT, "tokenizer.ggml.tokens");
    v = good;
    v.types = "11";
    refuse(&v, NMOS_E_CORRUPT, "2 entries for 3 tokens");
    v.types = "119";
    refuse(&v, NMOS_E_CORRUPT, "token 2 has type 9");
}

static void bad_merges_are_refused(void **state)
{
    (void)state;
    static const char *const unknown[] = {"a b", "a x", NULL};
    static const char *const unjoined[] = {"b a", NULL};
    static const char *const single[] = {"ab", NULL};
    static const char *const empty[] = {"", NULL};
    struct tiny_vocab v = good;
    v.merges = NULL;
    refuse(&v, NMOS_E_CORRUPT, "tokenizer.ggml.merges");
    v.merges = unknown;
    refuse(&v, NMOS_E_CORRUPT, "merge 1 'a x': 'x' is not a token");
    v.merges = unjoined;
    refuse(&v, NMOS_E_CORRUPT, "'ba' is not a token");
    v.merges = single;
    refuse(&v, NMOS_E_CORRUPT, "merge 0");
    v.merges = empty;
    refuse(&v, NMOS_E_CORRUPT, "merge 0");
}

static void ids_out_of_range_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"tokenizer.ggml.eos_token_id=3", NULL};
    static const char *const none[] = {"tokenizer.ggml.eos_token_id=4294967295", NULL};
    struct tiny_vocab v = good;
    v.ints = bad;
    refuse(&v, NMOS_E_CORRUPT, "tokenizer.ggml.eos_token_id is 3; the vocabulary has 3 tokens");
    struct tokenizer *t = NULL;
    v.ints = none;
    assert_int_equal(tiny_vocab_create(&v, &t), 0);
    assert_int_equal(tokenizer_roles(t)->eos, TOKEN_NONE);
    tokenizer_destroy(&t);
}

static void sentencepiece_without_scores_is_refused(void **state)
{
    (void)state;
    struct tiny_vocab v = good;
    v.model = "llama";
    refuse(&v, NMOS_E_CORRUPT, "tokenizer.ggml.scores");
}

static void byte_spelling_is_a_bijection(void **state)
{
    (void)state;
    int seen[256] = {0};
    for (uint32_t c = 0; c < 0x800; c++) {
        char utf8[2] = {(char)c, 0};
        if (c >= 0x80) {
            utf8[0] = (char)(0xc0 | c >> 6);
            utf8[1] = (char)(0x80 | (c & 0x3f));
        }
        char byte = 0;
        const int64_t n = byte_spelling_decode((struct str){utf8, c < 0x80 ? 1 : 2}, &byte);
        if (n == 1) seen[(unsigned char)byte]++;
        if (c > 32 && c < 127) assert_int_equal(byte, c);
    }
    for (int i = 0; i < 256; i++) assert_int_equal(seen[i], 1);
    char space = 0;
    assert_int_equal(byte_spelling_decode(STR_LIT("\xc4\xa0"), &space), 1);
    assert_int_equal(space, ' ');
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct gguf *gguf = NULL;
    tiny_vocab_write(&good, &buf);
    assert_int_equal(gguf_parse(buf.data, buf.len, buf.len, &gguf), 0);
    int rc = -1;
    for (int64_t n = 0; rc < 0 && n < 50; n++) {
        struct tokenizer *t = NULL;
        mem_fail_after(n);
        rc = tokenizer_create(gguf, &t);
        mem_fail_after(-1);
        if (rc < 0) assert_int_equal(rc, NMOS_E_NOMEM);
        tokenizer_destroy(&t);
        assert_int_equal(mem_used(MEM_VOCAB), 0);
    }
    assert_int_equal(rc, 0);
    gguf_close(&gguf);
    buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_tokens_are_refused),
        cmocka_unit_test(bad_merges_are_refused),
        cmocka_unit_test(ids_out_of_range_are_refused),
        cmocka_unit_test(sentencepiece_without_scores_is_refused),
        cmocka_unit_test(byte_spelling_is_a_bijection),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
