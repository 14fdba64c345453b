/* SPDX-License-Identifier: MIT */
/*
 * 'text' % values and 'text'.format(values): Python's two little languages for formatting. Both end
 * in the same three functions for integers, floats and text.
 *
 * Source: Python's library reference, "printf-style String Formatting" and "Format Specification
 * Mini-Language".
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

#define WIDTH_MAX 4096 /* of one field, and digits of precision at most a tenth of it */

struct spec {
    char align; /* '<', '>', '^', '=' or 0: the type's own */
    char fill;
    char sign;  /* '-', '+' or ' ' */
    char group; /* ',' or '_' between thousands, or 0 */
    int is_alternate;
    int width;
    int precision; /* -1: not given */
    char type;     /* 0: not given */
};

/* The digits in front of which a sign, and within which thousands separators, are set. */
static int put_number(struct jinja_run *run, struct jinja_out *out, const struct spec *spec,
                      int is_negative, const char *prefix, struct str digits)
{
    char text[WIDTH_MAX];
    size_t n = 0;
    size_t whole = 0;
    while (whole < digits.len && isxdigit((unsigned char)digits.data[whole])) whole++;
    if (digits.len * 2 >= sizeof(text)) {
        return jinja_fail(run, NMOS_E_LIMIT, "a number is formatted with %zu digits", digits.len);
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (spec->group && i > 0 && i < whole && (whole - i) % 3 == 0) text[n++] = spec->group;
        text[n++] = digits.data[i];
    }
    const char sign = is_negative ? '-' : spec->sign == '-' ? '\0' : spec->sign;
    const size_t used = n + strlen(prefix) + (sign != '\0');
    const size_t pad = (size_t)spec->width > used ? (size_t)spec->width - used : 0;
    const char align = spec->align ? spec->align : '>';
    const size_t before = align == '>' ? pad : align == '^' ? pad / 2 : 0;
    TRY(jinja_out_fill(out, spec->fill, before));
    if (sign) TRY(jinja_out_cp(out, (uint32_t)sign));
    TRY(jinja_out_add(out, str_from(prefix)));
    if (align == '=') TRY(jinja_out_fill(out, spec->fill, pad));
    TRY(jinja_out_add(out, (struct str){text, n}));
    return align == '=' ? 0 : jinja_out_fill(out, spec->fill, pad - before);
}

static int put_integer(struct jinja_run *run, struct jinja_out *out, const struct spec *spec,
                       int64_t value)
{
    char digits[72];
    const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    const char *prefix = "";
    if (spec->type == 'x' || spec->type == 'X') {
        snprintf(digits, sizeof(digits), spec->type == 'x' ? "%llx" : "%llX",
                 (unsigned long long)size);
        if (spec->is_alternate) prefix = spec->type == 'x' ? "0x" : "0X";
    } else if (spec->type == 'o') {
        snprintf(digits, sizeof(digits), "%llo", (unsigned long long)size);
        if (spec->is_alternate) prefix = "0o";
    } else if (spec->type == 'b') {
        size_t n = 0;
        int bit = 63;
        while (bit > 0 && !(size >> bit & 1)) bit--;
        for (; bit >= 0; bit--) digits[n++] = (char)('0' + (size >> bit & 1));
        digits[n] = '\0';
        if (spec->is_alternate) prefix = "0b";
    } else {
        snprintf(digits, sizeof(digits), "%llu", (unsigned long long)size);
    }
    return put_number(run, out, spec, value < 0, prefix, str_from(digits));
}

