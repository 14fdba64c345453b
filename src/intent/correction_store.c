/* SPDX-License-Identifier: MIT */
#include "intent/correction_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/file_replace.h"
#include "base/log.h"
#include "base/mem.h"
#include "intent/neighbours.h"

_Static_assert(SKETCH_DIMS == 128, "the index of neighbours.cpp has directions of 128 numbers");

#define VERSION      1
#define N_CANDIDATES 8U   /* neighbours whose texts are compared */
#define N_GIVEN_UP   1024 /* events that go at once when there are too many */
#define N_PLACES_MAX                                                                               \
    (STORE_EVENTS_MAX + STORE_EVENTS_MAX / 8) /* of the index, removed ones too                    \
                                               */
#define N_SAVE   64U                          /* additions that are worth a new copy of the index */
#define USED_MAX 64U
#define BUSY_MS  2000

enum statement {
    ADD,
    GET,
    USED,
    NEWER,
    LIST,
    COUNT,
    GIVE_UP,
    FORGET,
    GET_META,
    SET_META,
    N_STATEMENTS
};

static const char *const sql[N_STATEMENTS] = {
    [ADD] = "INSERT INTO events(kind, at, used, predicted, actual, text) VALUES(?, ?, ?, ?, ?, ?)",
    [GET] = "SELECT actual, text FROM events WHERE id = ? AND kind = 0",
    [USED] = "UPDATE events SET used = ?2 WHERE id = ?1",
    [NEWER] = "SELECT id, text FROM events WHERE kind = 0 AND id > ? ORDER BY id",
    [LIST] = "SELECT id, kind, at, predicted, actual, text FROM events ORDER BY id DESC",
    [COUNT] = "SELECT count(*) FROM events",
    [GIVE_UP] = ("DELETE FROM events WHERE id IN "
                 "(SELECT id FROM events ORDER BY used, id LIMIT ?) RETURNING id"),
    [FORGET] = "DELETE FROM events WHERE id = ?",
    [GET_META] = "SELECT value FROM meta WHERE key = ?",
    [SET_META] =
        "INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
};

struct correction_store {
    char *path;
    char *index_path;
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS];
    struct scout_weights weights;
    struct feature_maker *maker;
    struct neighbours *index;
    int64_t last_id;        /* the newest event in the index */
    int64_t n_events;       /* of all kinds, as far as this process knows */
    unsigned n_added;       /* since the copy of the index was written */
    int64_t used[USED_MAX]; /* events that helped, not written yet */
    unsigned n_used;
};

