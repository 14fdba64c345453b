/* SPDX-License-Identifier: MIT */
/* nmos replay: types recorded prompts in real time and measures what was ready at Enter. */
#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/chat_engine.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/trace.h"

#define WAIT_MS  200
#define N_SHARES 4 /* of the text: 25, 50, 75 and 100 % */
#define SOON_S   0.5
#define TYPED_S  2.0

/* What one prompt showed. Seconds are those of the clock, Enter's are measured from it. */
struct outcome {
    uint64_t prompt;
    double typing_s; /* first event to Enter */
    double last_key_to_enter_s;
    double verified_s;    /* Enter to the first text; to the end where the answer is empty */
    double provisional_s; /* Enter to the first words of either kind */
    double answer_s;
    uint64_t rows_before_enter;
    uint64_t bytes_while_typing;
    struct nmos_typing_state typing; /* of Enter */
    char sha256[SHA256_DIGEST_STRING_LENGTH];
    size_t answer_bytes;
    const char *answered_as; /* the intent that counted; NULL: intents change nothing */
    const char *guessed_as;  /* the intent whose guesses it was learned from; NULL: none */
    uint32_t intent_guesses; /* of it, known by the end */
    uint64_t experts_ahead;  /* read before Enter because an intent made them likely */
    uint64_t experts_used;   /* by the answer's passes behind Enter, once a layer, and ... */
    uint64_t experts_read;   /* ... of them, not in memory */
    struct nmos_intent intents[N_SHARES]; /* the likeliest at each share of the text */
};

static double seconds(uint64_t ns)
{
    return (double)ns * 1e-9;
}

static void wait_until(uint64_t ns)
{
    const struct timespec time = clock_timespec(ns);
    while (!cli_interrupted() &&
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
    }
}

static int play_key(struct nmos_typing *typing, const struct trace_event *event)
{
    switch (event->op) {
    case TRACE_INSERT: return nmos_typing_insert(typing, event->text, event->n);
    case TRACE_DELETE: return nmos_typing_delete(typing, event->n);
    case TRACE_MOVE: return nmos_typing_move(typing, event->n);
    case TRACE_ENTER: break;
    }
    return 0;
}

/* Takes the whole answer. @p at_enter: how things stood. */
static int finish(struct chat_engine *engine, const struct nmos_stats *at_enter,
                  struct outcome *outcome)
{
    struct buf answer = {0};
    struct chat_facts facts;
    int rc = 1;
    while (rc > 0) {
        rc = chat_engine_next(engine, WAIT_MS, &answer);
        if (cli_interrupted()) chat_engine_stop(engine);
    }
    chat_engine_facts(engine, &facts);
    const uint64_t end_ns = clock_ns();
    const uint64_t first_ns = facts.first_text_ns ? facts.first_text_ns : end_ns;
    outcome->verified_s = seconds(first_ns - facts.entered_ns);
    outcome->answer_s = seconds(end_ns - facts.entered_ns);
    outcome->provisional_s = outcome->verified_s;
    if (facts.first_guess_ns && facts.first_guess_ns < first_ns) {
        outcome->provisional_s = seconds(facts.first_guess_ns - facts.entered_ns);
    }
    outcome->typing = facts.entered;
    outcome->answered_as = chat_engine_intent(engine, &facts.entered);
    outcome->guessed_as = chat_engine_learns(engine, NMOS_LEARN_GUESSES);
    outcome->intent_guesses = facts.answer.intent_guesses;
    outcome->experts_used = facts.stats.experts_used - at_enter->experts_used;
    outcome->experts_read = facts.stats.experts_read - at_enter->experts_read;
    outcome->answer_bytes = answer.len;
    (void)SHA256Data((const uint8_t *)(answer.len ? answer.data : ""), answer.len, outcome->sha256);
    buf_deinit(&answer);
    return rc;
}

static int is_share(size_t n_typed, size_t n, size_t share)
{
    return n_typed == (n * share + N_SHARES - 1) / N_SHARES;
}

/* Asks the Scout, and notes what it says at the quarters of the typing; @p n_typed of @p n keys are
 * there. */
static int classify(struct chat_engine *engine, size_t n_typed, size_t n, struct outcome *outcome)
{
    struct nmos_intent likeliest;
    char *text = NULL;
    size_t len = 0;
    int is_noted = chat_engine_uses_intents(engine);
    for (size_t share = 1; share <= N_SHARES; share++) is_noted |= is_share(n_typed, n, share);
    if (!is_noted) return 0;
    TRY(nmos_typing_text(chat_engine_typing(engine), &text, &len));
    (void)chat_engine_intents(engine, text, len, &likeliest, 1);
    nmos_free(text);
    for (size_t share = 1; share <= N_SHARES; share++) {
        if (is_share(n_typed, n, share)) outcome->intents[share - 1] = likeliest;
    }
    return 0;
}

