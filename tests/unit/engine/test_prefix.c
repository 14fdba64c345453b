/* SPDX-License-Identifier: MIT */
/* Proves that a conversation on disk comes back with the same bits and without a pass, and that
 * what is found there is never trusted: files cut off by a kill, flipped bits, a full disk. argv[1]
 * is the folder of models. */
#include <dirent.h>
#include <nmos/nmos.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/model.h"

#define CTX      640U
#define N_VOCAB  300
#define N_PROMPT 230U

static const char *folder;
static const char *program;
static char cache[4096];
static uint32_t n_kills = 30;

struct shown {
    char text[4096];
    size_t len;
    struct nmos_model *model;
    uint64_t passes_at_first; /* of the model, when the first text came */
};

static struct nmos_model *open_model(enum nmos_kv_type kv_type)
{
    char path[4096];
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    snprintf(path, sizeof(path), "%s/llama.Q4_K.gguf", folder);
    options.path = path;
    options.ctx = 0;
    options.ram_bytes = (uint64_t)1 << 30;
    options.sessions_max = 3;
    options.n_threads = 1;
    options.kv_type = kv_type;
    if (nmos_model_open(&options, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

static int32_t token_of(uint32_t text, uint32_t i)
{
    return (int32_t)((text * 101 + i * 37 + i * i * 11) % N_VOCAB);
}

static int append_text(void *arg, const char *text, size_t len)
{
    struct shown *shown = arg;
    struct nmos_stats stats;
    if (len > sizeof(shown->text) - shown->len) return NMOS_E_LIMIT;
    nmos_model_get_stats(shown->model, &stats);
    if (shown->len == 0) shown->passes_at_first = stats.passes;
    memcpy(shown->text + shown->len, text, len);
    shown->len += len;
    return 0;
}

static void generate(struct nmos_session *session, const int32_t *prompt, uint32_t n_prompt,
                     uint32_t n_max, struct shown *shown)
{
    struct nmos_generation_result result;
    struct nmos_generation generation = {.prompt = prompt,
                                         .n_prompt = n_prompt,
                                         .n_max = n_max,
                                         .sampling = nmos_sampling_default(),
                                         .on_text = append_text,
                                         .arg = shown};
    const struct nmos_logit_bias no_end = {318, -1e9F};
    generation.sampling.bias = &no_end;
    generation.sampling.n_bias = 1;
    memset(shown, 0, sizeof(*shown));
    shown->model = session->model;
    if (nmos_generate(session, &generation, &result) < 0) fail_msg("%s", nmos_last_error());
}

/* A conversation of a prompt and an answer, in a session of its own. */
static struct nmos_session *talk(struct nmos_model *model, uint32_t text, uint32_t n_prompt)
{
    static struct shown shown;
    struct nmos_session *session = NULL;
    int32_t prompt[CTX];
    for (uint32_t i = 0; i < n_prompt; i++) prompt[i] = token_of(text, i);
    assert_int_equal(nmos_session_create(model, &session), 0);
    generate(session, prompt, n_prompt, 20, &shown);
    return session;
}

static void empty_cache(void)
{
    char path[8192];
    snprintf(path, sizeof(path), "%s/nmos/prefix", cache);
    DIR *dir = opendir(path);
    struct dirent *item;
    while (dir && (item = readdir(dir))) (void)unlinkat(dirfd(dir), item->d_name, 0);
    if (dir) closedir(dir);
}

/* Files of the store whose names end in @p end, and their bytes. */
static uint32_t count_files(const char *end, uint64_t *ret_bytes)
{
    char path[8192];
    uint32_t n = 0;
    uint64_t bytes = 0;
    snprintf(path, sizeof(path), "%s/nmos/prefix", cache);
    DIR *dir = opendir(path);
    struct dirent *item;
    while (dir && (item = readdir(dir))) {
        struct stat info;
        const size_t len = strlen(item->d_name);
        if (len < strlen(end) || strcmp(item->d_name + len - strlen(end), end) != 0) continue;
        if (fstatat(dirfd(dir), item->d_name, &info, 0) != 0 || !S_ISREG(info.st_mode)) continue;
        n++;
        bytes += (uint64_t)info.st_size;
    }
    if (dir) closedir(dir);
    if (ret_bytes) *ret_bytes = bytes;
    return n;
}

/* A conversation, and how it goes on when nothing interrupts it. */
struct past {
    int32_t tokens[CTX];
    uint32_t n;
    struct shown next;
};

/* As in a program that has just started: only the disk knows what was read. */
static void forget_memory(struct nmos_model *model)
{
    for (uint32_t i = 0; i < model->pages.n_pages; i++) {
        if (!model->pages.n_holders[i]) page_index_forget(&model->pages.index, i);
    }
}

static void remember(struct nmos_session *session, struct past *past)
{
    past->n = nmos_session_length(session);
    memcpy(past->tokens, session->tokens, past->n * sizeof(int32_t));
}

static void a_conversation_goes_on_without_a_pass_and_with_the_same_bits(void **state)
{
    (void)state;
    static struct past past;
    static struct shown reopened;
    empty_cache();
    struct nmos_model *model = open_model(NMOS_KV_F16);
    struct nmos_session *session = talk(model, 1, N_PROMPT);
    remember(session, &past);
    assert_int_equal(nmos_session_save(session, 0), 0);
    generate(session, NULL, 0, 30, &past.next);
    nmos_session_destroy(&session);
    nmos_model_close(&model);

    model = open_model(NMOS_KV_F16);
    assert_int_equal(nmos_session_create(model, &session), 0);
    assert_int_equal(nmos_session_restore(session, past.tokens, past.n), 0);
    assert_int_equal(nmos_session_length(session), past.n);
    generate(session, NULL, 0, 30, &reopened);
    assert_int_equal(reopened.passes_at_first, 0);
    assert_int_equal(reopened.len, past.next.len);
    assert_memory_equal(reopened.text, past.next.text, past.next.len);
    /* What is not known any more is refused. */
    assert_int_equal(nmos_session_truncate(session, 5), 0);
    const struct nmos_generation nothing = {
        .n_max = 1, .sampling = nmos_sampling_default(), .on_text = append_text};
    struct nmos_generation_result result;
    assert_int_equal(nmos_generate(session, &nothing, &result), NMOS_E_INVALID);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

static uint32_t restored(struct nmos_model *model, const int32_t *tokens, uint32_t n)
{
    struct nmos_session *session = NULL;
    forget_memory(model);
    assert_int_equal(nmos_session_create(model, &session), 0);
    assert_int_equal(nmos_session_restore(session, tokens, n), 0);
    const uint32_t length = nmos_session_length(session);
    assert_memory_equal(session->tokens, tokens, length * sizeof(int32_t));
    nmos_session_destroy(&session);
    return length;
}

static void the_longest_kept_beginning_is_found(void **state)
{
    (void)state;
    static struct past past;
    empty_cache();
    struct nmos_model *model = open_model(NMOS_KV_F16);
    struct nmos_session *session = talk(model, 2, N_PROMPT);
    remember(session, &past);
    const uint32_t page = session->table.page_tokens;
    assert_true(page <= 128 && past.n % page > 1); /* some full pages and a part of one */
    assert_int_equal(nmos_session_save(session, 0), 0);
    nmos_session_destroy(&session);
    past.tokens[past.n] = 7;
    past.tokens[past.n + 1] = 8;
    assert_int_equal(restored(model, past.tokens, past.n + 2), past.n);
    assert_int_equal(restored(model, past.tokens, past.n - 1), past.n / page * page);
    past.tokens[page + 3] ^= 1; /* another text behind the first page */
    assert_int_equal(restored(model, past.tokens, past.n), page);
    past.tokens[0] ^= 1;
    assert_int_equal(restored(model, past.tokens, past.n), 0);
    past.tokens[0] ^= 1;
    nmos_model_close(&model);
    model = open_model(NMOS_KV_Q8_0); /* these keys and values are others */
    assert_int_equal(restored(model, past.tokens, past.n), 0);
    nmos_model_close(&model);
}

static void a_snapshot_is_of_its_instant_while_the_session_goes_on(void **state)
{
    (void)state;
    static struct past past;
    static struct shown shown;
    struct nmos_snapshot *snapshot = NULL;
    for (uint32_t round = 0; round < 3; round++) {
        empty_cache();
        struct nmos_model *model = open_model(NMOS_KV_F16);
        struct nmos_session *session = talk(model, 9, N_PROMPT);
        const uint32_t page = session->table.page_tokens;
        remember(session, &past);
        assert_int_equal(nmos_session_snapshot(session, UINT32_MAX, &snapshot), 0);
        if (round == 0) { /* it goes on, and then with another text */
            generate(session, NULL, 0, 30, &past.next);
            assert_int_equal(nmos_session_truncate(session, page), 0);
            generate(session, past.tokens, 5, 10, &shown);
        }
        /* Its pages go to others: what is left is the beginning. */
        struct nmos_session *others[2] = {NULL, NULL};
        if (round == 2) nmos_session_destroy(&session);
        for (uint32_t i = 0; round == 2 && i < 2; i++) others[i] = talk(model, 10 + i, 480);
        for (uint32_t i = 0; round == 2 && i < 2; i++) nmos_session_destroy(&others[i]);
        if (round == 2) session = talk(model, 12, 480);
        assert_int_equal(nmos_snapshot_save(snapshot, 0), 0);
        nmos_snapshot_destroy(&snapshot);
        nmos_session_destroy(&session);
        assert_int_equal(model->pages.n_free, model->pages.n_pages);
        const uint32_t n = restored(model, past.tokens, past.n);
        if (round < 2) assert_int_equal(n, past.n);
        if (round == 2) assert_true(n < past.n);
        nmos_model_close(&model);
        if (round > 0) continue;
        model = open_model(NMOS_KV_F16);
        assert_int_equal(nmos_session_create(model, &session), 0);
        assert_int_equal(nmos_session_restore(session, past.tokens, past.n), 0);
        generate(session, NULL, 0, 30, &shown);
        assert_int_equal(shown.passes_at_first, 0);
        assert_memory_equal(shown.text, past.next.text, past.next.len);
        nmos_session_destroy(&session);
        nmos_model_close(&model);
    }
}

static void flip_bit(const char *path, uint64_t bit)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)(bit / 8), SEEK_SET), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, (long)(bit / 8), SEEK_SET), 0);
    fputc(byte ^ 1 << bit % 8, file);
    fclose(file);
}

