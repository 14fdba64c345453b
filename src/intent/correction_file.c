/* SPDX-License-Identifier: MIT */
/* The database of the failure memory: its tables, its statements, and whether it can be trusted. */
#include <fcntl.h>
#include <unistd.h>

#include "base/file_replace.h"
#include "base/log.h"
#include "intent/correction_internal.h"

#define BUSY_MS 2000

/* The experts of an event go with it, whoever erases it: a program of before knows only `events`.
 */
static const char *const tables =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 4194304;"
    "CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "kind INTEGER NOT NULL, at INTEGER NOT NULL, used INTEGER NOT NULL, "
    "predicted TEXT NOT NULL, actual TEXT NOT NULL, text BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS events_used ON events(used);"
    "CREATE TABLE IF NOT EXISTS experts(id INTEGER PRIMARY KEY, model INTEGER NOT NULL, "
    "packed BLOB NOT NULL);"
    "CREATE TRIGGER IF NOT EXISTS events_experts AFTER DELETE ON events BEGIN "
    "DELETE FROM experts WHERE id = old.id; END;"
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER);";

static const char *const sql[CORRECTION_STATEMENTS] = {
    [CORRECTION_ADD] =
        "INSERT INTO events(kind, at, used, predicted, actual, text) VALUES(?, ?, ?, ?, ?, ?)",
    [CORRECTION_ADD_EXPERTS] = "INSERT INTO experts(id, model, packed) VALUES(?, ?, ?)",
    [CORRECTION_RENEW] =
        "UPDATE events SET at = ?2, used = ?2, predicted = ?3, text = ?4 WHERE id = ?1",
    [CORRECTION_RENEW_EXPERTS] = "UPDATE experts SET packed = ?2 WHERE id = ?1",
    [CORRECTION_GET_INTENT] = "SELECT actual, text FROM events WHERE id = ? AND kind = 0",
    [CORRECTION_GET_EXPERTS] =
        ("SELECT packed, text FROM events JOIN experts USING(id) WHERE id = ? AND model = ?"),
    [CORRECTION_USED] = "UPDATE events SET used = ?2 WHERE id = ?1",
    [CORRECTION_NEWER_INTENTS] =
        "SELECT id, text FROM events WHERE kind = 0 AND id > ? ORDER BY id",
    [CORRECTION_NEWER_EXPERTS] =
        "SELECT id, text FROM events JOIN experts USING(id) WHERE id > ? ORDER BY id",
    [CORRECTION_LIST] = ("SELECT id, kind, at, predicted, actual, text, model, packed "
                         "FROM events LEFT JOIN experts USING(id) ORDER BY id DESC"),
    [CORRECTION_COUNT] = "SELECT count(*), total(kind = 1) FROM events",
    [CORRECTION_GIVE_UP] =
        ("DELETE FROM events WHERE id IN "
         "(SELECT id FROM events WHERE kind = 1 OR NOT ?2 ORDER BY used, id LIMIT ?1) "
         "RETURNING id, kind"),
    [CORRECTION_FORGET] = "DELETE FROM events WHERE id = ?",
    [CORRECTION_GET_META] = "SELECT value FROM meta WHERE key = ?",
    [CORRECTION_SET_META] =
        "INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
};

int correction_failed(const struct correction_store *s)
{
    return FAIL(NMOS_E_IO, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

int correction_run(struct correction_store *s, enum correction_statement i)
{
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(s->statements[i]);
    sqlite3_reset(s->statements[i]);
    return code == SQLITE_DONE ? 0 : correction_failed(s);
}

int correction_execute(struct correction_store *s, const char *text)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : correction_failed(s);
}

int64_t correction_get_meta(struct correction_store *s, const char *key)
{
    sqlite3_stmt *get = s->statements[CORRECTION_GET_META];
    sqlite3_bind_text(get, 1, key, -1, SQLITE_STATIC);
    const int64_t value = sqlite3_step(get) == SQLITE_ROW ? sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return value;
}

int correction_set_meta(struct correction_store *s, const char *key, int64_t value)
{
    sqlite3_bind_text(s->statements[CORRECTION_SET_META], 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s->statements[CORRECTION_SET_META], 2, value);
    return correction_run(s, CORRECTION_SET_META);
}

struct str correction_column(sqlite3_stmt *row, int i)
{
    const char *data = sqlite3_column_blob(row, i); /* first, then its length */
    return (struct str){data, (size_t)sqlite3_column_bytes(row, i)};
}

/* All statements on a database that is known to be sound. */
static int prepare(struct correction_store *s)
{
    TRY(correction_execute(s, tables));
    for (int i = 0; i < CORRECTION_STATEMENTS; i++) {
        if (sqlite3_prepare_v2(s->db, sql[i], -1, &s->statements[i], NULL) != SQLITE_OK) {
            return correction_failed(s);
        }
    }
    return 0;
}

void correction_file_close(struct correction_store *s)
{
    for (int i = 0; i < CORRECTION_STATEMENTS; i++) {
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
    if (code != SQLITE_OK) return correction_failed(s);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    code = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &check, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(check);
    const int is_sound =
        code == SQLITE_ROW && str_equal(correction_column(check, 0), STR_LIT("ok"));
    sqlite3_finalize(check);
    if (code == SQLITE_ROW || code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        if (!is_sound) return 1;
        const int rc = prepare(s);
        const int primary = sqlite3_errcode(s->db) & 0xff;
        return rc < 0 && (primary == SQLITE_CORRUPT || primary == SQLITE_ERROR) ? 1 : rc;
    }
    return correction_failed(s);
}

static int set_aside(struct correction_store *s)
{
    static const char *const ends[] = {"-wal", "-shm"};
    struct buf part = {0};
    correction_file_close(s);
    int rc = file_set_aside(s->path);
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        part.len = 0;
        rc = buf_printf(&part, "%s%s", s->path, ends[i]);
        if (rc == 0) (void)unlink(part.data);
    }
    buf_deinit(&part);
    for (int kind = 0; kind < CORRECTION_KINDS; kind++) (void)unlink(s->indexes[kind].path);
    if (rc == 0)
        LOG_WARN("%s was damaged; it is now %s.damaged, and a new one is begun", s->path, s->path);
    return rc;
}

int correction_file_open(struct correction_store *s)
{
    file_make_folders(s->path);
    int rc = open_database(s);
    if (rc == 1) {
        TRY(set_aside(s));
        rc = open_database(s);
    }
    return rc == 1 ? FAIL(NMOS_E_IO, "%s: cannot begin a new file", s->path) : rc;
}
