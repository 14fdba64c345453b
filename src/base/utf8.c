/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Table 3-7 of the Unicode standard: only the second byte's range depends on the first. */
static void second_byte_range(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
}

int utf8_char_len(const char *text, size_t n)
{
    if (n == 0) return -1;
    const unsigned char *bytes = (const unsigned char *)text;
    const unsigned char first = bytes[0];
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    const size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned char low = 0;
    unsigned char high = 0;
    second_byte_range(first, &low, &high);
    for (size_t i = 1; i < len; i++, low = 0x80, high = 0xbf) {
        if (i >= n) return -1;
        if (bytes[i] < low || bytes[i] > high) return 0;
    }
    return (int)len;
}

size_t utf8_valid_len(const char *text, size_t n)
{
    size_t at = 0;
    while (at < n) {
        uint64_t word = 0;
        if (n - at >= 8) {
            memcpy(&word, text + at, 8);
            if (!(word & 0x8080808080808080U)) {
                at += 8;
                continue;
            }
        }
        const int len = utf8_char_len(text + at, n - at);
        if (len <= 0) break;
        at += (size_t)len;
    }
    return at;
}
