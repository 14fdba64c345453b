/* SPDX-License-Identifier: MIT */
/* Proves, through the public interface and on a tiny model, that a row's logits depend on its own
 * past only, and that sessions fork, shrink and refuse as they say. argv[1] is the folder of
 * models. */
#include <nmos/nmos.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "least_memory.h"

#define CTX      192U
#define ROWS_MAX 96U
#define SESSIONS 4U
#define N_VOCAB  320U
#define N_LONG   70U /* crosses the first KV page of 64 tokens */

static const char *folder;

/* Logits of the rows of one pass. */
struct logits {
    float rows[ROWS_MAX][N_VOCAB];
};
static struct logits got;
static struct logits want;

static struct nmos_model_options options_for(const char *name)
{
    static char path[4096];
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    options.path = path;
    options.ram_bytes = (uint64_t)1 << 30;
    options.ctx = CTX;
    options.rows_max = ROWS_MAX;
    options.sessions_max = SESSIONS;
    options.n_threads = 2;
    return options;
}

static int open_model(void **state)
{
    struct nmos_model *model = NULL;
    const struct nmos_model_options options = options_for("llama.Q4_K.gguf");
    if (nmos_model_open(&options, &model) < 0) return -1;
    *state = model;
    return 0;
}

static int close_model(void **state)
{
    struct nmos_model *model = *state;
    nmos_model_close(&model);
    return 0;
}

static struct nmos_session *new_session(struct nmos_model *model)
{
    struct nmos_session *session = NULL;
    assert_int_equal(nmos_session_create(model, &session), 0);
    return session;
}

static int copy_logits(void *arg, size_t row_i, float *logits)
{
    struct logits *to = arg;
    memcpy(to->rows[row_i], logits, sizeof(to->rows[row_i]));
    return 0;
}

/* Token i of text number `text`: any fixed sequence. */
static int32_t token_of(uint32_t text, uint32_t i)
{
    return (int32_t)((text * 101 + i * 37 + i * i * 11) % N_VOCAB);
}

/* Runs tokens [from, from + n) of a text as a chain and commits them. */
static void run_chain(struct nmos_model *model, struct nmos_session *session, uint32_t text,
                      uint32_t n, struct logits *to)
{
    struct nmos_row rows[ROWS_MAX];
    const uint32_t from = nmos_session_length(session);
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = (struct nmos_row){session, token_of(text, from + i), (int32_t)i - 1, 1};
    }
    assert_int_equal(nmos_forward(model, rows, n, copy_logits, to), 0);
    assert_int_equal(nmos_session_commit(session, n), 0);
}

static void assert_rows_equal(const float *a, const float *b, uint32_t n)
{
    assert_memory_equal(a, b, n * sizeof(got.rows[0]));
}

static void a_row_among_other_sessions_has_the_logits_it_has_alone(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *alone = new_session(model);
    struct nmos_session *shared = new_session(model);
    struct nmos_session *others[2] = {new_session(model), new_session(model)};
    struct nmos_row rows[60];
    run_chain(model, alone, 1, 20, &want);
    run_chain(model, others[1], 3, 30, &got);
    for (int32_t i = 0; i < 20; i++) { /* interleaved; a parent is a row of the batch */
        const int32_t parent = i ? 3 * (i - 1) : -3;
        rows[3 * i] = (struct nmos_row){shared, token_of(1, (uint32_t)i), i ? parent : -1, 1};
        rows[3 * i + 1] =
            (struct nmos_row){others[0], token_of(2, (uint32_t)i), i ? parent + 1 : -1, 0};
        rows[3 * i + 2] =
            (struct nmos_row){others[1], token_of(4, (uint32_t)i), i ? parent + 2 : -1, i % 2};
    }
    assert_int_equal(nmos_forward(model, rows, 60, copy_logits, &got), 0);
    for (uint32_t i = 0; i < 20; i++) assert_rows_equal(got.rows[3 * i], want.rows[i], 1);
    assert_int_equal(nmos_session_commit(shared, 20), 0);
    run_chain(model, alone, 1, 1, &want);
    run_chain(model, shared, 1, 1, &got);
    assert_rows_equal(got.rows[0], want.rows[0], 1);
    nmos_session_destroy(&alone);
    nmos_session_destroy(&shared);
    nmos_session_destroy(&others[0]);
    nmos_session_destroy(&others[1]);
}

