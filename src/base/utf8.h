/* SPDX-License-Identifier: MIT */
/* UTF-8 as RFC 3629 defines it: no surrogates, nothing above U+10FFFF, no longer form than needed.
 */
#ifndef NMOS_BASE_UTF8_H
#define NMOS_BASE_UTF8_H

#include <stddef.h>

/**
 * Length of the character that starts at @p text.
 * @return 1..4; 0 when no character starts here; -1 when the @p n bytes end inside what may become
 * one.
 */
int utf8_char_len(const char *text, size_t n);

/** Number of bytes from @p text on that are valid UTF-8. */
size_t utf8_valid_len(const char *text, size_t n);

#endif
