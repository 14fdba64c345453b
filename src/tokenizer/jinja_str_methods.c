/* SPDX-License-Identifier: MIT */
/*
 * Methods of str. Positions count code points. Questions about letters and digits are answered for
 * ASCII; asked about other text they are refused, since an answer would need Unicode's whole
 * property tables.
 */
#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

#define METHOD(name)                                                                               \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

static struct str tail_of(struct str text, size_t from)
{
    return (struct str){text.data + from, text.len - from};
}

static size_t last_char(struct str text)
{
    size_t i = text.len - 1;
    while (i > 0 && (text.data[i] & 0xc0) == 0x80) i--;
    return i;
}

/* Whether the character at the start of text is one of chars. */
static int is_among(struct str text, struct str chars)
{
    const struct str c = {text.data, jinja_utf8_width(text.data[0])};
    return jinja_text_find(chars, c, 0) >= 0;
}

static int strip(struct jinja_run *run, const struct jinja_value *self,
                 const struct jinja_args *args, int left, int right, struct jinja_value *ret)
{
    struct str text = jinja_text_of(self);
    if (!jinja_has_arg(args, 0) || args->pos[0].type == JINJA_NONE) {
        TRY(jinja_charge(run, text.len / 64));
        *ret = jinja_str(jinja_text_strip(text, left, right));
        return 0;
    }
    struct str chars = {0};
    TRY(jinja_arg_text(run, args, 0, "", &chars));
    while (left && text.len && is_among(text, chars)) {
        TRY(jinja_charge(run, 1 + chars.len / 8));
        text = tail_of(text, jinja_utf8_width(text.data[0]));
    }
    while (right && text.len && is_among(tail_of(text, last_char(text)), chars)) {
        TRY(jinja_charge(run, 1 + chars.len / 8));
        text.len = last_char(text);
    }
    *ret = jinja_str(text);
    return 0;
}

METHOD(str_strip)
{
    return strip(run, self, args, 1, 1, ret);
}
METHOD(str_lstrip)
{
    return strip(run, self, args, 1, 0, ret);
}
METHOD(str_rstrip)
{
    return strip(run, self, args, 0, 1, ret);
}

/* Pieces between white space; from the right when from_right, which matters only with a maximum. */
static int split_space(struct jinja_run *run, struct str text, int64_t max, int from_right,
                       struct jinja_seq *pieces)
{
    text = jinja_text_strip(text, !from_right, from_right);
    while (text.len) {
        if (max >= 0 && (int64_t)pieces->n == max) {
            return jinja_seq_push(run->arena, pieces,
                                  jinja_str(jinja_text_strip(text, from_right, !from_right)));
        }
        size_t i = from_right ? text.len : 0;
        while (from_right ? i > 0 : i < text.len) {
            const size_t at = from_right ? last_char((struct str){text.data, i}) : i;
            if (jinja_cp_is_space(jinja_utf8_get(tail_of(text, at)))) break;
            i = from_right ? at : i + jinja_utf8_width(text.data[i]);
        }
        const struct str head = {text.data, i};
        const struct str tail = tail_of(text, i);
        TRY(jinja_seq_push(run->arena, pieces, jinja_str(from_right ? tail : head)));
        text = jinja_text_strip(from_right ? head : tail, !from_right, from_right);
    }
    return 0;
}

static int split_at(struct jinja_run *run, struct str text, struct str sep, int64_t max,
                    int from_right, struct jinja_seq *pieces)
{
    while (max < 0 || (int64_t)pieces->n < max) {
        const int64_t at =
            from_right ? jinja_text_rfind(text, sep, text.len) : jinja_text_find(text, sep, 0);
        if (at < 0) break;
        const struct str head = {text.data, (size_t)at};
        const struct str tail = tail_of(text, (size_t)at + sep.len);
        TRY(jinja_charge(run, 1));
        TRY(jinja_seq_push(run->arena, pieces, jinja_str(from_right ? tail : head)));
        text = from_right ? head : tail;
    }
    return jinja_seq_push(run->arena, pieces, jinja_str(text));
}

