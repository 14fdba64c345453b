/* SPDX-License-Identifier: MIT */
#include "intent/correction_store.h"

#include <time.h>

#include "base/mem.h"
#include "intent/correction_internal.h"

#define N_CANDIDATES 8U   /* neighbours whose texts are compared */
#define N_GIVEN_UP   1024 /* events that go at once when there are too many */
#define USED_MAX     64U
#define SAME_TEXT                                                                                  \
    0.999 /* likeness from which on two texts have the same features, as those                     \
             that differ in digits only */

static const char *const index_ends[CORRECTION_KINDS] = {
    [NMOS_MEMORY_INTENT] = ".index", [NMOS_MEMORY_EXPERT] = ".experts.index"};

/* ---- Opening and closing ---- */

static int count_events(struct correction_store *s)
{
    sqlite3_stmt *count = s->statements[CORRECTION_COUNT];
    const int has_row = sqlite3_step(count) == SQLITE_ROW;
    if (has_row) {
        s->n_events = sqlite3_column_int64(count, 0);
        s->n_experts = sqlite3_column_int64(count, 1);
    }
    sqlite3_reset(count);
    return has_row ? 0 : correction_failed(s);
}

static int open_all(struct correction_store *s, const char *path)
{
    s->path = mem_strndup(MEM_GENERAL, path, strlen(path));
    s->used = mem_calloc(MEM_GENERAL, USED_MAX, sizeof(s->used[0]));
    if (!s->path || !s->used) return NMOS_E_NOMEM;
    for (int kind = 0; kind < CORRECTION_KINDS; kind++) {
        struct buf index_path = {0};
        TRY(buf_printf(&index_path, "%s%s", path, index_ends[kind]));
        s->indexes[kind].path = index_path.data;
    }
    TRY(scout_weights_builtin(&s->weights));
    TRY(feature_maker_create(&s->weights, &s->maker));
    TRY(correction_file_open(s));
    TRY(count_events(s));
    return correction_indexes_open(s);
}

static void free_all(struct correction_store *s)
{
    correction_file_close(s);
    feature_maker_destroy(&s->maker);
    for (int kind = 0; kind < CORRECTION_KINDS; kind++) {
        neighbours_destroy(&s->indexes[kind].of);
        mem_free(s->indexes[kind].path);
    }
    mem_free(s->used);
    mem_free(s->path);
    mem_free(s);
}

