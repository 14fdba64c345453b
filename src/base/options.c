/* SPDX-License-Identifier: MIT */
/*
 * Parsing of options. options_store_value() is the only place that turns text into a value, so the
 * command line, the configuration file, its sections and the defaults obey the same rules.
 */
#include "base/options.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/options_internal.h"

/* An integer up to here is exact in a double, in which ranges are given. */
#define EXACT_MAX 9007199254740992.0

static void *value_at(const struct options *options, const struct option_spec *spec)
{
    return (char *)options->values + spec->offset;
}

static int has_command(const struct option_spec *spec, size_t command_i)
{
    return (int)(spec->commands >> command_i & 1);
}

static int out_of_range(const struct option_spec *spec, const char *given)
{
    if (spec->max >= EXACT_MAX) {
        return FAIL(NMOS_E_INVALID, "--%s is %s; at least %.16g is needed", spec->name, given,
                    spec->min);
    }
    return FAIL(NMOS_E_INVALID, "--%s is %s; %.16g to %.16g is allowed", spec->name, given,
                spec->min, spec->max);
}

static int set_int(const struct option_spec *spec, const char *text, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end) {
        return FAIL(NMOS_E_INVALID, "--%s needs a whole number, not \"%s\"", spec->name, text);
    }
    if (errno == ERANGE || (double)value < spec->min || (double)value > spec->max) {
        return out_of_range(spec, text);
    }
    *ret = value;
    return 0;
}

static int set_float(const struct option_spec *spec, const char *text, double *ret)
{
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end || isnan(value)) {
        return FAIL(NMOS_E_INVALID, "--%s needs a number, not \"%s\"", spec->name, text);
    }
    if (value < spec->min || value > spec->max) return out_of_range(spec, text);
    *ret = value;
    return 0;
}

int options_parse_size(const char *text, uint64_t *ret_bytes)
{
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {{"", 1},         {"K", 1e3},         {"M", 1e6},           {"G", 1e9},
                 {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}};
    const size_t n_digits = strspn(text, "0123456789.");
    const char *suffix = text + n_digits + strspn(text + n_digits, " ");
    char *end = NULL;
    const double number = strtod(text, &end);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (n_digits == 0 || end != text + n_digits || strcmp(suffix, units[i].suffix) != 0)
            continue;
        const double bytes = number * units[i].factor;
        if (bytes > EXACT_MAX) break;
        *ret_bytes = (uint64_t)(bytes + 0.5);
        return 0;
    }
    return FAIL(NMOS_E_INVALID,
                "\"%s\" is no size; write bytes, or a number with K, M, G (powers of 1000) or "
                "KiB, MiB, GiB",
                text);
}

static int set_size(const struct option_spec *spec, const char *text, uint64_t *ret)
{
    uint64_t bytes = 0;
    if (options_parse_size(text, &bytes) < 0) {
        return FAIL(NMOS_E_INVALID, "--%s: %s", spec->name, error_message());
    }
    if ((double)bytes < spec->min || (double)bytes > spec->max) {
        return FAIL(NMOS_E_INVALID, "--%s is %" PRIu64 " bytes; at least %.15g are needed",
                    spec->name, bytes, spec->min);
    }
    *ret = bytes;
    return 0;
}

static int set_flag(const struct option_spec *spec, const char *text, int *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (int i = 0; i < 8; i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret = i & 1;
            return 0;
        }
    }
    return FAIL(NMOS_E_INVALID, "--%s is a switch and takes true or false, not \"%s\"", spec->name,
                text);
}

static int set_choice(const struct option_spec *spec, const char *text, int *ret)
{
    const size_t len = strlen(text);
    const char *choice = spec->value;
    for (int i = 0;; i++) {
        const size_t choice_len = strcspn(choice, ",");
        if (len == choice_len && memcmp(text, choice, len) == 0) {
            *ret = i;
            return 0;
        }
        if (!choice[choice_len]) break;
        choice += choice_len + 1;
    }
    return FAIL(NMOS_E_INVALID, "--%s is \"%s\"; one of %s is allowed", spec->name, text,
                spec->value);
}

