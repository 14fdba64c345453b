/* SPDX-License-Identifier: MIT */
/* Proves, on a tiny model, that sessions whose keys and values are mostly on disk have the logits
 * of sessions in memory, whatever is done with them, and that neither a full disk nor a cancelled
 * pass loses anything. argv[1] is the folder of models. */
#include <nmos/nmos.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/model.h"

#define CTX      512U
#define ROWS_MAX 48U
#define SESSIONS 3U
#define FRAMES   8U /* of 24 pages; the least that passes of ROWS_MAX rows may need */
#define N_VOCAB  320U
#define STEPS    120

static const char *folder;
static char cache[4096];

struct logits {
    float rows[ROWS_MAX][N_VOCAB];
};

/* The same sessions twice: in memory, and with a part of them in memory. */
struct pair {
    struct nmos_model *models[2];
    struct nmos_session *sessions[2][SESSIONS];
    uint64_t rng;
};

static struct logits got[2];

static uint32_t random_below(struct pair *p, uint32_t n)
{
    p->rng = p->rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(p->rng >> 33) % n;
}

/* Pages of 64 tokens; the smallest amount that holds @p n_frames of them. */
static struct nmos_model *open_model(enum nmos_kv_type kv_type, uint32_t n_frames)
{
    char path[4096];
    struct nmos_model *model = NULL;
    struct nmos_model_info info = {0};
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    options.path = path;
    options.ctx = CTX;
    options.ram_bytes = (uint64_t)1 << 30;
    options.rows_max = ROWS_MAX;
    options.sessions_max = SESSIONS;
    options.n_threads = 2;
    options.kv_type = kv_type;
    for (uint64_t ram = 1 << 14; n_frames && model == NULL; ram += 1 << 12) {
        options.kv_ram_bytes = ram;
        if (nmos_model_open(&options, &model) < 0) continue;
        nmos_model_get_info(model, &info);
        if (model->kv.n_frames < n_frames) nmos_model_close(&model);
    }
    if (!model && nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

static void open_pair(struct pair *p, enum nmos_kv_type kv_type, uint32_t n_frames)
{
    memset(p, 0, sizeof(*p));
    p->rng = 17;
    for (int m = 0; m < 2; m++) {
        p->models[m] = open_model(kv_type, m ? n_frames : 0);
        for (uint32_t s = 0; s < SESSIONS; s++) {
            assert_int_equal(nmos_session_create(p->models[m], &p->sessions[m][s]), 0);
        }
    }
    assert_null(p->models[0]->kv_pages.spill);
    assert_non_null(p->models[1]->kv_pages.spill);
}

static void close_pair(struct pair *p)
{
    for (int m = 0; m < 2; m++) {
        for (uint32_t s = 0; s < SESSIONS; s++) nmos_session_destroy(&p->sessions[m][s]);
        nmos_model_close(&p->models[m]);
    }
}

static int copy_logits(void *arg, size_t row_i, float *logits)
{
    struct logits *to = arg;
    memcpy(to->rows[row_i], logits, sizeof(to->rows[row_i]));
    return 0;
}

/* The same rows in both; @p parents as in a batch of one session. */
static void run_both(struct pair *p, uint32_t s, const int32_t *tokens, const int32_t *parents,
                     uint32_t n)
{
    for (int m = 0; m < 2; m++) {
        struct nmos_row rows[ROWS_MAX];
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = (struct nmos_row){p->sessions[m][s], tokens[i], parents[i], 1};
        }
        if (nmos_forward(p->models[m], rows, n, copy_logits, &got[m]) < 0) {
            fail_msg("%s", nmos_last_error());
        }
    }
    assert_memory_equal(got[0].rows, got[1].rows, n * sizeof(got[0].rows[0]));
}

/* A chain or a tree, of which a path is kept. */
static void grow(struct pair *p, uint32_t s)
{
    int32_t tokens[ROWS_MAX];
    int32_t parents[ROWS_MAX];
    const uint32_t left = CTX - nmos_session_length(p->sessions[0][s]);
    const int is_tree = random_below(p, 3) == 0;
    uint32_t n = 1 + random_below(p, is_tree ? 20 : ROWS_MAX);
    if (n > left) n = left;
    if (n == 0) return;
    for (uint32_t i = 0; i < n; i++) {
        tokens[i] = (int32_t)random_below(p, 300);
        parents[i] = is_tree && i ? (int32_t)random_below(p, i + 1) - 1 : (int32_t)i - 1;
    }
    run_both(p, s, tokens, parents, n);
    const uint32_t row = random_below(p, n);
    for (int m = 0; m < 2; m++) {
        assert_int_equal(is_tree ? nmos_session_commit_path(p->sessions[m][s], row)
                                 : nmos_session_commit(p->sessions[m][s], row + 1),
                         0);
    }
}

/* One row of every session in one pass. */
static void step_together(struct pair *p)
{
    for (int m = 0; m < 2; m++) {
        struct nmos_row rows[SESSIONS];
        uint32_t n = 0;
        for (uint32_t s = 0; s < SESSIONS; s++) {
            if (nmos_session_length(p->sessions[m][s]) == CTX) continue;
            rows[n++] = (struct nmos_row){p->sessions[m][s], (int32_t)s + 40, -1, 1};
        }
        if (n == 0) return;
        if (nmos_forward(p->models[m], rows, n, copy_logits, &got[m]) < 0) {
            fail_msg("%s", nmos_last_error());
        }
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(nmos_session_commit(rows[i].session, 1), 0);
        }
        if (m) assert_memory_equal(got[0].rows, got[1].rows, n * sizeof(got[0].rows[0]));
    }
}

