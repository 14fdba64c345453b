/* SPDX-License-Identifier: MIT */
/*
 * Filters that give text. Most ask the value for its text first (soft str), and many are a method
 * of str by another name; those are called through the method's table.
 */
#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

#define FILTER(name)                                                                               \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

static int text_value(struct jinja_run *run, const struct jinja_value *value,
                      struct jinja_value *ret)
{
    struct str text = {0};
    if (value->type == JINJA_STR) {
        *ret = *value;
        return 0;
    }
    TRY(jinja_to_text(run, value, &text));
    *ret = jinja_str(text);
    return 0;
}

/* The method of str(self), with these arguments. */
static int by_method(struct jinja_run *run, const char *name, const struct jinja_value *self,
                     const struct jinja_args *args, struct jinja_value *ret)
{
    struct jinja_value text = {0};
    TRY(text_value(run, self, &text));
    return jinja_builtin_find(jinja_str_methods, str_from(name))->fn(run, &text, args, ret);
}

FILTER(filter_string)
{
    (void)args;
    return text_value(run, self, ret);
}

FILTER(filter_upper)
{
    return by_method(run, "upper", self, args, ret);
}
FILTER(filter_lower)
{
    return by_method(run, "lower", self, args, ret);
}
FILTER(filter_capitalize)
{
    return by_method(run, "capitalize", self, args, ret);
}

FILTER(filter_trim)
{
    TRY(by_method(run, "strip", self, args, ret));
    if (self->type == JINJA_STR) ret->sub = self->sub;
    return 0;
}

FILTER(filter_center)
{
    const struct jinja_value both[] = {
        jinja_has_arg(args, 0) ? args->pos[0] : jinja_int(80),
        jinja_undefined(JINJA_UNDEF_MISSING, STR_LIT("")),
    };
    const struct jinja_args bound = {.pos = both, .n_pos = 2};
    return by_method(run, "center", self, &bound, ret);
}

FILTER(filter_replace)
{
    struct jinja_value texts[3];
    TRY(text_value(run, &args->pos[0], &texts[0]));
    TRY(text_value(run, &args->pos[1], &texts[1]));
    texts[2] = args->pos[2];
    if (texts[2].type == JINJA_NONE) texts[2] = jinja_int(-1);
    const struct jinja_args bound = {.pos = texts, .n_pos = 3};
    return by_method(run, "replace", self, &bound, ret);
}

FILTER(filter_format)
{
    struct jinja_value text = {0};
    TRY(text_value(run, self, &text));
    if (args->n_pos && args->n_named) {
        return JINJA_FAIL(run, "can't handle positional and keyword arguments at the same time");
    }
    struct jinja_seq tuple = {.kind = JINJA_TUPLE, .n = args->n_pos};
    struct jinja_dict dict = {.n = args->n_named};
    tuple.items = jinja_arena_array(run->arena, args->n_pos, sizeof(*tuple.items));
    dict.pairs = jinja_arena_array(run->arena, args->n_named, sizeof(*dict.pairs));
    if (!tuple.items || !dict.pairs) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < args->n_pos; i++) tuple.items[i] = args->pos[i];
    for (uint32_t i = 0; i < args->n_named; i++) dict.pairs[i] = args->named[i];
    const struct jinja_value values = args->n_named ? jinja_dict(&dict) : jinja_seq(&tuple);
    return jinja_format_percent(run, jinja_text_of(&text), &values, ret);
}

static int starts_word(uint32_t before)
{
    return before == '-' || before == '(' || before == '{' || before == '[' || before == '<' ||
           jinja_cp_is_space(before);
}

