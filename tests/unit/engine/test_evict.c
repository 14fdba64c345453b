/* SPDX-License-Identifier: MIT */
/* Proves, on tiny models, that a session under a cap on its keys and values gives up the page that
 * a naive count of its attention finds, never holds more than the cap, keeps an old page that its
 * text goes on to need, and has logits and text that depend on its tokens alone: not on cuts,
 * trees, threads, forks, going back, sharing or who rides beside it. argv[1] is the folder of
 * models, argv[2] the model of tools/make_recall.py. */
#include <math.h>
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model.h"

#define CTX      512U
#define ROWS_MAX 96U
#define SESSIONS 4U
#define N_VOCAB  320U
#define PAGE     64U
#define N_HELD   5U /* pages under the cap, of the 8 that the context has */
#define N_TEXT   500U

static const char *folder;
static const char *recall; /* a model that looks letters up, and nothing else */

/* A text, and what the model says behind each of its tokens, read one by one. */
static int32_t text[N_TEXT];
static float expected[N_TEXT][N_VOCAB];

struct setup {
    int is_recall; /* the model: that one, or one with random weights */
    enum nmos_kv_type kv_type;
    enum nmos_evict evict;
    uint32_t n_threads;
    const char *draft;
    uint64_t cap_bytes; /* 0: that of N_HELD pages */
};

static const char *path_of(const struct setup *setup)
{
    static char path[4096];
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    return setup->is_recall ? recall : path;
}

/* Of all layers. */
static uint64_t page_bytes(const struct setup *setup)
{
    static struct nmos_model_options options;
    struct nmos_model *model = NULL;
    options = nmos_model_options_default();
    options.path = path_of(setup);
    options.ctx = PAGE;
    options.kv_type = setup->kv_type;
    options.ram_bytes = (uint64_t)1 << 30;
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    struct nmos_model_info info;
    nmos_model_get_info(model, &info);
    assert_int_equal(info.kv_pages, 1);
    nmos_model_close(&model);
    return info.kv_bytes;
}

static struct nmos_model_options options_of(const struct setup *setup)
{
    struct nmos_model_options options = nmos_model_options_default();
    options.path = path_of(setup);
    options.draft_path = setup->draft;
    options.ctx = CTX;
    options.ram_bytes = (uint64_t)1 << 30;
    options.rows_max = ROWS_MAX;
    options.sessions_max = SESSIONS;
    options.n_threads = setup->n_threads;
    options.kv_type = setup->kv_type;
    options.kv_evict = setup->evict;
    options.kv_cap_bytes = setup->cap_bytes ? setup->cap_bytes : N_HELD * page_bytes(setup);
    return options;
}

static struct nmos_model *open_model(const struct setup *setup)
{
    struct nmos_model *model = NULL;
    const struct nmos_model_options options = options_of(setup);
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    assert_int_equal(model->kv.page_tokens, PAGE);
    assert_int_equal(model->info.kv_cap_tokens, N_HELD * PAGE);
    return model;
}

static struct nmos_session *open_session(struct nmos_model *model)
{
    struct nmos_session *session = NULL;
    if (nmos_session_create(model, &session) < 0) fail_msg("%s", nmos_last_error());
    return session;
}

/* Letters with a digit behind each, in the second page; then some of them again and again, between
 * dots. */
static void make_recall_text(void)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEF";
    for (uint32_t i = 0; i < N_TEXT; i++) {
        const uint32_t k = i < 2 * PAGE ? i / 2 % (PAGE / 2) : i / 9 * 7 % (PAGE / 2);
        const uint32_t at = i < 2 * PAGE ? i % 2 : i % 9;
        text[i] = at == 0 ? names[k] : at == 1 ? '0' + (int32_t)(k * k % 10) : '.';
        if (i < PAGE) text[i] = i ? '.' : ' ';
    }
}

static void make_text(const struct setup *setup)
{
    uint32_t rng = 5;
    for (uint32_t i = 0; i < N_TEXT; i++) {
        rng = rng * 1664525U + 1013904223U;
        text[i] = (int32_t)(rng >> 8) % 300;
    }
    if (setup->is_recall) make_recall_text();
}

