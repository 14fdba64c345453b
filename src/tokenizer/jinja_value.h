/* SPDX-License-Identifier: MIT */
/*
 * Values of the template language: Python's, as far as templates can make them.
 *
 * A value is 24 bytes and copied freely; what it points to lies in the arena of its rendering (or
 * template), is never changed once a template can see it, and dies with the arena. So slices of
 * text and lists are views. Only namespaces change.
 */
#ifndef NMOS_TOKENIZER_JINJA_VALUE_H
#define NMOS_TOKENIZER_JINJA_VALUE_H

#include <stdint.h>

#include "base/str.h"
#include "tokenizer/jinja_arena.h"

#define JINJA_VALUE_DEPTH_MAX 128 /* lists in lists; recursive functions over values stop here */
#define JINJA_STEPS_MAX       50000000U /* work of one rendering; see jinja_charge() */

enum jinja_type {
    JINJA_UNDEFINED,
    JINJA_NONE,
    JINJA_BOOL,
    JINJA_INT,
    JINJA_FLOAT,
    JINJA_STR,
    JINJA_SEQ, /* list, tuple, range, views of a dict, iterators: see enum jinja_seq_kind */
    JINJA_DICT,
    JINJA_NAMESPACE,
    JINJA_CALLABLE,
    JINJA_LOOP,   /* the variable `loop` */
    JINJA_CYCLER, /* of cycler(): a sequence whose `taken` is the position */
};

/** How an undefined value came about; decides the message when it is used. */
enum jinja_undefined {
    JINJA_UNDEF_NAME,    /* text: the variable */
    JINJA_UNDEF_ATTR,    /* text: the attribute; origin: type of the object */
    JINJA_UNDEF_ELEMENT, /* text: repr of the key; origin as above */
    JINJA_UNDEF_HINT,    /* text: the whole message */
    JINJA_UNDEF_UNSAFE,  /* text: an attribute that templates may not use */
    JINJA_UNDEF_MISSING, /* an argument that was not passed; never seen by templates */
};

enum jinja_seq_kind {
    JINJA_LIST,
    JINJA_TUPLE,
    JINJA_RANGE,
    JINJA_DICT_KEYS,
    JINJA_DICT_VALUES,
    JINJA_DICT_ITEMS,
    JINJA_ITERATOR, /* what lazy filters give: no length, can be walked once */
};

struct jinja_value {
    uint8_t type;      /* enum jinja_type */
    uint8_t sub;       /* undefined: enum jinja_undefined; str: 1 when marked safe for HTML */
    uint8_t origin;    /* undefined: type of the object that lacks the attribute */
    uint8_t seq_kind;  /* undefined: its kind when origin is JINJA_SEQ */
    uint32_t text_len; /* str and undefined: bytes at as.text */
    union {
        int boolean;
        int64_t integer;
        double real;
        const char *text;
        struct jinja_seq *seq;
        struct jinja_dict *dict; /* also a namespace's attributes */
        struct jinja_callable *callable;
        struct jinja_loop *loop;
    } as;
};

struct jinja_seq {
    uint8_t kind;     /* enum jinja_seq_kind */
    uint8_t is_group; /* a pair of groupby(), whose items also go by the names grouper and list */
    uint32_t n;
    uint32_t cap;   /* items allocated, while the sequence is being built */
    uint32_t taken; /* iterators: items already walked over; cyclers: the position */
    struct jinja_value *items;
    int64_t start, stop, step; /* ranges only */
};

struct jinja_pair {
    struct jinja_value key;
    struct jinja_value value;
};

/** Pairs in order of insertion, keys unique. */
struct jinja_dict {
    uint32_t n;
    uint32_t cap;
    struct jinja_pair *pairs;
};

static inline struct jinja_value jinja_none(void)
{
    return (struct jinja_value){.type = JINJA_NONE};
}

static inline struct jinja_value jinja_bool(int yes)
{
    return (struct jinja_value){.type = JINJA_BOOL, .as.boolean = yes != 0};
}

static inline struct jinja_value jinja_int(int64_t i)
{
    return (struct jinja_value){.type = JINJA_INT, .as.integer = i};
}

