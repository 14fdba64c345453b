/* SPDX-License-Identifier: MIT */
/*
 * Proves that chat templates give, byte for byte, what Jinja2 gives: `check_chat DIR` renders every
 * line of DIR/chat.jsonl (published templates, whole conversations) and of DIR/cases.jsonl (one
 * construct each). Where Jinja2 fails, nmos must fail too, and where the template raises, with the
 * template's message.
 */
#include <nmos/nmos.h>
#include <stdio.h>

#include <jansson.h>

#include "base/str.h"

#define FILE_BYTES_MAX ((size_t)1 << 24)

static int n_cases;
static int n_failed;

static int read_file(const char *dir, const char *name, struct buf *text)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return buf_read_file(text, path, FILE_BYTES_MAX);
}

static void report(const json_t *row, const char *why, const char *got)
{
    const json_t *file = json_object_get(row, "template_file");
    const json_t *wanted = json_object_get(row, "rendered");
    n_failed++;
    printf("FAILED %s %s: %s\n  template: %.900s\n  wanted: %.600s\n  got: %.600s\n",
           file ? json_string_value(file) : "", json_string_value(json_object_get(row, "case")),
           why, file ? "" : json_string_value(json_object_get(row, "template")),
           wanted && json_is_string(wanted) ? json_string_value(wanted)
                                            : json_string_value(json_object_get(row, "error")),
           got);
}

/* The message of raise_exception() behind "TemplateError: ", NULL for other failures. */
static const char *raised(const json_t *row)
{
    const char *error = json_string_value(json_object_get(row, "error"));
    const char *const head = "TemplateError: ";
    return error && strncmp(error, head, strlen(head)) == 0 ? error + strlen(head) : NULL;
}

static void compare(const json_t *row, int rc, const char *prompt, size_t prompt_bytes)
{
    const json_t *wanted = json_object_get(row, "rendered");
    const struct str got = {prompt ? prompt : "", prompt_bytes};
    if (json_is_null(wanted)) {
        if (rc == 0) report(row, "rendered although Jinja2 fails", got.data);
        if (rc < 0 && raised(row) && strcmp(raised(row), nmos_last_error()) != 0) {
            report(row, "another message than the template's", nmos_last_error());
        }
        return;
    }
    const struct str text = {json_string_value(wanted), json_string_length(wanted)};
    if (rc < 0) {
        report(row, "failed", nmos_last_error());
    } else if (!str_equal(text, got)) {
        report(row, "other text", got.data);
    }
}

static void check_row(const char *dir, const json_t *row, const struct buf *shared_context)
{
    struct nmos_template *chat_template = NULL;
    struct buf file = {0};
    const char *text = json_string_value(json_object_get(row, "template"));
    size_t text_bytes = json_string_length(json_object_get(row, "template"));
    char *context = NULL;
    char *prompt = NULL;
    size_t prompt_bytes = 0;
    int rc = 0;
    if (!text) {
        char name[512];
        snprintf(name, sizeof(name), "templates/%s",
                 json_string_value(json_object_get(row, "template_file")));
        rc = read_file(dir, name, &file);
        text = file.data;
        text_bytes = file.len;
        context = json_dumps(row, JSON_COMPACT | JSON_ENCODE_ANY);
    }
    if (rc == 0) rc = nmos_template_create(NULL, text, text_bytes, &chat_template);
    if (rc == 0) {
        rc = nmos_template_render_json(chat_template, context ? context : shared_context->data,
                                       context ? strlen(context) : shared_context->len, &prompt,
                                       &prompt_bytes);
    }
    n_cases++;
    compare(row, rc, prompt, prompt_bytes);
    nmos_free(prompt);
    nmos_template_destroy(&chat_template);
    buf_deinit(&file);
    free(context);
}

static int check_file(const char *dir, const char *name, const struct buf *context)
{
    struct buf rows = {0};
    int rc = read_file(dir, name, &rows);
    char *line = rows.data;
    while (rc == 0 && line && *line) {
        char *end = strchr(line, '\n');
        const size_t n = end ? (size_t)(end - line) : strlen(line);
        json_t *row = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
        if (!row) {
            printf("%s: a line is not JSON\n", name);
            n_failed++;
        } else {
            check_row(dir, row, context);
        }
        json_decref(row);
        line = end ? end + 1 : NULL;
    }
    buf_deinit(&rows);
    return rc;
}

int main(int argc, char **argv)
{
    struct buf context = {0};
    if (argc != 2) return 2;
    int rc = read_file(argv[1], "context.json", &context);
    if (rc == 0) rc = check_file(argv[1], "chat.jsonl", &context);
    if (rc == 0) rc = check_file(argv[1], "cases.jsonl", &context);
    buf_deinit(&context);
    if (rc < 0) printf("%s\n", nmos_last_error());
    printf("%d cases, %d failed\n", n_cases, n_failed);
    return rc < 0 || n_failed > 0 || n_cases < 500;
}
