/* SPDX-License-Identifier: MIT */
/* Proves that the failure memory learns from one mistake what is like it and nothing else,
 * remembers across restarts, survives a kill at any moment and a damaged file, and forgets when
 * told to. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"
#include "intent/correction_store.h"

#define PAIRS 50

static const char *pairs_path;
static char folder[] = "memory-XXXXXX";
static char path[64];
static char pairs[PAIRS][2][256];

static int read_pairs(void **state)
{
    (void)state;
    char line[512];
    FILE *file = fopen(pairs_path, "r");
    if (!file || !mkdtemp(folder)) return -1;
    snprintf(path, sizeof(path), "%s/deep/failures.db", folder);
    log_set_level(LOG_LEVEL_ERROR);
    for (int i = 0; i < PAIRS; i++) {
        char *tab = fgets(line, sizeof(line), file) ? strchr(line, '\t') : NULL;
        if (!tab) return -1;
        snprintf(pairs[i][0], 256, "%.*s", (int)(tab - line), line);
        snprintf(pairs[i][1], 256, "%.*s", (int)strcspn(tab + 1, "\n"), tab + 1);
    }
    return fclose(file);
}

/* A fresh folder content for each test. */
static int remove_files(void **state)
{
    (void)state;
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s/deep'", folder);
    return system(command); // NOLINT(cert-env33-c): our own path
}

static int remove_folder(void **state)
{
    return remove_files(state) || rmdir(folder);
}

static struct nmos_memory *open_memory(void)
{
    struct nmos_memory *memory = NULL;
    if (nmos_memory_open(path, &memory) < 0) fail_msg("%s", nmos_last_error());
    return memory;
}

static void classify(struct nmos_scout *scout, const char *text, struct nmos_intent *intents)
{
    nmos_scout_classify(scout, text, strlen(text), intents);
}

static void one_mistake_corrects_what_is_like_it_and_nothing_else(void **state)
{
    (void)state;
    struct nmos_memory *memory = open_memory();
    struct nmos_scout *plain = NULL;
    struct nmos_scout *scout = NULL;
    struct nmos_intent a[NMOS_INTENTS_MAX];
    struct nmos_intent b[NMOS_INTENTS_MAX];
    const struct nmos_scout_options options = {.memory = memory};
    assert_int_equal(nmos_scout_create(NULL, &plain), 0);
    assert_int_equal(nmos_scout_create(&options, &scout), 0);
    for (int i = 0; i < PAIRS; i++) {
        classify(plain, pairs[i][0], a);
        const char *actual = a[1 + i % 2].name; /* not what the Scout says */
        assert_int_equal(nmos_memory_observe(memory, NMOS_MEMORY_INTENT, pairs[i][0],
                                             strlen(pairs[i][0]), a[0].name, actual),
                         0);
        for (int k = 0; k < 2; k++) {
            classify(scout, pairs[i][k], b);
            assert_string_equal(b[0].name, actual);
            assert_true(b[0].p > 0.5 && b[0].p + b[1].p + b[2].p < 1.000001);
        }
        for (int k = i + 1; k < PAIRS; k++) { /* what was not mistaken yet */
            classify(plain, pairs[k][1], a);
            classify(scout, pairs[k][1], b);
            for (int c = 0; c < 3; c++) {
                assert_string_equal(a[c].name, b[c].name);
                assert_true(a[c].p == b[c].p);
            }
        }
    }
    nmos_scout_destroy(&scout);
    nmos_scout_destroy(&plain);
    nmos_memory_close(&memory);
}

static int keep_first(void *arg, const struct nmos_memory_event *event)
{
    struct nmos_memory_event *first = arg;
    if (first->id == 0) *first = *event;
    return 0;
}

static int count(void *arg, const struct nmos_memory_event *event)
{
    (void)event;
    ++*(int64_t *)arg;
    return 0;
}