static int copy_logits(void *arg, size_t row_i, float *logits)
{
    memcpy((float *)arg + row_i * N_VOCAB, logits, N_VOCAB * sizeof(float));
    return 0;
}

static void run(struct nmos_model *model, const struct nmos_row *rows, uint32_t n, float *logits)
{
    if (nmos_forward(model, rows, n, copy_logits, logits) < 0) fail_msg("%s", nmos_last_error());
}

/* ---- The naive model of what is given up ---- */

struct naive {
    double score[CTX / PAGE];
    int is_there[CTX / PAGE];
    uint32_t n_held;
    uint32_t n_given_up;
    uint32_t n_stayed; /* older ones than the one given up */
};

/* How far page @p page_i is above what has earned its place, 1 being just that. */
static double merit(const struct naive *n, uint32_t page_i, uint32_t end)
{
    double lowest = INFINITY;
    for (uint32_t i = page_i + 1; i < end; i++) {
        if (n->is_there[i] && n->score[i] < lowest) lowest = n->score[i];
    }
    return n->score[page_i] / lowest / (double)PAGE_EARNED_FACTOR;
}

/* The page that is to go when page @p next needs a place; the session's choice is checked against
 * it. */
static void naive_give_up(struct naive *n, const struct nmos_session *session, uint32_t next,
                          enum nmos_evict evict)
{
    const uint32_t n_latest = page_scores_n_latest(N_HELD, 1);
    const uint32_t end = next - n_latest;
    uint32_t victim = 0;
    for (uint32_t i = 1; i < end; i++) {
        if (n->is_there[i] && session->table.page_ids[i] == PAGE_NONE) victim = i;
    }
    assert_true(victim > 0);
    for (uint32_t i = 1; i < victim; i++) {
        if (!n->is_there[i]) continue;
        assert_int_equal(evict, NMOS_EVICT_H2O);
        assert_true(merit(n, i, end) > 1 - 1e-5);
        n->n_stayed++;
    }
    if (evict == NMOS_EVICT_H2O) assert_true(merit(n, victim, end) < 1 + 1e-5);
    n->is_there[victim] = 0;
    n->score[victim] = 0;
    n->n_held--;
    n->n_given_up++;
}

/* Takes the masses of the row at @p pos, in double precision, into the scores. */
static void naive_add(struct naive *n, const float *mass, uint32_t pos)
{
    uint32_t column = 0;
    double sum = 0;
    for (uint32_t i = 0; i <= pos / PAGE; i++) {
        if (!n->is_there[i]) continue;
        sum += (double)mass[column];
        if (i + page_scores_n_latest(N_HELD, 1) <= pos / PAGE) {
            const uint32_t n_behind = n->n_held - column - 1 - page_scores_n_latest(N_HELD, 1);
            const uint32_t k = n_behind * PAGE + pos % PAGE + 1;
            const double weight = 1.0 / (k < PAGE_SCORE_ROWS ? k : PAGE_SCORE_ROWS);
            n->score[i] = n->score[i] * (1 - weight) + (double)mass[column] * weight;
        }
        column++;
    }
    assert_true(fabs(sum - 1) < 1e-4); /* a softmax, and its mean */
}

static void check_table(const struct naive *n, const struct nmos_session *session)
{
    uint32_t n_held = 0;
    for (uint32_t i = 0; i < session->table.n_pages; i++) {
        assert_int_equal(session->table.page_ids[i] != PAGE_NONE, n->is_there[i]);
        n_held += n->is_there[i] != 0;
    }
    assert_int_equal(n_held, n->n_held);
    assert_true(n_held <= N_HELD);
}

