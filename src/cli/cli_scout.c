/* SPDX-License-Identifier: MIT */
#include "cli/cli_scout.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli_intents.h"
#include "cli/cli_model.h"

#define SCOUT_CTX  1024U
#define SCOUT_ROWS 192U

/* The classes of all sections, with room for every text. */
struct classes {
    struct nmos_intent_class *items;
    size_t n;
    const char **texts; /* keywords and examples, those of a class in one piece */
    size_t n_texts;
    struct buf words; /* keywords, cut at commas by zero bytes; never moves once reserved */
};

static int add_text(struct classes *c, size_t cap, const char *text)
{
    if (c->n_texts == cap) return FAIL(NMOS_E_LIMIT, "more than %zu keywords of intents", cap);
    c->texts[c->n_texts++] = text;
    return 0;
}

/* "a, b c" as texts "a" and "b c". */
static int add_keywords(struct classes *c, size_t cap, const char *list)
{
    while (*list) {
        list += strspn(list, ", \t");
        const size_t n = strcspn(list, ",");
        const char *word = c->words.data + c->words.len;
        if (n == 0) break;
        TRY(buf_append(&c->words, list, n));
        TRY(buf_append(&c->words, "", 1));
        TRY(add_text(c, cap, word));
        list += n;
    }
    return 0;
}

/* A line that defines an intent; the others say what an intent changes. */
static int is_definition(const struct option_entry *entry)
{
    return strcmp(entry->key, "keywords") == 0 || strcmp(entry->key, "example") == 0;
}

static int is_first_of_section(const struct cli_options *options, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (!is_definition(&options->entries[k])) continue;
        if (strcmp(options->entries[k].section, options->entries[i].section) == 0) return 0;
    }
    return 1;
}

/* All lines of the section that line @p first begins, keywords before examples. */
static int add_class(const struct cli_options *options, size_t first, size_t cap, struct classes *c)
{
    const char *name = options->entries[first].section;
    struct nmos_intent_class *class = &c->items[c->n++];
    *class = (struct nmos_intent_class){.name = name, .keywords = c->texts + c->n_texts};
    for (int is_example = 0; is_example < 2; is_example++) {
        const size_t begin = c->n_texts;
        for (size_t i = first; i < options->n_entries; i++) {
            const struct option_entry *entry = &options->entries[i];
            if (strcmp(entry->section, name) != 0 || !is_definition(entry)) continue;
            if ((strcmp(entry->key, "example") == 0) != is_example) continue;
            TRY(is_example ? add_text(c, cap, entry->value) : add_keywords(c, cap, entry->value));
        }
        if (is_example) {
            class->examples = c->texts + begin;
            class->n_examples = c->n_texts - begin;
        } else {
            class->n_keywords = c->n_texts - begin;
        }
    }
    return 0;
}

static int read_classes(const struct cli_options *options, struct classes *c)
{
    size_t n_bytes = 1;
    for (size_t i = 0; i < options->n_entries; i++)
        n_bytes += strlen(options->entries[i].value) + 2;
    const size_t cap = n_bytes; /* a text has at least a byte */
    c->items = mem_calloc(MEM_GENERAL, options->n_entries, sizeof(*c->items));
    c->texts = mem_calloc(MEM_GENERAL, cap, sizeof(*c->texts));
    if (!c->items || !c->texts) return NMOS_E_NOMEM;
    TRY(buf_reserve(&c->words, 2 * n_bytes));
    for (size_t i = 0; i < options->n_entries; i++) {
        if (is_definition(&options->entries[i]) && is_first_of_section(options, i))
            TRY(add_class(options, i, cap, c));
    }
    return 0;
}

/* The failure memory, if there is one: asking does not make one. */
static int open_memory(struct nmos_memory **ret_memory)
{
    char *path = NULL;
    *ret_memory = NULL;
    if (options_user_path(USER_DATA, "failures.db", &path) < 0) return 0; /* no home: no memory */
    const int rc = access(path, F_OK) == 0 ? nmos_memory_open(path, ret_memory) : 0;
    mem_free(path);
    return rc;
}

static int open_language_model(const struct cli_options *options, struct nmos_model **ret_model)
{
    struct nmos_model_options model_options = cli_model_options(options, SCOUT_ROWS);
    model_options.path = options->scout;
    model_options.draft_path = NULL;
    model_options.device = NULL;
    model_options.vram_bytes = 0;
    model_options.kv_ram_bytes = 0;
    model_options.kv_cap_bytes = 0;
    model_options.ctx = SCOUT_CTX;
    model_options.ctx_is_most = 1;
    return nmos_model_open(&model_options, ret_model);
}

int cli_scout_open(const struct cli_options *options, struct cli_scout *scout)
{
    struct classes classes = {0};
    struct nmos_scout_options scout_options = {0};
    int rc = options->n_entries ? read_classes(options, &classes) : 0;
    scout_options.classes = classes.items;
    scout_options.n_classes = classes.n;
    if (rc == 0) rc = open_memory(&scout->memory);
    if (rc == 0 && options->scout) rc = open_language_model(options, &scout->model);
    scout_options.memory = scout->memory;
    scout_options.language_model = scout->model;
    if (rc == 0) rc = nmos_scout_create(&scout_options, &scout->scout);
    if (rc == 0) rc = cli_intents_check_names(options, scout->scout);
    mem_free(classes.items);
    mem_free(classes.texts);
    buf_deinit(&classes.words);
    return rc;
}

void cli_scout_close(struct cli_scout *scout)
{
    nmos_scout_destroy(&scout->scout);
    nmos_memory_close(&scout->memory);
    nmos_model_close(&scout->model);
}
