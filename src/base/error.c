/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static _Thread_local char tl_message[ERROR_MESSAGE_MAX];

int error_set(int status, const char *file, int line, const char *fmt, ...)
{
    /* Formatted apart first: the arguments may point into the old message. */
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    memcpy(tl_message, text, sizeof(text));
    LOG_DEBUG("%s:%d: %s: %s", file, line, error_status_name(status), tl_message);
    return status;
}

const char *error_message(void)
{
    return tl_message;
}

const char *error_status_name(int status)
{
    switch ((enum nmos_status)status) {
    case NMOS_OK: return "ok";
    case NMOS_E_IO: return "input/output error";
    case NMOS_E_NOMEM: return "out of memory";
    case NMOS_E_CORRUPT: return "corrupt data";
    case NMOS_E_UNSUPPORTED: return "not supported";
    case NMOS_E_INVALID: return "invalid argument";
    case NMOS_E_LIMIT: return "limit exceeded";
    case NMOS_E_CANCELLED: return "cancelled";
    case NMOS_E_BUSY: return "busy";
    case NMOS_E_TRUNCATED: return "truncated";
    }
    return "unknown status";
}
