/* SPDX-License-Identifier: MIT */
/* State shared by correction_store.c (events), correction_file.c (the database) and
 * correction_index.c (neighbours). */
#ifndef NMOS_INTENT_CORRECTION_INTERNAL_H
#define NMOS_INTENT_CORRECTION_INTERNAL_H

#include <sqlite3.h>

#include "base/str.h"
#include "intent/correction_store.h"
#include "intent/neighbours.h"

/** Kinds of events that are found again, as numbered in enum nmos_memory_kind. */
#define CORRECTION_KINDS 2

enum correction_statement {
    CORRECTION_ADD,
    CORRECTION_ADD_EXPERTS,
    CORRECTION_RENEW,
    CORRECTION_RENEW_EXPERTS,
    CORRECTION_GET_INTENT,
    CORRECTION_GET_EXPERTS,
    CORRECTION_USED,
    CORRECTION_NEWER_INTENTS,
    CORRECTION_NEWER_EXPERTS,
    CORRECTION_LIST,
    CORRECTION_COUNT,
    CORRECTION_GIVE_UP,
    CORRECTION_FORGET,
    CORRECTION_GET_META,
    CORRECTION_SET_META,
    CORRECTION_STATEMENTS,
};

/** The neighbours among the events of one kind. */
struct correction_index {
    char *path; /* of its copy */
    struct neighbours *of;
    int64_t last_id;  /* the newest event in it */
    unsigned n_added; /* since the copy was written */
};

struct correction_store {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[CORRECTION_STATEMENTS];
    struct scout_weights weights;
    struct feature_maker *maker;
    struct correction_index indexes[CORRECTION_KINDS];
    int64_t n_events;  /* of all kinds, as far as this process knows, and ... */
    int64_t n_experts; /* ... of them, of kind NMOS_MEMORY_EXPERT */
    int64_t *used;     /* [n_used] events that helped, not written yet */
    unsigned n_used;
};

/* ---- correction_file.c ---- */

/** Opens or makes the database; a damaged one is set aside. @return 0 or a failure. */
int correction_file_open(struct correction_store *s) NMOS_MUST_CHECK;
void correction_file_close(struct correction_store *s);

/** The failure of the last call of SQLite. @return NMOS_E_IO. */
int correction_failed(const struct correction_store *s) NMOS_MUST_CHECK;

/** Runs statement @p i, whose values are bound, to its end. */
int correction_run(struct correction_store *s, enum correction_statement i) NMOS_MUST_CHECK;
/** Runs some statements that nothing is bound to. */
int correction_execute(struct correction_store *s, const char *text) NMOS_MUST_CHECK;

/** A number under a name; 0: there is none. */
int64_t correction_get_meta(struct correction_store *s, const char *key);
int correction_set_meta(struct correction_store *s, const char *key, int64_t value) NMOS_MUST_CHECK;

/** Column @p i of a row, until the next step. */
struct str correction_column(sqlite3_stmt *row, int i);

/* ---- correction_index.c ---- */

/** Takes the copies of the indexes, or builds them anew. */
int correction_indexes_open(struct correction_store *s) NMOS_MUST_CHECK;
/** Writes copies that are worth it and frees all. */
void correction_indexes_close(struct correction_store *s);
/** Removes the copies, which are written anew when the indexes are closed. */
void correction_indexes_drop_copies(struct correction_store *s);
/** Builds the indexes anew. */
int correction_indexes_rebuild(struct correction_store *s) NMOS_MUST_CHECK;

/** Adds what the index of a kind does not have yet. */
int correction_index_catch_up(struct correction_store *s,
                              enum nmos_memory_kind kind) NMOS_MUST_CHECK;

#endif