/* %g of Python and C agree; so do %f and %e. */
static int put_float(struct jinja_run *run, struct jinja_out *out, const struct spec *spec,
                     double value)
{
    char digits[WIDTH_MAX / 2];
    const double size = fabs(value);
    const int is_negative = signbit(value) && !isnan(value);
    char type = spec->type ? spec->type : 'r';
    double shown = size;
    if (type == '%') {
        shown = size * 100;
        type = 'f';
    }
    const int precision = spec->precision < 0 ? 6 : spec->precision;
    int n = 0;
    if (!isfinite(size)) {
        n = snprintf(digits, sizeof(digits), "%s", isnan(size) ? "nan" : "inf");
    } else if (type == 'e' || type == 'E') {
        n = snprintf(digits, sizeof(digits), type == 'e' ? "%.*e" : "%.*E", precision, shown);
    } else if (type == 'f' || type == 'F') {
        n = snprintf(digits, sizeof(digits), "%.*f", precision, shown);
    } else if (type == 'g' || type == 'G') {
        n = snprintf(digits, sizeof(digits), type == 'g' ? "%.*g" : "%.*G", precision, shown);
    } else {
        struct jinja_out plain = {.arena = run->arena};
        TRY(jinja_out_float(&plain, shown));
        n = snprintf(digits, sizeof(digits), "%.*s", (int)plain.len, plain.data);
        if (spec->precision >= 0) {
            return jinja_fail(run, NMOS_E_UNSUPPORTED,
                              "a float with a precision but no type is not supported");
        }
    }
    if (n < 0 || (size_t)n + 2 >= sizeof(digits)) {
        return jinja_fail(run, NMOS_E_LIMIT, "a number is formatted with %d digits", n);
    }
    if (spec->type == '%') digits[n++] = '%';
    return put_number(run, out, spec, is_negative, "", (struct str){digits, (size_t)n});
}

static int put_text(struct jinja_out *out, const struct spec *spec, struct str text)
{
    if (spec->precision >= 0) text.len = jinja_utf8_offset(text, (size_t)spec->precision);
    const size_t n = jinja_utf8_count(text);
    const size_t pad = (size_t)spec->width > n ? (size_t)spec->width - n : 0;
    const char align = spec->align ? spec->align : '<';
    const size_t before = align == '>' ? pad : align == '^' ? pad / 2 : 0;
    TRY(jinja_out_fill(out, spec->fill, before));
    TRY(jinja_out_add(out, text));
    return jinja_out_fill(out, spec->fill, pad - before);
}

/* A count in a format at *i; refused beyond max. */
static int read_count(struct jinja_run *run, struct str format, size_t *i, int max, int *ret)
{
    int n = 0;
    while (*i < format.len && isdigit((unsigned char)format.data[*i])) {
        n = n * 10 + (format.data[(*i)++] - '0');
        if (n > max) {
            return jinja_fail(run, NMOS_E_LIMIT, "a format asks for more than %d characters", max);
        }
    }
    *ret = n;
    return 0;
}

/* The state of one % formatting: where the next value comes from. */
struct percent {
    const struct jinja_value *values; /* the tuple's items or the single value */
    uint32_t n;
    uint32_t used;
    const struct jinja_dict *dict; /* for %(name)s, or NULL */
};

static int next_value(struct jinja_run *run, struct percent *state, struct str key, int has_key,
                      struct jinja_value *ret)
{
    if (has_key) {
        if (!state->dict) return JINJA_FAIL(run, "format requires a mapping");
        const struct jinja_value *value = jinja_dict_find_text(state->dict, key, &run->steps);
        if (!value) return JINJA_FAIL(run, "the format's key '%.*s' is missing", STR_ARG(key));
        *ret = *value;
        state->used = state->n;
        return 0;
    }
    if (state->used >= state->n) return JINJA_FAIL(run, "not enough arguments for format string");
    *ret = state->values[state->used++];
    return 0;
}

static int percent_number(struct jinja_run *run, struct jinja_out *out, struct spec *spec,
                          const struct jinja_value *value)
{
    if (!jinja_is_number(value)) {
        if (value->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, value);
        return JINJA_FAIL(run, "%%%c format: a number is required, not %s", spec->type,
                          jinja_type_name(value));
    }
    if (strchr("eEfFgG", spec->type)) return put_float(run, out, spec, jinja_to_real(value));
    if (value->type == JINJA_FLOAT && strchr("xXo", spec->type)) {
        return JINJA_FAIL(run, "%%%c format: an integer is required, not float", spec->type);
    }
    int64_t integer = 0;
    if (value->type == JINJA_FLOAT) {
        if (!(fabs(value->as.real) < 9.2e18)) {
            return JINJA_FAIL(run, "a float does not fit in an integer");
        }
        integer = (int64_t)value->as.real;
    } else {
        integer = jinja_to_int(value);
    }
    return put_integer(run, out, spec, integer);
}

