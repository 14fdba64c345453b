/* SPDX-License-Identifier: MIT */
/* The indexes of neighbours of the failure memory, and their copies beside its file. */
#include <stdio.h>
#include <unistd.h>

#include "intent/correction_internal.h"

_Static_assert(SKETCH_DIMS == 128, "the index of neighbours.cpp has directions of 128 numbers");

#define N_SAVE 64U /* additions that are worth a new copy */

static const struct {
    enum correction_statement newer;
    const char *sum_key;
    const char *last_key;
    size_t n_events_max;
} kinds[CORRECTION_KINDS] = {
    [NMOS_MEMORY_INTENT] = {CORRECTION_NEWER_INTENTS, "index_sum", "index_last", STORE_EVENTS_MAX},
    [NMOS_MEMORY_EXPERT] = {CORRECTION_NEWER_EXPERTS, "experts_sum", "experts_last",
                            STORE_EXPERT_EVENTS_MAX},
};

/* Places of an index, removed ones too. */
static size_t n_places_max(int kind)
{
    return kinds[kind].n_events_max + kinds[kind].n_events_max / 8;
}

/* @return 0, 1 when there is no place left, or a failure. */
static int add_newer(struct correction_store *s, int kind)
{
    struct correction_index *index = &s->indexes[kind];
    sqlite3_stmt *newer = s->statements[kinds[kind].newer];
    int8_t direction[SKETCH_DIMS];
    struct sketch sketch;
    int code = 0;
    int rc = 0;
    sqlite3_bind_int64(newer, 1, index->last_id);
    while (rc == 0 && (code = sqlite3_step(newer)) == SQLITE_ROW) {
        if (neighbours_n_places(index->of) == n_places_max(kind)) {
            rc = 1;
            break;
        }
        index->last_id = sqlite3_column_int64(newer, 0);
        sketch_make(s->maker, correction_column(newer, 1), &sketch);
        sketch_project(&sketch, direction);
        if (neighbours_add(index->of, index->last_id, direction) < 0) {
            rc = FAIL(NMOS_E_NOMEM, "no memory for the index of %s", s->path);
        }
        index->n_added++;
    }
    if (rc == 0 && code != SQLITE_DONE) rc = correction_failed(s);
    sqlite3_reset(newer);
    return rc;
}

static int rebuild(struct correction_store *s, int kind)
{
    struct correction_index *index = &s->indexes[kind];
    neighbours_destroy(&index->of);
    index->last_id = 0;
    if (neighbours_create(n_places_max(kind), &index->of) < 0) {
        return FAIL(NMOS_E_NOMEM, "no memory for the index of %s", s->path);
    }
    const int rc = add_newer(s, kind);
    return rc > 0 ? 0 : rc; /* others are adding: what does not fit is not found */
}

int correction_index_catch_up(struct correction_store *s, enum nmos_memory_kind kind)
{
    const int rc = add_newer(s, (int)kind);
    return rc > 0 ? rebuild(s, (int)kind) : rc; /* places that were removed are free then */
}

/* FNV-1a over the bytes of a file, eight at a time; 0 when it cannot be read. */
static uint64_t checksum(const char *path)
{
    uint64_t words[4096];
    uint64_t h = 0xcbf29ce484222325U;
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    for (size_t n = 1; n;) {
        memset(words, 0, sizeof(words));
        n = fread(words, 1, sizeof(words), file);
        for (size_t i = 0; i < (n + 7) / 8; i++) h = (h ^ words[i]) * 0x100000001b3U;
        h ^= n;
    }
    const int failed = ferror(file);
    fclose(file);
    return failed ? 0 : h | 1;
}

/* Takes the copy of an index if it is the one that was written last. */
static int open_index(struct correction_store *s, int kind)
{
    struct correction_index *index = &s->indexes[kind];
    const uint64_t wanted = (uint64_t)correction_get_meta(s, kinds[kind].sum_key);
    if (wanted && checksum(index->path) == wanted &&
        neighbours_load(index->path, n_places_max(kind), &index->of) == 0) {
        index->last_id = correction_get_meta(s, kinds[kind].last_key);
        if (add_newer(s, kind) == 0) return 0;
    }
    return rebuild(s, kind);
}

int correction_indexes_open(struct correction_store *s)
{
    for (int kind = 0; kind < CORRECTION_KINDS; kind++) TRY(open_index(s, kind));
    return 0;
}

void correction_indexes_drop_copies(struct correction_store *s)
{
    for (int kind = 0; kind < CORRECTION_KINDS; kind++) {
        (void)unlink(s->indexes[kind].path);
        s->indexes[kind].n_added += N_SAVE;
    }
}

int correction_indexes_rebuild(struct correction_store *s)
{
    for (int kind = 0; kind < CORRECTION_KINDS; kind++) TRY(rebuild(s, kind));
    return 0;
}

/* A new copy beside the file; without one the next start takes longer, no more. */
static void save_index(struct correction_store *s, int kind)
{
    const struct correction_index *index = &s->indexes[kind];
    struct buf path = {0};
    if (buf_printf(&path, "%s.new", index->path) == 0 &&
        neighbours_save(index->of, path.data) == 0) {
        const uint64_t sum = checksum(path.data);
        if (correction_set_meta(s, kinds[kind].sum_key, (int64_t)sum) == 0 &&
            correction_set_meta(s, kinds[kind].last_key, index->last_id) == 0) {
            (void)rename(path.data, index->path);
        }
    }
    if (path.data) (void)unlink(path.data);
    buf_deinit(&path);
}

void correction_indexes_close(struct correction_store *s)
{
    for (int kind = 0; kind < CORRECTION_KINDS; kind++) {
        struct correction_index *index = &s->indexes[kind];
        if (index->of && index->n_added >= N_SAVE) save_index(s, kind);
        neighbours_destroy(&index->of);
    }
}
