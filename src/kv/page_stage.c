/* SPDX-License-Identifier: MIT */
#include "kv/page_stage.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/ioq.h"

#define WAIT_MS 20U /* between looks at the cancel flag */

enum slot_state { SLOT_READING, SLOT_READ, SLOT_FAILED };

struct slot {
    enum slot_state state;
    int status;
    char message[sizeof(((struct ioq_done *)0)->message)];
};

/* Parts are numbered from 0 in a pass; part n lies in slot n % n_slots. Taken ones are
 * [n_back, n_taken), read or being read [n_taken, n_started). */
struct page_stage {
    struct page_stage_config config;
    page_stage_next_fn next; /* NULL: there is no further part */
    void *next_arg;
    uint64_t n_started;
    uint64_t n_taken;
    uint64_t n_back;
    uint64_t bytes_read;
    uint64_t wait_ns;
    struct slot *slots; /* [n_slots] */
    char *memory;       /* [n_slots][part_bytes] */
};

int page_stage_create(const struct page_stage_config *config, struct page_stage **ret_stage)
{
    assert(config->n_slots > 0 && config->n_slots <= ioq_depth(config->ioq));
    const size_t n_bytes = (size_t)config->n_slots * config->part_bytes;
    struct page_stage *stage = mem_calloc(MEM_KV, 1, sizeof(*stage));
    if (!stage) return NMOS_E_NOMEM;
    stage->config = *config;
    stage->slots = mem_calloc(MEM_KV, config->n_slots, sizeof(stage->slots[0]));
    stage->memory = mem_alloc(MEM_KV, n_bytes, MEM_ALIGN_PAGE);
    if (!stage->slots || !stage->memory) {
        page_stage_destroy(&stage);
        return NMOS_E_NOMEM;
    }
    memset(stage->memory, 0, n_bytes);
    void *base = stage->memory;
    ioq_register_memory(config->ioq, &base, &n_bytes, 1);
    *ret_stage = stage;
    return 0;
}

void page_stage_destroy(struct page_stage **stage)
{
    struct page_stage *s = *stage;
    if (!s) return;
    page_stage_end(s);
    mem_free(s->slots);
    mem_free(s->memory);
    mem_free(s);
    *stage = NULL;
}

static void settle(struct page_stage *s, const struct ioq_done *done)
{
    struct slot *slot = &s->slots[done->tag % s->config.n_slots];
    slot->state = done->status < 0 ? SLOT_FAILED : SLOT_READ;
    slot->status = done->status;
    if (done->status < 0) memcpy(slot->message, done->message, sizeof(slot->message));
    if (done->status == 0) s->bytes_read += done->n_bytes;
}

static void reap(struct page_stage *s, uint32_t timeout_ms)
{
    struct ioq_done done[IOQ_DEPTH_MAX];
    const uint32_t n = ioq_reap(s->config.ioq, done, IOQ_DEPTH_MAX, timeout_ms);
    for (uint32_t i = 0; i < n; i++) settle(s, &done[i]);
}

/* Starts reads into slots that are free. */
static void fill(struct page_stage *s)
{
    while (s->next && s->n_started - s->n_back < s->config.n_slots) {
        const uint64_t at = s->n_started % s->config.n_slots;
        struct ioq_read read = {.bytes = s->config.part_bytes,
                                .dst = s->memory + at * s->config.part_bytes,
                                .tag = s->n_started};
        if (!s->next(s->next_arg, &read.offset)) {
            s->next = NULL;
            return;
        }
        s->slots[at].state = SLOT_READING;
        s->n_started++;
        const int rc = ioq_submit(s->config.ioq, &read);
        if (rc == 0) continue;
        struct ioq_done done = {.tag = read.tag, .status = rc};
        memcpy(done.message, error_message(), sizeof(done.message) - 1);
        settle(s, &done);
    }
}

void page_stage_begin(struct page_stage *s, page_stage_next_fn next, void *arg)
{
    assert(s->n_started == s->n_back);
    s->n_started = 0;
    s->n_taken = 0;
    s->n_back = 0;
    s->next = next;
    s->next_arg = arg;
    fill(s);
}

static int wait_for(struct page_stage *s, const struct slot *slot)
{
    const uint64_t started_ns = clock_ns();
    int rc = 0;
    while (slot->state == SLOT_READING) {
        if (s->config.cancel && atomic_load(s->config.cancel)) {
            rc = FAIL(NMOS_E_CANCELLED, "stopped while keys and values were read");
            break;
        }
        reap(s, WAIT_MS);
    }
    s->wait_ns += clock_ns() - started_ns;
    return rc;
}

int page_stage_take(struct page_stage *s, int may_wait, void **ret_part)
{
    const uint64_t at = s->n_taken % s->config.n_slots;
    const struct slot *slot = &s->slots[at];
    if (s->n_taken == s->n_started) return 0;
    if (slot->state == SLOT_READING) reap(s, 0);
    if (slot->state == SLOT_READING) {
        if (!may_wait) return 0;
        TRY(wait_for(s, slot));
    }
    if (slot->state == SLOT_FAILED) {
        return FAIL(slot->status, "keys and values cannot be read back: %s", slot->message);
    }
    *ret_part = s->memory + at * s->config.part_bytes;
    s->n_taken++;
    return 1;
}

void page_stage_give_back(struct page_stage *s)
{
    s->n_back = s->n_taken;
    fill(s);
}

void page_stage_end(struct page_stage *s)
{
    s->next = NULL;
    ioq_cancel_all(s->config.ioq);
    while (ioq_in_flight(s->config.ioq) > 0) reap(s, WAIT_MS);
    reap(s, 0);
    s->n_back = s->n_started;
    s->n_taken = s->n_started;
}

void page_stage_stats(const struct page_stage *s, uint64_t *ret_bytes, uint64_t *ret_wait_ns)
{
    *ret_bytes = s->bytes_read;
    *ret_wait_ns = s->wait_ns;
}
