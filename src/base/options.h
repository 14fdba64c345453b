/* SPDX-License-Identifier: MIT */
/*
 * Options: one table drives the command line, the configuration file, the help texts and the manual
 * page.
 *
 * A row of the table names an option, its type, range, default and the commands that take it;
 * values are stored straight into a struct of the caller's, at the row's offset. The command line
 * wins over the file, whichever is read first. Everything that is wrong is NMOS_E_INVALID with a
 * sentence: which option, what was given, what is allowed.
 */
#ifndef NMOS_BASE_OPTIONS_H
#define NMOS_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define OPTIONS_MAX            128U              /* rows of a table */
#define OPTIONS_ARGS_MAX       8U                /* positional arguments of one call */
#define OPTIONS_LIST_MAX       1024U             /* values of one repeatable option */
#define OPTIONS_ENTRIES_MAX    4096U             /* lines of sections [KIND:NAME] */
#define OPTIONS_FILE_BYTES_MAX ((size_t)1 << 20) /* a configuration file is written by hand */

enum option_type {
    OPTION_FLAG,   /* int: 0 or 1 */
    OPTION_INT,    /* int64_t */
    OPTION_FLOAT,  /* double */
    OPTION_SIZE,   /* uint64_t: bytes; K M G are powers of 1000, KiB MiB GiB of 1024 */
    OPTION_STRING, /* const char * */
    OPTION_CHOICE, /* int: position in the list of choices */
    OPTION_LIST,   /* struct option_list: may be given more than once */
};

/** Values of an OPTION_LIST in the order given. Borrowed from struct options. */
struct option_list {
    const char **items;
    size_t n;
};

/** A line of a section [KIND:NAME] of a configuration file. Borrowed from struct options. */
struct option_entry {
    const char *section; /* NAME */
    const char *key;
    const char *value;
    unsigned line; /* of its file, for messages */
};

/** One option. Unset options without a default leave their value zero. */
struct option_spec {
    const char *name; /* "top-k" */
    char short_name;  /* 'm', or 0 */
    enum option_type type;
    size_t offset;     /* of the value in the caller's struct */
    uint64_t commands; /* bit i: command i of the table takes it */
    const char *value; /* what help calls the value; OPTION_CHOICE: the choices, comma-separated */
    const char *fallback; /* default, parsed like a given value; NULL: none */
    const char *note;     /* describes the default where fallback does not; or NULL */
    double min, max;      /* of OPTION_INT, OPTION_FLOAT, OPTION_SIZE */
    const char *help;     /* one sentence, no full stop */
};

/** One command. */
struct option_command {
    const char *name;
    const char *args; /* positional arguments as help shows them: "FILE"; "" when none */
    unsigned n_args_min;
    unsigned n_args_max; /* <= OPTIONS_ARGS_MAX */
    const char *summary; /* one line, for the list of commands */
    const char *details; /* sentences, for the command's own help */
};

struct option_table {
    const char *program;
    const struct option_spec *specs;
    size_t n_specs; /* <= OPTIONS_MAX */
    const struct option_command *commands;
    size_t n_commands; /* <= 64 */
    uint64_t present;  /* bit i: command i exists in this build; the others are not mentioned */
    const char *section_kind; /* KIND of sections [KIND:NAME] that files may have; NULL: none */
    const char *section_keys; /* what their lines may set, comma-separated; more than once each */
    const char *section_options; /* and of the specs' names, each once; NULL: none */
};

/** The state of one parse. */
struct options {
    const struct option_table *table;
    size_t command_i;
    void *values;                      /* the caller's struct */
    unsigned char source[OPTIONS_MAX]; /* where each value comes from */
    const char *args[OPTIONS_ARGS_MAX];
    unsigned n_args;
    struct buf *texts; /* owned configuration texts, which values point into */
    size_t n_texts;
    struct option_entry *entries; /* owned: lines of sections [KIND:NAME], in their order */
    size_t n_entries;
};

/** Starts a parse for one command: sets every default. @return 0 or NMOS_E_NOMEM. */
int options_init(struct options *options, const struct option_table *table, size_t command_i,
                 void *values) NMOS_MUST_CHECK;

/**
 * Reads the arguments behind the command's name: `--name VALUE`, `--name=VALUE`, `-x VALUE`,
 * `-xVALUE`, flags, and positional arguments; `--` ends the options. Strings are borrowed from @p
 * argv.
 * @return 0, NMOS_E_INVALID or NMOS_E_NOMEM.
 */
int options_parse_args(struct options *options, int argc, char *const *argv) NMOS_MUST_CHECK;

/**
 * Reads an INI file: `name = value` lines, `#` and `;` comments, and [COMMAND] sections whose lines
 * hold for that command only. Lines before any section hold for each command that takes the option.
 * Lines of sections [KIND:NAME], where the table has a KIND, become entries; options among them are
 * checked as any. Values may stand in double quotes.
 * @return 0, NMOS_E_INVALID with file and line, NMOS_E_IO, NMOS_E_NOMEM.
 */
int options_parse_file(struct options *options, const char *path) NMOS_MUST_CHECK;

/**
 * Stores what a line of a section [KIND:NAME] says into @p values, a struct as the table describes
 * it, as if the option had been given. @return 1; 0 when its key is no option, or the command line
 * gives that option, which wins.
 */
int options_apply_entry(const struct options *options, const struct option_entry *entry,
                        void *values) NMOS_MUST_CHECK;

/** Frees what the parse holds, lists and strings from files included. */
void options_deinit(struct options *options);

/** Bytes of "1.5 GiB", "64M" or "4096". @return 0 or NMOS_E_INVALID. */
int options_parse_size(const char *text, uint64_t *ret_bytes) NMOS_MUST_CHECK;

/** Position of the present command called @p name, or NMOS_E_INVALID naming the nearest one. */
int options_find_command(const struct option_table *table, const char *name,
                         size_t *ret_command_i) NMOS_MUST_CHECK;

/** Appends the list of commands (`nmos help`). */
int options_help(const struct option_table *table, struct buf *text) NMOS_MUST_CHECK;
/** Appends what one command does and takes (`nmos help COMMAND`). */
int options_help_command(const struct option_table *table, size_t command_i,
                         struct buf *text) NMOS_MUST_CHECK;
/** Appends the manual page in roff. */
int options_man_page(const struct option_table *table, const char *version,
                     struct buf *text) NMOS_MUST_CHECK;

/** Directories of the XDG base directory specification. */
enum user_dir {
    USER_CONFIG, /* $XDG_CONFIG_HOME or ~/.config: written by the user */
    USER_CACHE,  /* $XDG_CACHE_HOME or ~/.cache: can be made again */
    USER_DATA,   /* $XDG_DATA_HOME or ~/.local/share: the user's own */
    USER_STATE,  /* $XDG_STATE_HOME or ~/.local/state: what the program remembers */
};

/**
 * Path of the program's file @p name in @p dir: "DIR/nmos/NAME". Nothing is created.
 * @return 0, NMOS_E_IO when there is no home directory, NMOS_E_NOMEM. The caller frees with
 * mem_free().
 */
int options_user_path(enum user_dir dir, const char *name, char **ret_path) NMOS_MUST_CHECK;

#endif