static int percent_text(struct jinja_run *run, struct jinja_out *out, struct spec *spec,
                        const struct jinja_value *value)
{
    struct str text = {0};
    struct jinja_out repr = {.arena = run->arena};
    spec->fill = ' ';
    if (!spec->align) spec->align = '>';
    if (spec->type == 'c') {
        char bytes[4];
        if (value->type == JINJA_INT && value->as.integer >= 0 && value->as.integer < 0x110000 &&
            (value->as.integer < 0xd800 || value->as.integer >= 0xe000)) {
            text = (struct str){bytes, jinja_utf8_put((uint32_t)value->as.integer, bytes)};
            return put_text(out, spec, text);
        }
        if (value->type != JINJA_STR || jinja_length(value) != 1) {
            return JINJA_FAIL(run, "%%c requires int or char");
        }
    }
    if (spec->type == 'r') {
        TRY(jinja_print_repr(run, &repr, value));
        text = jinja_out_text(&repr);
    } else {
        TRY(jinja_to_text(run, value, &text));
    }
    return put_text(out, spec, text);
}

/* Flags, width and precision of a % item; *i is behind the key. */
static int read_percent_spec(struct jinja_run *run, struct str format, size_t *i, struct spec *spec)
{
    *spec = (struct spec){.fill = ' ', .sign = '-', .precision = -1};
    for (; *i < format.len && strchr("-+ 0#", format.data[*i]); (*i)++) {
        const char flag = format.data[*i];
        if (flag == '-') spec->align = '<';
        if (flag == '+' || (flag == ' ' && spec->sign == '-')) spec->sign = flag;
        if (flag == '0') spec->fill = '0';
        if (flag == '#') spec->is_alternate = 1;
    }
    if (*i < format.len && format.data[*i] == '*') {
        return jinja_fail(run, NMOS_E_UNSUPPORTED, "a width of * in a format is not supported");
    }
    TRY(read_count(run, format, i, WIDTH_MAX / 4, &spec->width));
    if (*i < format.len && format.data[*i] == '.') {
        (*i)++;
        TRY(read_count(run, format, i, WIDTH_MAX / 10, &spec->precision));
    }
    while (*i < format.len && strchr("hlL", format.data[*i])) (*i)++;
    if (*i >= format.len) return JINJA_FAIL(run, "incomplete format");
    spec->type = format.data[(*i)++];
    if (spec->type == 'd' || spec->type == 'u') spec->type = 'i';
    return 0;
}

/* One item behind its %. */
static int percent_item(struct jinja_run *run, struct jinja_out *out, struct str format, size_t *i,
                        struct percent *state)
{
    struct str key = {0};
    struct spec spec;
    struct jinja_value value = {0};
    const int has_key = *i < format.len && format.data[*i] == '(';
    if (has_key) {
        const int64_t end = jinja_text_find(format, STR_LIT(")"), *i);
        if (end < 0) return JINJA_FAIL(run, "incomplete format key");
        key = (struct str){format.data + *i + 1, (size_t)end - *i - 1};
        *i = (size_t)end + 1;
    }
    TRY(read_percent_spec(run, format, i, &spec));
    if (spec.type == '%') return jinja_out_cp(out, '%');
    TRY(next_value(run, state, key, has_key, &value));
    if (strchr("srac", spec.type) && spec.type != 'a') return percent_text(run, out, &spec, &value);
    if (!strchr("ixXoeEfFgG", spec.type)) {
        return JINJA_FAIL(run, "unsupported format character '%c'", spec.type);
    }
    if (spec.fill == '0' && !spec.align) spec.align = '=';
    if (spec.align == '<') spec.fill = ' ';
    return percent_number(run, out, &spec, &value);
}

