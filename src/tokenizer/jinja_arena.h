/* SPDX-License-Identifier: MIT */
/*
 * Memory of one template or of one rendering: handed out front to back, given back all at once.
 *
 * The limit is what bounds a hostile template; running into it is an ordinary error. Text lies
 * unaligned, so that the text made last can grow in place: a template that appends to one string in
 * a loop stays linear.
 */
#ifndef NMOS_TOKENIZER_JINJA_ARENA_H
#define NMOS_TOKENIZER_JINJA_ARENA_H

#include <stddef.h>

#include "base/error.h"

struct jinja_arena {
    void *chunks; /* newest first, each starts with a pointer to the one before */
    char *next;   /* first free byte of the newest chunk */
    size_t left;  /* free bytes behind next */
    size_t held;  /* bytes of all chunks */
    size_t limit; /* largest value of held */
};

/** Prepares an empty arena that will hold at most @p limit bytes. */
void jinja_arena_init(struct jinja_arena *arena, size_t limit);

/** Zeroed, 8-aligned block. @return NULL with the message set when memory or the limit is
 * exhausted. */
void *jinja_arena_alloc(struct jinja_arena *arena, size_t bytes) NMOS_MUST_CHECK;

/** As jinja_arena_alloc() for @p n items of @p item_bytes, overflow-checked. */
void *jinja_arena_array(struct jinja_arena *arena, size_t n, size_t item_bytes) NMOS_MUST_CHECK;

/** @p bytes of unaligned, uninitialised text; NULL as jinja_arena_alloc(). */
char *jinja_arena_text(struct jinja_arena *arena, size_t bytes) NMOS_MUST_CHECK;

/**
 * Enlarges the block that ends at @p end by @p more bytes without moving it, which only works for
 * the newest one.
 * @return 1 when done, 0 when there is no room there (nothing has changed).
 */
int jinja_arena_extend(struct jinja_arena *arena, const char *end, size_t more);

/** Frees everything; the arena is empty afterwards. */
void jinja_arena_deinit(struct jinja_arena *arena);

#endif