/* The i-th file of the store. */
static void nth_file(uint32_t n, char *ret_path, size_t path_bytes, uint64_t *ret_bytes)
{
    char path[8192];
    struct stat info;
    snprintf(path, sizeof(path), "%s/nmos/prefix", cache);
    DIR *dir = opendir(path);
    struct dirent *item;
    while ((item = readdir(dir))) {
        const size_t len = strlen(item->d_name);
        if (len < 3 || strcmp(item->d_name + len - 3, ".kv") != 0 || n-- > 0) continue;
        snprintf(ret_path, path_bytes, "%s/%s", path, item->d_name);
        assert_int_equal(stat(ret_path, &info), 0);
        *ret_bytes = (uint64_t)info.st_size;
    }
    closedir(dir);
}

static void a_flipped_bit_in_any_page_is_found_and_read_again(void **state)
{
    (void)state;
    static struct past past;
    static struct shown shown;
    struct nmos_model *model = open_model(NMOS_KV_F16);
    struct nmos_session *session = talk(model, 3, N_PROMPT);
    remember(session, &past);
    generate(session, past.tokens, 1, 20, &past.next);
    nmos_session_destroy(&session);
    uint64_t rng = 1;
    for (uint32_t trial = 0; trial < 40; trial++) {
        char path[16384] = "";
        uint64_t bytes = 0;
        empty_cache();
        session = talk(model, 3, N_PROMPT);
        assert_int_equal(nmos_session_save(session, 0), 0);
        nmos_session_destroy(&session);
        const uint32_t n_files = count_files(".kv", NULL);
        nth_file(trial % n_files, path, sizeof(path), &bytes);
        rng = rng * 6364136223846793005U + 1442695040888963407U;
        /* The head, the tokens, the ends and anywhere. */
        const uint64_t bit = trial < 32 ? trial * 8 + rng % 8 : (rng >> 11) % (bytes * 8);
        flip_bit(path, bit);
        forget_memory(model);
        assert_int_equal(nmos_session_create(model, &session), 0);
        assert_int_equal(nmos_session_restore(session, past.tokens, past.n), 0);
        const uint32_t length = nmos_session_length(session);
        assert_true(length < past.n);
        assert_int_equal(count_files(".damaged", NULL), 1);
        /* What is missing is read again: the text is the same. */
        int32_t rest[CTX];
        memcpy(rest, past.tokens + length, (past.n - length) * sizeof(int32_t));
        rest[past.n - length] = past.tokens[0];
        generate(session, rest, past.n - length + 1, 20, &shown);
        assert_int_equal(shown.len, past.next.len);
        assert_memory_equal(shown.text, past.next.text, shown.len);
        nmos_session_destroy(&session);
    }
    nmos_model_close(&model);
}

