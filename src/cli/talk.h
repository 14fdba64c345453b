/* SPDX-License-Identifier: MIT */
/*
 * A conversation: the messages that were said, in memory and as a file.
 *
 * The file is JSON, {"messages": [{"role": "user", "content": "..."}, ...]}, and is replaced whole,
 * so that a kill at any instant leaves the conversation before or after the last change. Only what
 * was said stands in it: text that was guessed never does (invariant I7).
 */
#ifndef NMOS_CLI_TALK_H
#define NMOS_CLI_TALK_H

#include <nmos/nmos.h>

#include "base/error.h"

/** Zero-initialise, then talk_deinit(). The texts of the messages belong to it. */
struct talk {
    struct nmos_message *messages; /* [n]; a system message, if there is one, comes first */
    size_t n;
};

void talk_deinit(struct talk *talk);

/** Appends a message. @p content is any bytes; what is not UTF-8 becomes U+FFFD. */
int talk_add(struct talk *talk, const char *role, const char *content, size_t len) NMOS_MUST_CHECK;

/** Sets the system message, or removes it when @p len is 0. */
int talk_set_system(struct talk *talk, const char *content, size_t len) NMOS_MUST_CHECK;

/** Text of the last message of @p role, valid until the conversation changes; NULL: none. */
const char *talk_last(const struct talk *talk, const char *role);

/** Forgets the last message. */
void talk_drop_last(struct talk *talk);

/** Forgets all messages but the system message. */
void talk_begin_anew(struct talk *talk);

/** Replaces the file at @p path. @return 0, NMOS_E_IO naming path and cause, or NMOS_E_NOMEM. */
int talk_save(const struct talk *talk, const char *path) NMOS_MUST_CHECK;

/**
 * Replaces the conversation by that of a file.
 * @return 0; NMOS_E_IO when it cannot be read; NMOS_E_CORRUPT when it is no conversation. The
 * conversation in memory stays as it was then.
 */
int talk_load(struct talk *talk, const char *path) NMOS_MUST_CHECK;

#endif
