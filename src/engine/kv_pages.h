/* SPDX-License-Identifier: MIT */
/*
 * KV pages of which only some are in memory: their file, and which of them a pass holds.
 *
 * Without --kv-ram all pages are in memory, and these functions have nothing to do. All are called
 * under the model's lock but kv_pages_open() and kv_pages_close(), and so may wait for the disk
 * while it is held: for a page's worth of bytes once in a page's worth of tokens.
 */
#ifndef NMOS_ENGINE_KV_PAGES_H
#define NMOS_ENGINE_KV_PAGES_H

#include "engine/kv_plan.h"
#include "io/file.h"
#include "io/ioq.h"
#include "kv/page_spill.h"
#include "kv/page_stage.h"
#include "kv/page_table.h"

struct kv_pages {
    struct file *file;        /* unnamed, in the cache folder */
    struct ioq *page_ioq;     /* whole pages */
    struct ioq *stage_ioq;    /* what a pass reads */
    struct page_spill *spill; /* NULL: all pages are in memory */
    struct page_stage *stage;
};

struct forward;
struct nmos_session;
struct nmos_model;

/** Makes room for the pages as planned. @return 0; NMOS_E_IO when there is no folder for the file;
 * NMOS_E_NOMEM. */
int kv_pages_open(struct nmos_model *model, enum nmos_io io) NMOS_MUST_CHECK;
void kv_pages_close(struct kv_pages *pages);

/**
 * Before a pass: brings the pages to memory that its rows are written to, and pins them and all
 * others that are there.
 * @return 0; NMOS_E_IO, the disk being full included; NMOS_E_LIMIT when memory has no room for so
 * many, NMOS_E_BUSY when that is as others are being kept or restored just now. kv_pages_leave() is
 * called in any case.
 */
int kv_pages_enter(struct nmos_model *model, uint32_t n_seqs) NMOS_MUST_CHECK;
/** After a pass. */
void kv_pages_leave(struct nmos_model *model, uint32_t n_seqs);

/** Fills in what of `stats` concerns pages on disk. */
void kv_pages_count(const struct kv_pages *pages, struct nmos_stats *stats);

/** Makes a copy that kv_table_reserve() asked for; takes the table back where that fails. @return
 * as kv_pages_enter(). */
int kv_pages_copy(struct nmos_model *model, struct kv_table *table,
                  const struct kv_page_copy *copy) NMOS_MUST_CHECK;

/** Copies a page, the @p index-th of its text. @return as kv_pages_hold(). */
int kv_pages_copy_page(struct nmos_model *model, const struct kv_page_copy *copy,
                       uint32_t index) NMOS_MUST_CHECK;

/** Brings a page to memory, the @p index-th of its text, and pins it. @return as kv_pages_enter(),
 * or NMOS_E_BUSY when all memory for pages is in use. */
int kv_pages_hold(struct nmos_model *model, uint32_t page, uint32_t index,
                  int will_change) NMOS_MUST_CHECK;
void kv_pages_unhold(struct nmos_model *model, uint32_t page);

/** Brings the pages with slots [first, end) of a session to memory and pins them, to be written to:
 * their addresses are in session->pages. @return as kv_pages_enter(). */
int kv_pages_hold_slots(struct nmos_session *session, uint32_t first, uint32_t end) NMOS_MUST_CHECK;
/** Ends that, also after it failed. */
void kv_pages_let_go(struct nmos_session *session);

#endif
