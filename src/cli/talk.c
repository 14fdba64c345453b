/* SPDX-License-Identifier: MIT */
#include "cli/talk.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file_replace.h"
#include "base/mem.h"
#include "cli/output.h"

#define MESSAGES_MAX   100000U
#define TALK_BYTES_MAX ((size_t)256 << 20)

static void free_message(struct nmos_message *message)
{
    mem_free((void *)(uintptr_t)message->role);
    mem_free((void *)(uintptr_t)message->content);
}

void talk_deinit(struct talk *talk)
{
    for (size_t i = 0; i < talk->n; i++) free_message(&talk->messages[i]);
    mem_free(talk->messages);
    *talk = (struct talk){0};
}

/* A message of its own texts. */
static int make_message(const char *role, const char *content, size_t len,
                        struct nmos_message *ret_message)
{
    struct buf text = {0};
    int rc = buf_reserve(&text, 1);
    if (rc == 0) text.data[0] = '\0';
    if (rc == 0) rc = output_utf8(&text, content, len);
    char *own_role = rc == 0 ? mem_strndup(MEM_GENERAL, role, strlen(role)) : NULL;
    char *own_content = rc == 0 ? mem_strndup(MEM_GENERAL, text.data, text.len) : NULL;
    buf_deinit(&text);
    *ret_message = (struct nmos_message){own_role, own_content};
    if (own_role && own_content) return 0;
    free_message(ret_message);
    return NMOS_E_NOMEM;
}

static int insert(struct talk *talk, size_t at, const struct nmos_message *message)
{
    if (talk->n == MESSAGES_MAX) {
        return FAIL(NMOS_E_LIMIT, "a conversation of more than %u messages", MESSAGES_MAX);
    }
    struct nmos_message *grown =
        mem_grow(MEM_GENERAL, talk->messages, (talk->n + 1) * sizeof(*grown));
    if (!grown) return NMOS_E_NOMEM;
    talk->messages = grown;
    memmove(grown + at + 1, grown + at, (talk->n - at) * sizeof(*grown));
    grown[at] = *message;
    talk->n++;
    return 0;
}

int talk_add(struct talk *talk, const char *role, const char *content, size_t len)
{
    struct nmos_message message;
    TRY(make_message(role, content, len, &message));
    const int rc = insert(talk, talk->n, &message);
    if (rc < 0) free_message(&message);
    return rc;
}

static int has_system(const struct talk *talk)
{
    return talk->n > 0 && strcmp(talk->messages[0].role, "system") == 0;
}

int talk_set_system(struct talk *talk, const char *content, size_t len)
{
    struct nmos_message message = {0};
    if (len) TRY(make_message("system", content, len, &message));
    if (has_system(talk)) {
        free_message(&talk->messages[0]);
        talk->n--;
        memmove(talk->messages, talk->messages + 1, talk->n * sizeof(talk->messages[0]));
    }
    const int rc = len ? insert(talk, 0, &message) : 0;
    if (rc < 0) free_message(&message);
    return rc;
}

const char *talk_last(const struct talk *talk, const char *role)
{
    for (size_t i = talk->n; i > 0; i--) {
        if (strcmp(talk->messages[i - 1].role, role) == 0) return talk->messages[i - 1].content;
    }
    return NULL;
}

void talk_drop_last(struct talk *talk)
{
    if (talk->n) free_message(&talk->messages[--talk->n]);
}

void talk_begin_anew(struct talk *talk)
{
    const size_t n_kept = has_system(talk) ? 1 : 0;
    while (talk->n > n_kept) talk_drop_last(talk);
}

int talk_save(const struct talk *talk, const char *path)
{
    json_t *list = json_array();
    int is_made = list != NULL;
    for (size_t i = 0; is_made && i < talk->n; i++) {
        json_t *message = json_pack("{s:s, s:s}", "role", talk->messages[i].role, "content",
                                    talk->messages[i].content);
        is_made = message && json_array_append_new(list, message) == 0;
    }
    json_t *root = is_made ? json_pack("{s:O}", "messages", list) : NULL;
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    json_decref(list);
    if (!text) return FAIL(NMOS_E_NOMEM, "no memory to write the conversation");
    const int rc = file_replace(path, text, strlen(text));
    free(text);
    return rc;
}

static int read_message(const json_t *entry, const char *path, size_t i, struct talk *talk)
{
    const json_t *role = json_object_get(entry, "role");
    const json_t *content = json_object_get(entry, "content");
    if (!json_is_string(role) || !json_is_string(content)) {
        return FAIL(NMOS_E_CORRUPT, "%.200s: message %zu lacks a role or a content", path, i);
    }
    return talk_add(talk, json_string_value(role), json_string_value(content),
                    json_string_length(content));
}

int talk_load(struct talk *talk, const char *path)
{
    struct buf text = {0};
    struct talk loaded = {0};
    json_error_t error = {0};
    int rc = buf_read_file(&text, path, TALK_BYTES_MAX);
    json_t *root = rc == 0 ? json_loadb(text.len ? text.data : "", text.len, 0, &error) : NULL;
    const json_t *list = json_object_get(root, "messages");
    if (rc == 0 && !json_is_array(list)) {
        rc = FAIL(NMOS_E_CORRUPT, "%.200s is no conversation: %s", path,
                  root ? "it has no list of messages" : error.text);
    }
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        rc = read_message(json_array_get(list, i), path, i, &loaded);
    }
    json_decref(root);
    buf_deinit(&text);
    if (rc < 0) {
        talk_deinit(&loaded);
        return rc;
    }
    talk_deinit(talk);
    *talk = loaded;
    return 0;
}