static void passes_of_any_size_give_the_same_logits(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *whole = new_session(model);
    struct nmos_session *cut = new_session(model);
    run_chain(model, whole, 5, N_LONG, &want);
    for (uint32_t done = 0, n = 1; done < N_LONG; done += n, n = n % 7 + 1) {
        const uint32_t left = N_LONG - done;
        const uint32_t n_now = n < left ? n : left;
        run_chain(model, cut, 5, n_now, &got);
        assert_rows_equal(got.rows[0], want.rows[done], n_now);
    }
    nmos_session_destroy(&whole);
    nmos_session_destroy(&cut);
}

/* Row i of the tree follows parents[i]; its text is the texts of its ancestors. */
static void a_path_of_a_tree_has_the_logits_of_a_chain(void **state)
{
    static const int32_t parents[] = {-1, 0, 0, 1, 2, -1, 5, 4, 3};
    enum { N_ROWS = sizeof(parents) / sizeof(parents[0]) };
    struct nmos_model *model = *state;
    struct nmos_session *tree = new_session(model);
    struct nmos_session *chain = new_session(model);
    struct nmos_row rows[N_ROWS];
    run_chain(model, tree, 6, 60, &got); /* the tree lies across two pages */
    for (int32_t i = 0; i < N_ROWS; i++) {
        rows[i] = (struct nmos_row){tree, token_of(7, (uint32_t)i), parents[i], 1};
    }
    assert_int_equal(nmos_forward(model, rows, N_ROWS, copy_logits, &got), 0);
    run_chain(model, chain, 6, 60, &want);
    for (int32_t leaf = 0; leaf < N_ROWS; leaf++) {
        int32_t path[N_ROWS];
        uint32_t depth = 0;
        for (int32_t i = leaf; i >= 0; i = parents[i]) path[depth++] = i;
        for (uint32_t i = 0; i < depth; i++) {
            const int32_t row_i = path[depth - 1 - i];
            rows[i] = (struct nmos_row){chain, token_of(7, (uint32_t)row_i), (int32_t)i - 1, 1};
        }
        assert_int_equal(nmos_forward(model, rows, depth, copy_logits, &want), 0);
        assert_rows_equal(got.rows[leaf], want.rows[depth - 1], 1);
    }
    nmos_session_destroy(&tree);
    nmos_session_destroy(&chain);
}

#define TREE_MAX 40

/* A random tree grown in several passes, and the naive model of it: every node's tokens are known,
 * so a chain through the same tokens must give the same logits, before and after the commit. */
struct grown_tree {
    int32_t token[TREE_MAX];
    int32_t parent[TREE_MAX];
    uint32_t n;
    uint64_t rng;
};

static uint32_t random_below(struct grown_tree *t, uint32_t n)
{
    t->rng = t->rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(t->rng >> 33) % n;
}

/* One more pass of 1..6 rows behind the nodes that are there. */
static void grow(struct nmos_model *model, struct nmos_session *session, struct grown_tree *t)
{
    struct nmos_row rows[6];
    const uint32_t n_held = t->n;
    const uint32_t n_new = 1 + random_below(t, 6);
    for (uint32_t i = 0; i < n_new; i++, t->n++) {
        const int32_t parent = (int32_t)random_below(t, t->n + 1) - 1;
        t->token[t->n] = (int32_t)random_below(t, N_VOCAB);
        t->parent[t->n] = parent;
        const int32_t in_pass =
            parent < (int32_t)n_held ? NMOS_HELD(parent) : parent - (int32_t)n_held;
        rows[i] = (struct nmos_row){session, t->token[t->n], parent < 0 ? -1 : in_pass, 1};
    }
    assert_int_equal(nmos_forward(model, rows, n_new, copy_logits, &got), 0);
    memmove(got.rows[n_held], got.rows[0], n_new * sizeof(got.rows[0]));
    nmos_session_hold(session);
}

