/* SPDX-License-Identifier: MIT */
/* The failure memory of nmos.h: where its file lies, and the store of src/intent in its words. */
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "engine/memory_view.h"

int nmos_memory_open(const char *path, struct nmos_memory **ret_memory)
{
    char *own_path = NULL;
    if (!path) {
        TRY(options_user_path(USER_DATA, "failures.db", &own_path));
        path = own_path;
    }
    struct nmos_memory *memory = mem_calloc(MEM_GENERAL, 1, sizeof(*memory));
    int rc = memory ? correction_store_open(path, &memory->store) : NMOS_E_NOMEM;
    mem_free(own_path);
    if (rc < 0) {
        mem_free(memory);
        return rc;
    }
    *ret_memory = memory;
    return 0;
}

void nmos_memory_close(struct nmos_memory **memory)
{
    if (!memory || !*memory) return;
    correction_store_close(&(*memory)->store);
    mem_free(*memory);
    *memory = NULL;
}

int nmos_memory_observe(struct nmos_memory *memory, enum nmos_memory_kind kind, const void *text,
                        size_t len, const char *predicted, const char *actual)
{
    if (strcmp(predicted, actual) == 0) return 0;
    const struct nmos_memory_event event = {
        .kind = kind, .text = text, .text_bytes = len, .predicted = predicted, .actual = actual};
    return correction_store_add(memory->store, &event);
}

int nmos_memory_list(struct nmos_memory *memory, nmos_memory_fn on_event, void *arg)
{
    return correction_store_list(memory->store, on_event, arg);
}

int nmos_memory_forget(struct nmos_memory *memory, int64_t id)
{
    if (id < 1)
        return FAIL(NMOS_E_INVALID, "events are numbered from 1; %lld is none", (long long)id);
    return correction_store_forget(memory->store, id);
}

int nmos_memory_forget_all(struct nmos_memory *memory)
{
    return correction_store_forget(memory->store, 0);
}
