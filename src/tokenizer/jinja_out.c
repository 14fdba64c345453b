/* SPDX-License-Identifier: MIT */
/* Growable text in an arena, and Python's way of writing floats. */
#include "tokenizer/jinja_out.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tokenizer/jinja_text.h"

static int reserve(struct jinja_out *out, size_t more)
{
    size_t need = 0;
    TRY(size_add(out->len, more, &need));
    if (need <= out->cap) return 0;
    const size_t cap = need < 64 ? 64 : need + need / 2;
    if (out->data && jinja_arena_extend(out->arena, out->data + out->cap, cap - out->cap)) {
        out->cap = cap;
        return 0;
    }
    char *data = jinja_arena_text(out->arena, cap);
    if (!data) return NMOS_E_LIMIT;
    if (out->data) memcpy(data, out->data, out->len);
    out->data = data;
    out->cap = cap;
    return 0;
}

int jinja_out_add(struct jinja_out *out, struct str text)
{
    TRY(reserve(out, text.len));
    if (text.len) memcpy(out->data + out->len, text.data, text.len);
    out->len += text.len;
    return 0;
}

int jinja_out_cp(struct jinja_out *out, uint32_t cp)
{
    TRY(reserve(out, 4));
    out->len += jinja_utf8_put(cp, out->data + out->len);
    return 0;
}

int jinja_out_fill(struct jinja_out *out, char c, size_t n)
{
    TRY(reserve(out, n));
    if (n) memset(out->data + out->len, c, n);
    out->len += n;
    return 0;
}

int jinja_out_printf(struct jinja_out *out, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        return FAIL(NMOS_E_LIMIT, "the chat template formats a value with %d characters", n);
    }
    return jinja_out_add(out, (struct str){text, (size_t)n});
}

int jinja_out_float(struct jinja_out *out, double real)
{
    if (isnan(real)) return jinja_out_add(out, STR_LIT("nan"));
    if (isinf(real)) return jinja_out_add(out, real < 0 ? STR_LIT("-inf") : STR_LIT("inf"));
    char text[40];
    int digits = 0;
    do {
        digits++;
        snprintf(text, sizeof(text), "%.*e", digits - 1, real);
    } while (digits < 17 && strtod(text, NULL) != real);
    const int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16) { /* d.ddde+XX; Python writes no point behind one digit */
        return jinja_out_add(out, str_from(text));
    }
    const int decimals = digits - 1 - exponent;
    return jinja_out_printf(out, "%.*f", decimals > 1 ? decimals : 1, real);
}
