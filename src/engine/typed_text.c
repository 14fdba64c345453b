/* SPDX-License-Identifier: MIT */
#include "engine/typed_text.h"

/* Bytes 10xxxxxx go on with the character before them. */
static int begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0U) != 0x80U;
}

int typed_text_insert(struct typed_text *typed, const char *text, size_t len)
{
    struct buf *buf = &typed->text;
    if (len && memchr(text, '\0', len)) return FAIL(NMOS_E_INVALID, "typed text has a zero byte");
    if (len > TYPED_TEXT_BYTES_MAX - buf->len) {
        return FAIL(NMOS_E_LIMIT, "a line of more than %zu MiB", TYPED_TEXT_BYTES_MAX >> 20);
    }
    if (len == 0) return 0;
    TRY(buf_append(buf, text, len)); /* makes the room; the bytes are put in order below */
    char *at = buf->data + typed->cursor;
    memmove(at + len, at, buf->len - len - typed->cursor);
    memcpy(at, text, len);
    typed->cursor += len;
    return 0;
}

void typed_text_delete(struct typed_text *typed, size_t n)
{
    struct buf *buf = &typed->text;
    size_t from = typed->cursor;
    for (; n > 0 && from > 0; n--) {
        from--;
        while (from > 0 && !begins_character(buf->data[from])) from--;
    }
    if (from == typed->cursor) return;
    memmove(buf->data + from, buf->data + typed->cursor, buf->len - typed->cursor + 1);
    buf->len -= typed->cursor - from;
    typed->cursor = from;
}

void typed_text_move(struct typed_text *typed, size_t pos)
{
    const struct buf *buf = &typed->text;
    size_t at = 0;
    for (; pos > 0 && at < buf->len; pos--) {
        at++;
        while (at < buf->len && !begins_character(buf->data[at])) at++;
    }
    typed->cursor = at;
}

int typed_text_expects_more(const struct typed_text *typed)
{
    const struct buf *buf = &typed->text;
    return buf->len > 0 && strchr(" \t,(", buf->data[buf->len - 1]) != NULL;
}

int typed_text_is_blank(const struct typed_text *typed)
{
    for (size_t i = 0; i < typed->text.len; i++) {
        if (!strchr(" \t\r\n", typed->text.data[i])) return 0;
    }
    return 1;
}
