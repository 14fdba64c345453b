/* SPDX-License-Identifier: MIT */
/*
 * Bookkeeping of KV pages of which only some are in memory: which frame a page has, and whose turn
 * it is to give one up.
 *
 * Integers only; page_spill.h moves the bytes. A page has a frame (a place in memory), a copy on
 * disk, both or, before it is written to, neither. A frame is given up by the page that was not
 * used for longest; among those of the latest pass by the one that fewest sessions hold, and then
 * by the one that stands first in its text. A pass goes through all pages of a session once for
 * each layer, so any rule that follows use alone would give up just what is needed soonest; with
 * this one the latest pages stay, which layers with a window need, and all that are written to. Not
 * thread-safe.
 */
#ifndef NMOS_KV_PAGE_FRAMES_H
#define NMOS_KV_PAGE_FRAMES_H

#include "kv/page_pool.h"

#define PAGE_NO_FRAME UINT32_MAX

/* What is known of a page's bytes. */
#define PAGE_HAS_CONTENT 1U /* it was written to; without, there is nothing to be kept */
#define PAGE_HAS_COPY    2U /* the copy on disk has the same bytes */

struct page_frames {
    const struct page_pool *pool; /* borrowed */
    uint32_t n_frames;
    uint32_t n_free;
    uint32_t *free_frames; /* [n_free] stack */
    uint32_t *page_in;     /* [n_frames] */
    uint32_t *n_pins;      /* [n_frames] who needs the page to stay where it is */
    uint32_t *frame_of;    /* [pool->n_pages] or PAGE_NO_FRAME */
    uint8_t *state;        /* [pool->n_pages] PAGE_HAS_... */
    uint64_t *used;        /* [pool->n_pages] the time it was used last, by the caller's clock */
    uint32_t *index;       /* [pool->n_pages] its place in the text, as told then */
};

/** No page has a frame. @return 0 or NMOS_E_NOMEM. */
int page_frames_init(struct page_frames *frames, const struct page_pool *pool,
                     uint32_t n_frames) NMOS_MUST_CHECK;
void page_frames_deinit(struct page_frames *frames);

/** The page was used at @p now. */
void page_frames_touch(struct page_frames *frames, uint32_t page, uint32_t index, uint64_t now);

/**
 * The page whose turn it is to give up its frame.
 * @return 1; 0 when all frames are free or pinned.
 */
int page_frames_victim(const struct page_frames *frames, uint32_t *ret_page);

/** Gives the page, which has none, a free frame; there must be one. @return the frame. */
uint32_t page_frames_give(struct page_frames *frames, uint32_t page);
/** Takes the page's frame away; it may not be pinned. */
void page_frames_take(struct page_frames *frames, uint32_t page);
/** Forgets all about a page that nobody holds any more. */
void page_frames_forget(struct page_frames *frames, uint32_t page);

#endif
