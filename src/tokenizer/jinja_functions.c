/* SPDX-License-Identifier: MIT */
/*
 * Functions that templates call by name: Jinja2's own, and the two that transformers adds,
 * raise_exception() and strftime_now().
 */
#include "tokenizer/jinja_run.h"

#define FUNCTION(name)                                                                             \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

#define STRFTIME_BYTES_MAX 4096

FUNCTION(call_raise_exception)
{
    (void)self;
    (void)ret;
    struct str message = {0};
    TRY(jinja_to_text(run, &args->pos[0], &message));
    /* The template's own words, as they are: they speak to the one who wrote the messages. */
    return FAIL(NMOS_E_INVALID, "%.*s",
                (int)(message.len < ERROR_MESSAGE_MAX ? message.len : ERROR_MESSAGE_MAX),
                message.data);
}

FUNCTION(call_strftime_now)
{
    (void)self;
    struct str format = {0};
    TRY(jinja_arg_text(run, args, 0, "", &format));
    struct jinja_value copy = {0};
    const char zero = '\0';
    /* A leading blank tells an empty result from one that does not fit. */
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_out_add(&out, STR_LIT(" ")));
    TRY(jinja_out_add(&out, format));
    TRY(jinja_out_add(&out, (struct str){&zero, 1}));
    char text[STRFTIME_BYTES_MAX];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const size_t n = strftime(text, sizeof(text), jinja_out_text(&out).data, &run->now);
#pragma GCC diagnostic pop
    if (n == 0) {
        return jinja_fail(run, NMOS_E_LIMIT, "strftime_now() gives more than %d bytes",
                          STRFTIME_BYTES_MAX);
    }
    TRY(jinja_new_text(run, (struct str){text + 1, n - 1}, &copy));
    *ret = copy;
    return 0;
}

FUNCTION(call_range)
{
    (void)self;
    int64_t bounds[3] = {0, 0, 1};
    if (args->n_named || args->n_pos < 1 || args->n_pos > 3) {
        return JINJA_FAIL(run, "range expected 1 to 3 arguments, got %u", args->n_pos);
    }
    for (uint32_t i = 0; i < args->n_pos; i++) TRY(jinja_arg_int(run, args, i, 0, &bounds[i]));
    if (args->n_pos == 1) {
        bounds[1] = bounds[0];
        bounds[0] = 0;
    }
    if (bounds[2] == 0) return JINJA_FAIL(run, "range() arg 3 must not be zero");
    const int is_up = bounds[2] > 0;
    const int64_t low = is_up ? bounds[0] : bounds[1];
    const int64_t high = is_up ? bounds[1] : bounds[0];
    const uint64_t span = high > low ? (uint64_t)high - (uint64_t)low : 0;
    const uint64_t stride = is_up ? (uint64_t)bounds[2] : 0 - (uint64_t)bounds[2];
    const uint64_t n = span ? (span - 1) / stride + 1 : 0;
    if (n > JINJA_RANGE_MAX) {
        return JINJA_FAIL(run,
                          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).",
                          JINJA_RANGE_MAX);
    }
    TRY(jinja_charge(run, n));
    struct jinja_seq *seq = jinja_seq_create(run->arena, JINJA_RANGE, n);
    if (!seq) return NMOS_E_LIMIT;
    for (uint64_t i = 0; i < n; i++) {
        seq->items[i] = jinja_int((int64_t)((uint64_t)bounds[0] + i * (uint64_t)bounds[2]));
    }
    seq->n = (uint32_t)n;
    seq->start = bounds[0];
    seq->stop = bounds[1];
    seq->step = bounds[2];
    *ret = jinja_seq(seq);
    return 0;
}

