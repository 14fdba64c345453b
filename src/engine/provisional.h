/* SPDX-License-Identifier: MIT */
/*
 * Provisional text: what the draft would answer, to be shown while the oracle's first pass runs.
 *
 * A thread of its own follows the prompt that is being typed with the session's past of the draft,
 * the one that guessing ahead uses too, and at Enter draws the draft's own answer, with the noise
 * of the oracle's tokens. What it draws is told as the text that is guessed to follow the answer so
 * far. It is dropped as soon as the oracle says something else. The oracle's text never depends on
 * it: guesses are checked whatever the draft's past was, and who ran it meanwhile is counted
 * (nmos_session.n_turns).
 *
 * Locks: its own is a leaf but for those of the caller's on_text; the model's draft_lock is taken
 * without any.
 */
#ifndef NMOS_ENGINE_PROVISIONAL_H
#define NMOS_ENGINE_PROVISIONAL_H

#include <nmos/nmos.h>

#include "base/error.h"
#include "engine/typed_prompt.h"

struct provisional;

/**
 * Starts the thread.
 * @param session     of a model with a draft.
 * @param generation  how the oracle will draw.
 * @param on_text     as nmos_typing_options.on_provisional; called under the lock of this, with the
 *                    generation's arg.
 */
int provisional_create(struct nmos_session *session, const struct nmos_generation *generation,
                       void (*on_text)(void *arg, const char *text, size_t len),
                       struct provisional **ret_provisional) NMOS_MUST_CHECK;
/** Ends the thread, within a pass of the draft, and nulls the pointer; NULL is a no-op. */
void provisional_destroy(struct provisional **provisional);

/** The prompt is this now; it is read when it has been the same for a moment. Text is told of no
 * more. NULL as @p p is a no-op, here and below. */
void provisional_follow(struct provisional *p, const struct tokens *prompt);

/** Enter: the draft's answer to the prompt is wanted. */
void provisional_ask(struct provisional *p);

/** The oracle has said this next: what follows it stays guessed, if it was guessed itself. */
void provisional_verify(struct provisional *p, const char *text, size_t len);

/** The answer has ended. Nothing is told after the return. */
void provisional_end(struct provisional *p);

#endif
