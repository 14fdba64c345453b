/* SPDX-License-Identifier: MIT */
/*
 * Generated text on its way to a reader: whole characters, and nothing of a stop string.
 *
 * Tokens end anywhere, also inside a character or a stop string. Bytes that may still become a
 * character or a stop string wait; all others are shown at once, those that are known not to be
 * UTF-8 included. What is shown, joined, is the generated text up to the first stop string, byte
 * for byte.
 */
#ifndef NMOS_TOKENIZER_UTF8_STREAM_H
#define NMOS_TOKENIZER_UTF8_STREAM_H

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct utf8_stream {
    const struct str *stops; /* [n_stops] borrowed */
    size_t n_stops;
    struct buf text; /* shown by the last call, then waiting */
    size_t n_shown;  /* bytes of text that the last call has shown */
    int is_stopped;
};

/**
 * Starts an empty stream.
 * @param stops            strings that end it; borrowed for its lifetime; empty ones never match.
 * @param piece_bytes_max  length of the longest piece: feeding then allocates nothing.
 * @return 0 or NMOS_E_NOMEM.
 */
int utf8_stream_init(struct utf8_stream *stream, const struct str *stops, size_t n_stops,
                     size_t piece_bytes_max) NMOS_MUST_CHECK;

/** Frees what the stream holds. */
void utf8_stream_deinit(struct utf8_stream *stream);

/**
 * Takes the next piece.
 * @param ret_text     what can be shown now; borrowed until the next call.
 * @param ret_stopped  1 when a stop string has come: ret_text ends before it and nothing follows.
 * @return 0 or NMOS_E_NOMEM.
 */
int utf8_stream_feed(struct utf8_stream *stream, struct str piece, struct str *ret_text,
                     int *ret_stopped) NMOS_MUST_CHECK;

/** The end of the text: what still waited (nothing after a stop). Borrowed until deinit. */
struct str utf8_stream_finish(struct utf8_stream *stream);

#endif
