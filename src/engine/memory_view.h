/* SPDX-License-Identifier: MIT */
/* What struct nmos_memory holds, and the look-ups of the engine's own parts. */
#ifndef NMOS_ENGINE_MEMORY_VIEW_H
#define NMOS_ENGINE_MEMORY_VIEW_H

#include <pthread.h>

#include "intent/correction_store.h"
#include "stream/expert_first.h"

struct nmos_memory {
    struct correction_store *store;
    pthread_mutex_t lock; /* guards it; a leaf */
};

/** As correction_store_find_intent(), from any thread. */
void memory_find_intent(struct nmos_memory *memory, struct str text, struct correction_found *ret);

/** Keeps what the first passes of a prompt with this text have used, unless all was there. From any
 * thread. @p model: its fingerprint. @return 0, NMOS_E_IO. */
int memory_keep_experts(struct nmos_memory *memory, uint64_t model, struct str text,
                        const struct expert_first *first) NMOS_MUST_CHECK;

/** What the first passes of the prompt that is most like this one have used; number 0: none is like
 * it. From any thread. */
void memory_find_experts(struct nmos_memory *memory, uint64_t model, struct str text,
                         struct expert_likely *ret);

#endif
