/* SPDX-License-Identifier: MIT */
/* The failure memory of nmos.h: where its file lies, the store of src/intent in its words, and what
 * its events of experts mean. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "engine/memory_view.h"

_Static_assert(EXPERT_FIRST_BYTES <= STORE_EXPERTS_MAX, "all that is packed can be kept");

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
    pthread_mutex_init(&memory->lock, NULL);
    *ret_memory = memory;
    return 0;
}

void nmos_memory_close(struct nmos_memory **memory)
{
    if (!memory || !*memory) return;
    correction_store_close(&(*memory)->store);
    pthread_mutex_destroy(&(*memory)->lock);
    mem_free(*memory);
    *memory = NULL;
}

int nmos_memory_observe(struct nmos_memory *memory, enum nmos_memory_kind kind, const void *text,
                        size_t len, const char *predicted, const char *actual)
{
    if (strcmp(predicted, actual) == 0) return 0;
    const struct nmos_memory_event event = {
        .kind = kind, .text = text, .text_bytes = len, .predicted = predicted, .actual = actual};
    pthread_mutex_lock(&memory->lock);
    const int rc = correction_store_add(memory->store, &event);
    pthread_mutex_unlock(&memory->lock);
    return rc;
}

void memory_find_intent(struct nmos_memory *memory, struct str text, struct correction_found *ret)
{
    pthread_mutex_lock(&memory->lock);
    correction_store_find_intent(memory->store, text, ret);
    pthread_mutex_unlock(&memory->lock);
}

/* ---- Experts ---- */

int memory_keep_experts(struct nmos_memory *memory, uint64_t model, struct str text,
                        const struct expert_first *first)
{
    uint8_t packed[EXPERT_FIRST_BYTES];
    char predicted[STORE_NAME_MAX + 1];
    if (first->n_missing == 0 || text.len == 0) return 0;
    const size_t n = expert_first_pack(first, packed);
    snprintf(predicted, sizeof(predicted), "%u of %u", first->n_wanted - first->n_missing,
             first->n_wanted);
    const struct correction_experts experts = {model, {(const char *)packed, n}};
    pthread_mutex_lock(&memory->lock);
    const int rc = correction_store_add_experts(memory->store, text, predicted, &experts);
    pthread_mutex_unlock(&memory->lock);
    return rc;
}

void memory_find_experts(struct nmos_memory *memory, uint64_t model, struct str text,
                         struct expert_likely *ret)
{
    struct correction_found found;
    *ret = (struct expert_likely){0};
    pthread_mutex_lock(&memory->lock);
    correction_store_find_experts(memory->store, text, model, &found);
    pthread_mutex_unlock(&memory->lock);
    if (found.likeness <= 0) return;
    if (expert_first_unpack(found.bytes, found.n_bytes, ret) < 0) {
        LOG_INFO("event %lld of the failure memory: %s", (long long)found.id, error_message());
        return;
    }
    ret->number = found.id;
    ret->p = likeness_share(found.likeness);
}

/* "0:5,1 1:3": the experts of each layer, the soonest used first. */
static int name_experts(struct str packed, struct buf *text)
{
    struct expert_likely likely;
    TRY(buf_reserve(text, 1));
    text->len = 0;
    text->data[0] = '\0';
    if (expert_first_unpack(packed.data, packed.len, &likely) < 0) return 0; /* it names none */
    for (uint32_t layer_i = 0; layer_i < likely.n_layers; layer_i++) {
        int is_first = 1;
        for (uint32_t i = 0; i < likely.n; i++) {
            const uint32_t key = likely.of[i].key;
            if (key / likely.n_experts != layer_i) continue;
            if (is_first) TRY(buf_printf(text, "%s%u:", text->len ? " " : "", layer_i));
            TRY(buf_printf(text, "%s%u", is_first ? "" : ",", key % likely.n_experts));
            is_first = 0;
        }
    }
    return 0;
}

/* ---- In the owner's hands ---- */

struct listing {
    nmos_memory_fn on_event;
    void *arg;
    struct buf names;
};

static int pass_on(void *arg, const struct nmos_memory_event *event,
                   const struct correction_experts *experts)
{
    struct listing *listing = arg;
    struct nmos_memory_event named = *event;
    if (experts->packed.len) {
        TRY(name_experts(experts->packed, &listing->names));
        named.actual = listing->names.data;
        named.model = experts->model;
    }
    return listing->on_event(listing->arg, &named);
}

int nmos_memory_list(struct nmos_memory *memory, nmos_memory_fn on_event, void *arg)
{
    struct listing listing = {on_event, arg, {0}};
    pthread_mutex_lock(&memory->lock);
    const int rc = correction_store_list(memory->store, pass_on, &listing);
    pthread_mutex_unlock(&memory->lock);
    buf_deinit(&listing.names);
    return rc;
}

static int forget(struct nmos_memory *memory, int64_t id)
{
    pthread_mutex_lock(&memory->lock);
    const int rc = correction_store_forget(memory->store, id);
    pthread_mutex_unlock(&memory->lock);
    return rc;
}

int nmos_memory_forget(struct nmos_memory *memory, int64_t id)
{
    if (id < 1)
        return FAIL(NMOS_E_INVALID, "events are numbered from 1; %lld is none", (long long)id);
    return forget(memory, id);
}

int nmos_memory_forget_all(struct nmos_memory *memory)
{
    return forget(memory, 0);
}
