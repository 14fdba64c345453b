/* SPDX-License-Identifier: MIT */
/*
 * A list of chunks from base/mem.h; the newest serves requests. A request that does not fit starts
 * a chunk, the rest of the old one is given up. Blocks are never freed one by one.
 */
#include "tokenizer/jinja_arena.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_BYTES ((size_t)64 << 10)

void jinja_arena_init(struct jinja_arena *arena, size_t limit)
{
    *arena = (struct jinja_arena){.limit = limit};
}

static int add_chunk(struct jinja_arena *arena, size_t bytes)
{
    const size_t header = 16;
    size_t size = 0;
    TRY(size_add(bytes, header, &size));
    const size_t room = arena->limit - arena->held;
    /* Twice what is asked: a text that outgrew its chunk finds room to go on growing. */
    if (size < CHUNK_BYTES / 2)
        size = CHUNK_BYTES;
    else if (size < room / 2)
        size *= 2;
    if (size > room) {
        return FAIL(NMOS_E_LIMIT,
                    "the chat template needs more than %zu bytes of memory, the limit for one",
                    arena->limit);
    }
    char *chunk = mem_alloc(MEM_GENERAL, size, 16);
    if (!chunk) return NMOS_E_NOMEM;
    memcpy(chunk, &arena->chunks, sizeof(arena->chunks));
    arena->chunks = chunk;
    arena->next = chunk + header;
    arena->left = size - header;
    arena->held += size;
    return 0;
}

char *jinja_arena_text(struct jinja_arena *arena, size_t bytes)
{
    const int is_full = bytes > arena->left || !arena->next;
    if (is_full && add_chunk(arena, bytes) < 0) return NULL;
    char *text = arena->next;
    arena->next += bytes;
    arena->left -= bytes;
    return text;
}

void *jinja_arena_alloc(struct jinja_arena *arena, size_t bytes)
{
    const size_t pad = (size_t)(-(uintptr_t)arena->next & 7U);
    if (arena->next && pad <= arena->left) {
        arena->next += pad;
        arena->left -= pad;
    } else {
        arena->left = 0; /* a fresh chunk is aligned */
    }
    size_t whole = 0;
    if (size_add(bytes, 1, &whole) < 0) return NULL;
    char *block = jinja_arena_text(arena, whole);
    if (block) memset(block, 0, whole);
    return block;
}

void *jinja_arena_array(struct jinja_arena *arena, size_t n, size_t item_bytes)
{
    size_t bytes = 0;
    if (size_mul(n, item_bytes, &bytes) < 0) return NULL;
    return jinja_arena_alloc(arena, bytes);
}

int jinja_arena_extend(struct jinja_arena *arena, const char *end, size_t more)
{
    if (end != arena->next || more > arena->left) return 0;
    arena->next += more;
    arena->left -= more;
    return 1;
}

void jinja_arena_deinit(struct jinja_arena *arena)
{
    void *chunk = arena->chunks;
    while (chunk) {
        void *before = NULL;
        memcpy(&before, chunk, sizeof(before));
        mem_free(chunk);
        chunk = before;
    }
    *arena = (struct jinja_arena){.limit = arena->limit};
}
