/* SPDX-License-Identifier: MIT */
/*
 * The model behind the shell: messages in, an answer as a stream of text out.
 *
 * A thread of its own generates, so that the caller can watch the keyboard meanwhile. One answer at
 * a time. What the model has read of the conversation stays in its session: the next answer begins
 * with the tokens behind the common beginning.
 */
#ifndef NMOS_CLI_CHAT_ENGINE_H
#define NMOS_CLI_CHAT_ENGINE_H

#include <nmos/nmos.h>

#include "base/str.h"
#include "cli/cli.h"

struct chat_engine;

/** Opens the model that the options name. They are borrowed and read anew for each answer. */
int chat_engine_open(const struct cli_options *options,
                     struct chat_engine **ret_engine) NMOS_MUST_CHECK;
void chat_engine_close(struct chat_engine **engine);

/**
 * Begins the answer to messages, which are not needed afterwards.
 * @return 0; NMOS_E_LIMIT when they do not fit into the context; failures of the template.
 */
int chat_engine_ask(struct chat_engine *engine, const struct nmos_message *messages,
                    size_t n_messages) NMOS_MUST_CHECK;

/**
 * Waits up to @p wait_ms, or until a signal comes, and appends what has come of the answer.
 * @return 1 while more may come, 0 when the answer has ended, or why it failed. Text that has come
 * before a failure stays.
 */
int chat_engine_next(struct chat_engine *engine, int wait_ms, struct buf *text) NMOS_MUST_CHECK;

/** Ends the answer early, within a layer's time; chat_engine_next() tells when. */
void chat_engine_stop(struct chat_engine *engine);
int chat_engine_was_stopped(const struct chat_engine *engine);

/** What can be told about the model at any time. */
struct chat_facts {
    struct nmos_model_info model;
    struct nmos_stats stats;              /* when the last pass ended */
    struct nmos_generation_result answer; /* the last one that ended */
    uint32_t n_tokens;                    /* of the context, in use */
    uint32_t prompt_tokens;               /* of the last answer's prompt ... */
    uint32_t reused_tokens;               /* ... and of them, read before */
};
void chat_engine_facts(struct chat_engine *engine, struct chat_facts *ret_facts);

#endif