int jinja_format_percent(struct jinja_run *run, struct str format, const struct jinja_value *args,
                         struct jinja_value *ret)
{
    struct percent state = {.values = args, .n = 1};
    if (jinja_is_seq(args, JINJA_TUPLE)) {
        state.values = args->as.seq->items;
        state.n = args->as.seq->n;
    }
    if (args->type == JINJA_DICT) state.dict = args->as.dict;
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_charge(run, format.len / 16));
    for (size_t i = 0; i < format.len;) {
        if (format.data[i] != '%') {
            TRY(jinja_out_add(&out, (struct str){format.data + i++, 1}));
            continue;
        }
        i++;
        TRY(jinja_charge(run, 1));
        TRY(percent_item(run, &out, format, &i, &state));
    }
    /* What has brackets counts as a mapping, which need not be used up. */
    const int may_be_left = args->type == JINJA_DICT || args->type == JINJA_UNDEFINED ||
                            jinja_is_seq(args, JINJA_LIST) || jinja_is_seq(args, JINJA_RANGE);
    if (state.used < state.n && !may_be_left) {
        return JINJA_FAIL(run, "not all arguments converted during string formatting");
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static int read_brace_spec(struct jinja_run *run, struct str text, struct spec *spec)
{
    *spec = (struct spec){.fill = ' ', .sign = '-', .precision = -1};
    size_t i = 0;
    if (text.len > 1 && strchr("<>^=", text.data[1])) {
        spec->fill = text.data[0];
        spec->align = text.data[1];
        i = 2;
    } else if (text.len && strchr("<>^=", text.data[0])) {
        spec->align = text.data[0];
        i = 1;
    }
    if (i < text.len && strchr("+- ", text.data[i])) spec->sign = text.data[i++];
    if (i < text.len && text.data[i] == '#') {
        spec->is_alternate = 1;
        i++;
    }
    if (i < text.len && text.data[i] == '0') {
        if (!spec->align) {
            spec->fill = '0';
            spec->align = '=';
        }
        i++;
    }
    TRY(read_count(run, text, &i, WIDTH_MAX / 4, &spec->width));
    if (i < text.len && strchr(",_", text.data[i])) spec->group = text.data[i++];
    if (i < text.len && text.data[i] == '.') {
        i++;
        TRY(read_count(run, text, &i, WIDTH_MAX / 10, &spec->precision));
    }
    if (i < text.len) spec->type = text.data[i++];
    if (i == text.len && (unsigned char)spec->fill < 0x80) return 0;
    return JINJA_FAIL(run, "Invalid format specifier '%.*s'", STR_ARG(text));
}

static int put_braced(struct jinja_run *run, struct jinja_out *out, struct str spec_text,
                      const struct jinja_value *value)
{
    struct spec spec;
    struct str text = {0};
    TRY(read_brace_spec(run, spec_text, &spec));
    const int is_integer = value->type == JINJA_INT || value->type == JINJA_BOOL;
    const char type = spec.type ? spec.type : '\0';
    if (is_integer && type && strchr("dxXob", type)) {
        return put_integer(run, out, &spec, jinja_to_int(value));
    }
    if (value->type == JINJA_INT && !type) return put_integer(run, out, &spec, value->as.integer);
    if (jinja_is_number(value) && type && strchr("eEfFgG%", type)) {
        return put_float(run, out, &spec, jinja_to_real(value));
    }
    if (value->type == JINJA_FLOAT && !type) return put_float(run, out, &spec, value->as.real);
    if (type && (type != 's' || value->type != JINJA_STR)) {
        return JINJA_FAIL(run, "Unknown format code '%c' for object of type '%s'", type,
                          jinja_type_name(value));
    }
    if (value->type != JINJA_STR && value->type != JINJA_BOOL && spec_text.len) {
        return JINJA_FAIL(run, "unsupported format string passed to %s.__format__",
                          jinja_type_name(value));
    }
    TRY(jinja_to_text(run, value, &text));
    return put_text(out, &spec, text);
}

/* name.attr[key] of a replacement field; numbering: counts the fields without a name. */
static int field_value(struct jinja_run *run, struct str field, const struct jinja_args *args,
                       uint32_t *numbering, struct jinja_value *ret)
{
    size_t i = 0;
    int index = 0;
    while (i < field.len && field.data[i] != '.' && field.data[i] != '[') i++;
    const struct str name = {field.data, i};
    size_t digits = 0;
    TRY(read_count(run, name, &digits, JINJA_ARGS_MAX * 10, &index));
    const struct jinja_value *found = NULL;
    if (digits == name.len) {
        const uint32_t at = name.len ? (uint32_t)index : (*numbering)++;
        if (at < args->n_pos) found = &args->pos[at];
    }
    for (uint32_t k = 0; k < args->n_named; k++) {
        if (name.len && str_equal(jinja_text_of(&args->named[k].key), name)) {
            found = &args->named[k].value;
        }
    }
    if (!found) return JINJA_FAIL(run, "format() has no value for {%.*s}", STR_ARG(field));
    struct jinja_value value = *found;
    while (i < field.len) {
        const int is_dot = field.data[i++] == '.';
        size_t end = i;
        while (end < field.len && (is_dot ? field.data[end] != '.' && field.data[end] != '['
                                          : field.data[end] != ']')) {
            end++;
        }
        const struct str part = {field.data + i, end - i};
        i = end + !is_dot;
        if (part.len == 0) return JINJA_FAIL(run, "Empty attribute in format string");
        digits = 0;
        TRY(read_count(run, part, &digits, JINJA_RANGE_MAX, &index));
        const struct jinja_value key = digits == part.len ? jinja_int(index) : jinja_str(part);
        if (is_dot) {
            TRY(jinja_getattr(run, &value, part, &value));
        } else {
            TRY(jinja_getitem(run, &value, &key, &value));
        }
    }
    *ret = value;
    return 0;
}

/* The inside of {...}: field, conversion behind "!", format behind ":". */
static int brace_item(struct jinja_run *run, struct jinja_out *out, struct str item,
                      const struct jinja_args *args, uint32_t *numbering)
{
    struct jinja_value value = {0};
    const int64_t colon = jinja_text_find(item, STR_LIT(":"), 0);
    const struct str head = {item.data, colon < 0 ? item.len : (size_t)colon};
    const struct str spec =
        colon < 0 ? STR_LIT("") : (struct str){item.data + colon + 1, item.len - (size_t)colon - 1};
    const int64_t mark = jinja_text_find(head, STR_LIT("!"), 0);
    const struct str field = {head.data, mark < 0 ? head.len : (size_t)mark};
    TRY(field_value(run, field, args, numbering, &value));
    if (mark >= 0) {
        const struct str conversion = {head.data + mark + 1, head.len - (size_t)mark - 1};
        struct jinja_out text = {.arena = run->arena};
        if (str_equal(conversion, STR_LIT("r"))) {
            TRY(jinja_print_repr(run, &text, &value));
        } else if (str_equal(conversion, STR_LIT("s"))) {
            TRY(jinja_print_str(run, &text, &value));
        } else {
            return JINJA_FAIL(run, "Unknown conversion specifier '%.*s'", STR_ARG(conversion));
        }
        value = jinja_str(jinja_out_text(&text));
    }
    return put_braced(run, out, spec, &value);
}

int jinja_format_braces(struct jinja_run *run, struct str format, const struct jinja_args *args,
                        struct jinja_value *ret)
{
    struct jinja_out out = {.arena = run->arena};
    uint32_t numbering = 0;
    TRY(jinja_charge(run, format.len / 16));
    for (size_t i = 0; i < format.len; i++) {
        const char c = format.data[i];
        if (c != '{' && c != '}') {
            TRY(jinja_out_add(&out, (struct str){format.data + i, 1}));
            continue;
        }
        if (i + 1 < format.len && format.data[i + 1] == c) {
            TRY(jinja_out_cp(&out, (uint32_t)c));
            i++;
            continue;
        }
        const int64_t end = jinja_text_find(format, STR_LIT("}"), i);
        if (c == '}' || end < 0) return JINJA_FAIL(run, "Single '%c' in format string", c);
        const struct str item = {format.data + i + 1, (size_t)end - i - 1};
        if (jinja_text_find(item, STR_LIT("{"), 0) >= 0) {
            return jinja_fail(run, NMOS_E_UNSUPPORTED,
                              "nested fields in format() are not supported");
        }
        TRY(jinja_charge(run, 1));
        TRY(brace_item(run, &out, item, args, &numbering));
        i = (size_t)end;
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}
