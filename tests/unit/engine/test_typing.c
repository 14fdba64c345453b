/* SPDX-License-Identifier: MIT */
/* Proves that preparing an answer while its question is typed changes neither the answer nor when
 * it is shown, whatever is typed, deleted and waited for, and that what was prepared is used.
 * argv[1] is the folder of models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/typed_text.h"
#include "typing_fixture.h"

static const struct nmos_message said[] = {{"user", "hello"}, {"assistant", "hi there"}};

static int open_all(void **state)
{
    (void)state;
    return open_fixture(256, 0);
}

static struct nmos_typing *begin_idling(enum nmos_anticipation anticipation, uint32_t idle_ms)
{
    struct nmos_typing *typing = NULL;
    struct nmos_typing_options options = {.scheduler = scheduler,
                                          .session = session,
                                          .chat_template = chat_template,
                                          .generation = {.n_max = N_TOKENS,
                                                         .sampling = nmos_sampling_default(),
                                                         .on_text = take_text},
                                          .anticipation = anticipation,
                                          .ahead_max = 5,
                                          .idle_ms = idle_ms,
                                          .on_done = take_end};
    expect_nothing_yet();
    assert_int_equal(nmos_typing_create(model, &options, &typing), 0);
    assert_int_equal(nmos_typing_begin(typing, said, 2), 0);
    return typing;
}

static struct nmos_typing *begin(enum nmos_anticipation anticipation)
{
    return begin_idling(anticipation, 600000); /* longer than any test */
}

/* Until the branch has as many pieces of text as it may have before Enter. */
static void wait_ahead(struct nmos_typing *typing, uint32_t n)
{
    while (state_of(typing).ahead_tokens < n) nap();
}

/* The answer to a text without any preparation, in an empty session. */
static void answer_plainly(const char *text, char ret[4096])
{
    assert_int_equal(nmos_session_truncate(session, 0), 0);
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_OFF);
    insert(typing, text);
    assert_int_equal(nmos_typing_enter(typing), 0);
    wait_end();
    assert_int_equal(got.status, 0);
    memcpy(ret, got.text, got.len);
    ret[got.len] = '\0';
    nmos_typing_destroy(&typing);
}

/* Types a text with slips: after every third character a wrong one that is taken back, a word at
 * the beginning typed last. */
static void type_with_slips(struct nmos_typing *typing, const char *text, int waits)
{
    const char *rest = strchr(text, ' ');
    for (const char *c = rest; *c; c++) {
        assert_int_equal(nmos_typing_insert(typing, c, 1), 0);
        if ((c - rest) % 3 == 2) {
            insert(typing, "xy");
            if (waits && (c - rest) % 2) wait_ahead(typing, 1);
            assert_int_equal(nmos_typing_delete(typing, 2), 0);
        }
        if (waits && (c - rest) % 5 == 0 && c > rest) wait_ahead(typing, 2);
    }
    assert_int_equal(nmos_typing_move(typing, 0), 0);
    assert_int_equal(nmos_typing_insert(typing, text, (size_t)(rest - text)), 0);
}

static void the_answer_is_that_without_preparation(void **state)
{
    static const char *const texts[] = {"hello world how are you", "a b",
                                        "tell me 12 345 things. ok"};
    char expected[4096];
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        answer_plainly(texts[i], expected);
        for (int how = 0; how < 4; how++) { /* prefix and full, without and with pauses */
            const int is_full = how >= 2;
            struct nmos_typing *typing =
                begin(is_full ? NMOS_ANTICIPATE_FULL : NMOS_ANTICIPATE_PREFIX);
            type_with_slips(typing, texts[i], is_full && how % 2);
            assert_int_equal(got.len, 0); /* nothing is shown before Enter */
            assert_int_equal(nmos_typing_enter(typing), 0);
            expect_answer(expected);
            nmos_typing_destroy(&typing);
        }
    }
}

