/* SPDX-License-Identifier: MIT */
/*
 * Writes what a model has read of a conversation to disk, beside the conversation: a thread that
 * gets snapshots. Nobody waits for it but the end of the program. While it writes one, the latest
 * of those that come meanwhile is kept, as it holds what the others do.
 */
#ifndef NMOS_CLI_CHAT_SAVER_H
#define NMOS_CLI_CHAT_SAVER_H

#include <nmos/nmos.h>

#include "base/error.h"

struct chat_saver;

/** Starts the thread. @return 0 or NMOS_E_NOMEM. */
int chat_saver_create(struct chat_saver **ret_saver) NMOS_MUST_CHECK;

/** Hands a snapshot over. @return why the one before could not be written, once; else 0. */
int chat_saver_give(struct chat_saver *saver, struct nmos_snapshot *snapshot) NMOS_MUST_CHECK;

/** Waits until all is written, and nulls the pointer; NULL is a no-op. */
void chat_saver_destroy(struct chat_saver **saver);

#endif
