/* SPDX-License-Identifier: MIT */
/*
 * Text as Python's str sees it: valid UTF-8 addressed by code points.
 *
 * Every text that reaches the interpreter is checked once with jinja_utf8_valid(); the functions
 * here rely on it.
 */
#ifndef NMOS_TOKENIZER_JINJA_TEXT_H
#define NMOS_TOKENIZER_JINJA_TEXT_H

#include <stdint.h>

#include "base/str.h"
#include "tokenizer/jinja_out.h"

enum jinja_case { JINJA_CASE_UPPER, JINJA_CASE_LOWER, JINJA_CASE_TITLE };

/** 1 when @p text is valid UTF-8 without surrogates; else 0, the offset of the first bad byte in @p
 * ret_bad. */
int jinja_utf8_valid(struct str text, size_t *ret_bad);

/** Bytes of the character whose first byte is @p lead. */
size_t jinja_utf8_width(char lead);

/** The code point at the start of @p text (not empty). */
uint32_t jinja_utf8_get(struct str text);

/** Writes @p cp to @p out (room for 4 bytes). @return the bytes written. */
size_t jinja_utf8_put(uint32_t cp, char *out);

/** Number of code points. */
size_t jinja_utf8_count(struct str text);

/** Byte offset of code point number @p index, the length in bytes if there are fewer. */
size_t jinja_utf8_offset(struct str text, size_t index);

/** str.isspace() of one code point. */
int jinja_cp_is_space(uint32_t cp);

/** str.isprintable() of one code point. */
int jinja_cp_is_printable(uint32_t cp);

/** Image of @p cp in a case, 1 to 3 code points into @p ret_out. @return how many. */
int jinja_cp_to_case(uint32_t cp, enum jinja_case to, uint32_t ret_out[3]);

/** 1 when the code point has a case, that is, when some case differs from it. */
int jinja_cp_is_cased(uint32_t cp);

/** @p text without white space at its start (@p left) and end (@p right). */
struct str jinja_text_strip(struct str text, int left, int right);

/** Byte offset of @p needle in @p text at or after @p from; -1 when absent. Linear time. */
int64_t jinja_text_find(struct str text, struct str needle, size_t from);

/** Byte offset of the last @p needle in the first @p end bytes of @p text; -1 when absent. */
int64_t jinja_text_rfind(struct str text, struct str needle, size_t end);

/** Appends the text as str.upper(), str.lower() or str.title() give it. @return 0, NMOS_E_NOMEM or
 * NMOS_E_LIMIT. */
int jinja_text_to_case(struct str text, enum jinja_case to, struct jinja_out *out) NMOS_MUST_CHECK;

#endif