static void random_step(struct pair *p)
{
    const uint32_t s = random_below(p, SESSIONS);
    const uint32_t from = random_below(p, SESSIONS);
    switch (random_below(p, 12)) {
    case 0: {
        const uint32_t keep = random_below(p, nmos_session_length(p->sessions[0][s]) + 1);
        for (int m = 0; m < 2; m++) {
            assert_int_equal(nmos_session_truncate(p->sessions[m][s], keep), 0);
        }
        break;
    }
    case 1:
        for (int m = 0; s != from && m < 2; m++) {
            assert_int_equal(nmos_session_truncate(p->sessions[m][s], 0), 0);
            assert_int_equal(nmos_session_fork(p->sessions[m][s], p->sessions[m][from]), 0);
        }
        break;
    case 2: step_together(p); break;
    default: grow(p, s);
    }
}

static void sessions_on_disk_have_the_logits_of_sessions_in_memory(void **state)
{
    static struct pair p;
    (void)state;
    for (enum nmos_kv_type kv_type = NMOS_KV_F32; kv_type <= NMOS_KV_Q8_0; kv_type++) {
        struct nmos_stats stats;
        open_pair(&p, kv_type, FRAMES);
        for (int i = 0; i < STEPS; i++) random_step(&p);
        nmos_model_get_stats(p.models[1], &stats);
        assert_true(stats.kv_spilled_bytes > 0 && stats.kv_read_bytes > stats.kv_spilled_bytes);
        close_pair(&p);
    }
}

static void fill(struct pair *p, uint32_t s, uint32_t n)
{
    int32_t tokens[ROWS_MAX];
    int32_t parents[ROWS_MAX];
    while (nmos_session_length(p->sessions[0][s]) < n) {
        const uint32_t left = n - nmos_session_length(p->sessions[0][s]);
        const uint32_t n_now = left < 32 ? left : 32;
        for (uint32_t i = 0; i < n_now; i++) {
            tokens[i] = (int32_t)random_below(p, 300);
            parents[i] = (int32_t)i - 1;
        }
        run_both(p, s, tokens, parents, n_now);
        for (int m = 0; m < 2; m++) {
            assert_int_equal(nmos_session_commit(p->sessions[m][s], n_now), 0);
        }
    }
}

static void a_pass_that_reads_from_disk_allocates_nothing(void **state)
{
    static struct pair p;
    struct nmos_stats before;
    struct nmos_stats after;
    (void)state;
    open_pair(&p, NMOS_KV_F16, FRAMES);
    fill(&p, 1, 300);
    fill(&p, 0, 400);
    nmos_model_get_stats(p.models[1], &before);
    const uint64_t n_allocs = mem_alloc_count();
    fill(&p, 0, 470);
    assert_int_equal(mem_alloc_count(), n_allocs);
    nmos_model_get_stats(p.models[1], &after);
    assert_true(after.kv_read_bytes > before.kv_read_bytes);
    assert_true(after.kv_spilled_bytes > before.kv_spilled_bytes);
    close_pair(&p);
}

