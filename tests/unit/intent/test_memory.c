/* SPDX-License-Identifier: MIT */
/* Proves that the failure memory learns from one mistake what is like it and nothing else,
 * remembers across restarts, survives a kill at any moment and a damaged file, and forgets when
 * told to; and the same of experts, each model's apart. */
#include <nmos/nmos.h>
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
    struct correction_found found;
    correction_store_find_intent(store, str_from(text), &found);
    memcpy(actual, found.bytes, found.n_bytes + 1);
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

static int keep_experts(struct correction_store *store, const char *text, uint64_t model,
                        const char *packed)
{
    const struct correction_experts experts = {model, str_from(packed)};
    return correction_store_add_experts(store, str_from(text), "1 of 2", &experts);
}

static void expect_experts(struct correction_store *store, const char *text, uint64_t model,
                           const char *packed)
{
    struct correction_found found;
    correction_store_find_experts(store, str_from(text), model, &found);
    assert_int_equal(found.n_bytes, strlen(packed));
    assert_memory_equal(found.bytes, packed, found.n_bytes);
    assert_int_equal(found.likeness > 0, found.n_bytes > 0);
}

static int count_experts(void *arg, const struct nmos_memory_event *event,
                         const struct correction_experts *experts)
{
    (void)event;
    *(size_t *)arg += experts->packed.len;
    return 0;
}

static void experts_are_found_for_texts_like_theirs_and_their_model(void **state)
{
    (void)state;
    struct correction_store *store = NULL;
    char long_packed[STORE_EXPERTS_MAX + 2];
    size_t n_bytes = 0;
    memset(long_packed, 'p', sizeof(long_packed));
    long_packed[STORE_EXPERTS_MAX + 1] = '\0';
    assert_int_equal(correction_store_open(path, &store), 0);
    assert_int_equal(keep_experts(store, pairs[0][0], 1, "one"), 0);
    assert_int_equal(keep_experts(store, pairs[0][0], 2, "two"), 0);
    assert_int_equal(keep_experts(store, pairs[1][0], 1, "three"), 0);
    assert_int_equal(keep_experts(store, "x", 1, ""), NMOS_E_INVALID);
    assert_int_equal(keep_experts(store, "x", 1, long_packed), NMOS_E_INVALID);
    for (int round = 0; round < 2; round++) { /* before and after a restart */
        expect_experts(store, pairs[0][1], 1, "one");
        expect_experts(store, pairs[0][1], 2, "two");
        expect_experts(store, pairs[0][1], 3, "");
        expect_experts(store, pairs[1][1], 1, "three");
        expect_experts(store, pairs[2][1], 1, "");
        correction_store_close(&store);
        assert_int_equal(correction_store_open(path, &store), 0);
    }
    struct correction_found intent;
    correction_store_find_intent(store, str_from(pairs[0][0]), &intent);
    assert_int_equal(intent.id, 0);
    assert_int_equal(keep_experts(store, pairs[0][0], 1, "newer"), 0); /* in place of the old one */
    expect_experts(store, pairs[0][1], 1, "newer");
    assert_int_equal(correction_store_list(store, count_experts, &n_bytes), 0);
    assert_int_equal(n_bytes, strlen("newer") + strlen("two") + strlen("three"));
    assert_int_equal(correction_store_forget(store, 1), 0);
    expect_experts(store, pairs[0][1], 1, "");
    expect_experts(store, pairs[0][1], 2, "two");
    correction_store_close(&store);
    FILE *file = fopen(path, "rb"); /* the experts have gone with their event */
    assert_non_null(file);
    static char bytes[1 << 16];
    const size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_null(memmem(bytes, n, "newer", 5));
    assert_non_null(memmem(bytes, n, "three", 5));
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

/* The child: adds events of both kinds and says so after each, until it is killed. */
static void add_forever(int out)
{
    struct correction_store *store = NULL;
    char text[64];
    if (correction_store_open(path, &store) < 0) _exit(1);
    for (unsigned i = 0;; i++) {
        const uint32_t word = (i + (uint32_t)getpid() * 4096) * 2654435761U;
        for (size_t k = 0; k < 8; k++) text[k] = (char)('a' + (word >> 4 * k & 15)); /* no digits */
        snprintf(text + 8, sizeof(text) - 8, " is event %u", i);
        const struct nmos_memory_event event = {
            .text = text, .text_bytes = strlen(text), .predicted = "OTHER", .actual = "CODE"};
        const int rc =
            i % 2 ? keep_experts(store, text, 1, text) : correction_store_add(store, &event);
        if (rc < 0 || write(out, "+", 1) != 1) _exit(1);
    }
}

/* Whether an event of experts has them, which are its text. */
static int expect_whole(void *arg, const struct nmos_memory_event *event,
                        const struct correction_experts *experts)
{
    (void)arg;
    const struct str text = {event->text, event->text_bytes};
    if (event->kind == NMOS_MEMORY_EXPERT) assert_true(str_equal(text, experts->packed));
    return 0;
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
        struct correction_store *store = NULL;
        assert_int_equal(correction_store_open(path, &store), 0);
        assert_int_equal(correction_store_list(store, expect_whole, NULL), 0);
        correction_store_close(&store);
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
        cmocka_unit_test_teardown(experts_are_found_for_texts_like_theirs_and_their_model,
                                  remove_files),
        cmocka_unit_test_teardown(the_copy_of_the_index_is_only_taken_when_it_is_whole,
                                  remove_files),
        cmocka_unit_test_teardown(a_damaged_file_is_set_aside, remove_files),
        cmocka_unit_test_teardown(a_kill_at_any_moment_loses_nothing_that_was_kept, remove_files),
    };
    if (argc < 2) return 1;
    pairs_path = argv[1];
    return cmocka_run_group_tests(tests, read_pairs, remove_folder);
}
