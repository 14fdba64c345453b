/* SPDX-License-Identifier: MIT */
/*
 * One rendering: its state, and the operations on values that the evaluator and the built-in
 * filters, tests, methods and functions share.
 *
 * Everything a template can cause is bounded: memory by the arena, time by jinja_charge(), the C
 * stack by JINJA_EVAL_DEPTH_MAX. A failure leaves nothing to clean up, since all memory is the
 * arena's.
 *
 * Source: the semantics of Jinja2 3.1's immutable sandbox on Python 3.11 without autoescape, with
 * the functions and the tojson that Hugging Face's transformers adds.
 */
#ifndef NMOS_TOKENIZER_JINJA_RUN_H
#define NMOS_TOKENIZER_JINJA_RUN_H

#include <time.h>

#include "tokenizer/jinja_out.h"
#include "tokenizer/jinja_parse.h"

#define JINJA_EVAL_DEPTH_MAX                                                                       \
    1000                       /* nested evaluations; a level of macro recursion takes about ten */
#define JINJA_RANGE_MAX 100000 /* items of range(), as in Jinja2's sandbox */

struct jinja_var {
    struct str name;
    struct jinja_value value;
    struct jinja_var *next;
};

/** Variables of a body; looked up outwards. */
struct jinja_scope {
    struct jinja_scope *parent; /* NULL: the outermost */
    struct jinja_var *vars;     /* newest first */
};

/** A text made by +, with room to grow; see jinja_ops.c. */
struct jinja_sum {
    char *end;
    size_t room; /* bytes behind end */
};

#define JINJA_SUMS 4 /* texts that a template gathers at a time */

struct jinja_run {
    struct jinja_arena *arena;
    struct jinja_out *out; /* where text goes: the result, or a macro's or block's text */
    struct jinja_scope *scope;
    uint64_t steps; /* work so far, see jinja_charge() */
    int depth;      /* nested evaluations */
    uint32_t line;  /* of the construct being evaluated, for messages */
    struct tm now;  /* what strftime_now() formats */
    struct jinja_sum sums[JINJA_SUMS];
    unsigned n_sums;                /* made so far */
    const struct jinja_value *body; /* text of the block whose filters run now */
};

struct jinja_args {
    const struct jinja_value *pos;
    const struct jinja_pair *named; /* keys are str */
    uint32_t n_pos;
    uint32_t n_named;
};

/**
 * A built-in filter, test, method or function.
 *
 * @param self  what is filtered, tested or has the method; unused by functions.
 * @param args  as many positional ones as `params` names, those not passed being
 * JINJA_UNDEF_MISSING; with params "*" as the template wrote them.
 */
typedef int (*jinja_fn)(struct jinja_run *run, const struct jinja_value *self,
                        const struct jinja_args *args, struct jinja_value *ret);

struct jinja_builtin {
    const char *name; /* a NULL name ends a table */
    const char
        *params; /* names separated by blanks, "!" behind those that must be passed; "*": raw */
    jinja_fn fn;
};

/** A macro, a call block's body, a built-in function or a method bound to its object. */
struct jinja_callable {
    const struct jinja_builtin *builtin; /* NULL for macros */
    struct jinja_value self;             /* methods: the object */
    const struct jinja_node *macro;      /* NODE_MACRO or NODE_CALL_BLOCK */
    struct jinja_scope *scope;           /* where the macro was defined */
};

/** State of a running for loop, also the template's variable `loop`. */
struct jinja_loop {
    const struct jinja_node *node;
    struct jinja_scope *scope;  /* around the loop */
    struct jinja_seq *items;    /* what is walked */
    struct jinja_seq *kept;     /* items that passed the filter; the same as items without one */
    uint32_t next_item;         /* of items: first one not yet filtered */
    uint32_t index0;            /* current position in kept */
    int has_completed;          /* a turn came to its end */
    int depth0;                 /* of recursion */
    struct jinja_value changed; /* arguments of the last loop.changed() */
};

/** Records "chat template, line N: ..." and yields @p status. */
int jinja_fail(const struct jinja_run *run, int status, const char *fmt, ...) NMOS_PRINTF(3, 4);

/** The usual failure: the template, or what it was given, does something that Python refuses. */
#define JINJA_FAIL(run, ...) jinja_fail((run), NMOS_E_INVALID, __VA_ARGS__)

