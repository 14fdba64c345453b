/* SPDX-License-Identifier: MIT */
/* Monotonic time, and condition variables that wait by it. */
#ifndef NMOS_BASE_CLOCK_H
#define NMOS_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/** Nanoseconds of CLOCK_MONOTONIC. Thread-safe. */
static inline uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/** A moment of clock_ns() as the system's calls take it. */
static inline struct timespec clock_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000U),
                             .tv_nsec = (long)(ns % 1000000000U)};
}

/** The moment in @p ms milliseconds. */
static inline struct timespec clock_after_ms(uint32_t ms)
{
    return clock_timespec(clock_ns() + (uint64_t)ms * 1000000U);
}

/** Initialises a condition whose timed waits end at such a moment. */
static inline void clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

#endif
