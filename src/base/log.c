/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic int log_level_min = LOG_LEVEL_WARN;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level_min, (int)level, memory_order_relaxed);
}

int log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_level_min, memory_order_relaxed);
}

void log_write(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (!log_enabled(level)) return;
    char line[1024];
    int used = snprintf(line, sizeof(line), "nmos: %s: ", names[level]);
    va_list args;
    va_start(args, fmt);
    int more = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, fmt, args);
    va_end(args);
    if (more < 0) return;
    used += more;
    if (used > (int)sizeof(line) - 2) used = (int)sizeof(line) - 2;
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)used);
    (void)written; /* a closed stderr is not our failure */
}
