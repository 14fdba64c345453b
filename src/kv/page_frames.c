/* SPDX-License-Identifier: MIT */
#include "kv/page_frames.h"

#include <assert.h>

#include "base/mem.h"

int page_frames_init(struct page_frames *frames, const struct page_pool *pool, uint32_t n_frames)
{
    const uint32_t n_pages = pool->n_pages;
    *frames = (struct page_frames){.pool = pool, .n_frames = n_frames, .n_free = n_frames};
    frames->free_frames = mem_calloc(MEM_GENERAL, n_frames, sizeof(frames->free_frames[0]));
    frames->page_in = mem_calloc(MEM_GENERAL, n_frames, sizeof(frames->page_in[0]));
    frames->n_pins = mem_calloc(MEM_GENERAL, n_frames, sizeof(frames->n_pins[0]));
    frames->frame_of = mem_calloc(MEM_GENERAL, n_pages, sizeof(frames->frame_of[0]));
    frames->state = mem_calloc(MEM_GENERAL, n_pages, sizeof(frames->state[0]));
    frames->used = mem_calloc(MEM_GENERAL, n_pages, sizeof(frames->used[0]));
    frames->index = mem_calloc(MEM_GENERAL, n_pages, sizeof(frames->index[0]));
    if (!frames->free_frames || !frames->page_in || !frames->n_pins || !frames->frame_of ||
        !frames->state || !frames->used || !frames->index) {
        page_frames_deinit(frames);
        return NMOS_E_NOMEM;
    }
    for (uint32_t i = 0; i < n_frames; i++) frames->free_frames[i] = n_frames - 1 - i;
    for (uint32_t i = 0; i < n_pages; i++) frames->frame_of[i] = PAGE_NO_FRAME;
    return 0;
}

void page_frames_deinit(struct page_frames *frames)
{
    mem_free(frames->free_frames);
    mem_free(frames->page_in);
    mem_free(frames->n_pins);
    mem_free(frames->frame_of);
    mem_free(frames->state);
    mem_free(frames->used);
    mem_free(frames->index);
    *frames = (struct page_frames){0};
}

void page_frames_touch(struct page_frames *frames, uint32_t page, uint32_t index, uint64_t now)
{
    frames->used[page] = now;
    frames->index[page] = index;
}

/* Whether page @p a gives way before page @p b. */
static int is_before(const struct page_frames *frames, uint32_t a, uint32_t b)
{
    const uint32_t *holders = frames->pool->n_holders;
    if (frames->used[a] != frames->used[b]) return frames->used[a] < frames->used[b];
    if (holders[a] != holders[b]) return holders[a] < holders[b];
    return frames->index[a] < frames->index[b];
}

/* Frames are looked at one by one: they are at most some thousands, and this is done once for a
 * page's worth of tokens. */
int page_frames_victim(const struct page_frames *frames, uint32_t *ret_page)
{
    int is_found = 0;
    for (uint32_t f = 0; f < frames->n_frames; f++) {
        const uint32_t page = frames->page_in[f];
        if (frames->frame_of[page] != f || frames->n_pins[f]) continue;
        if (is_found && !is_before(frames, page, *ret_page)) continue;
        *ret_page = page;
        is_found = 1;
    }
    return is_found;
}

uint32_t page_frames_give(struct page_frames *frames, uint32_t page)
{
    assert(frames->n_free > 0 && frames->frame_of[page] == PAGE_NO_FRAME);
    const uint32_t frame = frames->free_frames[--frames->n_free];
    assert(frames->n_pins[frame] == 0);
    frames->frame_of[page] = frame;
    frames->page_in[frame] = page;
    return frame;
}

void page_frames_take(struct page_frames *frames, uint32_t page)
{
    const uint32_t frame = frames->frame_of[page];
    assert(frame != PAGE_NO_FRAME && frames->n_pins[frame] == 0);
    frames->frame_of[page] = PAGE_NO_FRAME;
    frames->free_frames[frames->n_free++] = frame;
}

void page_frames_forget(struct page_frames *frames, uint32_t page)
{
    if (frames->frame_of[page] != PAGE_NO_FRAME) page_frames_take(frames, page);
    frames->state[page] = 0;
    frames->used[page] = 0;
}