static void what_was_prepared_comes_from_within_enter(void **state)
{
    char expected[4096];
    (void)state;
    answer_plainly("what is that", expected);
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    insert(typing, "what is that");
    wait_ahead(typing, 1);
    assert_int_equal(got.len, 0);
    assert_int_equal(nmos_typing_enter(typing), 0);
    assert_true(got.len > 0);
    const struct nmos_typing_state then = state_of(typing);
    assert_true(then.branch_submitted && then.branch_hit);
    assert_int_equal(then.entered_ready, then.prompt_tokens);
    expect_answer(expected);
    nmos_typing_destroy(&typing);
}

static void wait_idle(struct nmos_typing *typing)
{
    while (!state_of(typing).is_idle) nap();
}

static uint64_t count_passes(void)
{
    struct nmos_scheduler_stats stats;
    nmos_scheduler_get_stats(scheduler, &stats);
    return stats.passes;
}

/* Whatever had been done when the time was over, nothing is added and nothing is lost. */
static void nothing_is_computed_when_nothing_is_typed_for_long(void **state)
{
    char expected[4096];
    (void)state;
    answer_plainly("an idle question", expected);
    assert_int_equal(nmos_session_truncate(session, 0), 0);
    const struct timespec moment = {.tv_nsec = 30000000};
    struct nmos_typing *typing = begin_idling(NMOS_ANTICIPATE_FULL, 1);
    for (const char *c = "an idle question"; *c; c++) {
        assert_int_equal(nmos_typing_insert(typing, c, 1), 0);
        wait_idle(typing);
        const uint64_t n_passes = count_passes();
        const struct nmos_typing_state then = state_of(typing);
        if (c[1] == '\0') (void)nanosleep(&moment, NULL);
        assert_int_equal(count_passes(), n_passes);
        assert_int_equal(state_of(typing).ready_tokens, then.ready_tokens);
        assert_int_equal(state_of(typing).ahead_tokens, then.ahead_tokens);
    }
    assert_int_equal(nmos_typing_enter(typing), 0);
    assert_false(state_of(typing).is_idle);
    expect_answer(expected);
    nmos_typing_destroy(&typing);
}

static void an_edit_keeps_the_common_beginning(void **state)
{
    (void)state;
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    insert(typing, "the same beginning, and an end");
    wait_ahead(typing, 1);
    const uint32_t n_before = state_of(typing).prompt_tokens;
    assert_int_equal(nmos_typing_delete(typing, 3), 0);
    const struct nmos_typing_state then = state_of(typing);
    assert_int_equal(then.ahead_tokens, 0); /* that answer was another text's */
    assert_true(then.ready_tokens + 20 > n_before && then.ready_tokens < n_before);
    nmos_typing_destroy(&typing);
}

static void a_long_text_is_read_while_it_is_typed(void **state)
{
    char text[161];
    char expected[4096];
    (void)state;
    for (size_t i = 0; i < 160; i++) text[i] = i % 5 == 4 ? ' ' : (char)('a' + i % 7);
    text[160] = '\0';
    answer_plainly(text, expected);
    assert_int_equal(nmos_session_truncate(session, 0), 0);
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_PREFIX);
    assert_int_equal(nmos_typing_insert(typing, text, 150), 0);
    while (state_of(typing).ready_tokens + 20 < state_of(typing).prompt_tokens) {
        insert(typing, "z"); /* what stands before it goes on being right */
        assert_int_equal(nmos_typing_delete(typing, 1), 0);
        nap();
    }
    assert_int_equal(nmos_typing_insert(typing, text + 150, 10), 0);
    assert_int_equal(nmos_typing_enter(typing), 0);
    assert_false(state_of(typing).branch_submitted);
    expect_answer(expected);
    nmos_typing_destroy(&typing);
}

static void an_answer_can_be_stopped_and_the_next_one_asked_for(void **state)
{
    char expected[4096];
    (void)state;
    answer_plainly("again", expected);
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    insert(typing, "go on");
    assert_int_equal(nmos_typing_enter(typing), 0);
    nmos_typing_cancel(typing);
    wait_end();
    assert_true(got.status == NMOS_E_CANCELLED || got.status == 0);
    got.n_done = 0;
    got.len = 0;
    assert_int_equal(nmos_typing_begin(typing, said, 2), 0);
    insert(typing, "given up");
    nmos_typing_cancel(typing);
    assert_int_equal(state_of(typing).text_bytes, 0);
    insert(typing, "again");
    assert_int_equal(nmos_typing_enter(typing), 0);
    expect_answer(expected);
    nmos_typing_destroy(&typing);
}