/* Files may grow no more, as if the disk were full. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_ends_the_pass_and_loses_nothing(void **state)
{
    static struct pair p;
    int32_t tokens[40];
    int32_t parents[40];
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    open_pair(&p, NMOS_KV_F16, FRAMES);
    fill(&p, 0, 300);
    limit_files(4096);
    int rc = 0;
    uint32_t n_good = 0;
    while (rc == 0) { /* pages in memory have room for some rows */
        struct nmos_row rows[40];
        for (int32_t i = 0; i < 40; i++) {
            rows[i] = (struct nmos_row){p.sessions[1][1], i + 1, i - 1, 0};
        }
        rc = nmos_forward(p.models[1], rows, 40, NULL, NULL);
        if (rc == 0) assert_int_equal(nmos_session_commit(p.sessions[1][1], 40), 0);
        n_good += rc == 0;
        assert_true(n_good < 20);
    }
    assert_int_equal(rc, NMOS_E_IO);
    assert_non_null(strstr(nmos_last_error(), cache));
    assert_int_equal(nmos_session_length(p.sessions[1][1]), 40 * n_good);
    limit_files(RLIM_INFINITY);
    for (int32_t i = 0; i < 40; i++) tokens[i] = i + 1;
    for (int32_t i = 0; i < 40; i++) parents[i] = i - 1;
    assert_int_equal(nmos_session_truncate(p.sessions[1][1], 0), 0);
    for (uint32_t i = 0; i <= n_good; i++) {
        run_both(&p, 1, tokens, parents, 40);
        for (int m = 0; m < 2; m++) assert_int_equal(nmos_session_commit(p.sessions[m][1], 40), 0);
    }
    fill(&p, 0, 400);
    close_pair(&p);
}

static void a_cancelled_pass_is_run_again_with_the_same_bits(void **state)
{
    static struct pair p;
    (void)state;
    open_pair(&p, NMOS_KV_F16, FRAMES);
    fill(&p, 1, 300);
    fill(&p, 0, 400);
    const struct nmos_row row = {p.sessions[1][0], 5, -1, 1};
    nmos_model_cancel(p.models[1]);
    assert_int_equal(nmos_forward(p.models[1], &row, 1, copy_logits, &got[1]), NMOS_E_CANCELLED);
    assert_int_equal(nmos_session_length(p.sessions[1][0]), 400);
    fill(&p, 0, 420);
    close_pair(&p);
}

/* What another thread may do while passes of session 0 run. */
struct meddler {
    struct pair *p;
    const int32_t *tokens;
    _Atomic int is_over;
    uint32_t n_rounds;
};

static void *meddle(void *arg)
{
    struct meddler *meddler = arg;
    struct nmos_session *const *sessions = meddler->p->sessions[1];
    while (!meddler->is_over || meddler->n_rounds == 0) {
        if (nmos_session_truncate(sessions[1], 0) < 0 ||
            nmos_session_restore(sessions[1], meddler->tokens, 300) < 0 ||
            nmos_session_save(sessions[1], 0) < 0 || nmos_session_truncate(sessions[2], 0) < 0 ||
            nmos_session_fork(sessions[2], sessions[0]) < 0) {
            return arg;
        }
        meddler->n_rounds++;
    }
    return NULL;
}

static void other_threads_may_use_sessions_while_passes_run(void **state)
{
    static struct pair p;
    static int32_t tokens[CTX];
    struct meddler meddler = {.p = &p, .tokens = tokens};
    pthread_t thread;
    void *failed = NULL;
    (void)state;
    open_pair(&p, NMOS_KV_F16, FRAMES);
    fill(&p, 1, 300);
    memcpy(tokens, p.sessions[1][1]->tokens, sizeof(tokens));
    assert_int_equal(nmos_session_save(p.sessions[1][1], 0), 0);
    fill(&p, 0, 300);
    assert_int_equal(pthread_create(&thread, NULL, meddle, &meddler), 0);
    for (uint32_t n = 310; n <= 400; n += 10) fill(&p, 0, n);
    meddler.is_over = 1;
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(nmos_session_length(p.sessions[1][1]), 300);
    fill(&p, 1, 350); /* what came back from disk meanwhile has the bits of memory */
    fill(&p, 0, 450);
    close_pair(&p);
}

