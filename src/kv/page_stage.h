/* SPDX-License-Identifier: MIT */
/*
 * Parts of KV pages on their way from disk through a small fixed memory, in the order in which they
 * are needed.
 *
 * Whoever runs a pass names the parts one after the other; as many as there are slots are read
 * ahead. A part is one layer of one page. A part that was taken stays in memory until it is given
 * back; then its slot is filled with a later one. There is no thread behind this: reads are started
 * whenever parts are taken or given back, and go on beside whatever the caller computes. One
 * thread.
 */
#ifndef NMOS_KV_PAGE_STAGE_H
#define NMOS_KV_PAGE_STAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ioq;
struct page_stage;

struct page_stage_config {
    struct ioq *ioq;           /* borrowed; of one file; nobody else uses it */
    uint32_t n_slots;          /* 1 .. IOQ_DEPTH_MAX, and not above the queue's depth */
    uint32_t part_bytes;       /* a multiple of 4096 */
    const _Atomic int *cancel; /* ends waiting; or NULL */
};

/** Names the offset of the next part. @return 0 when there is none, else 1. */
typedef int (*page_stage_next_fn)(void *arg, uint64_t *ret_offset);

/** Allocates slots and touches them. @return 0 or NMOS_E_NOMEM. */
int page_stage_create(const struct page_stage_config *config,
                      struct page_stage **ret_stage) NMOS_MUST_CHECK;
/** Frees; nulls; NULL is a no-op. */
void page_stage_destroy(struct page_stage **stage);

/** Starts reading the parts that @p next names. Nothing may be under way. */
void page_stage_begin(struct page_stage *stage, page_stage_next_fn next, void *arg);

/**
 * The next part, in order.
 * @param may_wait  0: only if it is there already.
 * @return 1 and the part; 0 when it is not there yet, when there is none, or when all slots hold
 * taken parts; NMOS_E_IO when it cannot be read; NMOS_E_CANCELLED.
 */
int page_stage_take(struct page_stage *stage, int may_wait, void **ret_part) NMOS_MUST_CHECK;

/** Gives all parts back that were taken. */
void page_stage_give_back(struct page_stage *stage);

/** Gives up what is under way; returns when nothing is. */
void page_stage_end(struct page_stage *stage);

/** Bytes read so far, and nanoseconds for which a part was waited for. */
void page_stage_stats(const struct page_stage *stage, uint64_t *ret_bytes, uint64_t *ret_wait_ns);

#endif
