/* SPDX-License-Identifier: MIT */
/* Joins the parts: the parsed template, the conversation as values, a rendering with its limits. */
#include "tokenizer/chat_template.h"

#include <stdio.h>

#include "base/mem.h"
#include "tokenizer/jinja_run.h"

struct chat_template {
    struct jinja_arena arena; /* holds the tree */
    struct jinja_node *body;
};

int chat_template_create(struct str text, struct chat_template **ret_template)
{
    struct chat_template *made = mem_calloc(MEM_GENERAL, 1, sizeof(*made));
    if (!made) return NMOS_E_NOMEM;
    jinja_arena_init(&made->arena, CHAT_TEMPLATE_MEMORY_MAX);
    const int rc = jinja_parse(&made->arena, text, &made->body);
    if (rc < 0) {
        chat_template_destroy(&made);
        return rc;
    }
    *ret_template = made;
    return 0;
}

void chat_template_destroy(struct chat_template **chat_template)
{
    if (!*chat_template) return;
    jinja_arena_deinit(&(*chat_template)->arena);
    mem_free(*chat_template);
    *chat_template = NULL;
}

static int to_value(struct jinja_run *run, const json_t *json, int depth, struct jinja_value *ret);

static int to_list(struct jinja_run *run, const json_t *json, int depth, struct jinja_value *ret)
{
    const size_t n = json_array_size(json);
    struct jinja_seq *list = jinja_seq_create(run->arena, JINJA_LIST, n);
    if (!list) return NMOS_E_LIMIT;
    for (size_t i = 0; i < n; i++) {
        TRY(to_value(run, json_array_get(json, i), depth + 1, &list->items[i]));
    }
    list->n = (uint32_t)n;
    *ret = jinja_seq(list);
    return 0;
}

/* Keys are unique already, and stay in the order of the text. */
static int to_dict(struct jinja_run *run, const json_t *json, int depth, struct jinja_value *ret)
{
    struct jinja_dict *dict = jinja_dict_create(run->arena, json_object_size(json));
    if (!dict) return NMOS_E_LIMIT;
    /* jansson iterates through non-const objects only, and changes nothing. */
    json_t *object = json_incref((json_t *)(uintptr_t)json);
    int rc = 0;
    for (void *at = json_object_iter(object); at && rc == 0;
         at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        const size_t key_len = json_object_iter_key_len(at);
        struct jinja_pair *pair = &dict->pairs[dict->n++];
        rc = jinja_new_text(run, (struct str){key, key_len}, &pair->key);
        if (rc == 0) rc = to_value(run, json_object_iter_value(at), depth + 1, &pair->value);
    }
    json_decref(object);
    *ret = jinja_dict(dict);
    return rc;
}

static int to_value(struct jinja_run *run, const json_t *json, int depth, struct jinja_value *ret)
{
    if (depth >= JINJA_VALUE_DEPTH_MAX) {
        return FAIL(NMOS_E_LIMIT, "the conversation's JSON is nested more than %d deep",
                    JINJA_VALUE_DEPTH_MAX);
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT: return to_dict(run, json, depth, ret);
    case JSON_ARRAY: return to_list(run, json, depth, ret);
    case JSON_STRING:
        return jinja_new_text(run, (struct str){json_string_value(json), json_string_length(json)},
                              ret);
    case JSON_INTEGER: *ret = jinja_int(json_integer_value(json)); break;
    case JSON_REAL: *ret = jinja_float(json_real_value(json)); break;
    case JSON_TRUE:
    case JSON_FALSE: *ret = jinja_bool(json_is_true(json)); break;
    case JSON_NULL: *ret = jinja_none(); break;
    }
    return 0;
}

