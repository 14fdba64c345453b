/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define BIG_BLOCK_BYTES   ((size_t)1 << 20)
#define HUGE_PAGE_BYTES   ((size_t)2 << 20)
#define TOUCH_BYTES       ((size_t)4 << 20) /* of one timing */
#define TOUCH_NS_PER_BYTE 1                 /* 0.1 on common machines */

/* Sits directly below each block. */
struct block_header {
    void *raw;         /* what malloc or mmap returned */
    size_t raw_bytes;  /* its size */
    size_t user_bytes; /* what was asked for */
    uint32_t tag;
    uint32_t is_mapped;
};
static_assert(sizeof(struct block_header) <= MEM_ALIGN_VECTOR, "header fits below a vector");

static _Atomic size_t used_bytes[MEM_TAG_COUNT];
static _Atomic uint64_t n_allocs;
static _Atomic int64_t fail_countdown = -1;
static _Atomic int huge_pages_are_slow;

static struct block_header *header_of(void *block)
{
    return (struct block_header *)((char *)block - sizeof(struct block_header));
}

static int fault_injected(void)
{
    int64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (left < 0) return 0;
    if (left == 0) return 1;
    atomic_store_explicit(&fail_countdown, left - 1, memory_order_relaxed);
    return 0;
}

/* The header needs room below an aligned address: one alignment unit, at least a vector. */
void *mem_alloc(enum mem_tag tag, size_t bytes, size_t align)
{
    assert(align && !(align & (align - 1)) && align <= HUGE_PAGE_BYTES);
    if (align < MEM_ALIGN_VECTOR) align = MEM_ALIGN_VECTOR;
    size_t raw_bytes = 0;
    if (fault_injected() || __builtin_add_overflow(bytes, 2 * align, &raw_bytes)) {
        (void)FAIL(NMOS_E_NOMEM, "cannot allocate %zu bytes", bytes);
        return NULL;
    }
    const int is_mapped = raw_bytes >= BIG_BLOCK_BYTES;
    char *raw = NULL;
    if (is_mapped) {
        raw_bytes = size_round_up(raw_bytes, MEM_ALIGN_PAGE);
        void *map =
            mmap(NULL, raw_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        raw = map == MAP_FAILED ? NULL : map;
        const int may_be_huge = tag == MEM_RING || !atomic_load(&huge_pages_are_slow);
        if (raw && may_be_huge && raw_bytes >= 8 * HUGE_PAGE_BYTES)
            (void)madvise(raw, raw_bytes, MADV_HUGEPAGE);
    } else {
        raw = malloc(raw_bytes);
    }
    if (!raw) {
        (void)FAIL(NMOS_E_NOMEM, "cannot allocate %zu bytes: the system has no memory", bytes);
        return NULL;
    }
    const uintptr_t start = (uintptr_t)raw + sizeof(struct block_header);
    char *block = raw + (size_round_up(start, align) - (uintptr_t)raw);
    *header_of(block) = (struct block_header){raw, raw_bytes, bytes, tag, (uint32_t)is_mapped};
    atomic_fetch_add_explicit(&used_bytes[tag], raw_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&n_allocs, 1, memory_order_relaxed);
    return block;
}

void *mem_calloc(enum mem_tag tag, size_t n, size_t item_bytes)
{
    size_t bytes = 0;
    if (size_mul(n, item_bytes, &bytes) < 0) return NULL;
    void *block = mem_alloc(tag, bytes, MEM_ALIGN_VECTOR);
    if (block && !header_of(block)->is_mapped) memset(block, 0, bytes);
    return block;
}

void *mem_grow(enum mem_tag tag, void *block, size_t bytes)
{
    void *bigger = mem_alloc(tag, bytes, MEM_ALIGN_VECTOR);
    if (!bigger || !block) return bigger;
    const size_t kept = header_of(block)->user_bytes;
    memcpy(bigger, block, kept < bytes ? kept : bytes);
    mem_free(block);
    return bigger;
}

void mem_free(void *block)
{
    if (!block) return;
    const struct block_header header = *header_of(block);
    atomic_fetch_sub_explicit(&used_bytes[header.tag], header.raw_bytes, memory_order_relaxed);
    if (header.is_mapped) {
        (void)munmap(header.raw, header.raw_bytes);
    } else {
        free(header.raw);
    }
}

void mem_release_pages(void *at, size_t bytes)
{
    const uintptr_t begin = size_round_up((uintptr_t)at, MEM_ALIGN_PAGE);
    const uintptr_t end = ((uintptr_t)at + bytes) & ~(uintptr_t)(MEM_ALIGN_PAGE - 1);
    if (end > begin)
        (void)madvise((char *)at + (begin - (uintptr_t)at), end - begin, MADV_DONTNEED);
}

uint64_t mem_touch_begin(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void mem_touch_end(void *block, uint64_t begin_ns, size_t bytes)
{
    /* The first byte of a huge page clears all of it. */
    const uint64_t n = bytes > HUGE_PAGE_BYTES ? bytes : HUGE_PAGE_BYTES;
    if (mem_touch_begin() - begin_ns < TOUCH_NS_PER_BYTE * n) return;
    const struct block_header *header = header_of(block);
    atomic_store(&huge_pages_are_slow, 1);
    if (header->is_mapped) (void)madvise(header->raw, header->raw_bytes, MADV_NOHUGEPAGE);
}

void mem_touch(void *block, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += TOUCH_BYTES) {
        const size_t n = bytes - at < TOUCH_BYTES ? bytes - at : TOUCH_BYTES;
        const uint64_t begin_ns = mem_touch_begin();
        memset((char *)block + at, 0, n);
        mem_touch_end(block, begin_ns, n);
    }
}

char *mem_strndup(enum mem_tag tag, const char *text, size_t n)
{
    char *copy = mem_alloc(tag, n + 1, 1);
    if (!copy) return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

size_t mem_used(enum mem_tag tag)
{
    return atomic_load_explicit(&used_bytes[tag], memory_order_relaxed);
}

uint64_t mem_alloc_count(void)
{
    return atomic_load_explicit(&n_allocs, memory_order_relaxed);
}

void mem_fail_after(int64_t n)
{
    atomic_store_explicit(&fail_countdown, n, memory_order_relaxed);
}

int size_mul(size_t a, size_t b, size_t *ret)
{
    if (__builtin_mul_overflow(a, b, ret)) {
        return FAIL(NMOS_E_LIMIT, "%zu x %zu bytes is more than this machine can address", a, b);
    }
    return 0;
}

int size_add(size_t a, size_t b, size_t *ret)
{
    if (__builtin_add_overflow(a, b, ret)) {
        return FAIL(NMOS_E_LIMIT, "%zu + %zu bytes is more than this machine can address", a, b);
    }
    return 0;
}