/* Reads the text row by row beside the naive model; what the model says becomes `expected`. */
static void read_naively(const struct setup *setup)
{
    struct nmos_model *model = open_model(setup);
    struct nmos_session *session = open_session(model);
    struct naive naive = {0};
    make_text(setup);
    for (uint32_t pos = 0; pos < N_TEXT; pos++) {
        const struct nmos_row row = {session, text[pos], -1, 1};
        run(model, &row, 1, expected[pos]);
        if (pos % PAGE == 0) {
            if (naive.n_held == N_HELD) naive_give_up(&naive, session, pos / PAGE, setup->evict);
            naive.is_there[pos / PAGE] = 1;
            naive.n_held++;
        }
        check_table(&naive, session);
        naive_add(&naive, session->evict.masses, pos);
        assert_int_equal(nmos_session_commit(session, 1), 0);
    }
    assert_int_equal(naive.n_given_up, (N_TEXT + PAGE - 1) / PAGE - N_HELD);
    assert_int_equal(model->stats.kv_given_up_tokens, naive.n_given_up * PAGE);
    assert_true(model->stats.kv_given_up_mass_most < 1);
    if (setup->is_recall && setup->evict == NMOS_EVICT_H2O) assert_true(naive.n_stayed > 0);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

/* ---- Other ways to read the same text ---- */

static uint64_t rng_state;

static uint32_t random_below(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(rng_state >> 33) % n;
}

static float got[ROWS_MAX][N_VOCAB];

static void read_chain(struct nmos_model *model, struct nmos_session *session, uint32_t n_most)
{
    struct nmos_row rows[ROWS_MAX];
    const uint32_t len = nmos_session_length(session);
    const uint32_t room = nmos_session_room(session);
    uint32_t n = N_TEXT - len < n_most ? N_TEXT - len : n_most;
    if (n > room) n = room;
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = (struct nmos_row){session, text[len + i], (int32_t)i - 1, 1};
    }
    if (n == 0) return;
    run(model, rows, n, got[0]);
    assert_memory_equal(got, expected[len], n * sizeof(got[0]));
    assert_int_equal(nmos_session_commit(session, n), 0);
}

/* The text with wrong guesses between its rows, which hang anywhere. */
static void read_tree(struct nmos_model *model, struct nmos_session *session)
{
    struct nmos_row rows[ROWS_MAX];
    const uint32_t len = nmos_session_length(session);
    const uint32_t room = nmos_session_room(session);
    uint32_t n = 1 + random_below(20);
    uint32_t n_right = 0;
    int32_t last = -1;
    uint32_t right[ROWS_MAX];
    if (n > room) n = room;
    if (n > N_TEXT - len) n = N_TEXT - len;
    for (uint32_t i = 0; i < n; i++) {
        const int is_right = random_below(2) == 0 || (i + 1 == n && n_right == 0);
        const int32_t parent = is_right ? last : (int32_t)random_below(i + 1) - 1;
        rows[i] = (struct nmos_row){session, text[len + n_right], parent, 1};
        if (is_right) {
            right[n_right++] = i;
            last = (int32_t)i;
        } else {
            rows[i].token = (int32_t)random_below(300);
        }
    }
    if (n == 0) return;
    run(model, rows, n, got[0]);
    for (uint32_t i = 0; i < n_right; i++) {
        assert_memory_equal(got[right[i]], expected[len + i], sizeof(got[0]));
    }
    assert_int_equal(nmos_session_commit_path(session, right[n_right - 1]), 0);
}

/* Goes back, and sees how much of that is left. */
static void go_back(struct nmos_session *session)
{
    const uint32_t len = nmos_session_length(session);
    const uint32_t back = random_below(len + 1 < 100 ? len + 1 : 100);
    assert_int_equal(nmos_session_truncate(session, len - back), 0);
    const uint32_t left = nmos_session_length(session);
    assert_true(left <= len - back);
    assert_true(left == 0 || left + PAGE > len - back);
}

static void fork_one(struct nmos_session **sessions)
{
    struct nmos_session *to = sessions[random_below(SESSIONS)];
    const struct nmos_session *from = sessions[random_below(SESSIONS)];
    if (to == from) return;
    assert_int_equal(nmos_session_truncate(to, 0), 0);
    assert_int_equal(nmos_session_fork(to, from), 0);
}

