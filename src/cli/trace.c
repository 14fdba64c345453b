/* SPDX-License-Identifier: MIT */
#include "cli/trace.h"

#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"

#define TRACE_BYTES_MAX ((size_t)1 << 30)
#define TIME_MAX_MS     (7LL * 24 * 3600 * 1000)
#define COUNT_MAX       1000000000LL

void trace_deinit(struct trace *trace)
{
    for (size_t i = 0; i < trace->n; i++) mem_free(trace->events[i].text);
    mem_free(trace->events);
    *trace = (struct trace){0};
}

/* A whole number of a member, 0 to @p most; -1 when it is not there or something else. */
static int64_t number(const json_t *object, const char *name, int64_t most)
{
    const json_t *value = json_object_get(object, name);
    const json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    return n <= most ? n : -1;
}

/* Milliseconds of a member, whole ones of a fraction; -1 as above. */
static int64_t time_of(const json_t *object, const char *name)
{
    const double ms = json_number_value(json_object_get(object, name));
    const int is_time = json_is_number(json_object_get(object, name)) && ms >= 0;
    return is_time && ms <= (double)TIME_MAX_MS ? (int64_t)ms : -1;
}

static int read_op(const json_t *object, struct trace_event *event)
{
    static const char *const ops[] = {"ins", "del", "move", "enter"};
    static const char *const counts[] = {NULL, "n", "pos", NULL};
    const char *op = json_string_value(json_object_get(object, "op"));
    int i = 0;
    while (op && i < 4 && strcmp(op, ops[i]) != 0) i++;
    if (!op || i == 4) return FAIL(NMOS_E_CORRUPT, "op has to be ins, del, move or enter");
    event->op = (enum trace_op)i;
    if (counts[i]) {
        const int64_t n = number(object, counts[i], COUNT_MAX);
        event->n = (size_t)n;
        return n >= 0 ? 0 : FAIL(NMOS_E_CORRUPT, "%s needs %s, a number", ops[i], counts[i]);
    }
    if (event->op != TRACE_INSERT) return 0;
    const json_t *text = json_object_get(object, "text");
    if (!json_is_string(text)) return FAIL(NMOS_E_CORRUPT, "ins needs text");
    event->n = json_string_length(text);
    event->text = mem_strndup(MEM_GENERAL, json_string_value(text), event->n);
    return event->text ? 0 : NMOS_E_NOMEM;
}

static int read_event(const char *line, size_t len, struct trace_event *event)
{
    json_error_t error;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return FAIL(NMOS_E_CORRUPT, "no JSON object: %s", object ? "another value" : error.text);
    }
    const int64_t prompt = number(object, "prompt", COUNT_MAX);
    const int64_t t_ms = time_of(object, "t_ms");
    int rc = 0;
    if (prompt < 0) rc = FAIL(NMOS_E_CORRUPT, "prompt has to be a number");
    if (rc == 0 && t_ms < 0) {
        rc = FAIL(NMOS_E_CORRUPT, "t_ms has to be a number of milliseconds, at most a week");
    }
    event->prompt = (uint64_t)prompt;
    event->t_ms = (uint64_t)t_ms;
    if (rc == 0) rc = read_op(object, event);
    json_decref(object);
    return rc;
}

/* Whether the event may stand behind the one before it. */
static int check_order(const struct trace *trace, const struct trace_event *event)
{
    const struct trace_event *before = trace->n ? &trace->events[trace->n - 1] : NULL;
    const int is_first = !before || before->op == TRACE_ENTER;
    if (is_first) return 0;
    if (before->prompt != event->prompt) {
        return FAIL(NMOS_E_CORRUPT, "prompt %llu has no enter", (unsigned long long)before->prompt);
    }
    return event->t_ms >= before->t_ms ? 0 : FAIL(NMOS_E_CORRUPT, "t_ms goes back");
}

static int add_line(struct trace *trace, const char *line, size_t len)
{
    struct trace_event event = {0};
    int rc = read_event(line, len, &event);
    if (rc == 0) rc = check_order(trace, &event);
    struct trace_event *grown = trace->events;
    if (rc == 0 && (trace->n & (trace->n + 1)) == 0) {
        grown = mem_grow(MEM_GENERAL, trace->events, (2 * trace->n + 2) * sizeof(*grown));
        if (!grown) rc = NMOS_E_NOMEM;
    }
    if (rc < 0) {
        mem_free(event.text);
        return rc;
    }
    trace->events = grown;
    trace->events[trace->n++] = event;
    trace->n_prompts += event.op == TRACE_ENTER;
    return 0;
}

int trace_read(const char *path, struct trace *trace)
{
    struct buf text = {0};
    int rc = buf_read_file(&text, path, TRACE_BYTES_MAX);
    size_t number_of_line = 0;
    for (size_t at = 0; rc == 0 && at < text.len;) {
        const char *line = text.data + at;
        const char *end = memchr(line, '\n', text.len - at);
        const size_t len = end ? (size_t)(end - line) : text.len - at;
        number_of_line++;
        if (strspn(line, " \t\r") < len) rc = add_line(trace, line, len);
        at += len + 1;
    }
    if (rc == NMOS_E_CORRUPT) {
        char why[ERROR_MESSAGE_MAX];
        memcpy(why, error_message(), sizeof(why) - 1);
        why[sizeof(why) - 1] = '\0';
        rc = FAIL(rc, "%.200s, line %zu: %.200s", path, number_of_line, why);
    }
    if (rc == 0 && (trace->n == 0 || trace->events[trace->n - 1].op != TRACE_ENTER)) {
        rc = FAIL(NMOS_E_CORRUPT, "%.200s: the last event has to be enter", path);
    }
    buf_deinit(&text);
    return rc;
}
