/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 and the code point properties of Python's str. The tables are generated from Python's own
 * (tools/make_unicode_tables.py), so that upper(), repr() and strip() agree with the reference.
 */
#include "tokenizer/jinja_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct case_run {
    uint32_t first, last; /* inclusive */
    uint32_t stride;      /* every one (1) or every other (2) code point */
    int32_t delta;        /* image minus code point */
};

struct case_special {
    uint32_t cp;
    uint32_t image[3]; /* zero behind the last */
};

struct cp_range {
    uint32_t first, last; /* inclusive */
};

#include "tokenizer/jinja_unicode.inc"

size_t jinja_utf8_width(char lead)
{
    const unsigned char c = (unsigned char)lead;
    if (c < 0x80) return 1;
    if (c < 0xe0) return 2;
    return c < 0xf0 ? 3 : 4;
}

uint32_t jinja_utf8_get(struct str text)
{
    const unsigned char *s = (const unsigned char *)text.data;
    if (s[0] < 0x80) return s[0];
    if (s[0] < 0xe0) return (s[0] & 0x1fU) << 6 | (s[1] & 0x3fU);
    if (s[0] < 0xf0) return (s[0] & 0x0fU) << 12 | (s[1] & 0x3fU) << 6 | (s[2] & 0x3fU);
    return (s[0] & 0x07U) << 18 | (s[1] & 0x3fU) << 12 | (s[2] & 0x3fU) << 6 | (s[3] & 0x3fU);
}

size_t jinja_utf8_put(uint32_t cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0U | cp >> 6);
        out[1] = (char)(0x80U | (cp & 0x3fU));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0U | cp >> 12);
        out[1] = (char)(0x80U | (cp >> 6 & 0x3fU));
        out[2] = (char)(0x80U | (cp & 0x3fU));
        return 3;
    }
    out[0] = (char)(0xf0U | cp >> 18);
    out[1] = (char)(0x80U | (cp >> 12 & 0x3fU));
    out[2] = (char)(0x80U | (cp >> 6 & 0x3fU));
    out[3] = (char)(0x80U | (cp & 0x3fU));
    return 4;
}

int jinja_utf8_valid(struct str text, size_t *ret_bad)
{
    size_t i = 0;
    while (i < text.len) {
        const unsigned char c = (unsigned char)text.data[i];
        const size_t width = jinja_utf8_width(text.data[i]);
        *ret_bad = i;
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || width > text.len - i) return 0;
        for (size_t k = 1; k < width; k++) {
            if ((text.data[i + k] & 0xc0) != 0x80) return 0;
        }
        const uint32_t cp = jinja_utf8_get((struct str){text.data + i, width});
        if (width == 3 && (cp < 0x800 || (cp >= 0xd800 && cp < 0xe000))) return 0;
        if (width == 4 && (cp < 0x10000 || cp > 0x10ffff)) return 0;
        i += width;
    }
    return 1;
}

size_t jinja_utf8_count(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) n += (text.data[i] & 0xc0) != 0x80;
    return n;
}

size_t jinja_utf8_offset(struct str text, size_t index)
{
    size_t i = 0;
    while (i < text.len && index > 0) {
        i += jinja_utf8_width(text.data[i]);
        index--;
    }
    return i;
}

int jinja_cp_is_space(uint32_t cp)
{
    if (cp <= 0x20) return (cp >= 0x09 && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x20);
    if (cp == 0x85 || cp == 0xa0 || cp == 0x1680 || cp == 0x3000) return 1;
    if (cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f) return 1;
    return cp >= 0x2000 && cp <= 0x200a;
}

int jinja_cp_is_printable(uint32_t cp)
{
    if (cp < 0x80) return cp >= 0x20 && cp < 0x7f;
    size_t low = 0;
    size_t high = COUNT(unprintable_ranges);
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (cp < unprintable_ranges[middle].first) {
            high = middle;
        } else if (cp > unprintable_ranges[middle].last) {
            low = middle + 1;
        } else {
            return 0;
        }
    }
    return 1;
}

static int find_special(const struct case_special *specials, size_t n, uint32_t cp, uint32_t *ret)
{
    size_t low = 0;
    size_t high = n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (specials[middle].cp < cp) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    int k = 0;
    for (; low < n && specials[low].cp == cp && k < 3 && specials[low].image[k]; k++) {
        ret[k] = specials[low].image[k];
    }
    return k;
}

static uint32_t find_run(const struct case_run *runs, size_t n, uint32_t cp)
{
    size_t low = 0;
    size_t high = n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (cp < runs[middle].first) {
            high = middle;
        } else if (cp > runs[middle].last) {
            low = middle + 1;
        } else {
            const int hit = (cp - runs[middle].first) % runs[middle].stride == 0;
            return hit ? (uint32_t)((int32_t)cp + runs[middle].delta) : cp;
        }
    }
    return cp;
}

