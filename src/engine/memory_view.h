/* SPDX-License-Identifier: MIT */
/* What struct nmos_memory holds. */
#ifndef NMOS_ENGINE_MEMORY_VIEW_H
#define NMOS_ENGINE_MEMORY_VIEW_H

#include "intent/correction_store.h"

struct nmos_memory {
    struct correction_store *store;
};

#endif
