/* SPDX-License-Identifier: MIT */
/*
 * The model behind the shell and behind replay: what is typed in, an answer as a stream of text
 * out.
 *
 * A scheduler's thread generates; its text waits here until the main thread takes it. One answer at
 * a time. What the model has read of the conversation stays in its session, and is kept on disk
 * when asked for.
 */
#ifndef NMOS_CLI_CHAT_ENGINE_H
#define NMOS_CLI_CHAT_ENGINE_H

#include <nmos/nmos.h>

#include "base/str.h"
#include "cli/cli.h"

struct chat_engine;

/** Opens the model that the options name. They are borrowed and read anew for each message. */
int chat_engine_open(const struct cli_options *options,
                     struct chat_engine **ret_engine) NMOS_MUST_CHECK;
void chat_engine_close(struct chat_engine **engine);

/** Whether to ask for provisional text: the options say so, or the plan: passes wait for the disk.
 * Never without a draft. */
int chat_engine_wants_draft(const struct chat_engine *engine);

/** A message is to be typed behind @p messages, which are copied. Where they are another
 * conversation than that before, what is kept of it on disk is brought back. @p with_draft: with
 * provisional text of the draft's. */
int chat_engine_begin(struct chat_engine *engine, const struct nmos_message *messages,
                      size_t n_messages, enum nmos_anticipation anticipation,
                      int with_draft) NMOS_MUST_CHECK;

/** Keeps on disk what the model has read of @p messages, beside whatever goes on. Waits for
 * nothing; chat_engine_close() waits for the last one. @return 0, or why one before could not be
 * kept, once. */
int chat_engine_keep(struct chat_engine *engine, const struct nmos_message *messages,
                     size_t n_messages) NMOS_MUST_CHECK;

/** Where keystrokes go; valid until the next chat_engine_begin(). */
struct nmos_typing *chat_engine_typing(struct chat_engine *engine);

/** The likeliest intents of @p text, at most @p n_most, best first; what they change is prepared
 * from now on. @return how many. */
size_t chat_engine_intents(struct chat_engine *engine, const char *text, size_t len,
                           struct nmos_intent *ret_intents, size_t n_most);

/** What @p text is taken for. */
struct nmos_intent chat_engine_taken_for(struct chat_engine *engine, const char *text);

/** Name of the Scout's intent @p i; NULL behind the last one. */
const char *chat_engine_intent_name(const struct chat_engine *engine, size_t i);

/** Keeps in the failure memory that @p text meant @p intent, when it was taken for another: from
 * now on it, and what is like it, is taken for that. */
int chat_engine_correct(struct chat_engine *engine, const char *text,
                        const char *intent) NMOS_MUST_CHECK;

/** Whether the intent of what is typed counts for anything. */
int chat_engine_uses_intents(const struct chat_engine *engine);

/** The intent that counts, the likeliest one; NULL: intents change nothing of an answer. */
const char *chat_engine_intent(const struct chat_engine *engine,
                               const struct nmos_typing_state *state);

/** Behind Enter: appends the intent that counted and what it changes. @return 1; 0 when intents
 * change nothing. */
int chat_engine_answered_as(const struct chat_engine *engine, struct buf *text) NMOS_MUST_CHECK;

/** Behind Enter: the intent for which this is learned from the answer; NULL: for none. */
const char *chat_engine_learns(const struct chat_engine *engine, enum nmos_learn what);

/** Behind Enter: the system prompt that the intent has put before this first message, and that
 * later messages are to be begun with; NULL: none. */
const char *chat_engine_system(const struct chat_engine *engine);

/** Whether a system message is that of an intent. */
int chat_engine_has_system(const struct chat_engine *engine, const char *system);

/** Enter: the intent of the text counts. @return as nmos_typing_enter(). */
int chat_engine_enter(struct chat_engine *engine) NMOS_MUST_CHECK;

/**
 * Waits up to @p wait_ms, or until a signal comes, and appends what has come of the answer.
 * @return 1 while more may come, 0 when the answer has ended, or why it failed. Text that has come
 * before a failure stays.
 */
int chat_engine_next(struct chat_engine *engine, int wait_ms, struct buf *text) NMOS_MUST_CHECK;

/** Replaces @p text by what the draft guesses to follow the answer as far as it has come. */
int chat_engine_guess(struct chat_engine *engine, struct buf *text) NMOS_MUST_CHECK;

/** Ends the answer early, within a layer's time; chat_engine_next() tells when. */
void chat_engine_stop(struct chat_engine *engine);
int chat_engine_was_stopped(const struct chat_engine *engine);

/** What can be told about the model at any time. */
struct chat_facts {
    struct nmos_model_info model;
    struct nmos_stats stats;
    struct nmos_scheduler_stats passes;
    struct nmos_typing_state typing;      /* now, and ... */
    struct nmos_typing_state entered;     /* ... when Enter came last */
    struct nmos_generation_result answer; /* the last one that ended */
    uint32_t n_tokens;                    /* of the context, in use */
    uint64_t entered_ns;                  /* when Enter came last, and ... */
    uint64_t first_text_ns;               /* ... the first text behind it; 0: none has */
    uint64_t first_guess_ns;              /* ... the first provisional text; 0: none has */
};
void chat_engine_facts(struct chat_engine *engine, struct chat_facts *ret_facts);

#endif