static int sql_failed(const struct correction_store *s)
{
    return FAIL(NMOS_E_IO, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

/* Runs statement @p i, whose values are bound, to its end. */
static int run(struct correction_store *s, enum statement i)
{
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(s->statements[i]);
    sqlite3_reset(s->statements[i]);
    return code == SQLITE_DONE ? 0 : sql_failed(s);
}

static int execute(struct correction_store *s, const char *text)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_failed(s);
}

static int64_t get_meta(struct correction_store *s, const char *key)
{
    sqlite3_stmt *get = s->statements[GET_META];
    sqlite3_bind_text(get, 1, key, -1, SQLITE_STATIC);
    const int64_t value = sqlite3_step(get) == SQLITE_ROW ? sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return value;
}

static int set_meta(struct correction_store *s, const char *key, int64_t value)
{
    sqlite3_bind_text(s->statements[SET_META], 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s->statements[SET_META], 2, value);
    return run(s, SET_META);
}

static void project(struct correction_store *s, struct str text, int8_t direction[SKETCH_DIMS])
{
    struct sketch sketch;
    sketch_make(s->maker, text, &sketch);
    sketch_project(&sketch, direction);
}

static struct str column_text(sqlite3_stmt *row, int i)
{
    const char *data = sqlite3_column_blob(row, i); /* first, then its length */
    return (struct str){data, (size_t)sqlite3_column_bytes(row, i)};
}

/* Adds what the index does not have yet. */
static int catch_up(struct correction_store *s)
{
    int8_t direction[SKETCH_DIMS];
    sqlite3_stmt *newer = s->statements[NEWER];
    int code = 0;
    int rc = 0;
    sqlite3_bind_int64(newer, 1, s->last_id);
    while (rc == 0 && (code = sqlite3_step(newer)) == SQLITE_ROW) {
        s->last_id = sqlite3_column_int64(newer, 0);
        project(s, column_text(newer, 1), direction);
        if (neighbours_add(s->index, s->last_id, direction) < 0) {
            rc = FAIL(NMOS_E_NOMEM, "no memory for the index of %s", s->path);
        }
        s->n_added++;
    }
    if (rc == 0 && code != SQLITE_DONE) rc = sql_failed(s);
    sqlite3_reset(newer);
    return rc;
}

static int rebuild_index(struct correction_store *s)
{
    neighbours_destroy(&s->index);
    s->last_id = 0;
    if (neighbours_create(N_PLACES_MAX, &s->index) < 0) {
        return FAIL(NMOS_E_NOMEM, "no memory for the index of %s", s->path);
    }
    return catch_up(s);
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

/* Takes the copy of the index if it is the one that was written last. */
static int open_index(struct correction_store *s)
{
    const uint64_t wanted = (uint64_t)get_meta(s, "index_sum");
    if (wanted && checksum(s->index_path) == wanted &&
        neighbours_load(s->index_path, N_PLACES_MAX, &s->index) == 0) {
        s->last_id = get_meta(s, "index_last");
        if (catch_up(s) == 0) return 0;
    }
    return rebuild_index(s);
}

/* A new copy beside the file; without one the next start takes longer, no more. */
static void save_index(struct correction_store *s)
{
    struct buf path = {0};
    if (buf_printf(&path, "%s.new", s->index_path) == 0 &&
        neighbours_save(s->index, path.data) == 0) {
        const uint64_t sum = checksum(path.data);
        if (set_meta(s, "index_sum", (int64_t)sum) == 0 &&
            set_meta(s, "index_last", s->last_id) == 0) {
            (void)rename(path.data, s->index_path);
        }
    }
    if (path.data) (void)unlink(path.data);
    buf_deinit(&path);
}

/* All statements on a database that is known to be sound. */
static int prepare(struct correction_store *s)
{
    TRY(execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                   "PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 4194304;"
                   "CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY AUTOINCREMENT, "
                   "kind INTEGER NOT NULL, at INTEGER NOT NULL, used INTEGER NOT NULL, "
                   "predicted TEXT NOT NULL, actual TEXT NOT NULL, text BLOB NOT NULL);"
                   "CREATE INDEX IF NOT EXISTS events_used ON events(used);"
                   "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER);"));
    for (int i = 0; i < N_STATEMENTS; i++) {
        if (sqlite3_prepare_v2(s->db, sql[i], -1, &s->statements[i], NULL) != SQLITE_OK) {
            return sql_failed(s);
        }
    }
    return 0;
}

static void close_database(struct correction_store *s)
{
    for (int i = 0; i < N_STATEMENTS; i++) {
        sqlite3_finalize(s->statements[i]);
        s->statements[i] = NULL;
    }
    sqlite3_close(s->db);
    s->db = NULL;
}

/* @return 0, 1 for a damaged file, or a failure. */
static int open_database(struct correction_store *s)
{
    const int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* for the user alone */
    if (fd >= 0) close(fd);
    sqlite3_stmt *check = NULL;
    int code = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) return sql_failed(s);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    code = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &check, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(check);
    const int is_sound = code == SQLITE_ROW && str_equal(column_text(check, 0), STR_LIT("ok"));
    sqlite3_finalize(check);
    if (code == SQLITE_ROW || code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        if (!is_sound) return 1;
        const int rc = prepare(s);
        const int primary = sqlite3_errcode(s->db) & 0xff;
        return rc < 0 && (primary == SQLITE_CORRUPT || primary == SQLITE_ERROR) ? 1 : rc;
    }
    return sql_failed(s);
}

static int set_aside(struct correction_store *s)
{
    static const char *const parts[] = {"-wal", "-shm", ".index"};
    struct buf part = {0};
    close_database(s);
    int rc = file_set_aside(s->path);
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        part.len = 0;
        rc = buf_printf(&part, "%s%s", s->path, parts[i]);
        if (rc == 0) (void)unlink(part.data);
    }
    buf_deinit(&part);
    if (rc == 0)
        LOG_WARN("%s was damaged; it is now %s.damaged, and a new one is begun", s->path, s->path);
    return rc;
}