/* dict(mapping or pairs, name=value, ...) */
static int make_dict(struct jinja_run *run, const struct jinja_args *args, struct jinja_dict **ret)
{
    struct jinja_dict *dict = jinja_dict_create(run->arena, args->n_named);
    if (!dict) return NMOS_E_LIMIT;
    if (args->n_pos > 1) return JINJA_FAIL(run, "dict expected at most 1 argument");
    const struct jinja_value *from = args->n_pos ? &args->pos[0] : NULL;
    if (from && (from->type == JINJA_DICT || from->type == JINJA_NAMESPACE)) {
        for (uint32_t i = 0; i < from->as.dict->n; i++) {
            const struct jinja_pair pair = from->as.dict->pairs[i];
            TRY(jinja_dict_set(run->arena, dict, pair.key, pair.value, &run->steps));
        }
    } else if (from) {
        struct jinja_seq *pairs = NULL;
        TRY(jinja_iterate(run, from, &pairs));
        for (uint32_t i = 0; i < pairs->n; i++) {
            struct jinja_seq *pair = NULL;
            TRY(jinja_iterate(run, &pairs->items[i], &pair));
            if (pair->n != 2) {
                return JINJA_FAIL(run, "dictionary update sequence element #%u has length %u", i,
                                  pair->n);
            }
            TRY(jinja_dict_set(run->arena, dict, pair->items[0], pair->items[1], &run->steps));
        }
    }
    for (uint32_t i = 0; i < args->n_named; i++) {
        TRY(jinja_dict_set(run->arena, dict, args->named[i].key, args->named[i].value,
                           &run->steps));
    }
    *ret = dict;
    return jinja_charge(run, dict->n);
}

FUNCTION(call_dict)
{
    (void)self;
    struct jinja_dict *dict = NULL;
    TRY(make_dict(run, args, &dict));
    *ret = jinja_dict(dict);
    return 0;
}

FUNCTION(call_namespace)
{
    (void)self;
    struct jinja_dict *dict = NULL;
    TRY(make_dict(run, args, &dict));
    *ret = (struct jinja_value){.type = JINJA_NAMESPACE, .as.dict = dict};
    return 0;
}

FUNCTION(call_cycler)
{
    (void)self;
    if (args->n_pos == 0) return JINJA_FAIL(run, "at least one item has to be provided");
    struct jinja_seq *seq = jinja_seq_create(run->arena, JINJA_TUPLE, args->n_pos);
    if (!seq) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < args->n_pos; i++) seq->items[seq->n++] = args->pos[i];
    *ret = (struct jinja_value){.type = JINJA_CYCLER, .as.seq = seq};
    return 0;
}

FUNCTION(cycler_next)
{
    (void)run;
    (void)args;
    struct jinja_seq *seq = self->as.seq;
    *ret = seq->items[seq->taken];
    seq->taken = (seq->taken + 1) % seq->n;
    return 0;
}

FUNCTION(cycler_reset)
{
    (void)run;
    (void)args;
    self->as.seq->taken = 0;
    *ret = jinja_none();
    return 0;
}

/* The function that joiner() gives: nothing at the first call, then the separator. */
FUNCTION(joiner_next)
{
    (void)run;
    (void)args;
    struct jinja_seq *seq = self->as.seq;
    *ret = seq->taken ? seq->items[0] : jinja_str(STR_LIT(""));
    seq->taken = 1;
    return 0;
}

FUNCTION(call_joiner)
{
    (void)self;
    static const struct jinja_builtin joiner = {"joiner", "", joiner_next};
    struct jinja_seq *seq = jinja_seq_create(run->arena, JINJA_TUPLE, 1);
    if (!seq) return NMOS_E_LIMIT;
    seq->items[seq->n++] = jinja_has_arg(args, 0) ? args->pos[0] : jinja_str(STR_LIT(", "));
    return jinja_new_callable(run, &joiner, jinja_seq(seq), ret);
}

const struct jinja_builtin jinja_functions[] = {
    {"raise_exception", "message!", call_raise_exception},
    {"strftime_now", "format!", call_strftime_now},
    {"range", "*", call_range},
    {"dict", "*", call_dict},
    {"namespace", "*", call_namespace},
    {"cycler", "*", call_cycler},
    {"joiner", "sep", call_joiner},
    {"lipsum", "*", NULL},
    {NULL, NULL, NULL},
};

const struct jinja_builtin jinja_cycler_methods[] = {
    {"next", "", cycler_next},
    {"reset", "", cycler_reset},
    {NULL, NULL, NULL},
};
