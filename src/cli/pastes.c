/* SPDX-License-Identifier: MIT */
#include "cli/pastes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define SHORT_MAX  200U /* characters that stand in the line themselves */
#define NOTE_BEGIN "[paste "

void pastes_deinit(struct pastes *pastes)
{
    for (unsigned i = 0; i < PASTES_MAX; i++) buf_deinit(&pastes->texts[i]);
}

static int format_note(const struct pastes *pastes, unsigned number, char note[64])
{
    const struct buf *text = &pastes->texts[(number - 1) % PASTES_MAX];
    return snprintf(note, 64, NOTE_BEGIN "%u: %zu bytes]", number, text->len);
}

const wchar_t *pastes_take(struct pastes *pastes, const wchar_t *text, size_t n)
{
    if (n <= SHORT_MAX && !wmemchr(text, L'\n', n)) return text;
    struct buf *kept = &pastes->texts[pastes->n % PASTES_MAX];
    mbstate_t state = {0};
    char bytes[MB_LEN_MAX];
    kept->len = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t len = wcrtomb(bytes, text[i], &state);
        if (len != (size_t)-1 && buf_append(kept, bytes, len) < 0) return NULL;
    }
    pastes->n++;
    char note[64];
    (void)format_note(pastes, pastes->n, note);
    swprintf(pastes->note, sizeof(pastes->note) / sizeof(pastes->note[0]), L"%s", note);
    return pastes->note;
}

/* The paste whose note begins at @p text, and the note's length; NULL when there is none. */
static const struct buf *find(const struct pastes *pastes, const char *text, size_t len,
                              size_t *ret_note_len)
{
    const size_t n_begin = sizeof(NOTE_BEGIN) - 1;
    if (len <= n_begin || memcmp(text, NOTE_BEGIN, n_begin) != 0) return NULL;
    char digits[12] = "";
    const size_t n_digits = len - n_begin < sizeof(digits) - 1 ? len - n_begin : sizeof(digits) - 1;
    memcpy(digits, text + n_begin, n_digits);
    const unsigned long number = strtoul(digits, NULL, 10);
    if (number == 0 || number > pastes->n || number + PASTES_MAX <= pastes->n) return NULL;
    char note[64];
    const size_t note_len = (size_t)format_note(pastes, (unsigned)number, note);
    if (note_len > len || memcmp(text, note, note_len) != 0) return NULL;
    *ret_note_len = note_len;
    return &pastes->texts[(number - 1) % PASTES_MAX];
}

int pastes_expand(const struct pastes *pastes, const char *line, size_t len, struct buf *ret)
{
    size_t done = 0;
    for (size_t i = 0; i < len;) {
        size_t note_len = 0;
        const struct buf *text = line[i] == '[' ? find(pastes, line + i, len - i, &note_len) : NULL;
        if (!text) {
            i++;
            continue;
        }
        TRY(buf_append(ret, line + done, i - done));
        TRY(buf_append(ret, text->data, text->len));
        i += note_len;
        done = i;
    }
    return buf_append(ret, line + done, len - done);
}
