/* SPDX-License-Identifier: MIT */
/*
 * For loops. The filter of `for x in y if z` is asked item by item, just before the item's turn,
 * because bodies can change what it sees; loop.last and loop.nextitem look one item ahead,
 * loop.length at all of them, as in Jinja2.
 */
#include "tokenizer/jinja_run.h"

/* Asks the filter about the next item not asked yet: kept, or dropped. */
static int filter_next(struct jinja_run *run, struct jinja_loop *loop)
{
    struct jinja_scope *const outer = run->scope;
    const struct jinja_value item = loop->items->items[loop->next_item++];
    struct jinja_value verdict = {0};
    run->scope = jinja_scope_create(run, loop->scope);
    int rc = run->scope ? jinja_assign(run, loop->node->a, item) : NMOS_E_LIMIT;
    if (rc == 0) rc = jinja_eval(run, loop->node->c, &verdict);
    run->scope = outer;
    if (rc == 0 && jinja_is_true(&verdict)) rc = jinja_seq_push(run->arena, loop->kept, item);
    return rc;
}

/* Makes sure that item number i is in kept, if there are so many. */
static int fetch(struct jinja_run *run, struct jinja_loop *loop, uint64_t i)
{
    while (loop->node->c && loop->kept->n <= i && loop->next_item < loop->items->n) {
        TRY(filter_next(run, loop));
    }
    return 0;
}

static int loop_turns(struct jinja_run *run, struct jinja_loop *loop)
{
    const struct jinja_value self = {.type = JINJA_LOOP, .as.loop = loop};
    for (;; loop->index0++) {
        TRY(fetch(run, loop, loop->index0));
        if (loop->index0 >= loop->kept->n) return 0;
        TRY(jinja_charge(run, 1));
        run->scope = jinja_scope_create(run, loop->scope);
        if (!run->scope) return NMOS_E_LIMIT;
        TRY(jinja_scope_set(run, run->scope, STR_LIT("loop"), self));
        TRY(jinja_assign(run, loop->node->a, loop->kept->items[loop->index0]));
        const int rc = jinja_exec(run, loop->node->d);
        if (rc < 0) return rc;
        if (rc == JINJA_BREAK) return 0;
        if (rc == 0) loop->has_completed = 1;
    }
}

int jinja_exec_for(struct jinja_run *run, const struct jinja_node *node,
                   const struct jinja_value *iterable, int depth0)
{
    struct jinja_scope *const outer = run->scope;
    struct jinja_loop *loop = jinja_arena_alloc(run->arena, sizeof(*loop));
    if (!loop) return NMOS_E_LIMIT;
    loop->node = node;
    loop->scope = outer;
    loop->depth0 = depth0;
    loop->changed = jinja_undefined(JINJA_UNDEF_MISSING, STR_LIT(""));
    TRY(jinja_iterate(run, iterable, &loop->items));
    loop->kept = loop->items;
    if (node->c) loop->kept = jinja_seq_create(run->arena, JINJA_LIST, 0);
    if (!loop->kept) return NMOS_E_LIMIT;
    const int rc = loop_turns(run, loop);
    run->scope = outer;
    if (rc < 0 || loop->has_completed || !node->e) return rc;
    run->scope = jinja_scope_create(run, outer);
    if (!run->scope) return NMOS_E_LIMIT;
    const int else_rc = jinja_exec(run, node->e);
    run->scope = outer;
    return else_rc;
}

static int neighbour(struct jinja_run *run, struct jinja_loop *loop, int is_next,
                     struct jinja_value *ret)
{
    if (is_next) {
        TRY(fetch(run, loop, (uint64_t)loop->index0 + 1));
        if (loop->index0 + 1 < loop->kept->n) {
            *ret = loop->kept->items[loop->index0 + 1];
        } else {
            *ret = jinja_undefined(JINJA_UNDEF_HINT, STR_LIT("there is no next item"));
        }
    } else if (loop->index0 > 0) {
        *ret = loop->kept->items[loop->index0 - 1];
    } else {
        *ret = jinja_undefined(JINJA_UNDEF_HINT, STR_LIT("there is no previous item"));
    }
    return 0;
}

int jinja_loop_attr(struct jinja_run *run, struct jinja_loop *loop, struct str name,
                    struct jinja_value *ret)
{
    enum { INDEX, INDEX0, FIRST, LAST, LENGTH, REVINDEX, REVINDEX0, PREV, NEXT, DEPTH, DEPTH0, N };
    static const char *const names[] = {"index",    "index0",   "first",     "last",
                                        "length",   "revindex", "revindex0", "previtem",
                                        "nextitem", "depth",    "depth0"};
    int which = 0;
    while (which < N && !str_equal(name, str_from(names[which]))) which++;
    if (which == LAST) TRY(fetch(run, loop, (uint64_t)loop->index0 + 1));
    if (which >= LENGTH && which <= REVINDEX0) TRY(fetch(run, loop, UINT64_MAX));
    const int64_t index0 = loop->index0;
    const int64_t n = loop->kept->n;
    switch (which) {
    case INDEX: *ret = jinja_int(index0 + 1); break;
    case INDEX0: *ret = jinja_int(index0); break;
    case FIRST: *ret = jinja_bool(index0 == 0); break;
    case LAST: *ret = jinja_bool(index0 + 1 >= n); break;
    case LENGTH: *ret = jinja_int(n); break;
    case REVINDEX: *ret = jinja_int(n - index0); break;
    case REVINDEX0: *ret = jinja_int(n - index0 - 1); break;
    case PREV:
    case NEXT: return neighbour(run, loop, which == NEXT, ret);
    case DEPTH: *ret = jinja_int(loop->depth0 + 1); break;
    case DEPTH0: *ret = jinja_int(loop->depth0); break;
    default: *ret = jinja_undefined(JINJA_UNDEF_ATTR, name); break;
    }
    return 0;
}

static int loop_cycle(struct jinja_run *run, const struct jinja_value *self,
                      const struct jinja_args *args, struct jinja_value *ret)
{
    if (args->n_pos == 0) return JINJA_FAIL(run, "no items for cycling given");
    *ret = args->pos[self->as.loop->index0 % args->n_pos];
    return 0;
}

static int loop_changed(struct jinja_run *run, const struct jinja_value *self,
                        const struct jinja_args *args, struct jinja_value *ret)
{
    struct jinja_seq *now = jinja_seq_create(run->arena, JINJA_TUPLE, args->n_pos);
    if (!now) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < args->n_pos; i++) now->items[now->n++] = args->pos[i];
    const struct jinja_value value = jinja_seq(now);
    const int is_same = jinja_equal(&self->as.loop->changed, &value, &run->steps);
    self->as.loop->changed = value;
    *ret = jinja_bool(!is_same);
    return 0;
}

const struct jinja_builtin jinja_loop_methods[] = {
    {"cycle", "*", loop_cycle},
    {"changed", "*", loop_changed},
    {NULL, NULL, NULL},
};
