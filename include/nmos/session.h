/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sessions and passes.
 */
#ifndef NMOS_SESSION_H
#define NMOS_SESSION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmos_model;

/*
 * One conversation's past: committed tokens and their keys and values. The next six functions may
 * be called by any thread, also while another one runs a pass: they do not wait for its end. A
 * session whose rows are in a pass of nmos_forward() may only be forked from meanwhile.
 */
struct nmos_session;

/** An empty session. @return 0, or NMOS_E_LIMIT when sessions_max exist. */
int nmos_session_create(struct nmos_model *model, struct nmos_session **ret_session);
/** Frees the session and nulls the pointer; NULL is a no-op. Unfinished jobs of the session are
 * cancelled; its memory is free when they have ended. */
void nmos_session_destroy(struct nmos_session **session);
/** Committed tokens. */
uint32_t nmos_session_length(const struct nmos_session *session);
/** How many of @p tokens, from the first on, are what the session begins with. */
uint32_t nmos_session_match(const struct nmos_session *session, const int32_t *tokens,
                            size_t n_tokens);
/** Forgets all but the first @p length committed tokens; under a cap also those of the page that is
 * cut, or, when a page was given up behind @p length, all: nmos_session_length() tells. @return 0;
 * NMOS_E_INVALID when it has fewer; NMOS_E_BUSY while a job of the session is unfinished. */
int nmos_session_truncate(struct nmos_session *session, uint32_t length);
/** The first @p n_tokens, a system prompt, are never given up under a cap; without one, nothing is.
 * Forks keep the same. @return 0; NMOS_E_LIMIT when the cap has no room for so many beside the
 * latest; NMOS_E_INVALID when pages were given up already with another number. */
int nmos_session_keep(struct nmos_session *session, uint32_t n_tokens);
/** Rows that the next pass may have of the session: under a cap they end where a page is given up;
 * else UINT32_MAX. */
uint32_t nmos_session_room(const struct nmos_session *session);
/** Makes the empty session @p to share the past of @p from; either may go on alone. A running job
 * of @p from does not matter: what is committed is shared, and no page is taken from it. @return 0;
 * NMOS_E_INVALID; NMOS_E_BUSY while a job of @p to is unfinished; under a cap NMOS_E_LIMIT, where
 * running jobs could lack the pages that they give up and the fork holds. */
int nmos_session_fork(struct nmos_session *to, const struct nmos_session *from);

/*
 * Sessions on disk, in the folder nmos/prefix of the cache ($XDG_CACHE_HOME or ~/.cache). Texts
 * that begin alike share files. A file is replaced whole, has a checksum and belongs to one model
 * file, KV type and context; a damaged one is set aside, and its part of the text is missing. Not
 * for sessions whose keys and values are at a device (NMOS_E_UNSUPPORTED). Any thread may call
 * these.
 */

/**
 * What a session holds at one instant, to be kept on disk while the session goes on. It takes a KV
 * page for the one that the text ends in; where none is free, or a generation needs it before the
 * snapshot is written, the tokens of that page are left out.
 */
struct nmos_snapshot;

/** @param n_tokens  of the past; more than there are: all of them, with what follows them. @return
 * 0; NMOS_E_BUSY while a job of the session is unfinished; NMOS_E_UNSUPPORTED; NMOS_E_NOMEM. */
int nmos_session_snapshot(const struct nmos_session *session, uint32_t n_tokens,
                          struct nmos_snapshot **ret_snapshot);

/**
 * Writes it. What the session has given up meanwhile, and other sessions have written over, is left
 * out. Files that were not used for longest go, until at most @p max_bytes are left; 0: 4 GiB.
 * @return 0; NMOS_E_IO, also when the disk is full: what was kept before is whole.
 */
int nmos_snapshot_save(struct nmos_snapshot *snapshot, uint64_t max_bytes);

/** Frees it and nulls the pointer; NULL is a no-op. Before the model is closed. */
void nmos_snapshot_destroy(struct nmos_snapshot **snapshot);

/** Keeps the session's past: takes a snapshot and writes it. @return as these do. */
int nmos_session_save(struct nmos_session *session, uint64_t max_bytes);

/**
 * Gives an empty session the longest beginning of @p tokens that is kept or in memory;
 * nmos_session_length() tells how much that is. The session counts as busy meanwhile, and is not to
 * be destroyed. When it is all of a text that was saved behind a generation, nmos_generate() with
 * an empty prompt draws the next token without a pass.
 * @return 0, also when nothing was found; NMOS_E_INVALID when the session is not empty;
 * NMOS_E_BUSY.
 */
int nmos_session_restore(struct nmos_session *session, const int32_t *tokens, size_t n_tokens);

/** As a parent: row @p k of those that nmos_session_hold() kept. */
#define NMOS_HELD(k) (-2 - (int32_t)(k))

/** A row of a pass. */
struct nmos_row {
    struct nmos_session *session;
    int32_t token;
    int32_t parent; /**< earlier row of the same session in this pass that this one follows; -1: the
                       committed tokens; NMOS_HELD(k): pending row k of the session */
    int wants_logits;
};

/**
 * Receives the logits of a row, in row order.
 * @param logits  [n_vocab] f32, valid during the call.
 * @return 0, or negative to stop the pass with that status.
 */
typedef int (*nmos_logits_fn)(void *arg, size_t row_i, float *logits);

/**
 * Runs one pass over @p n_rows rows of any sessions of one model. A row's logits depend on the
 * weights and its ancestors only: not on the other rows, on chunking, threads or where the weights
 * lie. Nothing is committed; a later pass overwrites what was not. Under a cap (kv_cap_bytes)
 * logits depend on that too, and a session has at most nmos_session_room() rows.
 */
int nmos_forward(struct nmos_model *model, const struct nmos_row *rows, size_t n_rows,
                 nmos_logits_fn on_logits, void *arg);

/** Commits the first @p n rows that the session had in the last pass; they must form a chain. */
int nmos_session_commit(struct nmos_session *session, uint32_t n);

/**
 * Commits pending row @p row_i of a tree and its ancestors; the session's other pending rows are
 * forgotten. Pending are the rows that the session had in the last pass, counted from 0 in their
 * order, behind those that were held before it.
 * @return 0 or NMOS_E_INVALID.
 */
int nmos_session_commit_path(struct nmos_session *session, uint32_t row_i);

/** Keeps the session's pending rows for the next pass, whose rows may follow them: a tree grows
 * over several passes. A commit or truncation ends it. At most rows_max rows can be pending. */
void nmos_session_hold(struct nmos_session *session);

#ifdef __cplusplus
}
#endif

#endif