static int64_t n_events(struct nmos_memory *memory)
{
    int64_t n = 0;
    assert_int_equal(nmos_memory_list(memory, count, &n), 0);
    return n;
}

static int observe(struct nmos_memory *memory, const char *text, const char *actual)
{
    return nmos_memory_observe(memory, NMOS_MEMORY_INTENT, text, strlen(text), "OTHER", actual);
}

/* What the memory says about a text; "" when it says nothing. */
static void find(const char *text, char actual[STORE_NAME_MAX + 1])
{
    struct correction_store *store = NULL;
    assert_int_equal(correction_store_open(path, &store), 0);
    (void)correction_store_find(store, str_from(text), actual);
    correction_store_close(&store);
}

static void the_newest_and_most_alike_event_counts_after_a_restart(void **state)
{
    (void)state;
    char actual[STORE_NAME_MAX + 1];
    struct nmos_memory *memory = open_memory();
    assert_int_equal(observe(memory, "order a flat white with oat milk", "BREW"), 0);
    assert_int_equal(observe(memory, "order a flat white with oat milk", "CHAT"), 0);
    assert_int_equal(observe(memory, "order a flat white with oat milk please", "DOCS"), 0);
    assert_int_equal(observe(memory, "order a flat white with oat milk", "OTHER"), 0); /* right */
    assert_int_equal(n_events(memory), 3);
    nmos_memory_close(&memory);
    find("order a flat white with oat milk", actual);
    assert_string_equal(actual, "CHAT");
    find("order a flat white with oat milk, please", actual);
    assert_string_equal(actual, "DOCS");
    find("why is the sky blue", actual);
    assert_string_equal(actual, "");
}

static void events_are_listed_and_forgotten(void **state)
{
    (void)state;
    char text[1000];
    char actual[STORE_NAME_MAX + 1];
    struct nmos_memory_event first = {0};
    struct nmos_memory *memory = open_memory();
    memset(text, 'x', sizeof(text));
    assert_int_equal(observe(memory, "first prompt of all", "CODE"), 0);
    assert_int_equal(
        nmos_memory_observe(memory, NMOS_MEMORY_EXPERT, text, sizeof(text), "3,4", "5"), 0);
    assert_int_equal(nmos_memory_observe(memory, NMOS_MEMORY_INTENT, NULL, 0, "", "CHAT"), 0);
    assert_int_equal(n_events(memory), 3);
    assert_int_equal(nmos_memory_list(memory, keep_first, &first), 0);
    assert_int_equal(first.id, 3);
    assert_int_equal(nmos_memory_forget(memory, 2), 0);
    assert_int_equal(nmos_memory_forget(memory, 2), NMOS_E_INVALID);
    assert_int_equal(nmos_memory_forget(memory, 0), NMOS_E_INVALID);
    assert_int_equal(observe(memory, "x", ""), NMOS_E_INVALID);
    assert_int_equal(
        observe(memory, "x", "0123456789012345678901234567890123456789012345678901234567890123"),
        NMOS_E_INVALID);
    assert_int_equal(n_events(memory), 2);
    assert_int_equal(nmos_memory_forget_all(memory), 0);
    assert_int_equal(n_events(memory), 0);
    nmos_memory_close(&memory);
    find("first prompt of all", actual);
    assert_string_equal(actual, "");
    FILE *file = fopen(path, "rb"); /* nothing of the text is left in the file */
    assert_non_null(file);
    static char bytes[1 << 16];
    const size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_null(memmem(bytes, n, "first prompt", 12));
}

static void make_events(int n)
{
    char text[64];
    struct nmos_memory *memory = open_memory();
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "event %x of many %x", i * 7919, i);
        assert_int_equal(observe(memory, text, "CODE"), 0);
    }
    assert_int_equal(observe(memory, "who feeds the parrot", "CHAT"), 0);
    nmos_memory_close(&memory);
}

