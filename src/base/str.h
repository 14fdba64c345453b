/* SPDX-License-Identifier: MIT */
/* Views on bytes that somebody else owns, and a growable buffer. Not thread-safe. */
#ifndef NMOS_BASE_STR_H
#define NMOS_BASE_STR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

/** Borrowed text: not zero-terminated, may hold any bytes. Print with "%.*s", STR_ARG(s). */
struct str {
    const char *data;
    size_t len;
};

#define STR_ARG(s)   (int)((s).len > 200 ? 200 : (s).len), (s).data
#define STR_LIT(lit) ((struct str){(lit), sizeof(lit) - 1})

static inline struct str str_from(const char *zero_terminated)
{
    return (struct str){zero_terminated, strlen(zero_terminated)};
}

static inline int str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/** Whether two zero-terminated texts are the same; NULL, no text, is only itself. */
static inline int text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/** Growable bytes; zero-initialise, then buf_append(), then buf_deinit(). Always has a zero byte
 * behind len. */
struct buf {
    char *data; /* owned; NULL while empty */
    size_t len;
    size_t cap;
};

/** Makes room for @p more bytes behind len. @return 0 or NMOS_E_NOMEM. */
int buf_reserve(struct buf *buf, size_t more) NMOS_MUST_CHECK;
/** Appends @p n bytes. @return 0 or NMOS_E_NOMEM (buffer unchanged). */
int buf_append(struct buf *buf, const void *data, size_t n) NMOS_MUST_CHECK;
/** Appends formatted text. @return 0 or NMOS_E_NOMEM. */
int buf_printf(struct buf *buf, const char *fmt, ...) NMOS_PRINTF(2, 3) NMOS_MUST_CHECK;
/** Reads a whole file ("-": stdin) of at most @p max_bytes. @return 0, NMOS_E_IO or NMOS_E_LIMIT.
 */
int buf_read_file(struct buf *buf, const char *path, size_t max_bytes) NMOS_MUST_CHECK;
/** Frees the bytes and zeroes the struct. */
void buf_deinit(struct buf *buf);

#endif
