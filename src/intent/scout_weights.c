/* SPDX-License-Identifier: MIT */
#include "intent/scout_weights.h"

#include <string.h>

#define MAGIC       "NMOSSCT1"
#define BITS_MAX    20U
#define LEXICON_MAX 65536U

/* Generated from models/scout.bin by tools/embed.py. */
extern const uint32_t scout_builtin_words[];
extern const size_t scout_builtin_bytes;

/* The part of a file that has not been read. */
struct cursor {
    const char *at;
    size_t left;
};

/* @p n items of @p item_bytes, or NULL when they are not there. */
static const void *take(struct cursor *cursor, size_t n, size_t item_bytes)
{
    const char *at = cursor->at;
    if (!at || n * item_bytes > cursor->left) {
        cursor->at = NULL;
        return NULL;
    }
    cursor->at += n * item_bytes;
    cursor->left -= n * item_bytes;
    return at;
}

static int take_header(struct cursor *cursor, struct scout_weights *w)
{
    const char *magic = take(cursor, 1, sizeof(MAGIC) - 1);
    const uint32_t *numbers = take(cursor, 6, sizeof(uint32_t));
    if (!magic || !numbers || memcmp(magic, MAGIC, sizeof(MAGIC) - 1) != 0) {
        return FAIL(NMOS_E_CORRUPT, "the Scout's weights do not start with %s", MAGIC);
    }
    w->n_bits = numbers[0];
    w->n_classes = numbers[1];
    w->n_kinds = numbers[2];
    w->n_marks = numbers[3];
    w->n_measured = numbers[4];
    w->n_lexicon = numbers[5];
    const int is_sane = w->n_bits >= 1 && w->n_bits <= BITS_MAX && w->n_classes >= 2 &&
                        w->n_classes <= SCOUT_CLASSES_MAX && w->n_kinds <= SCOUT_KINDS_MAX &&
                        w->n_marks <= SCOUT_MARKS_MAX && w->n_measured <= SCOUT_MEASURED_MAX &&
                        w->n_lexicon <= LEXICON_MAX;
    if (is_sane) return 0;
    return FAIL(NMOS_E_CORRUPT,
                "the Scout's weights speak of %u bits, %u classes, %u kinds, %u marks, %u measured "
                "features and %u words",
                w->n_bits, w->n_classes, w->n_kinds, w->n_marks, w->n_measured, w->n_lexicon);
}

static int take_marks(struct cursor *cursor, struct scout_weights *w)
{
    for (uint32_t i = 0; i < w->n_marks; i++) {
        const char *len = take(cursor, 1, sizeof(uint16_t));
        uint16_t n_bytes = 0;
        if (len) memcpy(&n_bytes, len, sizeof(n_bytes));
        w->marks[i].pattern = take(cursor, n_bytes, 1);
        w->marks[i].n_bytes = n_bytes;
    }
    return cursor->at ? 0 : FAIL(NMOS_E_CORRUPT, "the Scout's weights end too early");
}

int scout_weights_parse(const void *data, size_t n_bytes, struct scout_weights *ret_weights)
{
    struct cursor cursor = {data, n_bytes};
    struct scout_weights w = {0};
    TRY(take_header(&cursor, &w));
    w.names = take(&cursor, w.n_classes, SCOUT_NAME_BYTES);
    w.scale = take(&cursor, w.n_classes, sizeof(float));
    w.bias = take(&cursor, w.n_classes, sizeof(float));
    w.sharpness = take(&cursor, 2, sizeof(float));
    w.measured = take(&cursor, (size_t)w.n_measured * w.n_classes, sizeof(float));
    w.lexicon = take(&cursor, (size_t)w.n_lexicon * 2, sizeof(uint32_t));
    w.table = take(&cursor, (size_t)w.n_classes << w.n_bits, sizeof(int16_t));
    TRY(take_marks(&cursor, &w));
    for (uint32_t c = 0; c < w.n_classes; c++) {
        if (!memchr(w.names + (size_t)c * SCOUT_NAME_BYTES, 0, SCOUT_NAME_BYTES)) {
            return FAIL(NMOS_E_CORRUPT, "the name of class %u of the Scout does not end", c);
        }
    }
    *ret_weights = w;
    return 0;
}

int scout_weights_builtin(struct scout_weights *ret_weights)
{
    return scout_weights_parse(scout_builtin_words, scout_builtin_bytes, ret_weights);
}