static int split(struct jinja_run *run, const struct jinja_value *self,
                 const struct jinja_args *args, int from_right, struct jinja_value *ret)
{
    const struct str text = jinja_text_of(self);
    struct str sep = {0};
    int64_t max = -1;
    const int is_space = !jinja_has_arg(args, 0) || args->pos[0].type == JINJA_NONE;
    if (!is_space) TRY(jinja_arg_text(run, args, 0, "", &sep));
    TRY(jinja_arg_int(run, args, 1, -1, &max));
    if (!is_space && sep.len == 0) return JINJA_FAIL(run, "empty separator");
    TRY(jinja_charge(run, (text.len / 8 + 1) * (sep.len / 64 + 1)));
    struct jinja_seq *pieces = jinja_seq_create(run->arena, JINJA_LIST, 0);
    if (!pieces) return NMOS_E_LIMIT;
    if (is_space) {
        TRY(split_space(run, text, max, from_right, pieces));
    } else {
        TRY(split_at(run, text, sep, max, from_right, pieces));
    }
    for (uint32_t i = 0; from_right && i < pieces->n / 2; i++) {
        const struct jinja_value swap = pieces->items[i];
        pieces->items[i] = pieces->items[pieces->n - 1 - i];
        pieces->items[pieces->n - 1 - i] = swap;
    }
    *ret = jinja_seq(pieces);
    return 0;
}

METHOD(str_split)
{
    return split(run, self, args, 0, ret);
}
METHOD(str_rsplit)
{
    return split(run, self, args, 1, ret);
}

/* Length of a line end at the start of text, 0 when there is none. */
static size_t line_end(struct str text)
{
    const uint32_t cp = jinja_utf8_get(text);
    if (cp == '\r') return text.len > 1 && text.data[1] == '\n' ? 2 : 1;
    const int is_end = (cp >= 0x0a && cp <= 0x0c) || (cp >= 0x1c && cp <= 0x1e) || cp == 0x85 ||
                       cp == 0x2028 || cp == 0x2029;
    return is_end ? jinja_utf8_width(text.data[0]) : 0;
}

METHOD(str_splitlines)
{
    struct str text = jinja_text_of(self);
    const int keeps_ends = jinja_arg_true(args, 0, 0);
    TRY(jinja_charge(run, text.len / 16));
    struct jinja_seq *lines = jinja_seq_create(run->arena, JINJA_LIST, 0);
    if (!lines) return NMOS_E_LIMIT;
    while (text.len) {
        size_t i = 0;
        size_t end = 0;
        while (i < text.len && (end = line_end(tail_of(text, i))) == 0) {
            i += jinja_utf8_width(text.data[i]);
        }
        const struct str line = {text.data, keeps_ends ? i + end : i};
        TRY(jinja_charge(run, 1));
        TRY(jinja_seq_push(run->arena, lines, jinja_str(line)));
        text = tail_of(text, i + end);
    }
    *ret = jinja_seq(lines);
    return 0;
}

/* The part between code points args[1] and args[2]; ret_start: code points before it, -1 if it
   starts behind the end. */
static int cut(struct jinja_run *run, const struct jinja_value *self, const struct jinja_args *args,
               struct str *ret_part, int64_t *ret_start)
{
    *ret_part = jinja_text_of(self);
    *ret_start = 0;
    TRY(jinja_charge(run, ret_part->len / 8));
    if (!jinja_has_arg(args, 1) && !jinja_has_arg(args, 2)) return 0;
    struct jinja_value part = {0};
    struct jinja_value bounds[3] = {jinja_none(), jinja_none(), jinja_none()};
    if (jinja_has_arg(args, 1)) bounds[0] = args->pos[1];
    if (jinja_has_arg(args, 2)) bounds[1] = args->pos[2];
    TRY(jinja_getslice(run, self, bounds, &part));
    const int64_t n = jinja_length(self);
    int64_t start = bounds[0].type == JINJA_NONE ? 0 : jinja_to_int(&bounds[0]);
    if (start < 0) start = start + n < 0 ? 0 : start + n;
    *ret_part = jinja_text_of(&part);
    *ret_start = start > n ? -1 : start;
    return 0;
}

