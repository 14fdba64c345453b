/* SPDX-License-Identifier: MIT */
/* Token ids as an argument of a check. */
#ifndef NMOS_TESTS_TOKENS_ARG_H
#define NMOS_TESTS_TOKENS_ARG_H

#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"

#define TOKENS_MAX 512U

struct tokens_arg {
    int32_t ids[TOKENS_MAX];
    uint32_t n;
};

/** Reads "1,2,3". @return 0 or NMOS_E_INVALID. */
static inline int tokens_arg_parse(const char *text, struct tokens_arg *ret)
{
    char *end = NULL;
    ret->n = 0;
    for (; ret->n < TOKENS_MAX && *text; text = *end ? end + 1 : end) {
        ret->ids[ret->n++] = (int32_t)strtol(text, &end, 10);
        if (end == text || (*end && *end != ',')) return FAIL(NMOS_E_INVALID, "tokens: %s", text);
    }
    return *text || ret->n == 0 ? FAIL(NMOS_E_INVALID, "1 to %u tokens", TOKENS_MAX) : 0;
}

#endif
