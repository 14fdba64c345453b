/* SPDX-License-Identifier: MIT */
/*
 * The failure memory: what was mispredicted, kept on this machine, found again by likeness.
 *
 * Events lie in an SQLite file with a write-ahead log, so that a process killed at any moment
 * leaves the old state or the new one. A file that SQLite finds damaged is renamed to PATH.damaged
 * with a notice, and a new one is begun. Of a text the first 256 bytes are kept. Above
 * STORE_EVENTS_MAX events, those that have not helped for longest go; events of experts, which come
 * by themselves, already above STORE_EXPERT_EVENTS_MAX, so that they never push out what somebody
 * has corrected. The indexes of neighbours, one for each kind, are in memory; copies beside the
 * file (PATH.index, PATH.experts.index), which checksums in the file vouch for, spare building them
 * anew. One thread at a time uses a store; several processes may use one file.
 */
#ifndef NMOS_INTENT_CORRECTION_STORE_H
#define NMOS_INTENT_CORRECTION_STORE_H

#include <nmos/memory.h>

#include "intent/likeness.h"

#define STORE_EVENTS_MAX        100000
#define STORE_EXPERT_EVENTS_MAX 50000
#define STORE_NAME_MAX          63U  /* bytes of what was predicted, and of what it was */
#define STORE_EXPERTS_MAX       512U /* bytes that name the experts of an event */

/** An opened store. */
struct correction_store;

/** The experts of an event: which model's, and bytes that name them. */
struct correction_experts {
    uint64_t model;
    struct str packed;
};

/** What was found. */
struct correction_found {
    double likeness; /* at least LIKENESS_ENOUGH; 0: nothing was found, or a failure: the store only
                        advises */
    int64_t id;
    size_t n_bytes;
    char bytes[STORE_EXPERTS_MAX + 1]; /* [n_bytes] what it was, with a zero byte behind */
};

/** @param path  of the file; made where it is missing. @return 0, NMOS_E_IO or NMOS_E_NOMEM. */
int correction_store_open(const char *path, struct correction_store **ret_store) NMOS_MUST_CHECK;
/** Closes it and nulls the pointer; NULL is a no-op. */
void correction_store_close(struct correction_store **store);

/** Keeps an event. @return 0; NMOS_E_INVALID for a name; NMOS_E_IO. */
int correction_store_add(struct correction_store *store,
                         const struct nmos_memory_event *event) NMOS_MUST_CHECK;

/** Keeps which experts a text used, in place of what was kept for a text with the same features.
 * @p predicted: as that of an event. @return 0; NMOS_E_INVALID; NMOS_E_IO. */
int correction_store_add_experts(struct correction_store *store, struct str text,
                                 const char *predicted,
                                 const struct correction_experts *experts) NMOS_MUST_CHECK;

/** What a text was meant to be according to the event that is most like it; of equals, the newest.
 */
void correction_store_find_intent(struct correction_store *store, struct str text,
                                  struct correction_found *ret);

/** ... which experts of a model. */
void correction_store_find_experts(struct correction_store *store, struct str text, uint64_t model,
                                   struct correction_found *ret);

/** Receives an event. @p experts: of one of that kind, else empty. All valid during the call. */
typedef int (*correction_list_fn)(void *arg, const struct nmos_memory_event *event,
                                  const struct correction_experts *experts);

/** Passes on all events, the newest first. @return 0, NMOS_E_IO, or what @p on_event gave. */
int correction_store_list(struct correction_store *store, correction_list_fn on_event,
                          void *arg) NMOS_MUST_CHECK;

/** Erases an event, or all of them with @p id 0. @return 0; NMOS_E_INVALID for an id that is not
 * there; NMOS_E_IO. */
int correction_store_forget(struct correction_store *store, int64_t id) NMOS_MUST_CHECK;

#endif
