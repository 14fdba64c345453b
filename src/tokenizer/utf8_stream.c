/* SPDX-License-Identifier: MIT */
#include "tokenizer/utf8_stream.h"

#include "base/mem.h"
#include "base/utf8.h"

int utf8_stream_init(struct utf8_stream *stream, const struct str *stops, size_t n_stops,
                     size_t piece_bytes_max)
{
    *stream = (struct utf8_stream){.stops = stops, .n_stops = n_stops};
    size_t longest = 4;
    for (size_t i = 0; i < n_stops; i++) {
        if (stops[i].len > longest) longest = stops[i].len;
    }
    TRY(size_add(longest, piece_bytes_max, &longest));
    return buf_reserve(&stream->text, longest);
}

void utf8_stream_deinit(struct utf8_stream *stream)
{
    buf_deinit(&stream->text);
    *stream = (struct utf8_stream){0};
}

/* Position of the first stop string, or text.len. */
static size_t find_stop(const struct utf8_stream *stream, struct str text)
{
    size_t first = text.len;
    for (size_t i = 0; i < stream->n_stops; i++) {
        const struct str stop = stream->stops[i];
        const char *at = stop.len ? memmem(text.data, text.len, stop.data, stop.len) : NULL;
        if (at && (size_t)(at - text.data) < first) first = (size_t)(at - text.data);
    }
    return first;
}

/* Length of the longest end of the text that is the beginning of a stop string. */
static size_t begun_stop(const struct utf8_stream *stream, struct str text)
{
    size_t longest = 0;
    for (size_t i = 0; i < stream->n_stops; i++) {
        const struct str stop = stream->stops[i];
        size_t n = stop.len ? stop.len - 1 : 0;
        if (n > text.len) n = text.len;
        while (n > longest && memcmp(text.data + text.len - n, stop.data, n) != 0) n--;
        if (n > longest) longest = n;
    }
    return longest;
}

/* Length of the end of the text that may still become a character. */
static size_t begun_character(struct str text)
{
    for (size_t n = text.len < 3 ? text.len : 3; n > 0; n--) {
        if (utf8_char_len(text.data + text.len - n, n) == -1) return n;
    }
    return 0;
}

int utf8_stream_feed(struct utf8_stream *stream, struct str piece, struct str *ret_text,
                     int *ret_stopped)
{
    struct buf *buf = &stream->text;
    if (stream->is_stopped) piece.len = 0;
    buf->len -= stream->n_shown;
    if (buf->len) memmove(buf->data, buf->data + stream->n_shown, buf->len);
    stream->n_shown = 0;
    TRY(buf_append(buf, piece.data, piece.len));
    struct str text = {buf->data, buf->len};
    const size_t stop = find_stop(stream, text);
    if (stop < text.len) {
        stream->is_stopped = 1;
        buf->len = stop;
        text.len = stop;
    } else {
        text.len -= begun_stop(stream, text);
        text.len -= begun_character(text);
    }
    stream->n_shown = text.len;
    *ret_text = text;
    *ret_stopped = stream->is_stopped;
    return 0;
}

struct str utf8_stream_finish(struct utf8_stream *stream)
{
    const struct str rest = {stream->text.data + stream->n_shown,
                             stream->text.len - stream->n_shown};
    stream->n_shown = stream->text.len;
    return rest;
}