static void a_tree_grown_over_passes_commits_any_of_its_paths(void **state)
{
    struct nmos_model *model = *state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        static struct logits tree_logits;
        struct grown_tree t = {.rng = seed};
        struct nmos_session *tree = new_session(model);
        struct nmos_session *chain = new_session(model);
        const uint32_t n_past = random_below(&t, 70);
        if (n_past) run_chain(model, tree, 20, n_past, &got);
        if (n_past) run_chain(model, chain, 20, n_past, &got);
        for (int pass = 0; pass < 5; pass++) {
            const uint32_t n_held = t.n;
            grow(model, tree, &t);
            memcpy(tree_logits.rows[n_held], got.rows[n_held],
                   (t.n - n_held) * sizeof(got.rows[0]));
        }
        const uint32_t end = random_below(&t, t.n);
        int32_t path[TREE_MAX];
        uint32_t n = 0;
        for (int32_t k = (int32_t)end; k >= 0; k = t.parent[k]) path[n++] = k;
        struct nmos_row rows[TREE_MAX];
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = (struct nmos_row){chain, t.token[path[n - 1 - i]], (int32_t)i - 1, 1};
        }
        assert_int_equal(nmos_forward(model, rows, n, copy_logits, &want), 0);
        for (uint32_t i = 0; i < n; i++) {
            assert_rows_equal(tree_logits.rows[path[n - 1 - i]], want.rows[i], 1);
        }
        assert_int_equal(nmos_session_commit(chain, n), 0);
        assert_int_equal(nmos_session_commit_path(tree, end), 0);
        assert_int_equal(nmos_session_length(tree), nmos_session_length(chain));
        run_chain(model, tree, 21, 3, &got);
        run_chain(model, chain, 21, 3, &want);
        assert_rows_equal(got.rows[0], want.rows[0], 3);
        nmos_session_destroy(&tree);
        nmos_session_destroy(&chain);
    }
}

static void a_tree_of_a_fork_leaves_the_others_alone(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *first = new_session(model);
    struct nmos_session *second = new_session(model);
    run_chain(model, first, 22, 70, &got);
    assert_int_equal(nmos_session_fork(second, first), 0);
    const struct nmos_row rows[] = {
        {first, 1, -1, 0}, {first, 2, -1, 0}, {first, 3, 1, 0}, {first, 4, 2, 0}};
    assert_int_equal(nmos_forward(model, rows, 4, copy_logits, &got), 0);
    assert_int_equal(nmos_session_commit_path(first, 4), NMOS_E_INVALID);
    assert_int_equal(nmos_session_commit_path(first, 3), 0);
    assert_int_equal(nmos_session_length(first), 73);
    assert_int_equal(nmos_session_commit_path(first, 0), NMOS_E_INVALID);
    struct nmos_session *fresh = new_session(model);
    run_chain(model, fresh, 22, 70, &got);
    run_chain(model, fresh, 22, 5, &want);
    run_chain(model, second, 22, 5, &got);
    assert_rows_equal(got.rows[0], want.rows[0], 5);
    nmos_session_destroy(&first);
    nmos_session_destroy(&second);
    nmos_session_destroy(&fresh);
}

