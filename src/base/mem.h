/* SPDX-License-Identifier: MIT */
/*
 * All heap memory, counted by purpose.
 *
 * Every block carries a tag, so that the budget (invariant I3), the leak tests and --stats can say
 * who holds what. Blocks of at least 1 MiB come straight from the kernel (zeroed, returned on free,
 * huge pages advised); smaller ones from malloc. Thread-safe.
 *
 * Huge pages make kernels faster by some per cent, and direct reads by more. But a virtual machine
 * whose host has taken unused memory back may hand them out at 0.3 GB/s, and small ones, for the
 * first gigabytes, at 1.2 or more, so that loading a model takes longer than reading it. Who fills
 * fresh memory itself therefore times it (mem_touch_begin()), and what comes slowly comes in small
 * pages from then on. The ring, which is small and read into over and over, keeps huge ones.
 */
#ifndef NMOS_BASE_MEM_H
#define NMOS_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum mem_tag {
    MEM_GENERAL, /* small structures */
    MEM_WEIGHTS, /* pinned tensors */
    MEM_RING,    /* slots of the action zone */
    MEM_KV,      /* KV pages */
    MEM_SCRATCH, /* activations and per-thread scratch */
    MEM_VOCAB,   /* tokenizer tables */
    MEM_HEADER,  /* parsed file headers */
    MEM_IO,      /* I/O queues and bounce buffers */
    MEM_DEVICE,  /* memory of a stand-in for a device */
    MEM_TAG_COUNT,
};

#define MEM_ALIGN_VECTOR 64U /* what SIMD kernels ask for */
#define MEM_ALIGN_PAGE   4096U

/**
 * Allocates @p bytes aligned to @p align (a power of two, at most 2 MiB). Content undefined below 1
 * MiB.
 * @return NULL with the error message set when memory is short; @p bytes 0 gives a valid unique
 * block. The caller owns the block and frees it with mem_free().
 */
void *mem_alloc(enum mem_tag tag, size_t bytes, size_t align) NMOS_MUST_CHECK;

/** As mem_alloc(), every byte zero, vector-aligned, for @p n items of @p item_bytes
 * (overflow-checked). */
void *mem_calloc(enum mem_tag tag, size_t n, size_t item_bytes) NMOS_MUST_CHECK;

/**
 * Grows @p block (NULL: a new one) to @p bytes, content kept, vector-aligned.
 * @return the new block, or NULL with the old one untouched.
 */
void *mem_grow(enum mem_tag tag, void *block, size_t bytes) NMOS_MUST_CHECK;

/** Releases a block of the functions above; NULL is a no-op. */
void mem_free(void *block);

/** Gives the whole pages among @p bytes at @p at, inside a block of ours, back to the system; their
 * content becomes zero. The block stays; mem_used() does not change. */
void mem_release_pages(void *at, size_t bytes);

/** Before the first touch of pages of a block: the processor time of this thread, ns. */
uint64_t mem_touch_begin(void);

/**
 * Behind it: @p bytes of @p block, which came from mem_alloc(), were touched since @p begin_ns.
 * When that took longer than 1 ns a byte, and 2 ms, pages of the block that are not there yet will
 * be small ones, and those of later blocks too.
 */
void mem_touch_end(void *block, uint64_t begin_ns, size_t bytes);

/** Touches all pages of a new block of @p bytes, which become zero. */
void mem_touch(void *block, size_t bytes);

/** Copy of the @p n bytes at @p text with a zero byte behind them; caller frees. NULL when memory
 * is short. */
char *mem_strndup(enum mem_tag tag, const char *text, size_t n) NMOS_MUST_CHECK;

/** Bytes now held under @p tag, overhead of the allocator included. */
size_t mem_used(enum mem_tag tag);

/** Number of allocations made since the program started (tests assert that the token path makes
 * none). */
uint64_t mem_alloc_count(void);

/** Fails every allocation after @p n more of them; a negative @p n switches the fault off. For
 * tests. */
void mem_fail_after(int64_t n);

/** a * b into @p ret, or NMOS_E_LIMIT. */
int size_mul(size_t a, size_t b, size_t *ret) NMOS_MUST_CHECK;
/** a + b into @p ret, or NMOS_E_LIMIT. */
int size_add(size_t a, size_t b, size_t *ret) NMOS_MUST_CHECK;

/** Rounds @p x up to a multiple of @p align (a power of two). */
static inline size_t size_round_up(size_t x, size_t align)
{
    return (x + align - 1) & ~(align - 1);
}

#endif
