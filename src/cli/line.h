/* SPDX-License-Identifier: MIT */
/*
 * Lines from the user: edited on a capable terminal, read as they come elsewhere.
 *
 * libedit edits; the characters come to it through a function of ours, which is where each change
 * of the line is seen, the status is drawn, and signals are noticed. A paste that is long or has
 * several lines stands in the line as a short note in brackets and is put in its place when the
 * line is read. Used by the main thread.
 */
#ifndef NMOS_CLI_LINE_H
#define NMOS_CLI_LINE_H

#include "base/str.h"

struct line;

/** Who watches a line while it is edited; both may be NULL. */
struct line_watcher {
    /** The line has changed: its text with pastes in their places. Valid during the call. */
    void (*on_change)(void *arg, const char *text, size_t len);
    /** Called several times a second while nothing is typed. */
    void (*on_wait)(void *arg);
    void *arg;
};

enum line_end {
    LINE_READ,        /* a line is there */
    LINE_END,         /* there are no more */
    LINE_INTERRUPTED, /* ^C: the line was given up */
};

/**
 * Opens the input. Earlier lines come from @p history_path and go there, readable by the user
 * alone; NULL: nowhere. @p watcher is copied.
 */
int line_open(const char *history_path, const struct line_watcher *watcher,
              struct line **ret_line) NMOS_MUST_CHECK;
void line_close(struct line **line);

/**
 * Reads one line into @p text, which is emptied first; without its newline.
 * @return enum line_end, NMOS_E_LIMIT for more than 64 MiB, NMOS_E_IO or NMOS_E_NOMEM.
 */
int line_read(struct line *line, struct buf *text) NMOS_MUST_CHECK;

#endif
