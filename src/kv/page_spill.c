/* SPDX-License-Identifier: MIT */
#include "kv/page_spill.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "io/ioq.h"

#define READ_BYTES (1U << 20)
#define WAIT_MS    100U

struct page_spill {
    struct page_spill_config config;
    struct page_frames frames;
    uint32_t n_pinned; /* frames with pins */
    uint64_t now;
    struct page_spill_stats stats;
    char *memory; /* [n_frames][page_bytes] */
};

static void forget_page(void *arg, uint32_t page)
{
    struct page_spill *s = arg;
    page_frames_forget(&s->frames, page);
}

int page_spill_create(const struct page_spill_config *config, struct page_spill **ret_spill)
{
    const size_t n_bytes = config->n_frames * config->page_bytes;
    struct page_spill *s = mem_calloc(MEM_KV, 1, sizeof(*s));
    if (!s) return NMOS_E_NOMEM;
    s->config = *config;
    s->memory = mem_alloc(MEM_KV, n_bytes, MEM_ALIGN_PAGE);
    if (!s->memory || page_frames_init(&s->frames, config->pool, config->n_frames) < 0) {
        page_spill_destroy(&s);
        return NMOS_E_NOMEM;
    }
    memset(s->memory, 0, n_bytes);
    config->pool->on_forget = forget_page;
    config->pool->on_forget_arg = s;
    *ret_spill = s;
    return 0;
}

void page_spill_destroy(struct page_spill **spill)
{
    struct page_spill *s = *spill;
    if (!s) return;
    s->config.pool->on_forget = NULL;
    page_frames_deinit(&s->frames);
    mem_free(s->memory);
    mem_free(s);
    *spill = NULL;
}

void page_spill_tick(struct page_spill *s)
{
    s->now++;
}

void *page_spill_at(const struct page_spill *s, uint32_t page)
{
    const uint32_t frame = s->frames.frame_of[page];
    return frame == PAGE_NO_FRAME ? NULL : s->memory + frame * s->config.page_bytes;
}

uint64_t page_spill_offset(const struct page_spill *s, uint32_t page)
{
    return (uint64_t)page * s->config.page_bytes;
}

static int is_all_read(struct page_spill *s, uint32_t max_in_flight, int *rc)
{
    struct ioq_done done[IOQ_DEPTH_MAX];
    while (ioq_in_flight(s->config.ioq) > max_in_flight) {
        const uint32_t n = ioq_reap(s->config.ioq, done, IOQ_DEPTH_MAX, WAIT_MS);
        for (uint32_t i = 0; i < n; i++) {
            if (done[i].status == 0 || *rc < 0) continue;
            *rc = FAIL(done[i].status, "keys and values cannot be read back: %s", done[i].message);
        }
    }
    return *rc == 0;
}

/* Reads the page's copy into its frame. */
static int read_back(struct page_spill *s, uint32_t page)
{
    char *to = page_spill_at(s, page);
    const uint64_t offset = page_spill_offset(s, page);
    const uint32_t depth = ioq_depth(s->config.ioq);
    int rc = 0;
    for (size_t at = 0; at < s->config.page_bytes && rc == 0; at += READ_BYTES) {
        const size_t left = s->config.page_bytes - at;
        const struct ioq_read read = {.offset = offset + at,
                                      .bytes = left < READ_BYTES ? (uint32_t)left : READ_BYTES,
                                      .dst = to + at};
        if (is_all_read(s, depth - 1, &rc)) rc = ioq_submit(s->config.ioq, &read);
    }
    (void)is_all_read(s, 0, &rc);
    if (rc == 0) s->stats.bytes_read += s->config.page_bytes;
    return rc;
}

/* Takes the frame of a page that is not pinned; what the file does not have yet goes there first.
 */
static int evict(struct page_spill *s, uint32_t page)
{
    uint8_t *state = &s->frames.state[page];
    if ((*state & PAGE_HAS_CONTENT) && !(*state & PAGE_HAS_COPY)) {
        TRY(s->config.write(s->config.write_arg, page_spill_offset(s, page), s->config.page_bytes,
                            page_spill_at(s, page)));
        *state |= PAGE_HAS_COPY;
        s->stats.bytes_written += s->config.page_bytes;
    }
    page_frames_take(&s->frames, page);
    return 0;
}

static int make_free(struct page_spill *s)
{
    uint32_t page = 0;
    if (s->frames.n_free > 0) return 0;
    if (!page_frames_victim(&s->frames, &page)) {
        return FAIL(NMOS_E_BUSY, "all %u KV pages that memory has room for are in use (--kv-ram)",
                    s->frames.n_frames);
    }
    return evict(s, page);
}

static void pin(struct page_spill *s, uint32_t page, uint32_t index)
{
    page_frames_touch(&s->frames, page, index, s->now);
    s->n_pinned += s->frames.n_pins[s->frames.frame_of[page]]++ == 0;
}

int page_spill_hold(struct page_spill *s, uint32_t page, uint32_t index)
{
    if (page_spill_hold_if_there(s, page, index)) return 0;
    TRY(make_free(s));
    page_frames_give(&s->frames, page);
    if (s->frames.state[page] & PAGE_HAS_COPY) {
        const int rc = read_back(s, page);
        if (rc < 0) {
            page_frames_take(&s->frames, page);
            return rc;
        }
    }
    pin(s, page, index);
    return 0;
}

int page_spill_hold_if_there(struct page_spill *s, uint32_t page, uint32_t index)
{
    if (s->frames.frame_of[page] == PAGE_NO_FRAME) return 0;
    pin(s, page, index);
    return 1;
}

void page_spill_let_go(struct page_spill *s, uint32_t page)
{
    uint32_t *n_pins = &s->frames.n_pins[s->frames.frame_of[page]];
    assert(*n_pins > 0);
    s->n_pinned -= --*n_pins == 0;
}

void page_spill_changes(struct page_spill *s, uint32_t page)
{
    assert(s->frames.n_pins[s->frames.frame_of[page]] > 0);
    s->frames.state[page] = PAGE_HAS_CONTENT;
}

int page_spill_has_room(const struct page_spill *s, uint64_t n_pages)
{
    return n_pages + s->n_pinned < s->frames.n_frames;
}

int page_spill_spare(struct page_spill *s)
{
    return make_free(s);
}

int page_spill_is_roomy(const struct page_spill *s, uint64_t n_ticks)
{
    uint32_t page = 0;
    if (s->frames.n_free > 1) return 1;
    return s->frames.n_free == 1 && page_frames_victim(&s->frames, &page) &&
           s->frames.used[page] + n_ticks < s->now;
}

void page_spill_stats(const struct page_spill *s, struct page_spill_stats *ret_stats)
{
    *ret_stats = s->stats;
}