static void write_at(const char *name, long at, const char *bytes, size_t n)
{
    FILE *file = fopen(name, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static void the_copy_of_the_index_is_only_taken_when_it_is_whole(void **state)
{
    (void)state;
    char actual[STORE_NAME_MAX + 1];
    char index_path[80];
    struct stat info;
    snprintf(index_path, sizeof(index_path), "%s.index", path);
    make_events(300);
    assert_int_equal(stat(index_path, &info), 0);
    for (int round = 0; round < 3; round++) {
        find("who feeds the parrot?", actual);
        assert_string_equal(actual, "CHAT");
        if (round == 0) write_at(index_path, 1000, "damage", 6);
        if (round == 1) assert_int_equal(truncate(index_path, info.st_size / 2), 0);
    }
}

static void a_damaged_file_is_set_aside(void **state)
{
    (void)state;
    char aside[80];
    static char garbage[8192];
    struct stat info;
    memset(garbage, 'g', sizeof(garbage));
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    for (int round = 0; round < 3; round++) {
        make_events(300);
        assert_int_equal(stat(path, &info), 0);
        if (round == 0) write_at(path, 0, garbage, sizeof(garbage));
        if (round == 1) write_at(path, 4096, garbage, sizeof(garbage));
        if (round == 2) assert_int_equal(truncate(path, info.st_size / 2), 0);
        struct nmos_memory *memory = open_memory();
        assert_int_equal(n_events(memory), 0);
        nmos_memory_close(&memory);
        assert_int_equal(stat(aside, &info), 0);
        unlink(aside);
    }
}

/* The child: adds events and says so after each, until it is killed. */
static void add_forever(int out)
{
    struct nmos_memory *memory = NULL;
    char text[64];
    if (nmos_memory_open(path, &memory) < 0) _exit(1);
    for (unsigned i = 0;; i++) {
        snprintf(text, sizeof(text), "%d wrote event %u", (int)getpid(), i);
        if (observe(memory, text, "CODE") < 0) _exit(1);
        if (write(out, "+", 1) != 1) _exit(1);
    }
}

static void a_kill_at_any_moment_loses_nothing_that_was_kept(void **state)
{
    (void)state;
    int64_t n_known = 0;
    for (unsigned round = 0; round < 12; round++) {
        int pipes[2];
        char said[256];
        assert_int_equal(pipe(pipes), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(pipes[0]);
            add_forever(pipes[1]);
        }
        close(pipes[1]);
        int64_t n_said = 0;
        for (ssize_t n = 1; n > 0 && n_said < 5 + 37 * (int64_t)round;) {
            n = read(pipes[0], said, 1 + round);
            n_said += n > 0 ? n : 0;
        }
        usleep(round * 331); /* somewhere inside an addition */
        kill(child, SIGKILL);
        for (ssize_t n = 1; n > 0;) {
            n = read(pipes[0], said, sizeof(said));
            n_said += n > 0 ? n : 0;
        }
        close(pipes[0]);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        struct nmos_memory *memory = open_memory();
        const int64_t n = n_events(memory);
        assert_true(n >= n_known + n_said && n <= n_known + n_said + 1);
        n_known = n;
        nmos_memory_close(&memory);
    }
    char aside[80];
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    assert_int_equal(access(aside, F_OK), -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_mistake_corrects_what_is_like_it_and_nothing_else,
                                  remove_files),
        cmocka_unit_test_teardown(the_newest_and_most_alike_event_counts_after_a_restart,
                                  remove_files),
        cmocka_unit_test_teardown(events_are_listed_and_forgotten, remove_files),
        cmocka_unit_test_teardown(the_copy_of_the_index_is_only_taken_when_it_is_whole,
                                  remove_files),
        cmocka_unit_test_teardown(a_damaged_file_is_set_aside, remove_files),
        cmocka_unit_test_teardown(a_kill_at_any_moment_loses_nothing_that_was_kept, remove_files),
    };
    if (argc < 2) return 1;
    pairs_path = argv[1];
    return cmocka_run_group_tests(tests, read_pairs, remove_folder);
}