/** Accounts for work. @return 0, or NMOS_E_LIMIT once it exceeds JINJA_STEPS_MAX. */
int jinja_charge(struct jinja_run *run, uint64_t steps) NMOS_MUST_CHECK;

/** jinja_run.c: variables. */
struct jinja_scope *jinja_scope_create(struct jinja_run *run,
                                       struct jinja_scope *parent) NMOS_MUST_CHECK;
int jinja_scope_set(struct jinja_run *run, struct jinja_scope *scope, struct str name,
                    struct jinja_value value) NMOS_MUST_CHECK;
/** The variable's value or NULL. */
const struct jinja_value *jinja_scope_find(struct jinja_run *run, struct str name);

/** jinja_run.c: text that lives as long as the rendering; formatted text of at most 400 bytes. */
int jinja_new_text(struct jinja_run *run, struct str text, struct jinja_value *ret) NMOS_MUST_CHECK;
int jinja_new_printf(struct jinja_run *run, struct jinja_value *ret, const char *fmt, ...)
    NMOS_PRINTF(3, 4) NMOS_MUST_CHECK;

/** jinja_run.c: fails with the reason why the value is undefined. */
int jinja_fail_undefined(struct jinja_run *run, const struct jinja_value *value) NMOS_MUST_CHECK;

/** jinja_run.c: the items of an iterable (an iterator is used up, other sequences are shared, not
 * copied). */
int jinja_iterate(struct jinja_run *run, const struct jinja_value *value,
                  struct jinja_seq **ret) NMOS_MUST_CHECK;

/** jinja_run.c: len(value), as Python's for those that have one; -1 for those that have none. */
int64_t jinja_length(const struct jinja_value *value);

/** jinja_print.c: appends str(value), repr(value). */
int jinja_print_str(struct jinja_run *run, struct jinja_out *out,
                    const struct jinja_value *value) NMOS_MUST_CHECK;
int jinja_print_repr(struct jinja_run *run, struct jinja_out *out,
                     const struct jinja_value *value) NMOS_MUST_CHECK;

/** jinja_print.c: str(value) as text; a str's own text without a copy. */
int jinja_to_text(struct jinja_run *run, const struct jinja_value *value,
                  struct str *ret) NMOS_MUST_CHECK;

/** How tojson writes; indent < 0: on one line. */
struct jinja_json_style {
    struct str indent; /* one level; data NULL: everything on one line */
    struct str item_separator;
    struct str key_separator;
    int is_ascii;
    int is_sorted;
};

/** jinja_json.c: appends json.dumps(value). */
int jinja_print_json(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value,
                     const struct jinja_json_style *style) NMOS_MUST_CHECK;

/** jinja_ops.c: a op b, and -1, 0 or 1 for a <=> b. */
int jinja_binary(struct jinja_run *run, enum jinja_op op, const struct jinja_value *a,
                 const struct jinja_value *b, struct jinja_value *ret) NMOS_MUST_CHECK;
int jinja_compare(struct jinja_run *run, const struct jinja_value *a, const struct jinja_value *b,
                  const char *op, int *ret) NMOS_MUST_CHECK;
int jinja_contains(struct jinja_run *run, const struct jinja_value *container,
                   const struct jinja_value *item, int *ret) NMOS_MUST_CHECK;

/** jinja_attr.c: object.name and object[key]; what is not there is an undefined value, not a
 * failure. */
int jinja_getattr(struct jinja_run *run, const struct jinja_value *object, struct str name,
                  struct jinja_value *ret) NMOS_MUST_CHECK;
int jinja_getitem(struct jinja_run *run, const struct jinja_value *object,
                  const struct jinja_value *key, struct jinja_value *ret) NMOS_MUST_CHECK;
/** object[from:to:step]; bounds may be none. */
int jinja_getslice(struct jinja_run *run, const struct jinja_value *object,
                   const struct jinja_value bounds[3], struct jinja_value *ret) NMOS_MUST_CHECK;

/** jinja_format.c: value % args, and value.format(args). */
int jinja_format_percent(struct jinja_run *run, struct str format, const struct jinja_value *args,
                         struct jinja_value *ret) NMOS_MUST_CHECK;
int jinja_format_braces(struct jinja_run *run, struct str format, const struct jinja_args *args,
                        struct jinja_value *ret) NMOS_MUST_CHECK;

/** jinja_seq_filters.c: *item becomes the attribute "a.b.0" of it (none: unchanged); undefined
 * becomes *fallback. */