static int append_item(const struct option_spec *spec, const char *text, struct option_list *list)
{
    if (list->n >= OPTIONS_LIST_MAX) {
        return FAIL(NMOS_E_INVALID, "--%s is given more than %u times", spec->name,
                    OPTIONS_LIST_MAX);
    }
    const char **items = mem_grow(MEM_GENERAL, list->items, (list->n + 1) * sizeof(*items));
    if (!items) return NMOS_E_NOMEM;
    items[list->n++] = text;
    list->items = items;
    return 0;
}

int options_store_value(const struct option_spec *spec, const char *text, void *value)
{
    switch (spec->type) {
    case OPTION_FLAG: return set_flag(spec, text, value);
    case OPTION_INT: return set_int(spec, text, value);
    case OPTION_FLOAT: return set_float(spec, text, value);
    case OPTION_SIZE: return set_size(spec, text, value);
    case OPTION_STRING: *(const char **)value = text; return 0;
    case OPTION_CHOICE: return set_choice(spec, text, value);
    case OPTION_LIST: return append_item(spec, text, value);
    }
    return 0;
}

/* Stores @p text as the value of option @p spec_i unless a stronger source has set it. */
static int set_value(struct options *options, size_t spec_i, unsigned char from, const char *text)
{
    const struct option_spec *spec = &options->table->specs[spec_i];
    void *value = value_at(options, spec);
    if (options->source[spec_i] > from) return 0;
    if (spec->type == OPTION_LIST && options->source[spec_i] < from) {
        ((struct option_list *)value)->n = 0;
    }
    TRY(options_store_value(spec, text, value));
    options->source[spec_i] = from;
    return 0;
}

int options_init(struct options *options, const struct option_table *table, size_t command_i,
                 void *values)
{
    assert(table->n_specs <= OPTIONS_MAX && command_i < table->n_commands);
    *options = (struct options){.table = table, .command_i = command_i, .values = values};
    for (size_t i = 0; i < table->n_specs; i++) {
        if (!table->specs[i].fallback) continue;
        TRY(set_value(options, i, FROM_DEFAULT, table->specs[i].fallback));
    }
    return 0;
}

/* Levenshtein distance, texts longer than the limit counted as far away. */
static size_t edit_distance(struct str a, struct str b)
{
    enum { LEN_MAX = 40 };
    size_t row[LEN_MAX + 1];
    if (a.len > LEN_MAX || b.len > LEN_MAX) return LEN_MAX;
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const size_t replaced = diagonal + (a.data[i - 1] != b.data[j - 1]);
            const size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b.len];
}

/* "ther" is not a misspelt "help": half of the letters must be right. */
static int is_near(size_t distance, struct str given)
{
    return distance * 2 <= given.len;
}

/* "temperature" and "max" are near to "temp" and "max-tokens", however many letters differ. */
static int begins_alike(struct str a, struct str b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    return len >= 3 && memcmp(a.data, b.data, len) == 0;
}

/* Says that no option has the name, and which one is nearest, however far that is. @p dashes: those
 * of the name and those of the options. */
static int unknown_option(const struct options *options, struct str name, const char *dashes[2])
{
    const char *nearest = "";
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < options->table->n_specs; i++) {
        const struct option_spec *spec = &options->table->specs[i];
        const struct str known = str_from(spec->name);
        const int is_initial = name.len == 1 && name.data[0] == spec->name[0];
        const size_t distance =
            is_initial || begins_alike(name, known) ? 1 : edit_distance(name, known);
        if (!has_command(spec, options->command_i) || distance >= best) continue;
        best = distance;
        nearest = spec->name;
    }
    if (is_near(best, name)) {
        return FAIL(NMOS_E_INVALID, "unknown option %s%.*s; did you mean %s%s?", dashes[0],
                    STR_ARG(name), dashes[1], nearest);
    }
    return FAIL(NMOS_E_INVALID, "unknown option %s%.*s; the nearest known one is %s%s", dashes[0],
                STR_ARG(name), dashes[1], nearest);
}

int options_find_command(const struct option_table *table, const char *name, size_t *ret_command_i)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < table->n_commands; i++) {
        if (!(table->present >> i & 1)) continue;
        if (strcmp(table->commands[i].name, name) == 0) {
            *ret_command_i = i;
            return 0;
        }
        const size_t distance = edit_distance(str_from(name), str_from(table->commands[i].name));
        if (distance >= best) continue;
        best = distance;
        nearest = table->commands[i].name;
    }
    if (nearest && is_near(best, str_from(name))) {
        return FAIL(NMOS_E_INVALID, "there is no command \"%s\"; did you mean \"%s\"?", name,
                    nearest);
    }
    return FAIL(NMOS_E_INVALID, "there is no command \"%s\"", name);
}

