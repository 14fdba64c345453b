/* SPDX-License-Identifier: MIT */
/* Proves on a simulated clock, with a simulated disk, that what is done before Enter is worth it:
 * words come no later than without, soon after P - D where the answer was begun, and fewer bytes
 * are read than by beginning anew at each key. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/typing_pace.h"

#define ROWS_MAX 64U
#define KEYS_MAX 400U
#define HEAD     6U /* tokens of the template before the line, and ... */
#define TAIL     4U /* ... behind it */

struct machine {
    double disk_s; /* of a pass */
    double fixed_s;
    double row_s;
};

/* What was typed: a key a character; negative ones take back. */
struct trace {
    double at_s[KEYS_MAX];
    int is_delete[KEYS_MAX];
    size_t n;
    double enter_s;
};

struct outcome {
    double verified_s;  /* after Enter */
    double submitted_s; /* since the branch of just this text began; negative: it had not */
    double streamed_s;  /* of passes before Enter */
    size_t n_rows;      /* that were left to run when the last key had come */
};

static struct pass_cost cost_of(const struct machine *m)
{
    struct pass_cost cost = {0};
    pass_cost_learn_disk(&cost, m->disk_s);
    for (uint32_t n = 1; n <= ROWS_MAX; n += 9)
        pass_cost_learn(&cost, n, m->fixed_s + m->row_s * n);
    return cost;
}

static size_t prompt_tokens(size_t n_chars)
{
    return HEAD + (n_chars + 3) / 4 + TAIL;
}

/* Of a line of so many characters, the tokens that typing behind it does not change. */
static size_t stable_tokens(size_t n_chars)
{
    return HEAD + n_chars / 4;
}

/* The session and the job of the simulation. */
struct sim {
    const struct machine *machine;
    struct pass_cost cost;
    struct typing_rhythm rhythm;
    int is_eager; /* begins anew at each key, whatever it costs */
    size_t n_chars;
    double key_s;
    size_t n_read;         /* tokens of the session that the line still begins with */
    enum typing_step step; /* of the job at work; TYPING_REST: none */
    double begin_s;
    double end_s;
    size_t n_goal; /* tokens that the job will have read */
    size_t n_job;
    size_t goal_chars;
    struct outcome out;
};

static double seconds(const struct sim *s, size_t n)
{
    return typing_seconds(&s->cost, n, ROWS_MAX);
}

/* The next job, were nothing typed any more. */
static void choose(struct sim *s, double now_s)
{
    const size_t n_prompt = prompt_tokens(s->n_chars);
    const size_t n_stable = stable_tokens(s->n_chars);
    const struct typing_view view = {.cost = &s->cost,
                                     .rows_max = ROWS_MAX,
                                     .n_new = n_prompt - s->n_read,
                                     .n_stable = n_stable > s->n_read ? n_stable - s->n_read : 0,
                                     .is_blank = s->n_chars == 0,
                                     .usual_s = s->rhythm.usual_s};
    double hold_s = 0;
    if (s->step != TYPING_REST || (s->n_read == n_prompt && s->goal_chars == s->n_chars)) return;
    s->step = s->is_eager ? TYPING_BRANCH : typing_choose(&view, &hold_s);
    if (s->is_eager) hold_s = 0;
    s->begin_s = fmax(now_s, s->key_s + hold_s);
    s->n_goal = s->step == TYPING_PREFIX ? n_stable : n_prompt;
    s->goal_chars = s->n_chars;
    s->n_job = s->n_goal - s->n_read;
    s->end_s = s->begin_s + seconds(s, s->n_job);
}

/* Runs what runs until @p now_s. */
static void run_until(struct sim *s, double now_s)
{
    while (s->step != TYPING_REST && s->end_s <= now_s) {
        s->out.streamed_s += s->end_s - s->begin_s;
        s->n_read = s->n_goal;
        s->step = TYPING_REST;
        if (s->n_read < prompt_tokens(s->n_chars)) choose(s, s->end_s);
    }
}

static void stop(struct sim *s, double now_s)
{
    if (s->step != TYPING_REST) s->out.streamed_s += fmax(0, now_s - s->begin_s);
    s->step = TYPING_REST;
}

static int should_finish(const struct sim *s, double now_s, size_t n_common)
{
    const struct typing_job_view job = {.cost = &s->cost,
                                        .rows_max = ROWS_MAX,
                                        .elapsed_s = now_s - s->begin_s,
                                        .n_job = s->n_job,
                                        .n_new = prompt_tokens(s->n_chars) - s->n_read,
                                        .n_after = prompt_tokens(s->n_chars) - n_common};
    return !s->is_eager && typing_should_finish(&job);
}

