/* SPDX-License-Identifier: MIT */
/* Text of an answer, as tests of whole models take it. */
#ifndef NMOS_TESTS_ANSWER_FIXTURE_H
#define NMOS_TESTS_ANSWER_FIXTURE_H

#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct answer {
    char text[4096];
    size_t len;
};

/* As on_text of a generation; @p arg is a struct answer. */
static int take_text(void *arg, const char *text, size_t len)
{
    struct answer *answer = arg;
    assert_true(len <= sizeof(answer->text) - answer->len);
    memcpy(answer->text + answer->len, text, len);
    answer->len += len;
    return 0;
}

static void expect_same(const struct answer *got, const struct answer *want)
{
    assert_int_equal(got->len, want->len);
    assert_memory_equal(got->text, want->text, want->len);
}

#endif