int jinja_get_path(struct jinja_run *run, const struct jinja_value *attribute,
                   const struct jinja_value *fallback, struct jinja_value *item) NMOS_MUST_CHECK;

/** jinja_call.c: calls of a value, of a filter, of a test by name. */
int jinja_call(struct jinja_run *run, const struct jinja_value *callee,
               const struct jinja_args *args, struct jinja_value *ret) NMOS_MUST_CHECK;
int jinja_call_filter(struct jinja_run *run, struct str name, const struct jinja_value *self,
                      const struct jinja_args *args, struct jinja_value *ret) NMOS_MUST_CHECK;
int jinja_call_test(struct jinja_run *run, struct str name, const struct jinja_value *self,
                    const struct jinja_args *args, int *ret) NMOS_MUST_CHECK;
int jinja_call_builtin(struct jinja_run *run, const struct jinja_builtin *builtin,
                       const struct jinja_value *self, const struct jinja_args *args,
                       struct jinja_value *ret) NMOS_MUST_CHECK;

/** jinja_eval.c: the value of an expression. */
int jinja_eval(struct jinja_run *run, const struct jinja_node *node,
               struct jinja_value *ret) NMOS_MUST_CHECK;
/** Evaluates the arguments of a call: NODE_ARG list. */
int jinja_eval_args(struct jinja_run *run, const struct jinja_node *list,
                    struct jinja_args *ret) NMOS_MUST_CHECK;

/** jinja_exec.c: runs statements. @return 0, JINJA_BREAK or JINJA_CONTINUE, or a failure. */
#define JINJA_BREAK    1
#define JINJA_CONTINUE 2
int jinja_exec(struct jinja_run *run, const struct jinja_node *body) NMOS_MUST_CHECK;
/** Runs a body in @p scope and gives its text. */
int jinja_exec_to_text(struct jinja_run *run, struct jinja_scope *scope,
                       const struct jinja_node *body, struct str *ret) NMOS_MUST_CHECK;
/** Binds names: a name, a tuple to unpack into, ns.attribute. */
int jinja_assign(struct jinja_run *run, const struct jinja_node *target,
                 struct jinja_value value) NMOS_MUST_CHECK;

/** jinja_loop.c: a whole for loop; depth0 counts recursion through loop(...). */
int jinja_exec_for(struct jinja_run *run, const struct jinja_node *node,
                   const struct jinja_value *iterable, int depth0) NMOS_MUST_CHECK;
/** loop.name; ret undefined when there is no such attribute. */
int jinja_loop_attr(struct jinja_run *run, struct jinja_loop *loop, struct str name,
                    struct jinja_value *ret) NMOS_MUST_CHECK;

/* The tables of built-ins. */
extern const struct jinja_builtin jinja_text_filters[];
extern const struct jinja_builtin jinja_seq_filters[];
extern const struct jinja_builtin jinja_pick_filters[];
extern const struct jinja_builtin jinja_number_filters[];
extern const struct jinja_builtin jinja_tests[];
extern const struct jinja_builtin jinja_functions[];
extern const struct jinja_builtin jinja_str_methods[];
extern const struct jinja_builtin jinja_dict_methods[];
extern const struct jinja_builtin jinja_seq_methods[];
extern const struct jinja_builtin jinja_loop_methods[];
extern const struct jinja_builtin jinja_cycler_methods[];

/** The entry called @p name, or NULL. */
const struct jinja_builtin *jinja_builtin_find(const struct jinja_builtin *table, struct str name);

/** Whether argument @p i of a bound call was passed. */
static inline int jinja_has_arg(const struct jinja_args *args, uint32_t i)
{
    return args->pos[i].type != JINJA_UNDEFINED || args->pos[i].sub != JINJA_UNDEF_MISSING;
}

/** Argument @p i as an integer, as text; the default when it was not passed. */
int jinja_arg_int(struct jinja_run *run, const struct jinja_args *args, uint32_t i,
                  int64_t otherwise, int64_t *ret) NMOS_MUST_CHECK;
int jinja_arg_text(struct jinja_run *run, const struct jinja_args *args, uint32_t i,
                   const char *otherwise, struct str *ret) NMOS_MUST_CHECK;
int jinja_arg_true(const struct jinja_args *args, uint32_t i, int otherwise);

/** New bound method or function. */
int jinja_new_callable(struct jinja_run *run, const struct jinja_builtin *builtin,
                       struct jinja_value self, struct jinja_value *ret) NMOS_MUST_CHECK;

#endif