static void forks_go_on_like_separate_sessions(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *first = new_session(model);
    struct nmos_session *second = new_session(model);
    struct nmos_session *alone = new_session(model);
    run_chain(model, first, 8, N_LONG, &got);
    assert_int_equal(nmos_session_fork(second, first), 0);
    assert_int_equal(nmos_session_length(second), N_LONG);
    struct nmos_session *forks[] = {first, second};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(nmos_session_truncate(alone, 0), 0);
        run_chain(model, alone, 8, N_LONG, &want);
        run_chain(model, alone, 9 + i, 20, &want);
        run_chain(model, forks[i], 9 + i, 20, &got);
        assert_rows_equal(got.rows[0], want.rows[0], 20);
    }
    /* The first one's continuation still stands after the second one has written. */
    assert_int_equal(nmos_session_truncate(alone, 0), 0);
    run_chain(model, alone, 8, N_LONG, &want);
    run_chain(model, alone, 9, 21, &want);
    run_chain(model, first, 9, 1, &got);
    assert_rows_equal(got.rows[0], want.rows[20], 1);
    assert_int_equal(nmos_session_fork(second, first), NMOS_E_INVALID);
    nmos_session_destroy(&first);
    nmos_session_destroy(&second);
    nmos_session_destroy(&alone);
}

static void a_truncated_session_runs_like_a_fresh_one(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *fresh = new_session(model);
    struct nmos_session *cut = new_session(model);
    run_chain(model, cut, 11, 10, &got);
    run_chain(model, cut, 12, 80, &got);
    assert_int_equal(nmos_session_truncate(cut, 10), 0);
    assert_int_equal(nmos_session_length(cut), 10);
    run_chain(model, cut, 11, 20, &got);
    run_chain(model, fresh, 11, 30, &want);
    assert_rows_equal(got.rows[0], want.rows[10], 20);
    assert_int_equal(nmos_session_truncate(cut, 31), NMOS_E_INVALID);
    nmos_session_destroy(&fresh);
    nmos_session_destroy(&cut);
}

