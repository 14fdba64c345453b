/* SPDX-License-Identifier: MIT */
#include "cli/cli_intents.h"

#include <string.h>

#include "base/mem.h"
#include "cli/cli_model.h"

enum { USE_SYSTEM = 1, USE_SAMPLING = 2, USE_GUESSES = 4, USE_EXPERTS = 8 };

static const struct {
    const char *name;
    unsigned bits;
} kinds[] = {{"off", 0},
             {"system", USE_SYSTEM},
             {"sampling", USE_SAMPLING},
             {"guesses", USE_GUESSES},
             {"experts", USE_EXPERTS},
             {"all", USE_SYSTEM | USE_SAMPLING | USE_GUESSES | USE_EXPERTS}};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* "off", or some kinds, comma-separated. */
static int parse_use(const char *list, unsigned *ret_used)
{
    *ret_used = 0;
    for (const char *at = list;;) {
        const size_t n = strcspn(at, ",");
        size_t k = 0;
        while (k < N_KINDS && (strlen(kinds[k].name) != n || memcmp(kinds[k].name, at, n) != 0)) {
            k++;
        }
        if (k == N_KINDS) {
            return FAIL(NMOS_E_INVALID,
                        "--intent-use is \"%.40s\"; off, all, or some of "
                        "system,sampling,guesses,experts is allowed",
                        list);
        }
        *ret_used |= kinds[k].bits;
        if (!at[n]) return 0;
        at += n + 1;
    }
}

static size_t find(const char *const *names, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcmp(names[i], name) != 0) i++;
    return i;
}

/* The names of all intents that there are. */
static size_t list_names(const struct nmos_scout *scout, const char **ret_names)
{
    const size_t n = nmos_scout_n_intents(scout);
    for (size_t i = 0; i < n; i++) ret_names[i] = nmos_scout_intent_name(scout, i);
    return n;
}

int cli_intents_check_names(const struct cli_options *options, const struct nmos_scout *scout)
{
    const char *names[NMOS_INTENTS_MAX];
    const size_t n = list_names(scout, names);
    for (size_t k = 0; k < options->n_entries; k++) {
        const struct option_entry *entry = &options->entries[k];
        if (find(names, n, entry->section) < n) continue;
        return FAIL(NMOS_E_INVALID,
                    "line %u of the configuration: there is no intent %.40s; a section that "
                    "defines one has keywords or example",
                    entry->line, entry->section);
    }
    return 0;
}

/* Each line adds a row to the system prompt. */
static int read_system(const struct cli_options *options, const char *name, char **ret_system)
{
    struct buf text = {0};
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < options->n_entries; k++) {
        const struct option_entry *entry = &options->entries[k];
        if (strcmp(entry->section, name) != 0 || strcmp(entry->key, "system") != 0) continue;
        rc = buf_printf(&text, "%s%s", text.len ? "\n" : "", entry->value);
    }
    if (rc == 0 && text.len) {
        *ret_system = mem_strndup(MEM_GENERAL, text.data, text.len);
        if (!*ret_system) rc = NMOS_E_NOMEM;
    }
    buf_deinit(&text);
    return rc;
}

/* Applies the lines of a section that are options. @return how many counted. */
static int apply(const struct cli_options *options, const char *name, struct cli_options *changed)
{
    int n = 0;
    for (size_t k = 0; k < options->n_entries; k++) {
        if (strcmp(options->entries[k].section, name) != 0) continue;
        const int rc = options_apply_entry(options->parsed, &options->entries[k], changed);
        if (rc < 0) return rc;
        n += rc;
    }
    return n;
}

/* Different system prompts, none counted as one; 0 where there is nothing but none. */
static size_t count_systems(const struct cli_intents *intents)
{
    size_t n = 0;
    size_t n_real = 0;
    for (size_t i = 0; i < intents->n; i++) {
        size_t k = 0;
        while (k < i && !text_equal(intents->systems[i], intents->systems[k])) k++;
        n += k == i;
        n_real += intents->systems[i] != NULL;
    }
    return n_real ? n : 0;
}

int cli_intents_open(const struct cli_options *options, const struct nmos_scout *scout,
                     struct cli_intents *intents)
{
    intents->n = list_names(scout, intents->names);
    TRY(parse_use(options->intent_use, &intents->used));
    if (intents->used & USE_GUESSES) intents->learns |= NMOS_LEARN_GUESSES;
    if (intents->used & USE_EXPERTS) intents->learns |= NMOS_LEARN_EXPERTS;
    for (size_t i = 0; i < intents->n; i++) {
        struct cli_options changed = *options;
        if (intents->used & USE_SYSTEM) {
            TRY(read_system(options, intents->names[i], &intents->systems[i]));
        }
        intents->uses[i].system = intents->systems[i];
        const int n_options = apply(options, intents->names[i], &changed);
        if (n_options < 0) return n_options;
        intents->change |= intents->systems[i] || (n_options && intents->used & USE_SAMPLING);
    }
    intents->n_systems = count_systems(intents);
    return 0;
}

void cli_intents_close(struct cli_intents *intents)
{
    for (size_t i = 0; i < intents->n; i++) mem_free(intents->systems[i]);
    *intents = (struct cli_intents){0};
}

int cli_intents_sample(struct cli_intents *intents, const struct cli_options *options,
                       const struct nmos_logit_bias *bias)
{
    for (size_t i = 0; i < intents->n; i++) {
        struct cli_options changed = *options;
        if (intents->used & USE_SAMPLING) {
            const int rc = apply(options, intents->names[i], &changed);
            if (rc < 0) return rc;
        }
        intents->uses[i].sampling = cli_sampling(&changed, bias);
    }
    return 0;
}

void cli_intents_weigh(const struct cli_intents *intents, const struct nmos_intent *found,
                       double *ret_p)
{
    for (size_t k = 0; k < intents->n; k++) {
        ret_p[find(intents->names, intents->n, found[k].name)] = found[k].p;
    }
}

int cli_intents_tell(const struct cli_intents *intents, const struct cli_options *options, size_t i,
                     struct buf *text)
{
    struct cli_options changed = *options;
    const size_t begin = text->len;
    if (intents->systems[i]) TRY(buf_printf(text, "system prompt"));
    for (size_t k = 0; intents->used & USE_SAMPLING && k < options->n_entries; k++) {
        const struct option_entry *entry = &options->entries[k];
        if (strcmp(entry->section, intents->names[i]) != 0) continue;
        int rc = options_apply_entry(options->parsed, entry, &changed);
        if (rc == 1) {
            rc = buf_printf(text, "%s%s %s", text->len > begin ? ", " : "", entry->key,
                            entry->value);
        }
        if (rc < 0) return rc;
    }
    return text->len == begin ? buf_printf(text, "nothing") : 0;
}

int cli_intents_have(const struct cli_intents *intents, const char *system)
{
    for (size_t i = 0; i < intents->n; i++) {
        if (text_equal(intents->systems[i], system)) return 1;
    }
    return 0;
}
