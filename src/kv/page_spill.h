/* SPDX-License-Identifier: MIT */
/*
 * KV pages of which only some are in memory; the others lie in a file.
 *
 * Every page has its place in the file, page * page_bytes, so nothing has to be looked up, and a
 * page that was written there and has not changed since gives its frame up for nothing. Pages that
 * a pass only reads need not be in memory: their parts come through a struct page_stage. A page
 * that is written to, moved or copied does.
 *
 * One owner at a time (the engine: under the model's lock). Addresses are good while a page is
 * pinned.
 */
#ifndef NMOS_KV_PAGE_SPILL_H
#define NMOS_KV_PAGE_SPILL_H

#include <stddef.h>

#include "kv/page_frames.h"

struct ioq;
struct page_spill;

struct page_spill_config {
    struct page_pool
        *pool; /* borrowed; page_spill_create() asks it to tell of pages that nobody wants */
    uint32_t n_frames;
    size_t page_bytes; /* a multiple of 4096 */
    struct ioq *ioq;   /* borrowed; of the file; nobody else uses it */
    /** Writes to the file; an error is that of the page. */
    int (*write)(void *arg, uint64_t offset, uint64_t n_bytes, const void *bytes);
    void *write_arg;
};

struct page_spill_stats {
    uint64_t bytes_written; /* to the file */
    uint64_t bytes_read;    /* whole pages that came back */
};

/** Allocates the frames and touches them. @return 0 or NMOS_E_NOMEM. */
int page_spill_create(const struct page_spill_config *config,
                      struct page_spill **ret_spill) NMOS_MUST_CHECK;
/** Frees; nulls; NULL is a no-op. The pool tells nobody any more. */
void page_spill_destroy(struct page_spill **spill);

/** Time goes on: a pass begins, or something else that uses pages. */
void page_spill_tick(struct page_spill *spill);

/**
 * Brings a page to memory, the @p index-th of its text, and pins it; one without content gets a
 * frame alone. Another page may have to go to the file for it.
 * @return 0; NMOS_E_IO when the file cannot be read or written, the disk being full included;
 * NMOS_E_BUSY when all frames are pinned. Nothing is lost then.
 */
int page_spill_hold(struct page_spill *spill, uint32_t page, uint32_t index) NMOS_MUST_CHECK;
/** As page_spill_hold(), if the page is in memory already. @return whether it was. */
int page_spill_hold_if_there(struct page_spill *spill, uint32_t page, uint32_t index);
/** Ends one pin. */
void page_spill_let_go(struct page_spill *spill, uint32_t page);

/** Says that a pinned page is written to: its copy counts no more. */
void page_spill_changes(struct page_spill *spill, uint32_t page);

/** Whether so many more pages can be pinned with one frame left for others. */
int page_spill_has_room(const struct page_spill *spill, uint64_t n_pages);

/** Makes sure that a frame is free, for others to work while all the rest is pinned. @return as
 * page_spill_hold(). */
int page_spill_spare(struct page_spill *spill) NMOS_MUST_CHECK;

/** Whether a frame beside the spare one is free, or holds a page that was not used for @p n_ticks:
 * then it pays to bring a page back for good. */
int page_spill_is_roomy(const struct page_spill *spill, uint64_t n_ticks);

/** Where a page lies in memory; NULL when it does not. */
void *page_spill_at(const struct page_spill *spill, uint32_t page);
/** Where a page lies in the file. */
uint64_t page_spill_offset(const struct page_spill *spill, uint32_t page);

void page_spill_stats(const struct page_spill *spill, struct page_spill_stats *ret_stats);

#endif