/* Plays the events of one prompt. */
static int play(struct chat_engine *engine, const struct cli_options *options,
                const struct trace_event *events, size_t n, struct outcome *outcome)
{
    struct chat_facts before;
    struct chat_facts at_enter;
    TRY(chat_engine_begin(engine, NULL, 0,
                          options->no_anticipation ? NMOS_ANTICIPATE_OFF : NMOS_ANTICIPATE_FULL,
                          chat_engine_wants_draft(engine)));
    chat_engine_facts(engine, &before);
    const uint64_t begin_ns = clock_ns();
    const uint64_t first_ms = events[0].t_ms;
    for (size_t i = 0; i < n && !cli_interrupted(); i++) {
        wait_until(begin_ns +
                   (uint64_t)((double)(events[i].t_ms - first_ms) * 1e6 / options->speed));
        TRY(play_key(chat_engine_typing(engine), &events[i]));
        if (events[i].op != TRACE_ENTER) TRY(classify(engine, i + 1, n - 1, outcome));
    }
    if (cli_interrupted()) return FAIL(NMOS_E_CANCELLED, "interrupted");
    chat_engine_facts(engine, &at_enter);
    outcome->prompt = events[0].prompt;
    outcome->typing_s = seconds(clock_ns() - begin_ns);
    const uint64_t last_ms = n > 1 ? events[n - 1].t_ms - events[n - 2].t_ms : 0;
    outcome->last_key_to_enter_s = (double)last_ms * 1e-3 / options->speed;
    outcome->rows_before_enter = at_enter.passes.rows - before.passes.rows;
    outcome->experts_ahead = at_enter.stats.experts_expected - before.stats.experts_expected;
    outcome->bytes_while_typing = at_enter.stats.bytes_read - before.stats.bytes_read;
    TRY(chat_engine_enter(engine));
    return finish(engine, &at_enter.stats, outcome);
}

/* ---- Results ---- */

static json_t *describe_intents(const struct outcome *o)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < N_SHARES; i++) {
        if (!o->intents[i].name) continue; /* nothing was typed */
        (void)json_array_append_new(
            list, json_pack("{s:s, s:f}", "name", o->intents[i].name, "p", o->intents[i].p));
    }
    return list;
}

/* A figure of provisional text: null where there is none. */
static json_t *provisional(int with_draft, double value)
{
    return with_draft ? json_real(value) : json_null();
}

static json_t *describe(const struct outcome *o, int with_draft)
{
    return json_pack(
        "{s:I, s:f, s:f, s:o, s:f, s:f, s:I, s:I, s:I, s:b, s:b, s:I, s:o*, s:s, s:I, "
        "s:s?, s:I, s:I, s:s?, s:I, s:I, s:I, s:I}",
        "prompt", (json_int_t)o->prompt, "typing_s", o->typing_s, "last_key_to_enter_s",
        o->last_key_to_enter_s, "provisional_s", provisional(with_draft, o->provisional_s),
        "verified_s", o->verified_s, "answer_s", o->answer_s, "prompt_tokens",
        (json_int_t)o->typing.prompt_tokens, "ready_tokens", (json_int_t)o->typing.entered_ready,
        "rows_before_enter", (json_int_t)o->rows_before_enter, "branch_hit", o->typing.branch_hit,
        "branch_submitted", o->typing.branch_submitted, "bytes_while_typing",
        (json_int_t)o->bytes_while_typing, "intents", describe_intents(o), "text_sha256", o->sha256,
        "text_bytes", (json_int_t)o->answer_bytes, "answered_as", o->answered_as, "opening_tokens",
        (json_int_t)o->typing.opening_tokens, "openings_ready",
        (json_int_t)o->typing.entered_openings, "guessed_as", o->guessed_as, "intent_guesses",
        (json_int_t)o->intent_guesses, "experts_ahead", (json_int_t)o->experts_ahead,
        "experts_used", (json_int_t)o->experts_used, "experts_read", (json_int_t)o->experts_read);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of a member that is a double, @p offset bytes into each outcome. 0 outcomes: 0. */
static double median(const struct outcome *outcomes, size_t n, size_t offset, double *scratch)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(&scratch[i], (const char *)&outcomes[i] + offset, sizeof(scratch[i]));
    }
    qsort(scratch, n, sizeof(scratch[0]), compare);
    if (n == 0) return 0;
    return n % 2 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2;
}

/* All outcomes in figures. */
struct summary {
    double typing_s, last_key_to_enter_s, provisional_s, verified_s, answer_s;
    double share_submitted, share_hit;
    double share_soon; /* of those typed for TYPED_S at least, words of any kind within SOON_S */
};