static void key(struct sim *s, double now_s, int is_delete)
{
    run_until(s, now_s);
    const size_t before = s->n_chars;
    s->n_chars = is_delete ? (before ? before - 1 : 0) : before + 1;
    const size_t shorter = s->n_chars < before ? s->n_chars : before;
    const size_t n_kept = stable_tokens(shorter);
    typing_rhythm_learn(&s->rhythm, now_s - s->key_s);
    s->key_s = now_s;
    if (s->n_read > n_kept) s->n_read = n_kept;
    if (s->step != TYPING_REST) {
        const size_t common = s->n_goal < n_kept ? s->n_goal : n_kept;
        const int fits = s->step == TYPING_PREFIX && common == s->n_goal;
        if (fits || should_finish(s, now_s, common)) {
            s->n_goal = common; /* the rest of what it reads is of no use */
        } else {
            stop(s, now_s);
        }
    }
    choose(s, now_s);
    s->out.n_rows = prompt_tokens(s->n_chars) - s->n_read;
}

static void enter(struct sim *s, double now_s)
{
    run_until(s, now_s);
    const size_t n_prompt = prompt_tokens(s->n_chars);
    const double anew_s = seconds(s, n_prompt - s->n_read);
    const int fits = s->goal_chars == s->n_chars && s->n_goal == n_prompt;
    s->out.submitted_s = -1;
    if (fits && (s->step == TYPING_REST || s->begin_s <= now_s)) {
        s->out.submitted_s = now_s - s->begin_s;
        s->out.verified_s = s->step == TYPING_REST ? 0 : s->end_s - now_s;
        stop(s, now_s);
    } else if (s->step != TYPING_REST && should_finish(s, now_s, s->n_goal)) {
        s->out.verified_s = s->end_s - now_s + seconds(s, n_prompt - s->n_goal);
        stop(s, now_s);
    } else {
        stop(s, now_s);
        s->out.verified_s = anew_s;
    }
}

static struct outcome play(const struct machine *machine, const struct trace *trace, int is_eager)
{
    struct sim s = {.machine = machine, .cost = cost_of(machine), .is_eager = is_eager};
    typing_rhythm_init(&s.rhythm);
    for (size_t i = 0; i < trace->n; i++) key(&s, trace->at_s[i], trace->is_delete[i]);
    enter(&s, trace->enter_s);
    return s.out;
}

static uint32_t random_state;

static double random_unit(void)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (double)(random_state >> 8) / (1U << 24);
}

/* Intervals spread as people's are: most near 0.18 s, a tenth above half a second. */
static void make_trace(struct trace *trace, size_t n_keys, double d_s)
{
    double at_s = 0;
    trace->n = n_keys;
    for (size_t i = 0; i < n_keys; i++) {
        const double u = random_unit();
        at_s += u < 0.9 ? 0.08 + 0.25 * u : 0.5 + 30 * (u - 0.9);
        trace->at_s[i] = at_s;
        trace->is_delete[i] = random_unit() < 0.05;
    }
    trace->enter_s = at_s + d_s;
}

static const struct machine machines[] = {{0.3, 0.02, 0.001}, {1, 0.2, 0.005}, {2.3, 0.4, 0.02},
                                          {2.3, 0.4, 0.045},  {10, 1, 0.06},   {0, 0.1, 0.01}};
#define N_MACHINES (sizeof(machines) / sizeof(machines[0]))

static void words_come_no_later_than_without(void **state)
{
    struct trace trace;
    (void)state;
    random_state = 1;
    for (size_t i = 0; i < 600; i++) {
        const struct machine *m = &machines[i % N_MACHINES];
        make_trace(&trace, 20 + (size_t)(random_unit() * 370), 0.15 + random_unit());
        const struct outcome with_it = play(m, &trace, 0);
        size_t n_chars = 0;
        for (size_t k = 0; k < trace.n; k++) n_chars += trace.is_delete[k] ? n_chars ? -1UL : 0 : 1;
        const struct pass_cost cost = cost_of(m);
        const double without_s = typing_seconds(&cost, prompt_tokens(n_chars), ROWS_MAX);
        assert_true(with_it.verified_s <= without_s * 1.0001);
        /* Prompts longer than one pass: read ahead. */
        if (n_chars > (size_t)8 * ROWS_MAX && trace.at_s[trace.n - 1] > 20 * without_s) {
            assert_true(with_it.verified_s <= 0.6 * without_s);
        }
    }
}