static void step(struct nmos_model *model, struct nmos_session **sessions)
{
    struct nmos_session *session = sessions[random_below(SESSIONS)];
    switch (random_below(8)) {
    case 0:
    case 1: read_chain(model, session, 1 + random_below(ROWS_MAX)); break;
    case 2: read_chain(model, session, ROWS_MAX); break;
    case 3:
    case 4:
    case 5: read_tree(model, session); break;
    case 6: go_back(session); break;
    default: fork_one(sessions); break;
    }
}

static const struct setup setups[] = {
    {1, NMOS_KV_F16, NMOS_EVICT_H2O, 1, NULL, 0},
    {0, NMOS_KV_Q8_0, NMOS_EVICT_H2O, 2, NULL, 0},
    {0, NMOS_KV_F32, NMOS_EVICT_WINDOW, 1, NULL, 0},
};
#define N_SETUPS (sizeof(setups) / sizeof(setups[0]))

static void the_naive_page_is_given_up_and_no_way_of_reading_changes_a_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct setup other = setups[i];
        struct nmos_session *sessions[SESSIONS];
        read_naively(&setups[i]);
        other.n_threads = 3 - other.n_threads;
        struct nmos_model *model = open_model(&other);
        for (uint32_t s = 0; s < SESSIONS; s++) sessions[s] = open_session(model);
        rng_state = i + 1;
        for (int n = 0; n < 150; n++) step(model, sessions);
        assert_true(model->stats.kv_given_up_tokens > 0);
        for (uint32_t s = 0; s < SESSIONS; s++) {
            assert_true(sessions[s]->table.n_pages - sessions[s]->table.n_gaps <= N_HELD);
            nmos_session_destroy(&sessions[s]);
        }
        assert_int_equal(model->pages.n_free, model->pages.n_pages);
        nmos_model_close(&model);
    }
}

/* Letters of the last hundred tokens behind which the model says the right digit. */
static uint32_t n_recalled(uint32_t *ret_n_asked)
{
    uint32_t n = 0;
    *ret_n_asked = 0;
    for (uint32_t i = N_TEXT - 100; i + 1 < N_TEXT; i++) {
        if (text[i] < 'A') continue;
        uint32_t said = 0;
        for (uint32_t k = 0; k < N_VOCAB; k++) {
            if (expected[i][k] > expected[i][said]) said = k;
        }
        n += (int32_t)said == text[i + 1];
        ++*ret_n_asked;
    }
    return n;
}

static void an_old_page_that_the_text_needs_stays_and_a_window_loses_it(void **state)
{
    (void)state;
    struct setup window = setups[0];
    uint32_t n_asked = 0;
    window.evict = NMOS_EVICT_WINDOW;
    read_naively(&setups[0]);
    const uint32_t n = n_recalled(&n_asked);
    assert_int_equal(n, n_asked);
    assert_true(n_asked > 8);
    read_naively(&window);
    assert_true(n_recalled(&n_asked) < n / 2);
}

