/* SPDX-License-Identifier: MIT */
/*
 * The failure memory: what was mispredicted, kept on this machine, found again by likeness.
 *
 * Events lie in an SQLite file with a write-ahead log, so that a process killed at any moment
 * leaves the old state or the new one. A file that SQLite finds damaged is renamed to PATH.damaged
 * with a notice, and a new one is begun. Of a text the first 256 bytes are kept. Above
 * STORE_EVENTS_MAX events, those that have not helped for longest go. The index of neighbours is in
 * memory; a copy beside the file (PATH.index), which a checksum in the file vouches for, spares
 * building it anew. One thread at a time uses a store; several processes may use one file.
 */
#ifndef NMOS_INTENT_CORRECTION_STORE_H
#define NMOS_INTENT_CORRECTION_STORE_H

#include "intent/likeness.h"

#define STORE_EVENTS_MAX 100000
#define STORE_NAME_MAX   63U /* bytes of what was predicted, and of what it was */

/** An opened store. */
struct correction_store;

/** @param path  of the file; made where it is missing. @return 0, NMOS_E_IO or NMOS_E_NOMEM. */
int correction_store_open(const char *path, struct correction_store **ret_store) NMOS_MUST_CHECK;
/** Closes it and nulls the pointer; NULL is a no-op. */
void correction_store_close(struct correction_store **store);

/** Keeps an event. @return 0; NMOS_E_INVALID for a name; NMOS_E_IO. */
int correction_store_add(struct correction_store *store,
                         const struct nmos_memory_event *event) NMOS_MUST_CHECK;

/**
 * What a text was meant to be according to the event that is most like it.
 * @param ret_actual  [STORE_NAME_MAX + 1]; "" when no event is like it.
 * @return its likeness, at least LIKENESS_ENOUGH, or 0. A failure is 0 too: the store only advises.
 */
double correction_store_find(struct correction_store *store, struct str text, char *ret_actual);

/** Passes on all events, the newest first. @return 0, NMOS_E_IO, or what @p on_event gave. */
int correction_store_list(struct correction_store *store, nmos_memory_fn on_event,
                          void *arg) NMOS_MUST_CHECK;

/** Erases an event, or all of them with @p id 0. @return 0; NMOS_E_INVALID for an id that is not
 * there; NMOS_E_IO. */
int correction_store_forget(struct correction_store *store, int64_t id) NMOS_MUST_CHECK;

#endif
