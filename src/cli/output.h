/* SPDX-License-Identifier: MIT */
/* How commands write: bytes and JSON to stdout, a progress bar to stderr. */
#ifndef NMOS_CLI_OUTPUT_H
#define NMOS_CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/str.h"

/**
 * Writes bytes to stdout (buffered, see output_flush()).
 * @return 0; NMOS_E_CANCELLED when the reader has closed the pipe, which is no error; NMOS_E_IO.
 */
int output_write(const void *data, size_t n) NMOS_MUST_CHECK;

/** As output_write(), formatted. */
int output_printf(const char *fmt, ...) NMOS_PRINTF(1, 2) NMOS_MUST_CHECK;

/** Writes out what is buffered; for streamed text after each piece. Same results as output_write().
 */
int output_flush(void) NMOS_MUST_CHECK;

/** Writes @p value and a newline, indented for people unless @p is_line. Takes the reference; NULL
 * is NMOS_E_NOMEM. */
int output_json(json_t *value, int is_line) NMOS_MUST_CHECK;

/** JSON string of bytes from outside: what is not UTF-8 becomes U+FFFD. New reference, or NULL. */
json_t *output_json_string(const char *data, size_t len);

/** Bytes from outside as a terminal may get them: control bytes and what is not UTF-8 become '?'.
 */
int output_safe_text(const char *data, size_t len) NMOS_MUST_CHECK;

/** As output_safe_text(), but newlines and tabs pass. */
int output_safe_lines(const char *data, size_t len) NMOS_MUST_CHECK;

/** Appends bytes from outside to @p text as UTF-8 without zero bytes: what is neither becomes
 * U+FFFD. */
int output_utf8(struct buf *text, const char *data, size_t len) NMOS_MUST_CHECK;

/** "4.7 GB" into @p text of 32 bytes (powers of 1000). */
void output_size(uint64_t bytes, char text[32]);

/** A bar on stderr for work that takes longer than a second; silent when stderr is not a terminal.
 */
struct progress {
    const char *label; /* borrowed: "verifying" */
    uint64_t begin_ns;
    uint64_t shown_ns; /* of the last drawing; 0: never drawn */
    int is_terminal;
};

void progress_begin(struct progress *progress, const char *label);
/** Shows that @p done of @p total bytes are done; cheap enough to call often. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);
/** Removes the bar. */
void progress_end(struct progress *progress);

#endif