/* Finds an option by long name among all commands' or, behind a single dash, by its first letter.
 */
static int find_spec(const struct options *options, struct str name, int is_short,
                     size_t *ret_spec_i)
{
    const struct option_table *table = options->table;
    const struct option_command *command = &table->commands[options->command_i];
    const char *dashes[] = {is_short ? "-" : "--", "--"};
    int elsewhere = 0;
    for (size_t i = 0; i < table->n_specs; i++) {
        const struct option_spec *spec = &table->specs[i];
        const int matches =
            is_short ? spec->short_name == name.data[0] : str_equal(name, str_from(spec->name));
        if (!matches) continue;
        if (has_command(spec, options->command_i)) {
            *ret_spec_i = i;
            return 0;
        }
        elsewhere = 1;
    }
    if (elsewhere) {
        if (is_short) name.len = 1;
        return FAIL(NMOS_E_INVALID, "%s %s takes no option %s%.*s", table->program, command->name,
                    dashes[0], STR_ARG(name));
    }
    return unknown_option(options, name, dashes);
}

/* One argument that starts with a dash, and the next one when that is its value; advances @p i past
 * both. */
static int parse_option(struct options *options, int argc, char *const *argv, int *i)
{
    const char *arg = argv[(*i)++];
    const int is_short = arg[1] != '-';
    struct str name = str_from(arg + 1 + !is_short);
    const char *value = NULL;
    if (is_short) {
        if (arg[2]) value = arg + 2 + (arg[2] == '=');
        name.len = strcspn(name.data, "=");
    } else {
        const char *equals = strchr(arg, '=');
        if (equals) {
            name.len = (size_t)(equals - name.data);
            value = equals + 1;
        }
    }
    size_t spec_i = 0;
    TRY(find_spec(options, name, is_short, &spec_i));
    const struct option_spec *spec = &options->table->specs[spec_i];
    if (!value && spec->type == OPTION_FLAG) value = "true";
    if (!value) {
        if (*i >= argc)
            return FAIL(NMOS_E_INVALID, "--%s needs a value: %s", spec->name, spec->value);
        value = argv[(*i)++];
    }
    return set_value(options, spec_i, FROM_ARGS, value);
}

int options_parse_args(struct options *options, int argc, char *const *argv)
{
    const struct option_command *command = &options->table->commands[options->command_i];
    int options_ended = 0;
    for (int i = 0; i < argc;) {
        const char *arg = argv[i];
        if (!options_ended && strcmp(arg, "--") == 0) {
            options_ended = 1;
            i++;
        } else if (!options_ended && arg[0] == '-' && arg[1]) {
            TRY(parse_option(options, argc, argv, &i));
        } else if (options->n_args >= command->n_args_max) {
            return FAIL(NMOS_E_INVALID, "%s %s takes %s%s; \"%s\" is too much",
                        options->table->program, command->name,
                        command->n_args_max ? "only " : "no arguments",
                        command->n_args_max ? command->args : "", arg);
        } else {
            options->args[options->n_args++] = arg;
            i++;
        }
    }
    return 0;
}

/* The part of @p line without blanks around it, zero-terminated in place. */
static char *trim(char *line)
{
    line += strspn(line, " \t\r");
    size_t len = strlen(line);
    while (len && strchr(" \t\r", line[len - 1])) len--;
    line[len] = '\0';
    return line;
}

static char *unquote(char *value)
{
    const size_t len = strlen(value);
    if (len < 2 || value[0] != '"' || value[len - 1] != '"') return value;
    value[len - 1] = '\0';
    return value + 1;
}

/* Where the lines of a file belong to. */
struct file_state {
    int is_ours;      /* to all commands, or to ours */
    const char *name; /* to the section [KIND:NAME]; NULL: to none such */
    unsigned line;    /* counted from 1 */
};