int jinja_cp_to_case(uint32_t cp, enum jinja_case to, uint32_t ret_out[3])
{
    ret_out[0] = cp;
    if (cp < 0x80) {
        const int is_lower = cp >= 'a' && cp <= 'z';
        const int is_upper = cp >= 'A' && cp <= 'Z';
        if (to == JINJA_CASE_LOWER ? is_upper : is_lower) ret_out[0] = cp ^ 0x20U;
        return 1;
    }
    int n = 0;
    if (to == JINJA_CASE_LOWER) {
        n = find_special(lower_specials, COUNT(lower_specials), cp, ret_out);
        if (n == 0) ret_out[0] = find_run(lower_runs, COUNT(lower_runs), cp);
        return n ? n : 1;
    }
    if (to == JINJA_CASE_TITLE) {
        n = find_special(title_specials, COUNT(title_specials), cp, ret_out);
        if (n) return n;
    }
    n = find_special(upper_specials, COUNT(upper_specials), cp, ret_out);
    if (n == 0) ret_out[0] = find_run(upper_runs, COUNT(upper_runs), cp);
    return n ? n : 1;
}

int jinja_cp_is_cased(uint32_t cp)
{
    uint32_t image[3];
    for (int to = JINJA_CASE_UPPER; to <= JINJA_CASE_TITLE; to++) {
        if (jinja_cp_to_case(cp, (enum jinja_case)to, image) > 1 || image[0] != cp) return 1;
    }
    return 0;
}

static size_t last_char_start(struct str text)
{
    size_t i = text.len - 1;
    while (i > 0 && (text.data[i] & 0xc0) == 0x80) i--;
    return i;
}

struct str jinja_text_strip(struct str text, int left, int right)
{
    while (left && text.len && jinja_cp_is_space(jinja_utf8_get(text))) {
        const size_t width = jinja_utf8_width(text.data[0]);
        text.data += width;
        text.len -= width;
    }
    while (right && text.len) {
        const size_t start = last_char_start(text);
        if (!jinja_cp_is_space(jinja_utf8_get((struct str){text.data + start, text.len - start}))) {
            break;
        }
        text.len = start;
    }
    return text;
}

int64_t jinja_text_find(struct str text, struct str needle, size_t from)
{
    if (from > text.len) return -1;
    if (needle.len == 0) return (int64_t)from;
    const char *hit = memmem(text.data + from, text.len - from, needle.data, needle.len);
    return hit ? hit - text.data : -1;
}

int64_t jinja_text_rfind(struct str text, struct str needle, size_t end)
{
    if (end > text.len) end = text.len;
    if (needle.len > end) return -1;
    for (size_t i = end - needle.len + 1; i > 0; i--) {
        if (needle.len == 0 || memcmp(text.data + i - 1, needle.data, needle.len) == 0) {
            return (int64_t)i - 1;
        }
    }
    return -1;
}

/* The capital sigma is lowered to its final form behind a letter when none follows. */
static int is_final_sigma(struct str text, size_t i)
{
    if (i == 0 || (unsigned char)text.data[i] != 0xce || (unsigned char)text.data[i + 1] != 0xa3) {
        return 0;
    }
    const size_t before = last_char_start((struct str){text.data, i});
    if (!jinja_cp_is_cased(jinja_utf8_get((struct str){text.data + before, i - before}))) return 0;
    if (i + 2 >= text.len) return 1;
    return !jinja_cp_is_cased(jinja_utf8_get((struct str){text.data + i + 2, text.len - i - 2}));
}

int jinja_text_to_case(struct str text, enum jinja_case to, struct jinja_out *out)
{
    int after_cased = 0;
    size_t width = 0;
    for (size_t i = 0; i < text.len; i += width) {
        width = jinja_utf8_width(text.data[i]);
        const uint32_t cp = jinja_utf8_get((struct str){text.data + i, width});
        uint32_t image[3];
        const enum jinja_case now = to == JINJA_CASE_TITLE && after_cased ? JINJA_CASE_LOWER : to;
        const int n = jinja_cp_to_case(cp, now, image);
        if (now == JINJA_CASE_LOWER && cp == 0x3a3 && is_final_sigma(text, i)) image[0] = 0x3c2;
        for (int k = 0; k < n; k++) TRY(jinja_out_cp(out, image[k]));
        if (to == JINJA_CASE_TITLE) after_cased = jinja_cp_is_cased(cp);
    }
    return 0;
}
