/* SPDX-License-Identifier: MIT */
/* Proves that the public vocabulary calls own and give back what they say. */
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "../tokenizer/tiny_vocab.h"

static const char *const tokens[] = {"<unk>",
                                     "<s>",
                                     "</s>",
                                     "\xe2\x96\x81"
                                     "a",
                                     "a",
                                     "\xe2\x96\x81",
                                     NULL};
static const float scores[] = {0, 0, 0, -1, -2, -3};

static void text_goes_to_ids_and_back(void **state)
{
    (void)state;
    const struct tiny_vocab tiny = {
        .model = "llama", .tokens = tokens, .types = "233111", .scores = scores};
    char path[] = "/tmp/nmos-vocab-XXXXXX";
    struct buf file = {0};
    tiny_vocab_write(&tiny, &file);
    const int fd = mkstemp(path);
    assert_int_equal(write(fd, file.data, file.len), file.len);
    close(fd);
    buf_deinit(&file);

    struct nmos_vocab *vocab = NULL;
    assert_int_equal(nmos_vocab_open(path, &vocab), 0);
    unlink(path);
    assert_int_equal(nmos_vocab_size(vocab), 6);
    int32_t *ids = NULL;
    char *text = NULL;
    size_t n = 0;
    size_t len = 0;
    assert_int_equal(
        nmos_vocab_encode(vocab, "a a</s>", 7, NMOS_ENCODE_SPECIAL | NMOS_ENCODE_BOS, &ids, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[3], 2);
    assert_int_equal(nmos_vocab_decode(vocab, ids + 1, n - 1, &text, &len), 0);
    assert_string_equal(text, "a a</s>");
    assert_int_equal(len, 7);
    nmos_free(text);
    ids[0] = 6;
    assert_int_equal(nmos_vocab_decode(vocab, ids, n, &text, &len), NMOS_E_INVALID);
    nmos_free(ids);
    nmos_vocab_close(&vocab);
    assert_null(vocab);
    nmos_vocab_close(&vocab);
    assert_int_equal(mem_used(MEM_VOCAB), 0);
}

static void a_missing_file_is_an_error(void **state)
{
    (void)state;
    struct nmos_vocab *vocab = NULL;
    assert_int_equal(nmos_vocab_open("/tmp/nmos-no-such-file", &vocab), NMOS_E_IO);
    assert_null(vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_to_ids_and_back),
        cmocka_unit_test(a_missing_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