static void a_session_on_disk_is_kept_and_comes_back(void **state)
{
    static struct pair p;
    int32_t tokens[CTX];
    (void)state;
    open_pair(&p, NMOS_KV_F16, FRAMES);
    fill(&p, 0, 450);
    memcpy(tokens, p.sessions[0][0]->tokens, sizeof(tokens));
    for (int m = 0; m < 2; m++) {
        struct nmos_session *session = p.sessions[m][1];
        assert_int_equal(nmos_session_save(p.sessions[m][0], 0), 0);
        assert_int_equal(nmos_session_restore(session, tokens, 450), 0);
        assert_int_equal(nmos_session_length(session), 450);
    }
    fill(&p, 1, 500);
    close_pair(&p);
}

static void passes_are_as_long_as_memory_has_pages_for(void **state)
{
    (void)state;
    for (uint32_t n_frames = 3; n_frames <= FRAMES; n_frames++) {
        struct nmos_model_info info;
        struct nmos_session *sessions[SESSIONS];
        struct nmos_row rows[ROWS_MAX];
        struct nmos_model *model = open_model(NMOS_KV_F16, n_frames);
        nmos_model_get_info(model, &info);
        assert_int_equal(model->kv.n_frames, n_frames);
        for (uint32_t s = 0; s < SESSIONS; s++) { /* each goes on with the last slot of a page */
            assert_int_equal(nmos_session_create(model, &sessions[s]), 0);
            while (nmos_session_length(sessions[s]) < 63) {
                rows[0] = (struct nmos_row){sessions[s], 7, -1, 0};
                assert_int_equal(nmos_forward(model, rows, 1, NULL, NULL), 0);
                assert_int_equal(nmos_session_commit(sessions[s], 1), 0);
            }
        }
        for (uint32_t i = 0; i < info.rows_max; i++) {
            rows[i] = (struct nmos_row){sessions[i % SESSIONS], 9,
                                        i < SESSIONS ? -1 : (int32_t)(i - SESSIONS), 0};
        }
        if (nmos_forward(model, rows, info.rows_max, NULL, NULL) < 0) {
            fail_msg("%u rows, %u frames: %s", info.rows_max, n_frames, nmos_last_error());
        }
        for (uint32_t s = 0; s < SESSIONS; s++) nmos_session_destroy(&sessions[s]);
        nmos_model_close(&model);
    }
}

static void too_little_memory_is_refused_with_numbers(void **state)
{
    char path[4096];
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    (void)state;
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    options.path = path;
    options.ram_bytes = (uint64_t)1 << 30;
    options.kv_ram_bytes = 20000;
    assert_int_equal(nmos_model_open(&options, &model), NMOS_E_NOMEM);
    assert_non_null(strstr(nmos_last_error(), "--kv-ram 20000"));
    options.kv_ram_bytes = (uint64_t)1 << 30; /* more than all: nothing goes to disk */
    assert_int_equal(nmos_model_open(&options, &model), 0);
    assert_null(model->kv_pages.spill);
    nmos_model_close(&model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_on_disk_have_the_logits_of_sessions_in_memory),
        cmocka_unit_test(a_pass_that_reads_from_disk_allocates_nothing),
        cmocka_unit_test(a_full_disk_ends_the_pass_and_loses_nothing),
        cmocka_unit_test(a_cancelled_pass_is_run_again_with_the_same_bits),
        cmocka_unit_test(other_threads_may_use_sessions_while_passes_run),
        cmocka_unit_test(a_session_on_disk_is_kept_and_comes_back),
        cmocka_unit_test(passes_are_as_long_as_memory_has_pages_for),
        cmocka_unit_test(too_little_memory_is_refused_with_numbers),
    };
    if (argc < 2) return 1;
    folder = argv[1];
    snprintf(cache, sizeof(cache), "%s/test_spill_%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
             (int)getpid());
    setenv("XDG_CACHE_HOME", cache, 1);
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    char command[8192];
    snprintf(command, sizeof(command), "rm -rf '%s'", cache);
    return system(command) == 0 ? rc : 1;
}