static int affix(struct jinja_run *run, const struct jinja_value *self,
                 const struct jinja_args *args, int at_end, struct jinja_value *ret)
{
    struct str part = {0};
    int64_t start = 0;
    TRY(cut(run, self, args, &part, &start));
    const struct jinja_value *options = &args->pos[0];
    uint32_t n = 1;
    if (jinja_is_seq(options, JINJA_TUPLE)) {
        n = options->as.seq->n;
        options = options->as.seq->items;
    }
    *ret = jinja_bool(0);
    for (uint32_t i = 0; i < n; i++) {
        if (options[i].type != JINJA_STR) {
            return JINJA_FAIL(run, "%swith first arg must be str or a tuple of str, not %s",
                              at_end ? "ends" : "starts", jinja_type_name(&options[i]));
        }
        const struct str want = jinja_text_of(&options[i]);
        if (start < 0 || want.len > part.len) continue;
        const size_t at = at_end ? part.len - want.len : 0;
        if (str_equal((struct str){part.data + at, want.len}, want)) *ret = jinja_bool(1);
    }
    return 0;
}

METHOD(str_startswith)
{
    return affix(run, self, args, 0, ret);
}
METHOD(str_endswith)
{
    return affix(run, self, args, 1, ret);
}

/* Code point position of args[0], -1 when absent. */
static int find(struct jinja_run *run, const struct jinja_value *self,
                const struct jinja_args *args, int from_right, int64_t *ret)
{
    struct str part = {0};
    struct str want = {0};
    int64_t start = 0;
    TRY(jinja_arg_text(run, args, 0, "", &want));
    TRY(cut(run, self, args, &part, &start));
    *ret = -1;
    if (start < 0) return 0;
    if (from_right) TRY(jinja_charge(run, (part.len / 8 + 1) * (want.len / 64 + 1)));
    const int64_t at =
        from_right ? jinja_text_rfind(part, want, part.len) : jinja_text_find(part, want, 0);
    if (at >= 0) *ret = start + (int64_t)jinja_utf8_count((struct str){part.data, (size_t)at});
    return 0;
}

static int find_or_fail(struct jinja_run *run, const struct jinja_value *self,
                        const struct jinja_args *args, int from_right, struct jinja_value *ret)
{
    int64_t at = -1;
    TRY(find(run, self, args, from_right, &at));
    if (at < 0) return JINJA_FAIL(run, "substring not found");
    *ret = jinja_int(at);
    return 0;
}

METHOD(str_find)
{
    int64_t at = -1;
    TRY(find(run, self, args, 0, &at));
    *ret = jinja_int(at);
    return 0;
}

METHOD(str_rfind)
{
    int64_t at = -1;
    TRY(find(run, self, args, 1, &at));
    *ret = jinja_int(at);
    return 0;
}

METHOD(str_index)
{
    return find_or_fail(run, self, args, 0, ret);
}
METHOD(str_rindex)
{
    return find_or_fail(run, self, args, 1, ret);
}

METHOD(str_count)
{
    struct str part = {0};
    struct str want = {0};
    int64_t start = 0;
    int64_t n = 0;
    TRY(jinja_arg_text(run, args, 0, "", &want));
    TRY(cut(run, self, args, &part, &start));
    if (want.len == 0) {
        n = start < 0 ? 0 : (int64_t)jinja_utf8_count(part) + 1;
    } else {
        int64_t at = jinja_text_find(part, want, 0);
        for (; at >= 0; at = jinja_text_find(part, want, (size_t)at + want.len)) n++;
    }
    *ret = jinja_int(n);
    return 0;
}

static int change_case(struct jinja_run *run, struct str text, enum jinja_case to,
                       struct jinja_value *ret)
{
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_charge(run, text.len / 4));
    TRY(jinja_text_to_case(text, to, &out));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

METHOD(str_upper)
{
    (void)args;
    return change_case(run, jinja_text_of(self), JINJA_CASE_UPPER, ret);
}

METHOD(str_lower)
{
    (void)args;
    return change_case(run, jinja_text_of(self), JINJA_CASE_LOWER, ret);
}

METHOD(str_title)
{
    (void)args;
    return change_case(run, jinja_text_of(self), JINJA_CASE_TITLE, ret);
}

