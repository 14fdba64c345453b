/* SPDX-License-Identifier: MIT */
/* Proves that the intent which is meant at Enter decides on system prompt and sampling, whatever
 * was expected before, with the text that it gives when it is known from the start; and that the
 * system prompts of likely intents are read before Enter. argv[1] is the folder of models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "typing_fixture.h"

#define N_INTENTS 4U
#define CTX       512U

static char long_system[401];

/* The third has no system prompt, the fourth that of the first and draws in another way. */
static struct nmos_intent_use uses[N_INTENTS];

static int open_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(long_system) - 1; i++) {
        long_system[i] = i % 6 == 5 ? ' ' : (char)('a' + i % 7);
    }
    for (size_t i = 0; i < N_INTENTS; i++) uses[i].sampling = nmos_sampling_default();
    uses[0].system = "write code, and nothing but code, for whoever asks";
    uses[1].system = "be brief";
    uses[3].system = uses[0].system;
    uses[3].sampling.temp = 5;
    uses[3].sampling.top_k = 0;
    uses[3].sampling.min_p = 0;
    return open_fixture(CTX, 4);
}

static void create(enum nmos_anticipation anticipation, size_t n_intents,
                   struct nmos_typing **ret_typing)
{
    const struct nmos_typing_options options = {
        .scheduler = scheduler,
        .session = session,
        .chat_template = chat_template,
        .generation = {.n_max = N_TOKENS, .sampling = uses[0].sampling, .on_text = take_text},
        .intents = uses,
        .n_intents = n_intents,
        .anticipation = anticipation,
        .ahead_max = 5,
        .idle_ms = 600000, /* longer than any test */
        .on_done = take_end};
    expect_nothing_yet();
    assert_int_equal(nmos_session_truncate(session, 0), 0);
    assert_int_equal(nmos_typing_create(model, &options, ret_typing), 0);
}

static struct nmos_typing *begin(enum nmos_anticipation anticipation)
{
    struct nmos_typing *typing = NULL;
    create(anticipation, N_INTENTS, &typing);
    assert_int_equal(nmos_typing_begin(typing, NULL, 0), 0);
    return typing;
}

/* The intent is as good as sure. */
static void expect_intent(struct nmos_typing *typing, size_t intent)
{
    double p[N_INTENTS] = {0.1, 0.1, 0.1, 0.1};
    p[intent] = 0.7;
    nmos_typing_expect(typing, p);
    assert_int_equal(state_of(typing).intent, intent);
}

/* The answer when the intent is known from the start and nothing is prepared. */
static void answer_plainly(const char *text, size_t intent, char ret[4096])
{
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_OFF);
    expect_intent(typing, intent);
    insert(typing, text);
    assert_int_equal(nmos_typing_enter(typing), 0);
    wait_end();
    assert_int_equal(got.status, 0);
    memcpy(ret, got.text, got.len + 1);
    nmos_typing_destroy(&typing);
}

static void a_wrong_guess_of_the_intent_changes_no_answer(void **state)
{
    char expected[N_INTENTS][4096];
    (void)state;
    for (size_t meant = 0; meant < N_INTENTS; meant++) {
        answer_plainly("sort a list", meant, expected[meant]);
        for (size_t k = 0; k < meant; k++) assert_string_not_equal(expected[k], expected[meant]);
        for (size_t guessed = 0; guessed < 2 * N_INTENTS; guessed++) {
            struct nmos_typing *typing =
                begin(guessed % 2 ? NMOS_ANTICIPATE_FULL : NMOS_ANTICIPATE_PREFIX);
            expect_intent(typing, guessed / 2);
            insert(typing, "sort a");
            for (int i = 0; guessed % 3 && i < 20; i++) nap(); /* something is read meanwhile */
            insert(typing, " list");
            expect_intent(typing, (guessed / 2 + 1) % N_INTENTS);
            if (guessed % 2) nap();
            expect_intent(typing, meant);
            assert_int_equal(got.len, 0);
            assert_int_equal(nmos_typing_enter(typing), 0);
            assert_int_equal(state_of(typing).intent, meant);
            expect_answer(expected[meant]);
            nmos_typing_destroy(&typing);
        }
    }
}

/* Passes of 32 rows make a long one worth reading whatever they take; its last rows may not be. */
static void likely_system_prompts_are_read_before_enter(void **state)
{
    const double p[N_INTENTS] = {0.5, 0.45, 0.05, 0};
    char expected[4096];
    const char *before = uses[1].system;
    (void)state;
    uses[1].system = long_system;
    answer_plainly("what now", 1, expected);
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    nmos_typing_expect(typing, p);
    insert(typing, "what now");
    while (state_of(typing).ahead_tokens == 0) nap(); /* all the prompt of the likeliest */
    const struct nmos_typing_state first = state_of(typing);
    assert_int_equal(first.ready_tokens, first.prompt_tokens);
    while (state_of(typing).openings_ready < first.opening_tokens + 250) nap();
    expect_intent(typing, 1);
    const struct nmos_typing_state then = state_of(typing);
    assert_true(then.opening_tokens > 300 && then.ready_tokens >= 250);
    assert_int_equal(nmos_typing_enter(typing), 0);
    assert_true(state_of(typing).entered_ready >= 250);
    expect_answer(expected);
    assert_int_equal(state_of(typing).openings_ready, 0); /* the pages are free again */
    nmos_typing_destroy(&typing);
    uses[1].system = before;
}

