/* SPDX-License-Identifier: MIT */
/*
 * KV pages that are promised to generations at work.
 *
 * A generation begins when the pool has the pages that it may come to need, up to the last token
 * that it may generate, beside those that others were promised; texts that nobody holds any more
 * give theirs back. What else wants a page (a snapshot, a prefix from disk) takes what is left. So
 * none that has begun fails for want of a page.
 *
 * What it may come to need is known: full pages are never written, a partly filled one belongs to
 * who wrote it (kv/page_table.h), and pages shared stay shared. Not so under a cap: a page that is
 * given up and that others hold too is not free by that. There a generation is promised all that
 * its session may hold, and only pages that nobody but such sessions hold count as being there.
 *
 * All are called under the model's lock.
 */
#ifndef NMOS_ENGINE_KV_PROMISE_H
#define NMOS_ENGINE_KV_PROMISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct nmos_model;
struct nmos_session;

/** Of a session. */
struct kv_promise {
    uint32_t len_most;         /* tokens that it may come to have; 0: it was promised nothing */
    struct nmos_session *next; /* that was promised something */
};

/**
 * Promises a session the pages for @p n_more tokens behind its own, as many as the context has.
 * @param coming  [n_coming] the first of them, which will be taken over at once as far as pages of
 * their text are known.
 * @return 0; NMOS_E_BUSY when pages are missing that are written to disk just now: soon they are
 * there; NMOS_E_LIMIT when others are, with numbers.
 */
int kv_promise_make(struct nmos_session *session, uint64_t n_more, const int32_t *coming,
                    size_t n_coming) NMOS_MUST_CHECK;

/** No-op where nothing was promised. */
void kv_promise_end(struct nmos_session *session);

/** Free pages that nobody was promised. */
uint32_t kv_promise_left(const struct nmos_model *model);

/** @return 0, or NMOS_E_LIMIT when the pages do not suffice any more for what was promised: a fork
 * under a cap has to be undone then. */
int kv_promise_check(const struct nmos_model *model) NMOS_MUST_CHECK;

#endif
