/* SPDX-License-Identifier: MIT */
/* Proves that a stream shows whole characters, no part of a stop string, and every other byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tokenizer/utf8_stream.h"

/* Feeds @p text in pieces of @p step bytes; what each call shows, with a bar behind it, and the
 * rest. */
static void feed_all(struct str text, size_t step, const struct str *stops, size_t n_stops,
                     struct buf *ret_shown, int *ret_stopped)
{
    struct utf8_stream stream;
    assert_int_equal(utf8_stream_init(&stream, stops, n_stops, step), 0);
    const uint64_t n_allocs = mem_alloc_count();
    uint64_t n_ours = 0;
    *ret_stopped = 0;
    for (size_t at = 0; at < text.len && !*ret_stopped; at += step) {
        const size_t left = text.len - at;
        struct str shown = {0};
        assert_int_equal(utf8_stream_feed(&stream,
                                          (struct str){text.data + at, left < step ? left : step},
                                          &shown, ret_stopped),
                         0);
        const uint64_t before = mem_alloc_count();
        assert_int_equal(buf_append(ret_shown, shown.data, shown.len), 0);
        if (shown.len) assert_int_equal(buf_append(ret_shown, "|", 1), 0);
        n_ours += mem_alloc_count() - before;
    }
    assert_int_equal(mem_alloc_count() - n_allocs, n_ours);
    const struct str rest = utf8_stream_finish(&stream);
    assert_int_equal(buf_append(ret_shown, rest.data, rest.len), 0);
    utf8_stream_deinit(&stream);
}

static void assert_shown(const char *text, size_t step, const char *stop, const char *expected)
{
    const struct str stops[] = {str_from(stop ? stop : "")};
    struct buf shown = {0};
    int stopped = 0;
    feed_all(str_from(text), step, stops, 1, &shown, &stopped);
    assert_string_equal(shown.data, expected);
    buf_deinit(&shown);
}

static void characters_wait_until_they_are_whole(void **state)
{
    (void)state;
    assert_shown("a\xe6\xbc\xa2"
                 "b",
                 1, NULL, "a|\xe6\xbc\xa2|b|");
    assert_shown("\xf0\x9f\x98\x80", 3, NULL, "\xf0\x9f\x98\x80|");
    assert_shown("x\xf0\x9f", 1, NULL, "x|\xf0\x9f"); /* unfinished at the end: given as it is */
}

static void what_can_be_no_character_is_shown_at_once(void **state)
{
    (void)state;
    assert_shown("\xff\x80"
                 "a",
                 1, NULL, "\xff|\x80|a|");
    assert_shown("\xe6"
                 "a",
                 1, NULL,
                 "\xe6"
                 "a|");
    assert_shown("\xe0\x80", 1, NULL, "\xe0\x80|");
}

static void what_may_become_a_stop_string_waits(void **state)
{
    (void)state;
    assert_shown("one\nUser: two", 1, "\nUser:", "o|n|e|");
    assert_shown("one\nUs two", 4, "\nUser:", "one|\nUs t|wo|");
    assert_shown("one\nUs", 4, "\nUser:", "one|\nUs");
    assert_shown("aaab", 1, "aab", "a|");
    assert_shown("stop", 4, "stop", "");
    assert_shown("<<end>", 2, "<end>", "<|");
}

static void the_first_of_several_stops_counts(void **state)
{
    (void)state;
    const struct str stops[] = {STR_LIT("cd"), STR_LIT("bc"), STR_LIT("")};
    struct buf shown = {0};
    int stopped = 0;
    feed_all(STR_LIT("abcd"), 4, stops, 3, &shown, &stopped);
    assert_string_equal(shown.data, "a|");
    assert_int_equal(stopped, 1);
    buf_deinit(&shown);
}

static void nothing_follows_a_stop(void **state)
{
    (void)state;
    const struct str stops[] = {STR_LIT("x")};
    struct utf8_stream stream;
    struct str shown = {0};
    int stopped = 0;
    assert_int_equal(utf8_stream_init(&stream, stops, 1, 8), 0);
    assert_int_equal(utf8_stream_feed(&stream, STR_LIT("axb"), &shown, &stopped), 0);
    assert_int_equal(shown.len, 1);
    assert_int_equal(utf8_stream_feed(&stream, STR_LIT("more"), &shown, &stopped), 0);
    assert_int_equal(shown.len, 0);
    assert_int_equal(stopped, 1);
    assert_int_equal(utf8_stream_finish(&stream).len, 0);
    utf8_stream_deinit(&stream);
}

/* Random bytes in random pieces: all bytes arrive, and no call cuts a character that is one. */
static void every_byte_arrives(void **state)
{
    (void)state;
    static const char alphabet[] = "ab\xe6\xbc\xa2\xf0\x9f\x98\x80\xc3\xa9\xff";
    const struct str stops[] = {STR_LIT("abba"), STR_LIT("\xe6\xbc\xa2\xe6")};
    uint32_t random = 7;
    for (int round = 0; round < 500; round++) {
        char text[64];
        for (size_t i = 0; i < sizeof(text); i++) {
            random = random * 1664525U + 1013904223U;
            text[i] = alphabet[(random >> 16) % (sizeof(alphabet) - 1)];
        }
        struct str whole = {text, sizeof(text)};
        struct utf8_stream stream;
        struct buf all = {0};
        int stopped = 0;
        assert_int_equal(utf8_stream_init(&stream, stops, 2, 8), 0);
        for (size_t at = 0; at < sizeof(text) && !stopped;) {
            const size_t n = 1 + (random >> (at % 16)) % 7;
            const size_t left = sizeof(text) - at;
            struct str shown = {0};
            assert_int_equal(utf8_stream_feed(&stream, (struct str){text + at, n < left ? n : left},
                                              &shown, &stopped),
                             0);
            assert_int_equal(buf_append(&all, shown.data, shown.len), 0);
            at += n;
        }
        const struct str rest = utf8_stream_finish(&stream);
        assert_int_equal(buf_append(&all, rest.data, rest.len), 0);
        for (size_t i = 0; i < 2; i++) {
            const char *at = memmem(whole.data, whole.len, stops[i].data, stops[i].len);
            if (at) whole.len = (size_t)(at - whole.data);
        }
        assert_int_equal(all.len, whole.len);
        assert_memory_equal(all.data, whole.data, whole.len);
        buf_deinit(&all);
        utf8_stream_deinit(&stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_wait_until_they_are_whole),
        cmocka_unit_test(what_can_be_no_character_is_shown_at_once),
        cmocka_unit_test(what_may_become_a_stop_string_waits),
        cmocka_unit_test(the_first_of_several_stops_counts),
        cmocka_unit_test(nothing_follows_a_stop),
        cmocka_unit_test(every_byte_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