/* "2024-07-26T12:00:00" or a date alone; NULL: the present, local time. */
static int set_now(struct jinja_run *run, const json_t *json)
{
    if (!json) {
        const time_t now = time(NULL);
        if (localtime_r(&now, &run->now)) return 0;
        return FAIL(NMOS_E_IO, "the local time is not known");
    }
    struct tm tm = {0};
    const char *text = json_is_string(json) ? json_string_value(json) : "";
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (end && (*end == 'T' || *end == ' ')) end = strptime(end + 1, "%H:%M:%S", &tm);
    if (!end || *end) {
        return FAIL(NMOS_E_INVALID,
                    "strftime_now is \"%.40s\", it must be a time such as 2024-07-26T12:00:00",
                    text);
    }
    const time_t seconds = timegm(&tm); /* fills in the weekday */
    gmtime_r(&seconds, &run->now);
    return 0;
}

static int set_variable(struct jinja_run *run, const char *name, const json_t *json,
                        struct jinja_value otherwise)
{
    struct jinja_value value = otherwise;
    if (json) TRY(to_value(run, json, 0, &value));
    return jinja_scope_set(run, run->scope, str_from(name), value);
}

/* The members of the context as variables; the names live in the context. */
static int set_variables(struct jinja_run *run, const json_t *context,
                         const struct chat_tokens *tokens)
{
    static const char *const known[] = {"messages",  "tools",     "add_generation_prompt",
                                        "bos_token", "eos_token", "strftime_now"};
    if (!json_is_object(context)) {
        return FAIL(NMOS_E_INVALID, "a conversation is a JSON object with the member \"messages\"");
    }
    if (!json_is_array(json_object_get(context, "messages"))) {
        return FAIL(NMOS_E_INVALID, "the conversation has no list \"messages\"");
    }
    const struct jinja_value otherwise[] = {jinja_none(), jinja_none(), jinja_bool(0),
                                            jinja_str(str_from(tokens->bos)),
                                            jinja_str(str_from(tokens->eos))};
    for (int i = 0; i < 5; i++) {
        TRY(set_variable(run, known[i], json_object_get(context, known[i]), otherwise[i]));
    }
    json_t *object = json_incref((json_t *)(uintptr_t)context);
    int rc = 0;
    for (void *at = json_object_iter(object); at && rc == 0;
         at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        int is_known = 0;
        for (int i = 0; i < 6; i++) is_known |= strcmp(name, known[i]) == 0;
        if (!is_known) rc = set_variable(run, name, json_object_iter_value(at), jinja_none());
    }
    json_decref(object);
    return rc < 0 ? rc : set_now(run, json_object_get(context, "strftime_now"));
}

int chat_template_render(const struct chat_template *chat_template, const json_t *context,
                         const struct chat_tokens *tokens, struct buf *ret_text)
{
    struct jinja_arena arena;
    jinja_arena_init(&arena, CHAT_RENDER_MEMORY_MAX);
    struct jinja_out text = {.arena = &arena};
    struct jinja_run run = {.arena = &arena, .out = &text};
    int rc = NMOS_E_LIMIT;
    run.scope = jinja_scope_create(&run, NULL);
    if (!run.scope) goto out;
    rc = set_variables(&run, context, tokens);
    if (rc < 0) goto out;
    /* What the template sets hides the conversation's variables, but does not replace them. */
    run.scope = jinja_scope_create(&run, run.scope);
    rc = run.scope ? jinja_exec(&run, chat_template->body) : NMOS_E_LIMIT;
    if (rc == 0) rc = buf_append(ret_text, jinja_out_text(&text).data, text.len);
out:
    jinja_arena_deinit(&arena);
    return rc;
}

int chat_template_render_json(const struct chat_template *chat_template, struct str json,
                              const struct chat_tokens *tokens, struct buf *ret_text)
{
    if (json.len > CHAT_JSON_BYTES_MAX) {
        return FAIL(NMOS_E_LIMIT, "the conversation has %zu bytes, more than the limit of %zu",
                    json.len, CHAT_JSON_BYTES_MAX);
    }
    json_error_t error;
    json_t *context = json_loadb(json.data, json.len, JSON_ALLOW_NUL, &error);
    if (!context) {
        return FAIL(NMOS_E_CORRUPT, "the conversation is not valid JSON: line %d, column %d: %s",
                    error.line, error.column, error.text);
    }
    const int rc = chat_template_render(chat_template, context, tokens, ret_text);
    json_decref(context);
    return rc;
}