static void a_prepared_answer_is_kept_where_intents_agree(void **state)
{
    struct nmos_intent_use first = uses[0];
    (void)state;
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    expect_intent(typing, 0);
    insert(typing, "go on");
    while (state_of(typing).ahead_tokens == 0) nap();
    expect_intent(typing, 3); /* the same prompt, drawn in another way */
    assert_int_equal(state_of(typing).ahead_tokens, 0);
    nmos_typing_destroy(&typing);
    uses[3] = first; /* now they agree in all */
    typing = begin(NMOS_ANTICIPATE_FULL);
    expect_intent(typing, 0);
    insert(typing, "go on");
    while (state_of(typing).ahead_tokens == 0) nap();
    expect_intent(typing, 3);
    assert_true(state_of(typing).ahead_tokens > 0);
    nmos_typing_destroy(&typing);
    uses[3].sampling.temp = 5;
}

static void a_conversation_that_has_begun_keeps_its_beginning(void **state)
{
    static const struct nmos_message said[] = {{"user", "hello"}, {"assistant", "hi there"}};
    char without[4096];
    struct nmos_typing *typing = NULL;
    (void)state;
    create(NMOS_ANTICIPATE_OFF, 0, &typing);
    assert_int_equal(nmos_typing_begin(typing, said, 2), 0);
    insert(typing, "and you");
    assert_int_equal(nmos_typing_enter(typing), 0);
    wait_end();
    memcpy(without, got.text, got.len + 1);
    nmos_typing_destroy(&typing);
    create(NMOS_ANTICIPATE_FULL, N_INTENTS, &typing);
    assert_int_equal(nmos_typing_begin(typing, said, 2), 0);
    expect_intent(typing, 1);
    insert(typing, "and you");
    while (state_of(typing).ahead_tokens == 0) nap();
    assert_int_equal(state_of(typing).opening_tokens, 0);
    assert_int_equal(nmos_typing_enter(typing), 0);
    expect_answer(without);
    nmos_typing_destroy(&typing);
}

/* Long texts leave no KV pages for what may not be meant, and none are missing for the answer. */
static void openings_give_way_to_the_conversation(void **state)
{
    char text[CTX];
    char expected[4096];
    const char *before = uses[1].system;
    (void)state;
    uses[1].system = long_system;
    memset(text, 'b', sizeof(text));
    for (size_t i = 0; i < sizeof(text); i += 5) text[i] = ' ';
    text[300] = '\0';
    answer_plainly(text, 2, expected);
    struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
    expect_intent(typing, 1);
    for (int i = 0; i < 10; i++) nap();
    insert(typing, text);
    for (int i = 0; i < 10; i++) nap();
    expect_intent(typing, 2);
    assert_int_equal(nmos_typing_enter(typing), 0);
    expect_answer(expected);
    nmos_typing_destroy(&typing);
    uses[1].system = before;
}

static void it_can_end_at_any_moment(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct nmos_typing *typing = begin(NMOS_ANTICIPATE_FULL);
        const struct timespec moment = {.tv_nsec = 150000 * (i % 9)};
        expect_intent(typing, (size_t)i % N_INTENTS);
        insert(typing, "some text");
        (void)nanosleep(&moment, NULL);
        expect_intent(typing, (size_t)(i / 3) % N_INTENTS);
        if (i % 2) assert_int_equal(nmos_typing_enter(typing), 0);
        if (i % 4 == 1) {
            nmos_typing_cancel(typing);
            wait_end(); /* also where the answer still waited for a system prompt's pass */
            assert_true(got.status == NMOS_E_CANCELLED || got.status == 0);
            got.n_done = 0;
            assert_int_equal(nmos_typing_begin(typing, NULL, 0), 0);
        }
        nmos_typing_destroy(&typing);
        assert_int_equal(nmos_session_truncate(session, 0), 0); /* no job is left */
    }
}

static void too_many_intents_are_refused(void **state)
{
    struct nmos_typing *typing = NULL;
    const struct nmos_typing_options options = {.scheduler = scheduler,
                                                .session = session,
                                                .chat_template = chat_template,
                                                .generation = {.on_text = take_text},
                                                .intents = uses,
                                                .n_intents = NMOS_INTENTS_MAX + 1};
    (void)state;
    assert_int_equal(nmos_typing_create(model, &options, &typing), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "65 intents; 64"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_guess_of_the_intent_changes_no_answer),
        cmocka_unit_test(likely_system_prompts_are_read_before_enter),
        cmocka_unit_test(a_prepared_answer_is_kept_where_intents_agree),
        cmocka_unit_test(a_conversation_that_has_begun_keeps_its_beginning),
        cmocka_unit_test(openings_give_way_to_the_conversation),
        cmocka_unit_test(it_can_end_at_any_moment),
        cmocka_unit_test(too_many_intents_are_refused),
    };
    if (argc < 2) return 1;
    folder = argv[1];
    return cmocka_run_group_tests(tests, open_all, close_all);
}
