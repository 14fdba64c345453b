/* SPDX-License-Identifier: MIT */
/*
 * One way to fail.
 *
 * A function that can fail returns int: 0, or a negative enum nmos_status. The sentence that
 * explains the failure is made once, where the fact is known, with FAIL(); callers forward the code
 * untouched with TRY(). The sentence lives in a thread-local buffer and is valid after a failing
 * return until the next failure on the same thread. Assertions are for our own bugs only, never for
 * input.
 */
#ifndef NMOS_BASE_ERROR_H
#define NMOS_BASE_ERROR_H

#include <nmos/error.h>

#define NMOS_MUST_CHECK            __attribute__((warn_unused_result))
#define NMOS_PRINTF(fmt_i, args_i) __attribute__((format(printf, fmt_i, args_i)))

/** Longest message kept, in bytes, terminating zero included. */
#define ERROR_MESSAGE_MAX 512

/** Stores the message of a failure on this thread and returns @p status. Use FAIL(). */
int error_set(int status, const char *file, int line, const char *fmt, ...) NMOS_PRINTF(4, 5);

/** The last failure's sentence on this thread; "" when there was none. Borrowed. */
const char *error_message(void);

/** Short English name of a status code, e.g. "corrupt data". Never NULL. */
const char *error_status_name(int status);

/**
 * Records why and yields @p status, for `return FAIL(...)` or `rc = FAIL(...)`. The status stands
 * in the expression itself, so that compilers and analyzers see that the result is negative.
 */
#define FAIL(status, ...) (error_set((status), __FILE__, __LINE__, __VA_ARGS__), (status))

/** Forwards a failure to the caller untouched. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        int try_rc_ = (expr);                                                                      \
        if (try_rc_ < 0) return try_rc_;                                                           \
    } while (0)

#endif