int correction_store_open(const char *path, struct correction_store **ret_store)
{
    struct correction_store *s = mem_calloc(MEM_GENERAL, 1, sizeof(*s));
    if (!s) return NMOS_E_NOMEM;
    const int rc = open_all(s, path);
    if (rc < 0) {
        free_all(s);
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
    sqlite3_stmt *used = s->statements[CORRECTION_USED];
    for (unsigned i = 0; i < s->n_used; i++) {
        sqlite3_bind_int64(used, 1, s->used[i]);
        sqlite3_bind_int64(used, 2, now_ms());
        if (correction_run(s, CORRECTION_USED) < 0) break;
    }
    s->n_used = 0;
}

void correction_store_close(struct correction_store **store)
{
    if (!store || !*store) return;
    flush_used(*store);
    correction_indexes_close(*store);
    free_all(*store);
    *store = NULL;
}

/* ---- Adding ---- */

/* Makes room; the events that have not helped for longest go, in the same transaction. */
static int give_up_events(struct correction_store *s)
{
    sqlite3_stmt *give_up = s->statements[CORRECTION_GIVE_UP];
    int code = 0;
    TRY(count_events(s)); /* other processes add too */
    const int too_many_experts = s->n_experts > STORE_EXPERT_EVENTS_MAX;
    const int64_t n_beyond =
        too_many_experts ? s->n_experts - STORE_EXPERT_EVENTS_MAX : s->n_events - STORE_EVENTS_MAX;
    if (n_beyond <= 0) return 0;
    sqlite3_bind_int64(give_up, 1, n_beyond + N_GIVEN_UP);
    sqlite3_bind_int(give_up, 2, too_many_experts);
    while ((code = sqlite3_step(give_up)) == SQLITE_ROW) {
        const int kind = sqlite3_column_int(give_up, 1);
        if (kind >= 0 && kind < CORRECTION_KINDS) {
            neighbours_remove(s->indexes[kind].of, sqlite3_column_int64(give_up, 0));
        }
        s->n_events--;
        s->n_experts -= kind == NMOS_MEMORY_EXPERT;
    }
    sqlite3_reset(give_up);
    return code == SQLITE_DONE ? 0 : correction_failed(s);
}

static int add_event(struct correction_store *s, const struct nmos_memory_event *event,
                     const struct correction_experts *experts)
{
    sqlite3_stmt *add = s->statements[CORRECTION_ADD];
    const size_t n = event->text_bytes < SKETCH_BYTES ? event->text_bytes : SKETCH_BYTES;
    const int64_t at = event->at_ms ? event->at_ms : now_ms();
    sqlite3_bind_int64(add, 1, event->kind);
    sqlite3_bind_int64(add, 2, at);
    sqlite3_bind_int64(add, 3, now_ms());
    sqlite3_bind_text(add, 4, event->predicted, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 5, event->actual, -1, SQLITE_STATIC);
    sqlite3_bind_blob(add, 6, n ? event->text : "", (int)n, SQLITE_STATIC);
    TRY(correction_run(s, CORRECTION_ADD));
    if (experts) {
        sqlite3_stmt *name = s->statements[CORRECTION_ADD_EXPERTS];
        sqlite3_bind_int64(name, 1, sqlite3_last_insert_rowid(s->db));
        sqlite3_bind_int64(name, 2, (int64_t)experts->model);
        sqlite3_bind_blob(name, 3, experts->packed.data, (int)experts->packed.len, SQLITE_STATIC);
        TRY(correction_run(s, CORRECTION_ADD_EXPERTS));
    }
    s->n_experts += event->kind == NMOS_MEMORY_EXPERT;
    const int is_full = ++s->n_events > STORE_EVENTS_MAX || s->n_experts > STORE_EXPERT_EVENTS_MAX;
    return is_full ? give_up_events(s) : 0;
}

/* An event is now of a text with the same features, and its experts. */
static int renew_experts(struct correction_store *s, int64_t id,
                         const struct nmos_memory_event *event, struct str packed)
{
    sqlite3_stmt *renew = s->statements[CORRECTION_RENEW];
    const size_t n = event->text_bytes < SKETCH_BYTES ? event->text_bytes : SKETCH_BYTES;
    sqlite3_bind_int64(renew, 1, id);
    sqlite3_bind_int64(renew, 2, now_ms());
    sqlite3_bind_text(renew, 3, event->predicted, -1, SQLITE_STATIC);
    sqlite3_bind_blob(renew, 4, event->text, (int)n, SQLITE_STATIC);
    TRY(correction_run(s, CORRECTION_RENEW));
    sqlite3_bind_int64(s->statements[CORRECTION_RENEW_EXPERTS], 1, id);
    sqlite3_bind_blob(s->statements[CORRECTION_RENEW_EXPERTS], 2, packed.data, (int)packed.len,
                      SQLITE_STATIC);
    return correction_run(s, CORRECTION_RENEW_EXPERTS);
}

static int end_transaction(struct correction_store *s, int rc)
{
    if (rc == 0) return correction_execute(s, "COMMIT");
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
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
    TRY(correction_execute(s, "BEGIN IMMEDIATE"));
    flush_used(s);
    TRY(end_transaction(s, add_event(s, event, NULL)));
    return event->kind == NMOS_MEMORY_INTENT ? correction_index_catch_up(s, event->kind) : 0;
}

int correction_store_add_experts(struct correction_store *s, struct str text, const char *predicted,
                                 const struct correction_experts *experts)
{
    struct correction_found same;
    const size_t n = experts->packed.len;
    if (strlen(predicted) > STORE_NAME_MAX || n == 0 || n > STORE_EXPERTS_MAX) {
        return FAIL(NMOS_E_INVALID, "%zu bytes name experts; 1 to %u are kept", n,
                    STORE_EXPERTS_MAX);
    }
    const struct nmos_memory_event event = {.kind = NMOS_MEMORY_EXPERT,
                                            .text = text.data,
                                            .text_bytes = text.len,
                                            .predicted = predicted,
                                            .actual = ""};
    correction_store_find_experts(s, text, experts->model, &same);
    TRY(correction_execute(s, "BEGIN IMMEDIATE"));
    flush_used(s);
    TRY(end_transaction(s, same.likeness > SAME_TEXT
                               ? renew_experts(s, same.id, &event, experts->packed)
                               : add_event(s, &event, experts)));
    return correction_index_catch_up(s, NMOS_MEMORY_EXPERT);
}

/* ---- Finding ---- */

/* Compares the text of a candidate, if it is still there. */
static void look_at(struct correction_store *s, sqlite3_stmt *get, int64_t id,
                    const struct sketch *sketch, struct correction_found *best)
{
    struct sketch other;
    sqlite3_bind_int64(get, 1, id);
    if (sqlite3_step(get) == SQLITE_ROW) {
        const struct str found = correction_column(get, 0);
        sketch_make(s->maker, correction_column(get, 1), &other);
        const double likeness = sketch_likeness(sketch, &other);
        const int is_better =
            likeness > best->likeness || (likeness == best->likeness && id > best->id);
        if (likeness >= LIKENESS_ENOUGH && is_better && found.len <= STORE_EXPERTS_MAX) {
            best->likeness = likeness;
            best->id = id;
            best->n_bytes = found.len;
            memcpy(best->bytes, found.data, found.len);
            best->bytes[found.len] = '\0';
        }
    }
    sqlite3_reset(get);
}

static void note_used(struct correction_store *s, int64_t id)
{
    for (unsigned i = 0; i < s->n_used; i++) {
        if (s->used[i] == id) return;
    }
    if (s->n_used < USED_MAX) s->used[s->n_used++] = id;
}

/* With the statement's other values bound. */
static void find(struct correction_store *s, int kind, sqlite3_stmt *get, struct str text,
                 struct correction_found *ret)
{
    int8_t direction[SKETCH_DIMS];
    int64_t ids[N_CANDIDATES];
    struct sketch sketch;
    ret->likeness = 0;
    ret->id = 0;
    ret->n_bytes = 0;
    ret->bytes[0] = '\0';
    sketch_make(s->maker, text, &sketch);
    sketch_project(&sketch, direction);
    const size_t n = neighbours_find(s->indexes[kind].of, direction, N_CANDIDATES, ids);
    for (size_t i = 0; i < n; i++) look_at(s, get, ids[i], &sketch, ret);
    if (ret->id) note_used(s, ret->id);
}

void correction_store_find_intent(struct correction_store *s, struct str text,
                                  struct correction_found *ret)
{
    find(s, NMOS_MEMORY_INTENT, s->statements[CORRECTION_GET_INTENT], text, ret);
}

void correction_store_find_experts(struct correction_store *s, struct str text, uint64_t model,
                                   struct correction_found *ret)
{
    sqlite3_stmt *get = s->statements[CORRECTION_GET_EXPERTS];
    sqlite3_bind_int64(get, 2, (int64_t)model);
    find(s, NMOS_MEMORY_EXPERT, get, text, ret);
}

/* ---- In the owner's hands ---- */

int correction_store_list(struct correction_store *s, correction_list_fn on_event, void *arg)
{
    sqlite3_stmt *list = s->statements[CORRECTION_LIST];
    int code = 0;
    int rc = 0;
    while (rc == 0 && (code = sqlite3_step(list)) == SQLITE_ROW) {
        struct nmos_memory_event event = {.id = sqlite3_column_int64(list, 0),
                                          .kind =
                                              (enum nmos_memory_kind)sqlite3_column_int(list, 1),
                                          .at_ms = sqlite3_column_int64(list, 2),
                                          .predicted = (const char *)sqlite3_column_text(list, 3),
                                          .actual = (const char *)sqlite3_column_text(list, 4)};
        const struct str text = correction_column(list, 5);
        const struct correction_experts experts = {(uint64_t)sqlite3_column_int64(list, 6),
                                                   correction_column(list, 7)};
        event.text = text.data;
        event.text_bytes = text.len;
        rc = event.predicted && event.actual ? on_event(arg, &event, &experts) : NMOS_E_NOMEM;
    }
    sqlite3_reset(list);
    return rc == 0 && code != SQLITE_DONE ? correction_failed(s) : rc;
}

int correction_store_forget(struct correction_store *s, int64_t id)
{
    s->n_used = 0;
    correction_indexes_drop_copies(s);
    if (id == 0) {
        TRY(correction_execute(s, "DELETE FROM events"));
        TRY(correction_execute(
            s, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"));
    } else {
        sqlite3_bind_int64(s->statements[CORRECTION_FORGET], 1, id);
        TRY(correction_run(s, CORRECTION_FORGET));
        if (sqlite3_changes(s->db) == 0) {
            return FAIL(NMOS_E_INVALID, "the failure memory has no event %lld", (long long)id);
        }
        TRY(correction_execute(s, "PRAGMA wal_checkpoint(TRUNCATE)"));
    }
    TRY(count_events(s));
    return correction_indexes_rebuild(s);
}