static int count_events(struct correction_store *s)
{
    sqlite3_stmt *count = s->statements[COUNT];
    const int has_row = sqlite3_step(count) == SQLITE_ROW;
    if (has_row) s->n_events = sqlite3_column_int64(count, 0);
    sqlite3_reset(count);
    return has_row ? 0 : sql_failed(s);
}

static int open_all(struct correction_store *s, const char *path)
{
    struct buf index_path = {0};
    TRY(buf_printf(&index_path, "%s.index", path));
    s->index_path = index_path.data;
    s->path = mem_strndup(MEM_GENERAL, path, strlen(path));
    if (!s->path) return NMOS_E_NOMEM;
    TRY(scout_weights_builtin(&s->weights));
    TRY(feature_maker_create(&s->weights, &s->maker));
    file_make_folders(path);
    int rc = open_database(s);
    if (rc == 1) {
        TRY(set_aside(s));
        rc = open_database(s);
    }
    if (rc == 1) return FAIL(NMOS_E_IO, "%s: cannot begin a new file", s->path);
    if (rc == 0) rc = count_events(s);
    return rc == 0 ? open_index(s) : rc;
}

int correction_store_open(const char *path, struct correction_store **ret_store)
{
    struct correction_store *s = mem_calloc(MEM_GENERAL, 1, sizeof(*s));
    if (!s) return NMOS_E_NOMEM;
    const int rc = open_all(s, path);
    if (rc < 0) {
        s->n_added = 0;
        correction_store_close(&s);
        return rc;
    }
    *ret_store = s;
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Which events helped is worth little, so it is written together with other things. */
static void flush_used(struct correction_store *s)
{
    for (unsigned i = 0; i < s->n_used; i++) {
        sqlite3_bind_int64(s->statements[USED], 1, s->used[i]);
        sqlite3_bind_int64(s->statements[USED], 2, now_ms());
        (void)run(s, USED);
    }
    s->n_used = 0;
}

void correction_store_close(struct correction_store **store)
{
    if (!store || !*store) return;
    struct correction_store *s = *store;
    if (s->db && s->statements[SET_META]) {
        flush_used(s);
        if (s->index && s->n_added >= N_SAVE) save_index(s);
    }
    close_database(s);
    neighbours_destroy(&s->index);
    feature_maker_destroy(&s->maker);
    mem_free(s->index_path);
    mem_free(s->path);
    mem_free(s);
    *store = NULL;
}

/* Makes room; the events that have not helped for longest go, in the same transaction. */
static int give_up_events(struct correction_store *s)
{
    sqlite3_stmt *give_up = s->statements[GIVE_UP];
    int code = 0;
    TRY(count_events(s)); /* other processes add too */
    if (s->n_events <= STORE_EVENTS_MAX) return 0;
    sqlite3_bind_int64(give_up, 1, s->n_events - STORE_EVENTS_MAX + N_GIVEN_UP);
    while ((code = sqlite3_step(give_up)) == SQLITE_ROW) {
        neighbours_remove(s->index, sqlite3_column_int64(give_up, 0));
        s->n_events--;
    }
    sqlite3_reset(give_up);
    return code == SQLITE_DONE ? 0 : sql_failed(s);
}

static int add_event(struct correction_store *s, const struct nmos_memory_event *event)
{
    sqlite3_stmt *add = s->statements[ADD];
    const size_t n = event->text_bytes < SKETCH_BYTES ? event->text_bytes : SKETCH_BYTES;
    const int64_t at = event->at_ms ? event->at_ms : now_ms();
    flush_used(s);
    sqlite3_bind_int64(add, 1, event->kind);
    sqlite3_bind_int64(add, 2, at);
    sqlite3_bind_int64(add, 3, now_ms());
    sqlite3_bind_text(add, 4, event->predicted, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 5, event->actual, -1, SQLITE_STATIC);
    sqlite3_bind_blob(add, 6, n ? event->text : "", (int)n, SQLITE_STATIC);
    TRY(run(s, ADD));
    return ++s->n_events > STORE_EVENTS_MAX ? give_up_events(s) : 0;
}

int correction_store_add(struct correction_store *s, const struct nmos_memory_event *event)
{
    const size_t n_predicted = strlen(event->predicted);
    const size_t n_actual = strlen(event->actual);
    if (n_predicted > STORE_NAME_MAX || n_actual > STORE_NAME_MAX || n_actual == 0) {
        return FAIL(NMOS_E_INVALID,
                    "an event from \"%.70s\" to \"%.70s\": names of 1 to %u bytes are kept",
                    event->predicted, event->actual, STORE_NAME_MAX);
    }
    TRY(execute(s, "BEGIN IMMEDIATE"));
    const int rc = add_event(s, event);
    if (rc < 0) {
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        return rc;
    }
    TRY(execute(s, "COMMIT"));
    if (neighbours_n_places(s->index) + 1 >= N_PLACES_MAX) return rebuild_index(s);
    return catch_up(s);
}

double correction_store_find(struct correction_store *s, struct str text, char *ret_actual)
{
    int8_t direction[SKETCH_DIMS];
    int64_t ids[N_CANDIDATES];
    struct sketch sketch;
    struct sketch other;
    double best = 0;
    int64_t best_id = 0;
    ret_actual[0] = '\0';
    sketch_make(s->maker, text, &sketch);
    sketch_project(&sketch, direction);
    const size_t n = neighbours_find(s->index, direction, N_CANDIDATES, ids);
    sqlite3_stmt *get = s->statements[GET];
    for (size_t i = 0; i < n; i++) {
        sqlite3_bind_int64(get, 1, ids[i]);
        if (sqlite3_step(get) == SQLITE_ROW) {
            const struct str actual = column_text(get, 0);
            sketch_make(s->maker, column_text(get, 1), &other);
            const double likeness = sketch_likeness(&sketch, &other);
            const int is_better = likeness > best || (likeness == best && ids[i] > best_id);
            if (likeness >= LIKENESS_ENOUGH && is_better && actual.len <= STORE_NAME_MAX) {
                best = likeness;
                best_id = ids[i];
                memcpy(ret_actual, actual.data, actual.len);
                ret_actual[actual.len] = '\0';
            }
        }
        sqlite3_reset(get);
    }
    for (unsigned i = 0; i < s->n_used && best_id; i++) {
        if (s->used[i] == best_id) best_id = 0;
    }
    if (best_id && s->n_used < USED_MAX) s->used[s->n_used++] = best_id;
    return best;
}

int correction_store_list(struct correction_store *s, nmos_memory_fn on_event, void *arg)
{
    sqlite3_stmt *list = s->statements[LIST];
    int code = 0;
    int rc = 0;
    while (rc == 0 && (code = sqlite3_step(list)) == SQLITE_ROW) {
        struct nmos_memory_event event = {.id = sqlite3_column_int64(list, 0),
                                          .kind =
                                              (enum nmos_memory_kind)sqlite3_column_int(list, 1),
                                          .at_ms = sqlite3_column_int64(list, 2),
                                          .predicted = (const char *)sqlite3_column_text(list, 3),
                                          .actual = (const char *)sqlite3_column_text(list, 4)};
        const struct str text = column_text(list, 5);
        event.text = text.data;
        event.text_bytes = text.len;
        rc = event.predicted && event.actual ? on_event(arg, &event) : NMOS_E_NOMEM;
    }
    sqlite3_reset(list);
    return rc == 0 && code != SQLITE_DONE ? sql_failed(s) : rc;
}

int correction_store_forget(struct correction_store *s, int64_t id)
{
    (void)unlink(s->index_path);
    s->n_added += N_SAVE; /* the copy has to be written anew */
    s->n_used = 0;
    if (id == 0) {
        TRY(execute(s, "DELETE FROM events"));
        TRY(execute(s, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"));
    } else {
        sqlite3_bind_int64(s->statements[FORGET], 1, id);
        TRY(run(s, FORGET));
        if (sqlite3_changes(s->db) == 0) {
            return FAIL(NMOS_E_INVALID, "the failure memory has no event %lld", (long long)id);
        }
        TRY(execute(s, "PRAGMA wal_checkpoint(TRUNCATE)"));
    }
    TRY(count_events(s));
    return rebuild_index(s);
}