/* "[run]" or "[KIND:NAME]" */
static int parse_section(const struct options *options, char *line, struct file_state *state)
{
    const struct option_table *table = options->table;
    const size_t len = strlen(line);
    if (line[len - 1] != ']') return FAIL(NMOS_E_INVALID, "\"%s\" lacks its closing ]", line);
    line[len - 1] = '\0';
    char *name = trim(line + 1);
    const size_t n_kind = table->section_kind ? strlen(table->section_kind) : 0;
    state->name = NULL;
    if (n_kind && strncmp(name, table->section_kind, n_kind) == 0 && name[n_kind] == ':') {
        state->name = trim(name + n_kind + 1);
        if (*state->name) return 0;
        return FAIL(NMOS_E_INVALID, "[%s:] lacks a name", table->section_kind);
    }
    for (size_t i = 0; i < table->n_commands; i++) {
        if (strcmp(table->commands[i].name, name) != 0) continue;
        state->is_ours = i == options->command_i;
        return 0;
    }
    return FAIL(NMOS_E_INVALID, "[%s] is not a command", name);
}

static int parse_line(struct options *options, char *line, struct file_state *state)
{
    if (!*line || *line == '#' || *line == ';') return 0;
    if (*line == '[') return parse_section(options, line, state);
    char *equals = strchr(line, '=');
    if (!equals) return FAIL(NMOS_E_INVALID, "\"%s\" is not of the form name = value", line);
    *equals = '\0';
    const char *name = trim(line);
    if (state->name) {
        const struct option_entry entry = {state->name, name, unquote(trim(equals + 1)),
                                           state->line};
        return options_add_entry(options, &entry);
    }
    for (size_t i = 0; i < options->table->n_specs; i++) {
        const struct option_spec *spec = &options->table->specs[i];
        if (strcmp(spec->name, name) != 0) continue;
        if (!state->is_ours || !has_command(spec, options->command_i)) return 0;
        return set_value(options, i, FROM_FILE, unquote(trim(equals + 1)));
    }
    const char *no_dashes[] = {"", ""};
    return unknown_option(options, str_from(name), no_dashes);
}

int options_parse_file(struct options *options, const char *path)
{
    struct buf *texts =
        mem_grow(MEM_GENERAL, options->texts, (options->n_texts + 1) * sizeof(*texts));
    if (!texts) return NMOS_E_NOMEM;
    options->texts = texts;
    struct buf *text = &texts[options->n_texts++];
    *text = (struct buf){0};
    TRY(buf_read_file(text, path, OPTIONS_FILE_BYTES_MAX));
    struct file_state state = {.is_ours = 1};
    for (char *next = text->data; next;) {
        char *line = strsep(&next, "\n");
        state.line++;
        const int rc = parse_line(options, trim(line), &state);
        if (rc < 0) return FAIL(rc, "%s, line %u: %s", path, state.line, error_message());
    }
    return 0;
}

void options_deinit(struct options *options)
{
    if (!options->table) return;
    for (size_t i = 0; i < options->table->n_specs; i++) {
        const struct option_spec *spec = &options->table->specs[i];
        if (spec->type != OPTION_LIST) continue;
        struct option_list *list = value_at(options, spec);
        mem_free(list->items);
        *list = (struct option_list){0};
    }
    for (size_t i = 0; i < options->n_texts; i++) buf_deinit(&options->texts[i]);
    mem_free(options->texts);
    mem_free(options->entries);
    *options = (struct options){0};
}

int options_user_path(enum user_dir dir, const char *name, char **ret_path)
{
    static const struct {
        const char *variable;
        const char *below_home;
    } dirs[] = {[USER_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
                [USER_CACHE] = {"XDG_CACHE_HOME", ".cache"},
                [USER_DATA] = {"XDG_DATA_HOME", ".local/share"},
                [USER_STATE] = {"XDG_STATE_HOME", ".local/state"}};
    const char *base = getenv(dirs[dir].variable);
    const char *home = getenv("HOME");
    struct buf path = {0};
    int rc = 0;
    if (base && base[0] == '/') { /* the specification says that relative ones are ignored */
        rc = buf_printf(&path, "%s/nmos/%s", base, name);
    } else if (home && home[0] == '/') {
        rc = buf_printf(&path, "%s/%s/nmos/%s", home, dirs[dir].below_home, name);
    } else {
        rc = FAIL(NMOS_E_IO, "neither %s nor HOME names a directory", dirs[dir].variable);
    }
    if (rc == 0) *ret_path = mem_strndup(MEM_GENERAL, path.data, path.len);
    if (rc == 0 && !*ret_path) rc = NMOS_E_NOMEM;
    buf_deinit(&path);
    return rc;
}