static inline struct jinja_value jinja_float(double real)
{
    return (struct jinja_value){.type = JINJA_FLOAT, .as.real = real};
}

/** A view: @p text must live as long as the value and be shorter than 4 GiB (arena limits see to
 * that). */
static inline struct jinja_value jinja_str(struct str text)
{
    return (struct jinja_value){
        .type = JINJA_STR, .text_len = (uint32_t)text.len, .as.text = text.data};
}

static inline struct jinja_value jinja_undefined(enum jinja_undefined why, struct str text)
{
    return (struct jinja_value){.type = JINJA_UNDEFINED,
                                .sub = (uint8_t)why,
                                .text_len = (uint32_t)text.len,
                                .as.text = text.data};
}

static inline struct jinja_value jinja_seq(struct jinja_seq *seq)
{
    return (struct jinja_value){.type = JINJA_SEQ, .as.seq = seq};
}

static inline struct jinja_value jinja_dict(struct jinja_dict *dict)
{
    return (struct jinja_value){.type = JINJA_DICT, .as.dict = dict};
}

/** The text of a str (or the name in an undefined value). */
static inline struct str jinja_text_of(const struct jinja_value *value)
{
    return (struct str){value->as.text, value->text_len};
}

static inline int jinja_is_number(const struct jinja_value *v)
{
    return v->type == JINJA_BOOL || v->type == JINJA_INT || v->type == JINJA_FLOAT;
}

/** bool or int: the integer it stands for. */
static inline int64_t jinja_to_int(const struct jinja_value *v)
{
    return v->type == JINJA_BOOL ? v->as.boolean : v->as.integer;
}

/** bool, int or float: the number it stands for. */
static inline double jinja_to_real(const struct jinja_value *v)
{
    return v->type == JINJA_FLOAT ? v->as.real : (double)jinja_to_int(v);
}

static inline int jinja_is_seq(const struct jinja_value *v, enum jinja_seq_kind kind)
{
    return v->type == JINJA_SEQ && v->as.seq->kind == kind;
}

/** Python's name of the type, as its error messages have it: "str", "dict_items", "NoneType". */
const char *jinja_type_name(const struct jinja_value *value);

/** bool(value). */
int jinja_is_true(const struct jinja_value *value);

/**
 * a == b. Adds the comparisons made to *work and gives up once that exceeds JINJA_STEPS_MAX, which
 * values nested deeper than JINJA_VALUE_DEPTH_MAX bring about at once.
 */
int jinja_equal(const struct jinja_value *a, const struct jinja_value *b, uint64_t *work);

/** New empty sequence with room for @p cap items; NULL when memory or the limit is exhausted. */
struct jinja_seq *jinja_seq_create(struct jinja_arena *arena, enum jinja_seq_kind kind,
                                   size_t cap) NMOS_MUST_CHECK;

/** Appends to a sequence that no template has seen yet. @return 0, NMOS_E_NOMEM or NMOS_E_LIMIT. */
int jinja_seq_push(struct jinja_arena *arena, struct jinja_seq *seq,
                   struct jinja_value item) NMOS_MUST_CHECK;

/** New empty dict with room for @p cap pairs; NULL when memory or the limit is exhausted. */
struct jinja_dict *jinja_dict_create(struct jinja_arena *arena, size_t cap) NMOS_MUST_CHECK;

/** The value under @p key, or NULL. Adds the comparisons made to *work. */
struct jinja_value *jinja_dict_find(const struct jinja_dict *dict, const struct jinja_value *key,
                                    uint64_t *work);

/** As jinja_dict_find() with a text as the key. */
struct jinja_value *jinja_dict_find_text(const struct jinja_dict *dict, struct str key,
                                         uint64_t *work);

/** Inserts or replaces. Adds the comparisons made to *work. @return 0, NMOS_E_NOMEM or
 * NMOS_E_LIMIT. */
int jinja_dict_set(struct jinja_arena *arena, struct jinja_dict *dict, struct jinja_value key,
                   struct jinja_value value, uint64_t *work) NMOS_MUST_CHECK;

#endif
