/* SPDX-License-Identifier: MIT */
/* Recorded typing: the file that `nmos replay` plays, one JSON object a line. */
#ifndef NMOS_CLI_TRACE_H
#define NMOS_CLI_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum trace_op { TRACE_INSERT, TRACE_DELETE, TRACE_MOVE, TRACE_ENTER };

struct trace_event {
    uint64_t prompt; /* which one it belongs to; events of one stand together */
    uint64_t t_ms;   /* since that prompt's beginning; never falls within one */
    enum trace_op op;
    char *text; /* TRACE_INSERT; owned by the trace */
    size_t n;   /* bytes of the text; characters to delete; position */
};

/** Zero-initialise, then trace_deinit(). */
struct trace {
    struct trace_event *events; /* [n] each prompt ends with TRACE_ENTER, and has one */
    size_t n;
    size_t n_prompts;
};

/** @return 0; NMOS_E_IO; NMOS_E_CORRUPT naming the line and what is wrong; NMOS_E_LIMIT;
 * NMOS_E_NOMEM. */
int trace_read(const char *path, struct trace *trace) NMOS_MUST_CHECK;
void trace_deinit(struct trace *trace);

#endif