static void the_caller_can_end_a_prepared_answer(void **state)
{
    (void)state;
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    got.stop_at = 1;
    insert(typing, "stop at once");
    wait_ahead(typing, 1);
    assert_int_equal(nmos_typing_enter(typing), 0);
    wait_end();
    assert_int_equal(got.n_done, 1);
    nmos_typing_destroy(&typing);
}

static void what_cannot_be_done_is_refused(void **state)
{
    char text[600];
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(nmos_typing_insert(typing, "a\0b", 3), NMOS_E_INVALID);
    assert_int_equal(nmos_typing_insert(typing, text, sizeof(text)), 0);
    assert_int_equal(nmos_typing_enter(typing), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "256 positions"));
    assert_int_equal(nmos_typing_replace(typing, "short", 5), 0); /* the line goes on */
    assert_int_equal(nmos_typing_enter(typing), 0);
    wait_end();
    assert_int_equal(nmos_typing_enter(typing), NMOS_E_BUSY);
    assert_int_equal(nmos_typing_insert(typing, "a", 1), NMOS_E_BUSY);
    nmos_typing_destroy(&typing);
    struct nmos_typing_options options = {.scheduler = scheduler};
    assert_int_equal(nmos_typing_create(model, &options, &typing), NMOS_E_INVALID);
}

static void a_typing_can_end_at_any_moment(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
        const struct timespec moment = {.tv_nsec = 200000 * (i % 7)};
        insert(typing, "some text");
        (void)nanosleep(&moment, NULL);
        insert(typing, " and more");
        if (i % 3 == 0) assert_int_equal(nmos_typing_enter(typing), 0);
        nmos_typing_destroy(&typing);
        assert_int_equal(nmos_session_truncate(session, 0), 0); /* no job is left */
    }
}

static void expect_line(const struct typed_text *line, const char *text)
{
    assert_int_equal(line->text.len, strlen(text));
    assert_string_equal(line->text.data, text);
}

static void a_line_is_edited_by_characters(void **state)
{
    struct typed_text line = {0};
    (void)state;
    typed_text_delete(&line, 3);
    typed_text_move(&line, 3);
    assert_true(typed_text_is_blank(&line));
    assert_int_equal(typed_text_insert(&line, "aü漢🙂z", 11), 0);
    typed_text_delete(&line, 2);
    expect_line(&line, "aü漢");
    typed_text_move(&line, 2);
    typed_text_delete(&line, 1);
    assert_int_equal(typed_text_insert(&line, "xy", 2), 0);
    expect_line(&line, "axy漢");
    typed_text_move(&line, 99);
    typed_text_delete(&line, 99);
    expect_line(&line, "");
    assert_int_equal(typed_text_insert(&line, " \n", 2), 0);
    assert_true(typed_text_is_blank(&line));
    buf_deinit(&line.text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_edited_by_characters),
        cmocka_unit_test(the_answer_is_that_without_preparation),
        cmocka_unit_test(what_was_prepared_comes_from_within_enter),
        cmocka_unit_test(nothing_is_computed_when_nothing_is_typed_for_long),
        cmocka_unit_test(an_edit_keeps_the_common_beginning),
        cmocka_unit_test(a_long_text_is_read_while_it_is_typed),
        cmocka_unit_test(an_answer_can_be_stopped_and_the_next_one_asked_for),
        cmocka_unit_test(the_caller_can_end_a_prepared_answer),
        cmocka_unit_test(what_cannot_be_done_is_refused),
        cmocka_unit_test(a_typing_can_end_at_any_moment),
    };
    if (argc < 2) return 1;
    folder = argv[1];
    return cmocka_run_group_tests(tests, open_all, close_all);
}