static void a_pass_across_the_place_where_a_page_goes_is_refused(void **state)
{
    (void)state;
    read_naively(&setups[0]);
    struct nmos_model *model = open_model(&setups[0]);
    struct nmos_session *session = open_session(model);
    struct nmos_row rows[ROWS_MAX];
    const uint32_t n_before = N_HELD * PAGE - 3;
    assert_int_equal(nmos_session_room(session), N_HELD * PAGE);
    while (nmos_session_length(session) < n_before) {
        const uint32_t len = nmos_session_length(session);
        read_chain(model, session, n_before - len < ROWS_MAX ? n_before - len : ROWS_MAX);
    }
    assert_int_equal(nmos_session_room(session), 3);
    assert_int_equal(kv_evict_end(session), N_HELD * PAGE);
    for (uint32_t i = 0; i < 4; i++) {
        rows[i] = (struct nmos_row){session, text[n_before + i], (int32_t)i - 1, 1};
    }
    assert_int_equal(nmos_forward(model, rows, 4, copy_logits, got), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "there is room for 3"));
    read_chain(model, session, 3);
    assert_int_equal(nmos_session_room(session), PAGE);
    assert_int_equal(kv_evict_end(session), N_HELD * PAGE); /* full: the next row costs a page */
    read_chain(model, session, ROWS_MAX);
    assert_int_equal(nmos_session_length(session), (N_HELD + 1) * PAGE);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void what_is_to_stay_stays(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(&setups[2]); /* the oldest would go first */
    struct nmos_session *session = open_session(model);
    assert_int_equal(nmos_session_keep(session, 3 * PAGE), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "128 tokens at most"));
    assert_int_equal(nmos_session_keep(session, PAGE + 1), 0);
    for (uint32_t len = 0; len < N_TEXT; len = nmos_session_length(session)) {
        struct nmos_row row = {session, text[len], -1, 0};
        assert_int_equal(nmos_forward(model, &row, 1, NULL, NULL), 0);
        assert_int_equal(nmos_session_commit(session, 1), 0);
    }
    static const int is_there[] = {1, 1, 0, 0, 0, 1, 1, 1};
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(session->table.page_ids[i] != PAGE_NONE, is_there[i]);
    }
    assert_int_equal(nmos_session_keep(session, 1), NMOS_E_INVALID);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void a_cap_that_holds_all_is_none(void **state)
{
    (void)state;
    struct setup setup = setups[0];
    setup.cap_bytes = 8 * page_bytes(&setup);
    const struct nmos_model_options options = options_of(&setup);
    struct nmos_model *model = NULL;
    assert_int_equal(nmos_model_open(&options, &model), 0);
    struct nmos_session *session = open_session(model);
    assert_int_equal(model->info.kv_cap_tokens, 0);
    assert_int_equal(nmos_session_room(session), UINT32_MAX);
    assert_null(session->evict.masses);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void what_cannot_be_is_refused_with_numbers(void **state)
{
    (void)state;
    struct setup setup = setups[0];
    struct nmos_model *model = NULL;
    setup.cap_bytes = 3 * page_bytes(&setup) + 5;
    struct nmos_model_options options = options_of(&setup);
    assert_int_equal(nmos_model_open(&options, &model), NMOS_E_NOMEM);
    assert_non_null(strstr(nmos_last_error(), "holds 3 pages of 64 positions"));
    setup.cap_bytes = 0;
    options = options_of(&setup);
    options.kv_ram_bytes = options.kv_cap_bytes;
    assert_int_equal(nmos_model_open(&options, &model), NMOS_E_UNSUPPORTED);
    assert_non_null(strstr(nmos_last_error(), "--kv-ram"));
    options.kv_ram_bytes = 0;
    options.vram_bytes = (uint64_t)1 << 30;
    options.device = "sim:1GiB@3GB/s";
    assert_int_equal(nmos_model_open(&options, &model), NMOS_E_UNSUPPORTED);
    assert_non_null(strstr(nmos_last_error(), "--device"));
    model = open_model(&setups[0]);
    struct nmos_session *session = open_session(model);
    struct nmos_snapshot *snapshot = NULL;
    assert_int_equal(nmos_session_snapshot(session, 9, &snapshot), NMOS_E_UNSUPPORTED);
    assert_non_null(strstr(nmos_last_error(), "--kv-cap"));
    assert_int_equal(nmos_session_restore(session, text, 9), NMOS_E_UNSUPPORTED);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

/* ---- Text ---- */

struct talk {
    int32_t prompt[CTX];
    uint32_t n_prompt;
    char text[4096];
    size_t len;
    struct nmos_session *session;
    struct nmos_job *job;
};

static int append_text(void *arg, const char *data, size_t len)
{
    struct talk *talk = arg;
    if (len > sizeof(talk->text) - talk->len) return NMOS_E_LIMIT;
    memcpy(talk->text + talk->len, data, len);
    talk->len += len;
    return 0;
}

/* Prompts that begin alike for longer than the cap; the last one is short. */
static struct talk new_talk(uint32_t number)
{
    struct talk talk = {.n_prompt = number + 1 == SESSIONS ? 20 : 380};
    for (uint32_t i = 0; i < talk.n_prompt; i++) talk.prompt[i] = text[i];
    for (uint32_t i = 350; i < talk.n_prompt; i++) talk.prompt[i] = text[i] + (int32_t)number % 7;
    return talk;
}

static struct nmos_generation generation_of(struct talk *talk, enum nmos_spec spec)
{
    static const struct nmos_logit_bias no_end = {258, -1e9F};
    struct nmos_generation generation = {.prompt = talk->prompt,
                                         .n_prompt = talk->n_prompt,
                                         .n_max = 120,
                                         .sampling = nmos_sampling_default(),
                                         .spec = spec,
                                         .n_guesses = spec == NMOS_SPEC_TREE ? 12 : 0,
                                         .on_text = append_text,
                                         .arg = talk};
    generation.sampling.seed = talk->n_prompt;
    generation.sampling.bias = &no_end;
    generation.sampling.n_bias = 1;
    return generation;
}

static struct talk alone[SESSIONS];
static struct talk other_way[SESSIONS];

static void generate_each(const struct setup *setup, enum nmos_spec spec, struct talk *talks)
{
    make_text(setup);
    for (uint32_t s = 0; s < SESSIONS; s++) {
        struct nmos_model *model = open_model(setup);
        struct nmos_generation_result result;
        struct nmos_session *session = open_session(model);
        talks[s] = new_talk(s);
        const struct nmos_generation generation = generation_of(&talks[s], spec);
        if (nmos_generate(session, &generation, &result) < 0) fail_msg("%s", nmos_last_error());
        if (spec != NMOS_SPEC_OFF) assert_true(result.guessed_tokens > 0);
        nmos_session_destroy(&session);
        nmos_model_close(&model);
    }
}

static void expect_same_texts(void)
{
    for (uint32_t s = 0; s < SESSIONS; s++) {
        assert_int_equal(alone[s].len, other_way[s].len);
        assert_memory_equal(alone[s].text, other_way[s].text, alone[s].len);
    }
}

static void guessing_changes_no_text(void **state)
{
    (void)state;
    struct setup setup = setups[0];
    setup.draft = recall;
    generate_each(&setups[0], NMOS_SPEC_OFF, alone);
    generate_each(&setup, NMOS_SPEC_TREE, other_way);
    expect_same_texts();
}

/* Together they share the pages of their beginning, two by being forked. */
static void sessions_together_have_their_texts(void **state)
{
    (void)state;
    struct nmos_model *model = open_model(&setups[0]);
    struct nmos_scheduler *scheduler = NULL;
    generate_each(&setups[0], NMOS_SPEC_OFF, alone);
    assert_int_equal(nmos_scheduler_create(model, &scheduler), 0);
    for (uint32_t s = 0; s < SESSIONS; s++) {
        other_way[s] = new_talk(s);
        other_way[s].session = open_session(model);
    }
    for (uint32_t s = 0; s < SESSIONS; s++) {
        const struct nmos_job_options job = {.generation =
                                                 generation_of(&other_way[s], NMOS_SPEC_NGRAM)};
        assert_int_equal(nmos_job_submit(scheduler, other_way[s].session, &job, &other_way[s].job),
                         0);
    }
    for (uint32_t s = 0; s < SESSIONS; s++) {
        struct nmos_generation_result result;
        if (nmos_job_wait(other_way[s].job, &result) < 0) fail_msg("%s", nmos_last_error());
        nmos_job_release(&other_way[s].job);
        nmos_session_destroy(&other_way[s].session);
    }
    expect_same_texts();
    assert_true(model->stats.tokens_shared > 0);
    nmos_scheduler_destroy(&scheduler);
    assert_int_equal(model->pages.n_free, model->pages.n_pages);
    nmos_model_close(&model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_naive_page_is_given_up_and_no_way_of_reading_changes_a_bit),
        cmocka_unit_test(an_old_page_that_the_text_needs_stays_and_a_window_loses_it),
        cmocka_unit_test(a_pass_across_the_place_where_a_page_goes_is_refused),
        cmocka_unit_test(what_is_to_stay_stays),
        cmocka_unit_test(a_cap_that_holds_all_is_none),
        cmocka_unit_test(what_cannot_be_is_refused_with_numbers),
        cmocka_unit_test(guessing_changes_no_text),
        cmocka_unit_test(sessions_together_have_their_texts),
    };
    if (argc != 3) return 2;
    folder = argv[1];
    recall = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
