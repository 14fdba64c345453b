/* SPDX-License-Identifier: MIT */
/*
 * Pastes that are too long for a line of the terminal: kept aside, a note in brackets in their
 * place. A note that is edited is just text. Zero-initialise, then pastes_deinit().
 */
#ifndef NMOS_CLI_PASTES_H
#define NMOS_CLI_PASTES_H

#include <wchar.h>

#include "base/str.h"

#define PASTES_MAX 64U /* kept at one time; a further one takes the place of the oldest */

struct pastes {
    struct buf texts[PASTES_MAX];
    unsigned n; /* taken so far */
    wchar_t note[64];
};

void pastes_deinit(struct pastes *pastes);

/**
 * Takes a paste of @p n characters, zero-terminated.
 * @return what is to stand in the line: @p text where it is short and has one line only, else a
 * note, valid until the next call; NULL when memory is short.
 */
const wchar_t *pastes_take(struct pastes *pastes, const wchar_t *text, size_t n);

/** Appends @p line with the pastes in the places of their notes. */
int pastes_expand(const struct pastes *pastes, const char *line, size_t len,
                  struct buf *ret) NMOS_MUST_CHECK;

#endif
