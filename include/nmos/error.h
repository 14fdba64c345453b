/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What calls of the library tell: why they fail, and how far long ones have come.
 */
#ifndef NMOS_ERROR_H
#define NMOS_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why a call failed; the numbers are part of the ABI. */
enum nmos_status {
    NMOS_OK = 0,
    NMOS_E_IO = -1,          /**< the operating system refused or failed a file operation */
    NMOS_E_NOMEM = -2,       /**< no memory, or the budget forbids it */
    NMOS_E_CORRUPT = -3,     /**< a file's content contradicts its format */
    NMOS_E_UNSUPPORTED = -4, /**< well formed, but not something this build can do */
    NMOS_E_INVALID = -5,     /**< an argument, option or request is wrong */
    NMOS_E_LIMIT = -6,       /**< a documented limit was exceeded */
    NMOS_E_CANCELLED = -7,   /**< stopped on request */
    NMOS_E_BUSY = -8,        /**< try again later */
    NMOS_E_TRUNCATED = -9,   /**< a parser needs more bytes than it was given */
};

/**
 * The sentence that explains the last failure on this thread; "" when there was none.
 * Valid until the next call into the library on the same thread.
 */
const char *nmos_last_error(void);

/** Told how far long work has come, in bytes; a result other than 0 stops it with NMOS_E_CANCELLED.
 */
typedef int (*nmos_progress_fn)(void *arg, uint64_t done_bytes, uint64_t total_bytes);

#ifdef __cplusplus
}
#endif

#endif