FILTER(filter_title)
{
    (void)args;
    struct str text = {0};
    struct jinja_out out = {.arena = run->arena};
    uint32_t before = ' ';
    TRY(jinja_to_text(run, self, &text));
    TRY(jinja_charge(run, text.len / 4));
    for (size_t i = 0; i < text.len;) {
        const struct str c = {text.data + i, jinja_utf8_width(text.data[i])};
        TRY(jinja_text_to_case(c, starts_word(before) ? JINJA_CASE_UPPER : JINJA_CASE_LOWER, &out));
        before = jinja_utf8_get(c);
        i += c.len;
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

/* The lines of `text`, split as str.splitlines() does. */
static int lines_of(struct jinja_run *run, struct str text, struct jinja_seq **ret)
{
    const struct jinja_value self = jinja_str(text);
    const struct jinja_value no_ends = jinja_bool(0);
    const struct jinja_args args = {.pos = &no_ends, .n_pos = 1};
    struct jinja_value lines = {0};
    TRY(by_method(run, "splitlines", &self, &args, &lines));
    *ret = lines.as.seq;
    return 0;
}

FILTER(filter_indent)
{
    if (self->type != JINJA_STR) {
        if (self->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, self);
        return JINJA_FAIL(run, "indent needs a str, not %s", jinja_type_name(self));
    }
    struct jinja_out pad = {.arena = run->arena};
    int64_t width = 4;
    if (jinja_has_arg(args, 0) && args->pos[0].type == JINJA_STR) {
        TRY(jinja_out_add(&pad, jinja_text_of(&args->pos[0])));
    } else {
        TRY(jinja_arg_int(run, args, 0, 4, &width));
        TRY(jinja_charge(run, width > 0 ? (uint64_t)width : 0));
        TRY(jinja_out_fill(&pad, ' ', width > 0 ? (size_t)width : 0));
    }
    const int indents_first = jinja_arg_true(args, 1, 0);
    const int indents_blank = jinja_arg_true(args, 2, 0);
    struct jinja_seq *lines = NULL;
    struct jinja_out all = {.arena = run->arena};
    TRY(jinja_out_add(&all, jinja_text_of(self)));
    TRY(jinja_out_cp(&all, '\n'));
    TRY(lines_of(run, jinja_out_text(&all), &lines));
    struct jinja_out out = {.arena = run->arena};
    for (uint32_t i = 0; i < lines->n; i++) {
        const struct str line = jinja_text_of(&lines->items[i]);
        if (i) TRY(jinja_out_cp(&out, '\n'));
        if (i ? indents_blank || line.len > 0 : indents_first) {
            TRY(jinja_out_add(&out, jinja_out_text(&pad)));
        }
        TRY(jinja_out_add(&out, line));
    }
    TRY(jinja_charge(run, out.len / 64));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

FILTER(filter_truncate)
{
    int64_t length = 255;
    int64_t leeway = 5;
    struct str end = {0};
    TRY(jinja_arg_int(run, args, 0, 255, &length));
    TRY(jinja_arg_text(run, args, 2, "...", &end));
    if (jinja_has_arg(args, 3) && args->pos[3].type != JINJA_NONE) {
        TRY(jinja_arg_int(run, args, 3, 5, &leeway));
    }
    const int64_t end_n = (int64_t)jinja_utf8_count(end);
    if (length < end_n) {
        return JINJA_FAIL(run, "expected length >= %lld, got %lld", (long long)end_n,
                          (long long)length);
    }
    *ret = *self;
    const int64_t n = jinja_length(self);
    if (n >= 0 && n - leeway <= length) return 0; /* whatever it is */
    if (self->type != JINJA_STR) return JINJA_FAIL(run, "truncate needs a str");
    const struct str text = jinja_text_of(self);
    TRY(jinja_charge(run, text.len / 16));
    struct str head = {text.data, jinja_utf8_offset(text, (size_t)(length - end_n))};
    const int64_t blank = jinja_text_rfind(head, STR_LIT(" "), head.len);
    if (!jinja_arg_true(args, 1, 0) && blank >= 0) head.len = (size_t)blank;
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_out_add(&out, head));
    TRY(jinja_out_add(&out, end));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

FILTER(filter_wordcount)
{
    (void)args;
    struct str text = {0};
    int64_t n = 0;
    int in_word = 0;
    TRY(jinja_to_text(run, self, &text));
    TRY(jinja_charge(run, text.len / 4));
    for (size_t i = 0; i < text.len; i += jinja_utf8_width(text.data[i])) {
        const uint32_t cp = jinja_utf8_get((struct str){text.data + i, text.len - i});
        if (cp >= 0x80) {
            return jinja_fail(run, NMOS_E_UNSUPPORTED,
                              "wordcount of text beyond ASCII is not supported");
        }
        const uint32_t letter = cp | 0x20U;
        const int is_word =
            (letter >= 'a' && letter <= 'z') || (cp >= '0' && cp <= '9') || cp == '_';
        n += is_word && !in_word;
        in_word = is_word;
    }
    *ret = jinja_int(n);
    return 0;
}

FILTER(filter_escape)
{
    (void)args;
    struct jinja_value value = {0};
    TRY(text_value(run, self, &value));
    *ret = value;
    if (value.sub) return 0;
    const struct str text = jinja_text_of(&value);
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_charge(run, text.len / 16));
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        struct str image = {text.data + i, 1};
        if (c == '&') image = STR_LIT("&amp;");
        if (c == '<') image = STR_LIT("&lt;");
        if (c == '>') image = STR_LIT("&gt;");
        if (c == '\'') image = STR_LIT("&#39;");
        if (c == '"') image = STR_LIT("&#34;");
        TRY(jinja_out_add(&out, image));
    }
    *ret = jinja_str(jinja_out_text(&out));
    ret->sub = 1;
    return 0;
}

FILTER(filter_safe)
{
    (void)args;
    TRY(text_value(run, self, ret));
    ret->sub = 1;
    return 0;
}

/* The indent argument: a number of blanks, a text, or none for one line. */
static int json_indent(struct jinja_run *run, const struct jinja_args *args,
                       struct jinja_json_style *style)
{
    if (!jinja_has_arg(args, 1) || args->pos[1].type == JINJA_NONE) return 0;
    struct jinja_out blanks = {.arena = run->arena};
    int64_t n = 0;
    style->item_separator = STR_LIT(",");
    if (args->pos[1].type == JINJA_STR) {
        style->indent = jinja_text_of(&args->pos[1]);
        return 0;
    }
    TRY(jinja_arg_int(run, args, 1, 0, &n));
    TRY(jinja_charge(run, n > 0 ? (uint64_t)n : 0));
    TRY(jinja_out_fill(&blanks, ' ', n > 0 ? (size_t)n : 0));
    style->indent = jinja_out_text(&blanks);
    return 0;
}

FILTER(filter_tojson)
{
    struct jinja_json_style style = {.item_separator = STR_LIT(", "),
                                     .key_separator = STR_LIT(": "),
                                     .is_ascii = jinja_arg_true(args, 0, 0),
                                     .is_sorted = jinja_arg_true(args, 3, 0)};
    TRY(json_indent(run, args, &style));
    if (jinja_has_arg(args, 2) && args->pos[2].type != JINJA_NONE) {
        struct jinja_seq *both = NULL;
        TRY(jinja_iterate(run, &args->pos[2], &both));
        if (both->n != 2 || both->items[0].type != JINJA_STR || both->items[1].type != JINJA_STR) {
            return JINJA_FAIL(run, "tojson needs two separators");
        }
        style.item_separator = jinja_text_of(&both->items[0]);
        style.key_separator = jinja_text_of(&both->items[1]);
    }
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_print_json(run, &out, self, &style));
    TRY(jinja_charge(run, out.len / 64));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

const struct jinja_builtin jinja_text_filters[] = {
    {"string", "", filter_string},
    {"upper", "", filter_upper},
    {"lower", "", filter_lower},
    {"capitalize", "", filter_capitalize},
    {"title", "", filter_title},
    {"trim", "chars", filter_trim},
    {"center", "width", filter_center},
    {"replace", "old! new! count", filter_replace},
    {"format", "*", filter_format},
    {"indent", "width first blank", filter_indent},
    {"truncate", "length killwords end leeway", filter_truncate},
    {"wordcount", "", filter_wordcount},
    {"escape", "", filter_escape},
    {"e", "", filter_escape},
    {"safe", "", filter_safe},
    {"tojson", "ensure_ascii indent separators sort_keys", filter_tojson},
    {NULL, NULL, NULL},
};