static void a_begun_answer_comes_soon_after_the_pass_less_the_pause(void **state)
{
    struct trace trace;
    size_t n_submitted = 0;
    (void)state;
    random_state = 2;
    for (size_t i = 0; i < 600; i++) {
        const struct machine *m = &machines[i % N_MACHINES];
        const struct pass_cost cost = cost_of(m);
        const double one_s = pass_cost_seconds(&cost, 1);
        const double d_s = (0.2 + 0.4 * random_unit()) * one_s;
        make_trace(&trace, 20 + (size_t)(random_unit() * 80), d_s);
        const struct outcome with_it = play(m, &trace, 0);
        if (with_it.submitted_s < 0) continue;
        const double p_s = typing_seconds(&cost, with_it.n_rows, ROWS_MAX);
        n_submitted++;
        if (d_s > 0.6 * p_s) continue;
        assert_true(with_it.verified_s <= 1.15 * (p_s - d_s) + 1e-9);
    }
    assert_true(n_submitted > 400);
}

static void fewer_bytes_are_read_than_by_beginning_anew_at_each_key(void **state)
{
    struct trace trace;
    (void)state;
    random_state = 3;
    for (size_t i = 0; i < 60; i++) {
        const struct machine *m = &machines[1 + i % 4];
        make_trace(&trace, 80, 0.5);
        const struct outcome with_it = play(m, &trace, 0);
        const struct outcome eager = play(m, &trace, 1);
        assert_true(with_it.streamed_s < 0.9 * eager.streamed_s);
    }
}

static void a_prefix_is_read_where_it_makes_the_last_pass_shorter(void **state)
{
    const struct machine m = {1, 0.1, 0.02}; /* 45 rows are free */
    const struct pass_cost cost = cost_of(&m);
    struct typing_view view = {.cost = &cost, .rows_max = ROWS_MAX, .usual_s = 0.2};
    double hold_s = -1;
    (void)state;
    view.n_new = 40;
    view.n_stable = 35;
    assert_int_equal(typing_choose(&view, &hold_s), TYPING_BRANCH);
    assert_true(fabs(hold_s - 0.05 * pass_cost_seconds(&cost, 40)) < 1e-6);
    assert_true(hold_s >= 0.05 && hold_s < 0.06); /* of a pass of a second */
    view.expects_more = 1;
    (void)typing_choose(&view, &hold_s);
    assert_true(fabs(hold_s - 0.8) < 1e-6);
    view.n_new = 63;
    view.n_stable = 58;
    assert_int_equal(typing_choose(&view, &hold_s), TYPING_PREFIX);
    view.n_stable = 0;
    assert_int_equal(typing_choose(&view, &hold_s), TYPING_BRANCH);
    view.saves_power = 1;
    assert_int_equal(typing_choose(&view, &hold_s), TYPING_REST);
    view.n_stable = 16;
    assert_int_equal(typing_choose(&view, &hold_s), TYPING_PREFIX);
    const struct pass_cost nothing = {0};
    view.cost = &nothing;
    view.n_stable = 1;
    assert_int_equal(typing_choose(&view, &hold_s), TYPING_PREFIX); /* the first pass tells */
}

static void a_pass_is_finished_where_that_comes_sooner(void **state)
{
    const struct machine m = {1, 0.1, 0.05}; /* 60 rows take 3.1 s */
    const struct pass_cost cost = cost_of(&m);
    struct typing_job_view job = {
        .cost = &cost, .rows_max = ROWS_MAX, .n_job = 60, .n_new = 61, .n_after = 6};
    (void)state;
    job.elapsed_s = -1;
    assert_false(typing_should_finish(&job));
    job.elapsed_s = 0.9; /* 2.2 s and 1 s, against 3.15 s */
    assert_false(typing_should_finish(&job));
    job.elapsed_s = 1.1;
    assert_true(typing_should_finish(&job));
    job.n_after = 61; /* nothing of it is of use */
    assert_false(typing_should_finish(&job));
}

static void the_rhythm_is_the_upper_quartile(void **state)
{
    struct typing_rhythm rhythm;
    (void)state;
    typing_rhythm_init(&rhythm);
    random_state = 4;
    for (size_t i = 0; i < 2000; i++) typing_rhythm_learn(&rhythm, 0.1 + 0.1 * random_unit());
    assert_true(rhythm.usual_s > 0.155 && rhythm.usual_s < 0.195);
    const double before = rhythm.usual_s;
    typing_rhythm_learn(&rhythm, 60);
    assert_true(rhythm.usual_s <= before && rhythm.usual_s >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_no_later_than_without),
        cmocka_unit_test(a_begun_answer_comes_soon_after_the_pass_less_the_pause),
        cmocka_unit_test(fewer_bytes_are_read_than_by_beginning_anew_at_each_key),
        cmocka_unit_test(a_prefix_is_read_where_it_makes_the_last_pass_shorter),
        cmocka_unit_test(a_pass_is_finished_where_that_comes_sooner),
        cmocka_unit_test(the_rhythm_is_the_upper_quartile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