/* What a child does until it is killed: saves two conversations again and again. */
static int save_until_killed(void)
{
    struct nmos_model *model = open_model(NMOS_KV_F16);
    struct nmos_session *sessions[2] = {talk(model, 4, N_PROMPT), talk(model, 5, 100)};
    for (;;) {
        for (int i = 0; i < 2; i++) {
            if (nmos_session_save(sessions[i], 0) < 0) return 1;
        }
        empty_cache();
    }
}

static void a_kill_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    static struct past past;
    static struct shown shown;
    struct nmos_model *model = open_model(NMOS_KV_F16);
    struct nmos_session *session = talk(model, 4, N_PROMPT);
    remember(session, &past);
    generate(session, past.tokens, 1, 10, &past.next);
    nmos_session_destroy(&session);
    uint64_t rng = 7;
    for (uint32_t trial = 0; trial < n_kills; trial++) {
        empty_cache();
        const pid_t child = fork();
        if (child == 0) {
            execl(program, program, folder, "save", (char *)NULL);
            _exit(127);
        }
        while (count_files("", NULL) == 0) usleep(200);
        rng = rng * 6364136223846793005U + 1442695040888963407U;
        usleep((useconds_t)(rng >> 33) % 3000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        forget_memory(model);
        assert_int_equal(nmos_session_create(model, &session), 0);
        assert_int_equal(nmos_session_restore(session, past.tokens, past.n), 0);
        assert_int_equal(count_files(".damaged", NULL), 0); /* nothing half-written has its name */
        const uint32_t length = nmos_session_length(session);
        assert_true(length <= past.n);
        int32_t rest[CTX];
        memcpy(rest, past.tokens + length, (past.n - length) * sizeof(int32_t));
        rest[past.n - length] = past.tokens[0];
        generate(session, rest, past.n - length + 1, 10, &shown);
        assert_int_equal(shown.len, past.next.len);
        assert_memory_equal(shown.text, past.next.text, shown.len);
        nmos_session_destroy(&session);
    }
    nmos_model_close(&model);
}

