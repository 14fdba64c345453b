/* SPDX-License-Identifier: MIT */
/* Filters that give numbers: conversions as Python's int() and float() make them, rounding half to
 * even. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

#define FILTER(name)                                                                               \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

#define NUMBER_CHARS_MAX                                                                           \
    400 /* longest number in a text; longer ones are no numbers a chat needs                       \
         */

/* The text without white space around it and underscores between digits, for strtoll and strtod. 0:
 * not a number. */
static int clean_number(struct str text, char out[NUMBER_CHARS_MAX])
{
    size_t n = 0;
    text = jinja_text_strip(text, 1, 1);
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if (c == '_') {
            const int is_between = i > 0 && i + 1 < text.len &&
                                   isalnum((unsigned char)text.data[i - 1]) &&
                                   isalnum((unsigned char)text.data[i + 1]);
            if (!is_between) return 0;
            continue;
        }
        if (n + 1 >= NUMBER_CHARS_MAX || c == '\0' || isspace((unsigned char)c)) return 0;
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0;
}

/* int(text, base): 1 and the number, 0 when the text is none, or a failure when it is too large. */
static int parse_int(struct jinja_run *run, struct str text, int base, int64_t *ret)
{
    char digits[NUMBER_CHARS_MAX];
    if (!clean_number(text, digits)) return 0;
    const char *p = digits + (digits[0] == '-' || digits[0] == '+');
    const char mark = (char)(p[0] == '0' ? p[1] | 0x20 : 0);
    const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked && (base == marked || base == 0)) {
        p += 2;
        base = marked;
    }
    if (base == 0) base = 10;
    if (!isalnum((unsigned char)*p) || (p[0] == '0' && (p[1] | 0x20) == 'x')) return 0;
    char *end = NULL;
    errno = 0;
    int64_t value = strtoll(p, &end, base);
    if (*end) return 0;
    if (errno == ERANGE) {
        return jinja_fail(run, NMOS_E_LIMIT, "an integer does not fit in 64 bits");
    }
    *ret = digits[0] == '-' ? -value : value;
    return 1;
}

/* float(text): 1 and the number, or 0. Hexadecimal forms, which strtod knows, are none of Python's.
 */
static int parse_float(struct str text, double *ret)
{
    char digits[NUMBER_CHARS_MAX];
    if (!clean_number(text, digits) || strpbrk(digits, "xXpP(")) return 0;
    char *end = NULL;
    *ret = strtod(digits, &end);
    return *end == '\0';
}

static int real_to_int(struct jinja_run *run, double real, struct jinja_value *ret)
{
    if (isinf(real)) return JINJA_FAIL(run, "cannot convert float infinity to integer");
    if (!(fabs(real) < 9.2e18)) {
        return jinja_fail(run, NMOS_E_LIMIT, "an integer does not fit in 64 bits");
    }
    *ret = jinja_int((int64_t)real);
    return 0;
}

FILTER(filter_int)
{
    int64_t base = 10;
    int64_t integer = 0;
    double real = 0;
    TRY(jinja_arg_int(run, args, 1, 10, &base));
    const struct jinja_value otherwise = jinja_has_arg(args, 0) ? args->pos[0] : jinja_int(0);
    *ret = otherwise;
    if (self->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, self);
    if (self->type == JINJA_FLOAT) {
        return isnan(self->as.real) ? 0 : real_to_int(run, self->as.real, ret);
    }
    if (jinja_is_number(self)) {
        *ret = jinja_int(jinja_to_int(self));
        return 0;
    }
    if (self->type != JINJA_STR) return 0;
    if (base != 0 && (base < 2 || base > 36)) return 0;
    const int found = parse_int(run, jinja_text_of(self), (int)base, &integer);
    TRY(found);
    if (found) {
        *ret = jinja_int(integer);
        return 0;
    }
    if (!parse_float(jinja_text_of(self), &real) || isnan(real)) return 0;
    return real_to_int(run, real, ret);
}