static struct nmos_model *open_smallest(struct nmos_model_options options)
{
    struct nmos_model *model = NULL;
    if (open_with_least(options, 0, 65536, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

static void streamed_weights_give_the_logits_of_resident_ones(void **state)
{
    (void)state;
    struct nmos_model *resident = NULL;
    struct nmos_model_info info;
    struct nmos_stats stats;
    const struct nmos_model_options options = options_for("llama-ropefreqs.gguf");
    assert_int_equal(nmos_model_open(&options, &resident), 0);
    nmos_model_get_info(resident, &info);
    assert_int_equal(info.streamed_bytes, 0);
    struct nmos_session *session = new_session(resident);
    run_chain(resident, session, 13, 40, &want);
    nmos_session_destroy(&session);
    nmos_model_close(&resident);

    struct nmos_model *streamed = open_smallest(options);
    nmos_model_get_info(streamed, &info);
    assert_true(info.streamed_bytes > 0);
    session = new_session(streamed);
    run_chain(streamed, session, 13, 39, &got);
    assert_rows_equal(got.rows[0], want.rows[0], 39);
    run_chain(streamed, session, 13, 1, &got); /* read anew */
    assert_rows_equal(got.rows[0], want.rows[39], 1);
    nmos_model_get_stats(streamed, &stats);
    assert_true(stats.bytes_read >= 2 * info.streamed_bytes);
    nmos_session_destroy(&session);
    nmos_model_close(&streamed);
}

/* Cancels once, then says so. */
struct canceller {
    struct nmos_model *model;
    _Atomic int is_done;
};

static void *cancel_once(void *arg)
{
    struct canceller *canceller = arg;
    nmos_model_cancel(canceller->model);
    atomic_store(&canceller->is_done, 1);
    return NULL;
}

/* The thread that cancels may still be inside of nmos_model_cancel() when the pass that it ended
 * has returned: the next one must not be ended too. */
static void a_cancellation_ends_one_pass_and_never_the_next(void **state)
{
    (void)state;
    struct nmos_model *model = open_smallest(options_for("llama-ropefreqs.gguf"));
    struct nmos_session *session = new_session(model);
    const struct nmos_row row = {session, token_of(13, 0), -1, 1};
    run_chain(model, session, 13, 1, &want);
    assert_int_equal(nmos_session_truncate(session, 0), 0);
    for (int i = 0; i < 1000; i++) {
        pthread_t thread;
        struct canceller canceller = {.model = model};
        int rc = 0;
        int is_done = 0;
        assert_int_equal(pthread_create(&thread, NULL, cancel_once, &canceller), 0);
        while (rc == 0 && !is_done) {
            is_done = atomic_load(&canceller.is_done);
            rc = nmos_forward(model, &row, 1, copy_logits, &got);
        }
        /* 0: it came when a pass had just delivered its last logits. */
        assert_true(rc == 0 || rc == NMOS_E_CANCELLED);
        assert_int_equal(nmos_forward(model, &row, 1, copy_logits, &got), 0);
        assert_rows_equal(got.rows[0], want.rows[0], 1);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    /* Between two passes, twice: the next one, and that only. */
    nmos_model_cancel(model);
    nmos_model_cancel(model);
    assert_int_equal(nmos_forward(model, &row, 1, copy_logits, &got), NMOS_E_CANCELLED);
    assert_int_equal(nmos_forward(model, &row, 1, copy_logits, &got), 0);
    assert_int_equal(nmos_session_length(session), 0);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

/* What on_progress was told. */
struct loading {
    uint64_t done;
    uint64_t total;
    int n_calls;
};

static void note_progress(void *arg, uint64_t done, uint64_t total)
{
    struct loading *loading = arg;
    assert_true(done >= loading->done && done <= total);
    assert_true(loading->n_calls == 0 || total == loading->total);
    loading->done = done;
    loading->total = total;
    loading->n_calls++;
}

static void the_first_pass_tells_how_far_loading_has_come(void **state)
{
    (void)state;
    struct nmos_model *model = NULL;
    struct nmos_model_info info;
    struct loading loading = {0};
    struct nmos_model_options options = options_for("llama-ropefreqs.gguf");
    options.on_progress = note_progress;
    options.progress_arg = &loading;
    assert_int_equal(nmos_model_open(&options, &model), 0);
    nmos_model_get_info(model, &info);
    struct nmos_session *session = new_session(model);
    run_chain(model, session, 17, 10, &got);
    assert_int_equal(loading.n_calls, info.n_layers + 1);
    assert_true(loading.done == loading.total && loading.total == info.touched_bytes);
    run_chain(model, session, 17, 10, &got);
    assert_int_equal(loading.n_calls, info.n_layers + 1);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static void a_model_that_gives_weights_back_computes_the_same(void **state)
{
    (void)state;
    struct nmos_model *model = NULL;
    struct nmos_model_info before;
    struct nmos_model_info after;
    struct nmos_stats stats;
    const struct nmos_model_options options = options_for("llama-ropefreqs.gguf");
    assert_int_equal(nmos_model_open(&options, &model), 0);
    struct nmos_session *alone = new_session(model);
    struct nmos_session *session = new_session(model);
    run_chain(model, alone, 17, 40, &want);
    run_chain(model, session, 17, 20, &got);
    nmos_model_get_info(model, &before);
    assert_int_equal(nmos_model_shrink(model, options.ram_bytes + 1), 0);
    assert_int_equal(nmos_model_shrink(model, options.ram_bytes - 1), 0);
    nmos_model_get_stats(model, &stats);
    assert_int_equal(stats.shrinks, 0); /* nothing had to go */
    assert_int_equal(nmos_model_shrink(model, 1), 0);
    nmos_model_get_info(model, &after);
    nmos_model_get_stats(model, &stats);
    assert_int_equal(stats.shrinks, 1);
    assert_true(after.pinned_bytes < before.pinned_bytes && after.streamed_bytes > 0);
    assert_true(after.budget_bytes < before.budget_bytes);
    run_chain(model, session, 17, 10, &got);
    assert_rows_equal(got.rows[0], want.rows[20], 10);
    assert_int_equal(nmos_model_shrink(model, 1), 0); /* as small as it gets */
    run_chain(model, session, 17, 10, &got);
    assert_rows_equal(got.rows[0], want.rows[30], 10);
    nmos_session_destroy(&session);
    nmos_session_destroy(&alone);
    nmos_model_close(&model);
}

static void a_pass_allocates_nothing(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *session = new_session(model);
    run_chain(model, session, 14, 1, &got);
    const uint64_t n_before = mem_alloc_count();
    run_chain(model, session, 14, N_LONG, &got);
    run_chain(model, session, 14, 1, &got);
    assert_int_equal(mem_alloc_count(), n_before);
    nmos_session_destroy(&session);
}

/* Runs rows that must be refused and leave the session as it was, with nothing to commit. */
static void assert_refused(struct nmos_session *session, struct nmos_model *model,
                           const struct nmos_row *rows, size_t n_rows, int status,
                           const char *words)
{
    const uint32_t length = nmos_session_length(session);
    assert_int_equal(nmos_forward(model, rows, n_rows, copy_logits, &got), status);
    if (!strstr(nmos_last_error(), words)) fail_msg("%s", nmos_last_error());
    assert_int_equal(nmos_session_length(session), length);
    assert_int_equal(nmos_session_commit(session, 1), NMOS_E_INVALID);
}

static void bad_rows_are_refused_and_change_nothing(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *session = new_session(model);
    struct nmos_session *fresh = new_session(model);
    struct nmos_row rows[ROWS_MAX + 1] = {{session, 1, -1, 1}, {session, 2, 0, 1}};
    run_chain(model, session, 15, 5, &got);
    rows[1].token = (int32_t)N_VOCAB;
    assert_refused(session, model, rows, 2, NMOS_E_INVALID, "token 320 is outside");
    rows[1].token = -1;
    assert_refused(session, model, rows, 2, NMOS_E_INVALID, "token -1 is outside");
    rows[1] = (struct nmos_row){session, 2, 1, 1}; /* itself */
    assert_refused(session, model, rows, 2, NMOS_E_INVALID, "parent 1 is not");
    rows[1].parent = -2;
    assert_refused(session, model, rows, 2, NMOS_E_INVALID, "row 1 follows row 0 of 0 held ones");
    rows[1] = (struct nmos_row){fresh, 2, 0, 1}; /* another session's row */
    assert_refused(session, model, rows, 2, NMOS_E_INVALID, "parent 0 is not");
    rows[1].session = NULL;
    assert_refused(session, model, rows, 2, NMOS_E_INVALID, "row 1: not a session");
    assert_refused(session, model, rows, 0, NMOS_E_INVALID, "pass of 0 rows");
    assert_refused(session, model, rows, ROWS_MAX + 1, NMOS_E_INVALID, "pass of 97 rows; 1 to 96");
    run_chain(model, session, 15, 5, &got);
    run_chain(model, fresh, 15, 10, &want);
    assert_rows_equal(got.rows[0], want.rows[5], 5);
    nmos_session_destroy(&session);
    nmos_session_destroy(&fresh);
}

static void a_full_context_is_refused_with_numbers(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *session = new_session(model);
    struct nmos_session *fresh = new_session(model);
    struct nmos_row rows[ROWS_MAX];
    run_chain(model, session, 16, 90, &got);
    run_chain(model, session, 16, 90, &got);
    for (int32_t i = 0; i < 13; i++) rows[i] = (struct nmos_row){session, 1, i - 1, 0};
    assert_refused(session, model, rows, 13, NMOS_E_LIMIT,
                   "180 tokens and 13 new ones, 192 positions");
    run_chain(model, session, 16, 12, &got);
    run_chain(model, fresh, 16, 90, &want);
    run_chain(model, fresh, 16, 90, &want);
    run_chain(model, fresh, 16, 12, &want);
    assert_rows_equal(got.rows[0], want.rows[0], 12);
    nmos_session_destroy(&session);
    nmos_session_destroy(&fresh);
}

static void a_prompt_longer_than_the_context_is_refused_with_numbers(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *session = new_session(model);
    static int32_t prompt[CTX + 1];
    struct nmos_generation generation = {
        .prompt = prompt, .n_prompt = CTX + 1, .n_max = 1, .sampling = nmos_sampling_default()};
    struct nmos_generation_result result;
    assert_int_equal(nmos_generate(session, &generation, &result), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "193 tokens, but only 192"));
    assert_int_equal(nmos_session_length(session), 0);
    generation.n_prompt = 0;
    assert_int_equal(nmos_generate(session, &generation, &result), NMOS_E_INVALID);
    nmos_session_destroy(&session);
}

static void only_a_chain_of_the_last_pass_can_be_committed(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *session = new_session(model);
    const struct nmos_row rows[] = {
        {session, 1, -1, 0}, {session, 2, 0, 0}, {session, 3, 0, 0}, {session, 4, 2, 0}};
    assert_int_equal(nmos_forward(model, rows, 4, copy_logits, &got), 0);
    assert_int_equal(nmos_session_commit(session, 5), NMOS_E_INVALID);
    assert_int_equal(nmos_session_commit(session, 3), NMOS_E_INVALID);
    assert_int_equal(nmos_session_commit(session, 2), 0);
    assert_int_equal(nmos_session_length(session), 2);
    assert_int_equal(nmos_session_commit(session, 1), NMOS_E_INVALID);
    nmos_session_destroy(&session);
}

static void more_sessions_than_agreed_are_refused(void **state)
{
    struct nmos_model *model = *state;
    struct nmos_session *sessions[SESSIONS];
    struct nmos_session *extra = NULL;
    for (uint32_t i = 0; i < SESSIONS; i++) sessions[i] = new_session(model);
    assert_int_equal(nmos_session_create(model, &extra), NMOS_E_LIMIT);
    assert_non_null(strstr(nmos_last_error(), "4 sessions exist"));
    assert_null(extra);
    nmos_session_destroy(&sessions[0]);
    sessions[0] = new_session(model);
    for (uint32_t i = 0; i < SESSIONS; i++) nmos_session_destroy(&sessions[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_among_other_sessions_has_the_logits_it_has_alone),
        cmocka_unit_test(passes_of_any_size_give_the_same_logits),
        cmocka_unit_test(a_path_of_a_tree_has_the_logits_of_a_chain),
        cmocka_unit_test(a_tree_grown_over_passes_commits_any_of_its_paths),
        cmocka_unit_test(a_tree_of_a_fork_leaves_the_others_alone),
        cmocka_unit_test(forks_go_on_like_separate_sessions),
        cmocka_unit_test(a_truncated_session_runs_like_a_fresh_one),
        cmocka_unit_test(streamed_weights_give_the_logits_of_resident_ones),
        cmocka_unit_test(a_cancellation_ends_one_pass_and_never_the_next),
        cmocka_unit_test(the_first_pass_tells_how_far_loading_has_come),
        cmocka_unit_test(a_model_that_gives_weights_back_computes_the_same),
        cmocka_unit_test(a_pass_allocates_nothing),
        cmocka_unit_test(bad_rows_are_refused_and_change_nothing),
        cmocka_unit_test(a_full_context_is_refused_with_numbers),
        cmocka_unit_test(a_prompt_longer_than_the_context_is_refused_with_numbers),
        cmocka_unit_test(only_a_chain_of_the_last_pass_can_be_committed),
        cmocka_unit_test(more_sessions_than_agreed_are_refused),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_session FOLDER_OF_MODELS\n");
        return 2;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, open_model, close_model);
}
