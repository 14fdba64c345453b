/* SPDX-License-Identifier: MIT */
/* A line of UTF-8 that is being typed, with a cursor. Positions count characters. */
#ifndef NMOS_ENGINE_TYPED_TEXT_H
#define NMOS_ENGINE_TYPED_TEXT_H

#include "base/str.h"

#define TYPED_TEXT_BYTES_MAX ((size_t)64 << 20)

/** Zero-initialise; free with buf_deinit() of its text. */
struct typed_text {
    struct buf text; /* valid UTF-8 as far as what was inserted was; no zero bytes inside */
    size_t cursor;   /* in bytes, at a character's beginning */
};

/** Puts text at the cursor, which then stands behind it. @return 0; NMOS_E_INVALID for a zero byte;
 * NMOS_E_LIMIT; NMOS_E_NOMEM. */
int typed_text_insert(struct typed_text *typed, const char *text, size_t len) NMOS_MUST_CHECK;
/** Removes up to @p n characters before the cursor. */
void typed_text_delete(struct typed_text *typed, size_t n);
/** Puts the cursor behind the first @p pos characters, or to the end. */
void typed_text_move(struct typed_text *typed, size_t pos);
/** True when it ends in what more will follow: a blank or a comma. */
int typed_text_expects_more(const struct typed_text *typed);
/** True when there is nothing but blanks. */
int typed_text_is_blank(const struct typed_text *typed);

#endif