FILTER(filter_float)
{
    double real = 0;
    *ret = jinja_has_arg(args, 0) ? args->pos[0] : jinja_float(0.0);
    if (self->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, self);
    if (jinja_is_number(self)) *ret = jinja_float(jinja_to_real(self));
    if (self->type == JINJA_STR && parse_float(jinja_text_of(self), &real))
        *ret = jinja_float(real);
    return 0;
}

FILTER(filter_abs)
{
    (void)args;
    if (self->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, self);
    if (!jinja_is_number(self)) {
        return JINJA_FAIL(run, "bad operand type for abs(): '%s'", jinja_type_name(self));
    }
    const struct jinja_value zero = jinja_int(0);
    *ret = self->type == JINJA_FLOAT ? jinja_float(fabs(self->as.real))
                                     : jinja_int(jinja_to_int(self));
    if (ret->type == JINJA_FLOAT || ret->as.integer >= 0) return 0;
    return jinja_binary(run, JINJA_OP_SUB, &zero, self, ret);
}

/* round(integer, precision) for a negative precision: to a power of ten, half to even. */
static int round_integer(struct jinja_run *run, int64_t value, int64_t precision,
                         struct jinja_value *ret)
{
    int64_t unit = 1;
    *ret = jinja_int(value);
    for (int64_t i = precision; i < 0; i++) {
        if (__builtin_mul_overflow(unit, 10, &unit)) {
            *ret = jinja_int(0);
            return 0;
        }
    }
    const int64_t rest = ((value % unit) + unit) % unit;
    int64_t down = value - rest;
    const int is_up = rest > unit - rest || (rest == unit - rest && (down / unit) % 2 != 0);
    if (is_up && __builtin_add_overflow(down, unit, &down)) {
        return jinja_fail(run, NMOS_E_LIMIT, "an integer does not fit in 64 bits");
    }
    *ret = jinja_int(down);
    return 0;
}

/* printf rounds the exact value half to even, as Python's round() does. */
static double round_real(double value, int precision)
{
    char text[NUMBER_CHARS_MAX];
    if (!isfinite(value)) return value;
    if (precision < 0) {
        const double unit = pow(10, -precision);
        return nearbyint(value / unit) * unit;
    }
    snprintf(text, sizeof(text), "%.*f", precision, value);
    return strtod(text, NULL);
}

FILTER(filter_round)
{
    int64_t precision = 0;
    struct str method = {0};
    TRY(jinja_arg_int(run, args, 0, 0, &precision));
    TRY(jinja_arg_text(run, args, 1, "common", &method));
    if (self->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, self);
    if (!jinja_is_number(self)) {
        return JINJA_FAIL(run, "type %s doesn't define __round__ method", jinja_type_name(self));
    }
    if (precision > 50 || precision < -50) {
        return jinja_fail(run, NMOS_E_LIMIT, "round to more than 50 digits");
    }
    if (str_equal(method, STR_LIT("common"))) {
        if (self->type != JINJA_FLOAT) {
            return round_integer(run, jinja_to_int(self), precision, ret);
        }
        *ret = jinja_float(round_real(self->as.real, (int)precision));
        return 0;
    }
    const double unit = pow(10, (double)precision);
    const double scaled = jinja_to_real(self) * unit;
    if (str_equal(method, STR_LIT("ceil"))) {
        *ret = jinja_float(ceil(scaled) / unit);
    } else if (str_equal(method, STR_LIT("floor"))) {
        *ret = jinja_float(floor(scaled) / unit);
    } else {
        return JINJA_FAIL(run, "method must be common, ceil or floor");
    }
    return 0;
}

const struct jinja_builtin jinja_number_filters[] = {
    {"int", "default base", filter_int},
    {"float", "default", filter_float},
    {"abs", "", filter_abs},
    {"round", "precision method", filter_round},
    {NULL, NULL, NULL},
};
