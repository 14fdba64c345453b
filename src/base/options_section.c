/* SPDX-License-Identifier: MIT */
/* Lines of sections [KIND:NAME]: what they may say, and the options among them. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/options_internal.h"

static int is_listed(const char *list, const char *word)
{
    const size_t len = strlen(word);
    while (*list) {
        const size_t n = strcspn(list, ",");
        if (n == len && strncmp(list, word, n) == 0) return 1;
        list += n + (list[n] == ',');
    }
    return 0;
}

/* The option that a line of a section may set; NULL: the key is none. */
static const struct option_spec *section_option(const struct option_table *table, const char *key)
{
    if (!table->section_options || !is_listed(table->section_options, key)) return NULL;
    for (size_t i = 0; i < table->n_specs; i++) {
        if (strcmp(table->specs[i].name, key) == 0) return &table->specs[i];
    }
    return NULL;
}

/* An option is set once in a section, to a value that it may have. */
static int check_section_option(const struct options *options, const struct option_entry *entry,
                                const struct option_spec *spec)
{
    union {
        int choice;
        int64_t whole;
        double number;
        uint64_t size;
        const char *text;
    } value;
    assert(spec->type != OPTION_LIST);
    for (size_t i = 0; i < options->n_entries; i++) {
        const struct option_entry *other = &options->entries[i];
        if (strcmp(other->section, entry->section) == 0 && strcmp(other->key, entry->key) == 0) {
            return FAIL(NMOS_E_INVALID, "[%s:%s] sets %s a second time; line %u has done so",
                        options->table->section_kind, entry->section, entry->key, other->line);
        }
    }
    return options_store_value(spec, entry->value, &value);
}

static int check_entry(const struct options *options, const struct option_entry *entry)
{
    const struct option_table *table = options->table;
    const struct option_spec *spec = section_option(table, entry->key);
    if (!spec && !is_listed(table->section_keys, entry->key)) {
        return FAIL(NMOS_E_INVALID, "[%s:%s] has no %s; it may have %s%s%s", table->section_kind,
                    entry->section, entry->key, table->section_keys,
                    table->section_options ? "," : "",
                    table->section_options ? table->section_options : "");
    }
    if (!*entry->value) {
        return FAIL(NMOS_E_INVALID, "%s of [%s:%s] is empty", entry->key, table->section_kind,
                    entry->section);
    }
    if (options->n_entries == OPTIONS_ENTRIES_MAX) {
        return FAIL(NMOS_E_INVALID, "sections [%s:NAME] have more than %u lines",
                    table->section_kind, OPTIONS_ENTRIES_MAX);
    }
    return spec ? check_section_option(options, entry, spec) : 0;
}

int options_add_entry(struct options *options, const struct option_entry *entry)
{
    TRY(check_entry(options, entry));
    struct option_entry *entries =
        mem_grow(MEM_GENERAL, options->entries, (options->n_entries + 1) * sizeof(*entries));
    if (!entries) return NMOS_E_NOMEM;
    options->entries = entries;
    entries[options->n_entries++] = *entry;
    return 0;
}

int options_apply_entry(const struct options *options, const struct option_entry *entry,
                        void *values)
{
    const struct option_spec *spec = section_option(options->table, entry->key);
    if (!spec || options->source[spec - options->table->specs] == FROM_ARGS) return 0;
    TRY(options_store_value(spec, entry->value, (char *)values + spec->offset));
    return 1;
}