static int summarise(const struct outcome *outcomes, size_t n, struct summary *ret)
{
    double *scratch = mem_calloc(MEM_GENERAL, n + 1, sizeof(*scratch));
    if (!scratch) return NMOS_E_NOMEM;
    size_t n_submitted = 0;
    size_t n_hit = 0;
    size_t n_typed = 0;
    size_t n_soon = 0;
    for (size_t i = 0; i < n; i++) {
        n_submitted += outcomes[i].typing.branch_submitted != 0;
        n_hit += outcomes[i].typing.branch_hit != 0;
        if (outcomes[i].typing_s < TYPED_S) continue;
        n_typed++;
        n_soon += outcomes[i].provisional_s <= SOON_S;
    }
#define MEDIAN(member) median(outcomes, n, offsetof(struct outcome, member), scratch)
    *ret = (struct summary){.typing_s = MEDIAN(typing_s),
                            .last_key_to_enter_s = MEDIAN(last_key_to_enter_s),
                            .provisional_s = MEDIAN(provisional_s),
                            .verified_s = MEDIAN(verified_s),
                            .answer_s = MEDIAN(answer_s),
                            .share_submitted = n ? (double)n_submitted / (double)n : 0,
                            .share_hit = n ? (double)n_hit / (double)n : 0,
                            .share_soon = n_typed ? (double)n_soon / (double)n_typed : 0};
#undef MEDIAN
    mem_free(scratch);
    return 0;
}

static int show_json(const struct cli_options *options, const struct outcome *outcomes, size_t n,
                     const struct summary *all, int with_draft)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++) {
        (void)json_array_append_new(list, describe(&outcomes[i], with_draft));
    }
    return output_json(json_pack("{s:o*, s:{s:f, s:f, s:o, s:f, s:f}, s:{s:f, s:f, s:o}, s:b, s:f}",
                                 "prompts", list, "medians", "typing_s", all->typing_s,
                                 "last_key_to_enter_s", all->last_key_to_enter_s, "provisional_s",
                                 provisional(with_draft, all->provisional_s), "verified_s",
                                 all->verified_s, "answer_s", all->answer_s, "shares",
                                 "branch_submitted", all->share_submitted, "branch_hit",
                                 all->share_hit, "provisional_below_500ms",
                                 provisional(with_draft, all->share_soon), "anticipation",
                                 !options->no_anticipation, "speed", options->speed),
                       1);
}

static int show_line(const struct outcome *o)
{
    TRY(output_printf("%6llu %8.2f s %7.2f s %9.3f s %8u of %4u %8llu  %s\n",
                      (unsigned long long)o->prompt, o->typing_s, o->last_key_to_enter_s,
                      o->verified_s, o->typing.entered_ready, o->typing.prompt_tokens,
                      (unsigned long long)o->rows_before_enter,
                      o->typing.branch_hit         ? "answer begun"
                      : o->typing.branch_submitted ? "under way"
                                                   : "-"));
    return output_flush();
}

static int show_summary(const struct cli_options *options, size_t n, const struct summary *all,
                        int with_draft)
{
    if (options->speed < 1 || options->speed > 1) {
        TRY(output_printf("typed at %g times the recorded speed\n", options->speed));
    }
    if (with_draft) {
        TRY(output_printf(
            "provisional words after %.3f s (median), within %g s for %.0f %% of what "
            "took %g s to type\n",
            all->provisional_s, SOON_S, all->share_soon * 100, TYPED_S));
    }
    return output_printf("%zu prompts, medians: typing %.2f s, last key to Enter %.2f s, Enter to "
                         "the first words %.3f s\nat Enter the answer was under way for %.0f %%, "
                         "and begun for %.0f %%\n",
                         n, all->typing_s, all->last_key_to_enter_s, all->verified_s,
                         all->share_submitted * 100, all->share_hit * 100);
}

static int play_all(struct chat_engine *engine, const struct cli_options *options,
                    const struct trace *trace, struct outcome *outcomes, size_t n_prompts)
{
    size_t at = 0;
    if (!options->json) {
        TRY(output_printf("prompt     typing  to Enter  first words  tokens ready     rows\n"));
    }
    for (size_t i = 0; i < n_prompts; i++) {
        size_t n = 0;
        while (trace->events[at + n++].op != TRACE_ENTER) {
        }
        TRY(play(engine, options, trace->events + at, n, &outcomes[i]));
        if (!options->json) TRY(show_line(&outcomes[i]));
        at += n;
    }
    struct summary all;
    TRY(summarise(outcomes, n_prompts, &all));
    const int with_draft = chat_engine_wants_draft(engine);
    return options->json ? show_json(options, outcomes, n_prompts, &all, with_draft)
                         : show_summary(options, n_prompts, &all, with_draft);
}

int cmd_replay(const struct cli_options *options)
{
    struct trace trace = {0};
    struct chat_engine *engine = NULL;
    cli_catch_interrupt();
    int rc = trace_read(options->args[0], &trace);
    size_t n = trace.n_prompts;
    if (options->prompts && (uint64_t)options->prompts < n) n = (size_t)options->prompts;
    struct outcome *outcomes = mem_calloc(MEM_GENERAL, n + 1, sizeof(*outcomes));
    if (rc == 0 && !outcomes) rc = NMOS_E_NOMEM;
    if (rc == 0) rc = chat_engine_open(options, &engine);
    if (rc == 0) rc = play_all(engine, options, &trace, outcomes, n);
    chat_engine_close(&engine);
    mem_free(outcomes);
    trace_deinit(&trace);
    return rc;
}