static void the_store_keeps_below_its_cap_and_drops_the_oldest(void **state)
{
    (void)state;
    static struct past old;
    static struct past recent;
    uint64_t bytes = 0;
    empty_cache();
    struct nmos_model *model = open_model(NMOS_KV_F16);
    struct nmos_session *first = talk(model, 6, N_PROMPT);
    struct nmos_session *second = talk(model, 7, N_PROMPT);
    remember(first, &old);
    remember(second, &recent);
    assert_int_equal(nmos_session_save(first, 0), 0);
    const uint32_t n_files = count_files(".kv", &bytes);
    assert_true(n_files >= 2);
    const uint64_t cap = bytes + bytes / n_files;
    usleep(20000); /* clocks of file systems are coarse */
    assert_int_equal(nmos_session_save(second, cap), 0);
    (void)count_files("", &bytes);
    assert_true(bytes <= cap);
    assert_int_equal(restored(model, recent.tokens, recent.n), recent.n);
    assert_true(restored(model, old.tokens, old.n) < old.n);
    nmos_session_destroy(&first);
    nmos_session_destroy(&second);
    nmos_model_close(&model);
}

static void a_full_disk_is_an_error_and_no_harm(void **state)
{
    (void)state;
    static struct past past;
    struct rlimit limit;
    struct rlimit old_limit;
    empty_cache();
    struct nmos_model *model = open_model(NMOS_KV_F16);
    struct nmos_session *session = talk(model, 8, N_PROMPT);
    remember(session, &past);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    limit = old_limit;
    limit.rlim_cur = 5000; /* as if there were no more room */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(nmos_session_save(session, 0), NMOS_E_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    assert_int_equal(count_files("", NULL), 0);
    assert_int_equal(nmos_session_save(session, 0), 0);
    assert_int_equal(restored(model, past.tokens, past.n), past.n);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_goes_on_without_a_pass_and_with_the_same_bits),
        cmocka_unit_test(the_longest_kept_beginning_is_found),
        cmocka_unit_test(a_snapshot_is_of_its_instant_while_the_session_goes_on),
        cmocka_unit_test(a_flipped_bit_in_any_page_is_found_and_read_again),
        cmocka_unit_test(a_kill_leaves_the_old_or_the_new),
        cmocka_unit_test(the_store_keeps_below_its_cap_and_drops_the_oldest),
        cmocka_unit_test(a_full_disk_is_an_error_and_no_harm),
    };
    if (argc < 2) {
        fprintf(stderr, "usage: test_prefix FOLDER_OF_MODELS [KILLS]\n");
        return 2;
    }
    program = argv[0];
    folder = argv[1];
    const char *caches = getenv("XDG_CACHE_HOME");
    if (argc == 3 && strcmp(argv[2], "save") != 0) n_kills = (uint32_t)strtoul(argv[2], NULL, 10);
    snprintf(cache, sizeof(cache), "%s/test_prefix-%u", caches ? caches : "/tmp", n_kills);
    if (argc == 3 && strcmp(argv[2], "save") == 0) {
        snprintf(cache, sizeof(cache), "%s", caches ? caches : "/tmp");
        return save_until_killed();
    }
    if (caches) (void)mkdir(caches, 0700);
    (void)mkdir(cache, 0700);
    if (setenv("XDG_CACHE_HOME", cache, 1) != 0) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
