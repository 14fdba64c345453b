/* SPDX-License-Identifier: MIT */
/* Notices for people and for debugging, one line each, to stderr. Thread-safe. */
#ifndef NMOS_BASE_LOG_H
#define NMOS_BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/** Records below @p level are dropped; the default is LOG_LEVEL_WARN. */
void log_set_level(enum log_level level);

/** True when a record of @p level would be written. */
int log_enabled(enum log_level level);

/** Writes "nmos: level: text\n" to stderr in one write. */
void log_write(enum log_level level, const char *fmt, ...) NMOS_PRINTF(2, 3);

#define LOG_DEBUG(...)                                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_LEVEL_DEBUG)) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__);                 \
    } while (0)
#define LOG_INFO(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_WARN(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)

#endif