METHOD(str_capitalize)
{
    (void)args;
    const struct str text = jinja_text_of(self);
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_charge(run, text.len / 4));
    if (text.len) {
        const size_t width = jinja_utf8_width(text.data[0]);
        TRY(jinja_text_to_case((struct str){text.data, width}, JINJA_CASE_TITLE, &out));
        TRY(jinja_text_to_case(tail_of(text, width), JINJA_CASE_LOWER, &out));
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

METHOD(str_swapcase)
{
    (void)args;
    const struct str text = jinja_text_of(self);
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_charge(run, text.len / 4));
    for (size_t i = 0; i < text.len;) {
        const struct str c = {text.data + i, jinja_utf8_width(text.data[i])};
        uint32_t image[3];
        const uint32_t cp = jinja_utf8_get(c);
        const int is_upper = jinja_cp_to_case(cp, JINJA_CASE_LOWER, image) > 1 || image[0] != cp;
        TRY(jinja_text_to_case(c, is_upper ? JINJA_CASE_LOWER : JINJA_CASE_UPPER, &out));
        i += c.len;
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

METHOD(str_replace)
{
    struct str text = jinja_text_of(self);
    struct str old = {0};
    struct str new = {0};
    int64_t left = -1;
    TRY(jinja_arg_text(run, args, 0, "", &old));
    TRY(jinja_arg_text(run, args, 1, "", &new));
    TRY(jinja_arg_int(run, args, 2, -1, &left));
    TRY(jinja_charge(run, text.len / 8));
    struct jinja_out out = {.arena = run->arena};
    while (left != 0) {
        const int64_t at = jinja_text_find(text, old, 0);
        if (at < 0) break;
        /* An empty text is found before each character and at the end. */
        const size_t step = old.len ? 0 : text.len ? jinja_utf8_width(text.data[0]) : 0;
        TRY(jinja_charge(run, 1));
        TRY(jinja_out_add(&out, (struct str){text.data, (size_t)at}));
        TRY(jinja_out_add(&out, new));
        TRY(jinja_out_add(&out, (struct str){text.data, step}));
        const int is_end = old.len == 0 && text.len == 0;
        text = tail_of(text, (size_t)at + old.len + step);
        left--;
        if (is_end) break;
    }
    TRY(jinja_out_add(&out, text));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

METHOD(str_join)
{
    struct jinja_seq *parts = NULL;
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_iterate(run, &args->pos[0], &parts));
    for (uint32_t i = 0; i < parts->n; i++) {
        if (parts->items[i].type != JINJA_STR) {
            return JINJA_FAIL(run, "sequence item %u: expected str instance, %s found", i,
                              jinja_type_name(&parts->items[i]));
        }
        TRY(jinja_charge(run, 1));
        if (i) TRY(jinja_out_add(&out, jinja_text_of(self)));
        TRY(jinja_out_add(&out, jinja_text_of(&parts->items[i])));
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

METHOD(str_format)
{
    return jinja_format_braces(run, jinja_text_of(self), args, ret);
}

/* Spaces (or args[1]) before and behind up to the width args[0]. */
static int justify(struct jinja_run *run, const struct jinja_value *self,
                   const struct jinja_args *args, int how, struct jinja_value *ret)
{
    struct str fill = {0};
    int64_t width = 0;
    TRY(jinja_arg_int(run, args, 0, 0, &width));
    TRY(jinja_arg_text(run, args, 1, " ", &fill));
    if (jinja_utf8_count(fill) != 1) {
        return JINJA_FAIL(run, "The fill character must be exactly one character long");
    }
    const int64_t n = jinja_length(self);
    const int64_t pad = width > n ? width - n : 0;
    TRY(jinja_charge(run, (uint64_t)pad));
    const int64_t half = pad / 2 + (pad & width & 1);
    const int64_t before = how < 0 ? 0 : how > 0 ? pad : half;
    struct jinja_out out = {.arena = run->arena};
    for (int64_t i = 0; i < before; i++) TRY(jinja_out_add(&out, fill));
    TRY(jinja_out_add(&out, jinja_text_of(self)));
    for (int64_t i = before; i < pad; i++) TRY(jinja_out_add(&out, fill));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

METHOD(str_center)
{
    return justify(run, self, args, 0, ret);
}
METHOD(str_ljust)
{
    return justify(run, self, args, -1, ret);
}
METHOD(str_rjust)
{
    return justify(run, self, args, 1, ret);
}

METHOD(str_zfill)
{
    struct str text = jinja_text_of(self);
    struct jinja_out out = {.arena = run->arena};
    int64_t width = 0;
    TRY(jinja_arg_int(run, args, 0, 0, &width));
    const int64_t n = jinja_length(self);
    const size_t pad = width > n ? (size_t)(width - n) : 0;
    TRY(jinja_charge(run, pad));
    if (text.len && (text.data[0] == '+' || text.data[0] == '-')) {
        TRY(jinja_out_cp(&out, (uint32_t)text.data[0]));
        text = tail_of(text, 1);
    }
    TRY(jinja_out_fill(&out, '0', pad));
    TRY(jinja_out_add(&out, text));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

static int remove_affix(struct jinja_run *run, const struct jinja_value *self,
                        const struct jinja_args *args, int at_end, struct jinja_value *ret)
{
    const struct str text = jinja_text_of(self);
    struct str want = {0};
    TRY(jinja_arg_text(run, args, 0, "", &want));
    *ret = *self;
    if (want.len > text.len) return 0;
    const size_t at = at_end ? text.len - want.len : 0;
    if (!str_equal((struct str){text.data + at, want.len}, want)) return 0;
    *ret = jinja_str((struct str){text.data + (at_end ? 0 : want.len), text.len - want.len});
    return 0;
}

METHOD(str_removeprefix)
{
    return remove_affix(run, self, args, 0, ret);
}
METHOD(str_removesuffix)
{
    return remove_affix(run, self, args, 1, ret);
}

static int partition(struct jinja_run *run, const struct jinja_value *self,
                     const struct jinja_args *args, int from_right, struct jinja_value *ret)
{
    const struct str text = jinja_text_of(self);
    struct str sep = {0};
    TRY(jinja_arg_text(run, args, 0, "", &sep));
    if (sep.len == 0) return JINJA_FAIL(run, "empty separator");
    TRY(jinja_charge(run, (text.len / 8 + 1) * (sep.len / 64 + 1)));
    struct jinja_seq *parts = jinja_seq_create(run->arena, JINJA_TUPLE, 3);
    if (!parts) return NMOS_E_LIMIT;
    const int64_t at =
        from_right ? jinja_text_rfind(text, sep, text.len) : jinja_text_find(text, sep, 0);
    for (parts->n = 0; parts->n < 3; parts->n++) parts->items[parts->n] = jinja_str(STR_LIT(""));
    if (at < 0) {
        parts->items[from_right ? 2 : 0] = *self;
    } else {
        parts->items[0] = jinja_str((struct str){text.data, (size_t)at});
        parts->items[1] = jinja_str(sep);
        parts->items[2] = jinja_str(tail_of(text, (size_t)at + sep.len));
    }
    *ret = jinja_seq(parts);
    return 0;
}

METHOD(str_partition)
{
    return partition(run, self, args, 0, ret);
}
METHOD(str_rpartition)
{
    return partition(run, self, args, 1, ret);
}

enum char_class {
    CLASS_UPPER = 1,
    CLASS_LOWER = 2,
    CLASS_DIGIT = 4,
    CLASS_SPACE = 8,
    CLASS_OTHER = 16
};

/* The classes that occur in the text, as bits. */
static int classes_of(struct jinja_run *run, const struct jinja_value *self, const char *method,
                      unsigned *ret)
{
    const struct str text = jinja_text_of(self);
    unsigned seen = 0;
    TRY(jinja_charge(run, text.len / 16));
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if ((unsigned char)c >= 0x80) {
            return jinja_fail(run, NMOS_E_UNSUPPORTED,
                              "str.%s() of text beyond ASCII is not supported; give another "
                              "template with --chat-template FILE",
                              method);
        }
        if (c >= 'A' && c <= 'Z') {
            seen |= CLASS_UPPER;
        } else if (c >= 'a' && c <= 'z') {
            seen |= CLASS_LOWER;
        } else if (c >= '0' && c <= '9') {
            seen |= CLASS_DIGIT;
        } else {
            seen |= jinja_cp_is_space((uint32_t)c) ? CLASS_SPACE : CLASS_OTHER;
        }
    }
    *ret = seen;
    return 0;
}

/* True when the text has one of `some` and nothing beyond `all`. */
static int has_only(struct jinja_run *run, const struct jinja_value *self, const char *method,
                    unsigned some, unsigned all, struct jinja_value *ret)
{
    unsigned seen = 0;
    TRY(classes_of(run, self, method, &seen));
    *ret = jinja_bool((seen & some) && !(seen & ~all));
    return 0;
}

#define CLASS_METHOD(name, text, some, all)                                                        \
    METHOD(name)                                                                                   \
    {                                                                                              \
        (void)args;                                                                                \
        return has_only(run, self, text, some, all, ret);                                          \
    }

#define CLASS_ALPHA (CLASS_UPPER | CLASS_LOWER)
CLASS_METHOD(str_isalpha, "isalpha", CLASS_ALPHA, CLASS_ALPHA)
CLASS_METHOD(str_isdigit, "isdigit", CLASS_DIGIT, CLASS_DIGIT)
CLASS_METHOD(str_isalnum, "isalnum", CLASS_ALPHA | CLASS_DIGIT, CLASS_ALPHA | CLASS_DIGIT)
CLASS_METHOD(str_isspace, "isspace", CLASS_SPACE, CLASS_SPACE)
CLASS_METHOD(str_isupper, "isupper", CLASS_UPPER, 31U & ~(unsigned)CLASS_LOWER)
CLASS_METHOD(str_islower, "islower", CLASS_LOWER, 31U & ~(unsigned)CLASS_UPPER)

const struct jinja_builtin jinja_str_methods[] = {
    {"strip", "chars", str_strip},
    {"lstrip", "chars", str_lstrip},
    {"rstrip", "chars", str_rstrip},
    {"split", "sep maxsplit", str_split},
    {"rsplit", "sep maxsplit", str_rsplit},
    {"splitlines", "keepends", str_splitlines},
    {"startswith", "prefix! start end", str_startswith},
    {"endswith", "suffix! start end", str_endswith},
    {"find", "sub! start end", str_find},
    {"rfind", "sub! start end", str_rfind},
    {"index", "sub! start end", str_index},
    {"rindex", "sub! start end", str_rindex},
    {"count", "sub! start end", str_count},
    {"upper", "", str_upper},
    {"lower", "", str_lower},
    {"casefold", "", NULL},
    {"title", "", str_title},
    {"capitalize", "", str_capitalize},
    {"swapcase", "", str_swapcase},
    {"replace", "old! new! count", str_replace},
    {"join", "iterable!", str_join},
    {"format", "*", str_format},
    {"format_map", "mapping!", NULL},
    {"center", "width! fillchar", str_center},
    {"ljust", "width! fillchar", str_ljust},
    {"rjust", "width! fillchar", str_rjust},
    {"zfill", "width!", str_zfill},
    {"removeprefix", "prefix!", str_removeprefix},
    {"removesuffix", "suffix!", str_removesuffix},
    {"partition", "sep!", str_partition},
    {"rpartition", "sep!", str_rpartition},
    {"isalpha", "", str_isalpha},
    {"isdigit", "", str_isdigit},
    {"isdecimal", "", str_isdigit},
    {"isnumeric", "", str_isdigit},
    {"isalnum", "", str_isalnum},
    {"isspace", "", str_isspace},
    {"isupper", "", str_isupper},
    {"islower", "", str_islower},
    {"istitle", "", NULL},
    {"isascii", "", NULL},
    {"isidentifier", "", NULL},
    {"isprintable", "", NULL},
    {"expandtabs", "tabsize", NULL},
    {"encode", "*", NULL},
    {"translate", "*", NULL},
    {"maketrans", "*", NULL},
    {NULL, NULL, NULL},
};
