/* SPDX-License-Identifier: MIT */
/*
 * Sessions whose keys and values have a hard cap: which pages they give up, and when.
 *
 * A page is given up when a session holds as many as it may, they are full, and a row is to be run:
 * before that pass. What goes is decided by the committed tokens alone (kv/page_scores.h): by the
 * masses of their rows, added up in their order, and a pass has no rows of a session behind the
 * place where a page has to go. So a row's logits depend on the weights, the cap and the tokens
 * before it: not on how the rows were cut into passes, on threads, on guesses, or on other
 * sessions.
 *
 * For the same reason the scores at the end of every full page are kept with the page: who shares
 * it, or goes back to it, goes on from there. Going back to before the page that was given up last
 * is going back to the beginning.
 *
 * All but init and deinit are called under the model's lock. Without a cap they do nothing.
 */
#ifndef NMOS_ENGINE_KV_EVICT_H
#define NMOS_ENGINE_KV_EVICT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct nmos_model;
struct nmos_session;

/** Of a session. */
struct kv_evict {
    float *masses;        /* [rows_max][columns] of the pending rows; NULL: there is no cap */
    float *scores;        /* [columns] behind the committed tokens */
    float *after;         /* [columns] when the latest page had been given up, ... */
    uint32_t given_up_at; /* ... at this length; 0: none was */
    uint32_t n_kept;      /* tokens at the beginning that stay */
};

int kv_evict_init(struct nmos_session *session) NMOS_MUST_CHECK;
void kv_evict_deinit(struct nmos_session *session);

/** Gives a page up where the next row needs its place. */
void kv_evict_make_room(struct nmos_session *session);

/** Rows that a pass may have of the session. */
uint32_t kv_evict_room(const struct nmos_session *session);

/** Tokens that the session can have before it gives a page up; UINT32_MAX without a cap. */
uint32_t kv_evict_end(const struct nmos_session *session);

/** Takes the masses of the @p n_rows rows of the pass that has ended. */
void kv_evict_note(struct nmos_model *model, size_t n_rows);

/** Pending row @p row_i becomes the committed token @p pos. */
void kv_evict_commit(struct nmos_session *session, uint32_t row_i, uint32_t pos);

/** Before the session is cut to @p len tokens. @return those that it can keep, at most so many. */
uint32_t kv_evict_truncate(struct nmos_session *session, uint32_t len);

/** The session has taken over full pages, the last of them that before token table.len. */
void kv_evict_adopt(struct nmos_session *session);

/** @p to has become a copy of @p from. */
void kv_evict_fork(struct nmos_session *to, const struct nmos_session *from);

#endif
