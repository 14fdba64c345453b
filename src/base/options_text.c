/* SPDX-License-Identifier: MIT */
/* What a table of options says to people: help for the terminal (80 columns) and the manual page
 * (roff). */
#include <stdio.h>

#include "base/options.h"

#define TEXT_COLUMNS 80
#define HELP_INDENT  26 /* where the explanation of an option starts */

static int is_present(const struct option_table *table, size_t command_i)
{
    return (int)(table->present >> command_i & 1);
}

/* Appends words of @p text, broken before TEXT_COLUMNS and indented; @p column is where the line
 * stands. */
static int append_wrapped(struct buf *out, const char *text, size_t indent, size_t column)
{
    while (*text) {
        const size_t len = strcspn(text, " ");
        if (column + 1 + len > TEXT_COLUMNS && column > indent) {
            TRY(buf_printf(out, "\n%*s", (int)indent, ""));
            column = indent;
        } else if (column > indent) {
            TRY(buf_append(out, " ", 1));
            column++;
        }
        TRY(buf_append(out, text, len));
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    return buf_append(out, "\n", 1);
}

/* "help; 1 to 5; default: 3" */
static int append_meaning(struct buf *out, const struct option_spec *spec)
{
    TRY(buf_printf(out, "%s", spec->help));
    const int has_range =
        spec->type == OPTION_INT || spec->type == OPTION_FLOAT || spec->type == OPTION_SIZE;
    if (has_range && spec->max < 1e15) {
        TRY(buf_printf(out, "; %.15g to %.15g", spec->min, spec->max));
    } else if (has_range && spec->min > 0) {
        TRY(buf_printf(out, "; at least %.15g", spec->min));
    }
    if (spec->type == OPTION_LIST) TRY(buf_printf(out, "; may be repeated"));
    if (spec->note) return buf_printf(out, " (default: %s)", spec->note);
    if (spec->fallback) return buf_printf(out, " (default: %s)", spec->fallback);
    return 0;
}

/* "-m, --model FILE" or "    --kv f32|f16|q8_0" */
static int append_option_name(struct buf *out, const struct option_spec *spec)
{
    if (spec->short_name) {
        TRY(buf_printf(out, "-%c, --%s", spec->short_name, spec->name));
    } else {
        TRY(buf_printf(out, "    --%s", spec->name));
    }
    if (spec->type == OPTION_FLAG) return 0;
    TRY(buf_append(out, " ", 1));
    for (const char *c = spec->value; *c; c++) {
        TRY(buf_append(out, spec->type == OPTION_CHOICE && *c == ',' ? "|" : c, 1));
    }
    return 0;
}

static int append_option(struct buf *out, const struct option_spec *spec)
{
    struct buf meaning = {0};
    TRY(buf_append(out, "  ", 2));
    const size_t start = out->len - 2;
    TRY(append_option_name(out, spec));
    if (out->len - start + 2 > HELP_INDENT) {
        TRY(buf_printf(out, "\n%*s", HELP_INDENT, ""));
    } else {
        TRY(buf_printf(out, "%*s", (int)(HELP_INDENT - (out->len - start)), ""));
    }
    int rc = append_meaning(&meaning, spec);
    if (rc == 0) rc = append_wrapped(out, meaning.data, HELP_INDENT, HELP_INDENT);
    buf_deinit(&meaning);
    return rc;
}

int options_help(const struct option_table *table, struct buf *text)
{
    TRY(buf_printf(text, "usage: %s COMMAND [OPTIONS]\n\n", table->program));
    for (size_t i = 0; i < table->n_commands; i++) {
        if (!is_present(table, i)) continue;
        const struct option_command *command = &table->commands[i];
        TRY(buf_printf(text, "  %-12s", command->name));
        TRY(append_wrapped(text, command->summary, 14, 14));
    }
    return buf_printf(
        text,
        "\n%s help COMMAND says what a command takes; %s --version says which version "
        "this is.\n",
        table->program, table->program);
}

int options_help_command(const struct option_table *table, size_t command_i, struct buf *text)
{
    const struct option_command *command = &table->commands[command_i];
    TRY(buf_printf(text, "usage: %s %s [OPTIONS]%s%s\n\n", table->program, command->name,
                   *command->args ? " " : "", command->args));
    TRY(append_wrapped(text, command->details, 0, 0));
    TRY(buf_printf(text, "\n"));
    for (size_t i = 0; i < table->n_specs; i++) {
        if (table->specs[i].commands >> command_i & 1) TRY(append_option(text, &table->specs[i]));
    }
    return 0;
}

/* Text as roff takes it: backslashes, dashes that are meant as such, and no control line by
 * accident. */
static int append_roff(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'') TRY(buf_append(out, "\\&", 2));
    for (; *text; text++) {
        if (*text == '-') {
            TRY(buf_append(out, "\\-", 2));
        } else if (*text == '\\') {
            TRY(buf_append(out, "\\e", 2));
        } else {
            TRY(buf_append(out, text, 1));
        }
    }
    return 0;
}

