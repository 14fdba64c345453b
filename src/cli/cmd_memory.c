/* SPDX-License-Identifier: MIT */
/* nmos memory: the failure memory in its owner's hands. */
#include <inttypes.h>
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/output.h"

#define LIST_COLUMNS  60U /* of a text */
#define NAMES_COLUMNS 40U /* of what it was */

static const char *kind_name(enum nmos_memory_kind kind)
{
    return kind == NMOS_MEMORY_INTENT ? "intent" : kind == NMOS_MEMORY_EXPERT ? "expert" : "other";
}

/* "2026-11-24T17:00:00Z" */
static void to_time(int64_t at_ms, char text[32])
{
    const time_t seconds = (time_t)(at_ms / 1000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        memcpy(text, "?", 2);
    }
}

/* The first @p n_most bytes. */
static int print_start(const char *text, size_t len, size_t n_most)
{
    TRY(output_safe_text(text, len < n_most ? len : n_most));
    return output_printf("%s", len > n_most ? "..." : "");
}

static int print_event(void *arg, const struct nmos_memory_event *event)
{
    char at[32];
    size_t *n_events = arg;
    ++*n_events;
    to_time(event->at_ms, at);
    TRY(output_printf("%6" PRId64 "  %s  %s  ", event->id, at, kind_name(event->kind)));
    TRY(output_safe_text(event->predicted, strlen(event->predicted)));
    TRY(output_printf(" -> "));
    TRY(print_start(event->actual, strlen(event->actual), NAMES_COLUMNS));
    TRY(output_printf("  "));
    TRY(print_start(event->text, event->text_bytes, LIST_COLUMNS));
    return output_printf("\n");
}

static int export_event(void *arg, const struct nmos_memory_event *event)
{
    char at[32];
    char model[24];
    (void)arg;
    to_time(event->at_ms, at);
    snprintf(model, sizeof(model), "%016" PRIx64, event->model);
    return output_json(json_pack("{s:I, s:s, s:s, s:s*, s:o, s:o, s:o}", "id",
                                 (json_int_t)event->id, "at", at, "kind", kind_name(event->kind),
                                 "model", event->model ? model : NULL, "predicted",
                                 output_json_string(event->predicted, strlen(event->predicted)),
                                 "actual", output_json_string(event->actual, strlen(event->actual)),
                                 "text", output_json_string(event->text, event->text_bytes)),
                       1);
}

static int forget(struct nmos_memory *memory, const char *what)
{
    if (!what) return FAIL(NMOS_E_INVALID, "forget what? Give an event's ID, or all");
    if (strcmp(what, "all") == 0) return nmos_memory_forget_all(memory);
    char *end = NULL;
    const long long id = strtoll(what, &end, 10);
    if (end == what || *end) {
        return FAIL(NMOS_E_INVALID, "forget needs an event's ID, or all, not \"%s\"", what);
    }
    return nmos_memory_forget(memory, id);
}

static int run(struct nmos_memory *memory, const struct cli_options *options)
{
    const char *verb = options->args[0];
    const char *what = options->n_args > 1 ? options->args[1] : NULL;
    if (strcmp(verb, "forget") == 0) return forget(memory, what);
    if (what) return FAIL(NMOS_E_INVALID, "%s takes nothing; \"%s\" is too much", verb, what);
    if (strcmp(verb, "export") == 0 || options->json) {
        return nmos_memory_list(memory, export_event, NULL);
    }
    size_t n_events = 0;
    TRY(nmos_memory_list(memory, print_event, &n_events));
    return n_events ? 0 : output_printf("The failure memory is empty.\n");
}

int cmd_memory(const struct cli_options *options)
{
    static const char *const verbs[] = {"list", "export", "forget"};
    struct nmos_memory *memory = NULL;
    int is_known = 0;
    for (size_t i = 0; i < 3; i++) is_known |= strcmp(options->args[0], verbs[i]) == 0;
    if (!is_known) {
        return FAIL(NMOS_E_INVALID, "memory does list, export or forget, not \"%s\"",
                    options->args[0]);
    }
    int rc = nmos_memory_open(NULL, &memory);
    if (rc == 0) rc = run(memory, options);
    nmos_memory_close(&memory);
    return rc;
}
