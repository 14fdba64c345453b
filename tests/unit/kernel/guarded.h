/* SPDX-License-Identifier: MIT */
/* Buffers that end where an inaccessible page begins, and the random numbers that fill them. */
#ifndef NMOS_TESTS_GUARDED_H
#define NMOS_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/** A place for @p bytes_max bytes in front of a guard page: the address where they end. NULL when
 * memory is short. */
static inline char *guarded_end(size_t bytes_max)
{
    const size_t page = 4096;
    const size_t bytes = (bytes_max + page - 1) / page * page;
    char *base =
        mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + bytes, page, PROT_NONE) != 0) return NULL;
    return base + bytes;
}

/** Releases a place that guarded_end() gave. */
static inline void guarded_free(char *end, size_t bytes_max)
{
    const size_t page = 4096;
    const size_t bytes = (bytes_max + page - 1) / page * page;
    munmap(end - bytes, bytes + page);
}

/** The next number in [-1, 1) of a fixed sequence. */
static inline float next_f32(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (float)(int32_t)(*state >> 32) * 0x1p-31F;
}

#endif