/* One option; @p part is scratch of the caller's. */
static int append_man_option(const struct option_table *table, const struct option_spec *spec,
                             struct buf *part, struct buf *out)
{
    part->len = 0;
    TRY(append_option_name(part, spec));
    TRY(buf_printf(out, ".TP\n.B "));
    TRY(append_roff(out, part->data + strspn(part->data, " ")));
    part->len = 0;
    TRY(append_meaning(part, spec));
    TRY(buf_printf(out, "\n"));
    TRY(append_roff(out, part->data));
    TRY(buf_printf(out, ". Taken by"));
    const char *separator = " ";
    for (size_t i = 0; i < table->n_commands; i++) {
        if (!is_present(table, i) || !(spec->commands >> i & 1)) continue;
        TRY(buf_printf(out, "%s%s", separator, table->commands[i].name));
        separator = ", ";
    }
    return buf_printf(out, ".\n");
}

static int append_man_options(const struct option_table *table, struct buf *out)
{
    struct buf part = {0};
    int rc = 0;
    for (size_t i = 0; i < table->n_specs && rc == 0; i++) {
        if (!(table->specs[i].commands & table->present)) continue;
        rc = append_man_option(table, &table->specs[i], &part, out);
    }
    buf_deinit(&part);
    return rc;
}

static int append_man_command(const struct option_table *table, size_t command_i, struct buf *out)
{
    const struct option_command *command = &table->commands[command_i];
    TRY(buf_printf(out, ".TP\n.B %s %s", table->program, command->name));
    if (*command->args) {
        TRY(buf_append(out, " ", 1));
        TRY(append_roff(out, command->args));
    }
    TRY(buf_append(out, "\n", 1));
    TRY(append_roff(out, command->details));
    return buf_append(out, "\n", 1);
}

int options_man_page(const struct option_table *table, const char *version, struct buf *text)
{
    TRY(buf_printf(text, ".TH NMOS 1 \"\" \"nmos %s\" \"User Commands\"\n", version));
    TRY(buf_printf(text, ".SH NAME\nnmos \\- run language models larger than memory\n"));
    TRY(buf_printf(text, ".SH SYNOPSIS\n.B %s\n.I COMMAND\n[OPTIONS] [ARGUMENTS]\n",
                   table->program));
    TRY(buf_printf(text, ".SH COMMANDS\n"));
    for (size_t i = 0; i < table->n_commands; i++) {
        if (is_present(table, i)) TRY(append_man_command(table, i, text));
    }
    TRY(buf_printf(
        text,
        ".SH OPTIONS\nSizes are bytes, or a number with K, M, G (powers of 1000) or KiB, MiB, "
        "GiB (powers of 1024).\n"));
    TRY(append_man_options(table, text));
    return buf_printf(
        text,
        ".SH FILES\n.TP\n.I ~/.config/nmos/nmos.conf\nOptions as\n.B name = value\nlines, without "
        "dashes; lines below\n.B [COMMAND]\nhold for that command only. The command line wins.\n"
        "A section\n.B [intent:NAME]\ndefines an intent beside CODE, CHAT and DOCS by lines\n"
        ".B keywords = word, several words, ...\nand\n.B example = a prompt\n"
        ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nfailed: a missing, bad or damaged file, or "
        "no memory\n.TP\n.B 2\nwrong usage\n.TP\n.B 130\ninterrupted\n");
}
