/* SPDX-License-Identifier: MIT */
/*
 * The command line: what every command gets and shares.
 *
 * A command is one file cmd_NAME.c with one function. It gets the parsed options, writes its result
 * to stdout, and returns 0 or a failure made with FAIL(); main.c prints the sentence and turns the
 * status into the exit code. A new command is that file, a line in the table of main.c, and its row
 * in option_table.c.
 */
#ifndef NMOS_CLI_CLI_H
#define NMOS_CLI_CLI_H

#include <stdint.h>

#include "base/options.h"

/** Position of a command in the table of option_table.c. */
enum cli_command {
    CMD_RUN,
    CMD_CHAT,
    CMD_PLAN,
    CMD_DOCTOR,
    CMD_INSPECT,
    CMD_VERIFY,
    CMD_TOKENIZE,
    CMD_DETOKENIZE,
    CMD_RENDER,
    CMD_LOGITS,
    CMD_PERPLEXITY,
    CMD_SCOUT,
    CMD_REPLAY,
    CMD_MEMORY,
    CMD_BENCH,
    CMD_HELP,
    CMD_COUNT,
};

/** Bit of each command whose default for -m is the bundled model. */
#define CLI_MODEL_COMMANDS                                                                         \
    ((uint64_t)1 << CMD_RUN | (uint64_t)1 << CMD_CHAT | (uint64_t)1 << CMD_PLAN |                  \
     (uint64_t)1 << CMD_LOGITS | (uint64_t)1 << CMD_PERPLEXITY | (uint64_t)1 << CMD_REPLAY |       \
     (uint64_t)1 << CMD_BENCH)

/** Bit of each command that takes the bundled draft too. */
#define CLI_GUESSING_COMMANDS                                                                      \
    ((uint64_t)1 << CMD_RUN | (uint64_t)1 << CMD_CHAT | (uint64_t)1 << CMD_PLAN |                  \
     (uint64_t)1 << CMD_REPLAY)

/* Values of the options that are one of a few words, in the order of the table. */
enum cli_kv { CLI_KV_F32, CLI_KV_F16, CLI_KV_Q8_0 };
enum cli_io { CLI_IO_AUTO, CLI_IO_URING, CLI_IO_THREADS };
enum cli_cpu { CLI_CPU_AUTO, CLI_CPU_SCALAR, CLI_CPU_AVX2, CLI_CPU_AVX512 };
enum cli_spec { CLI_SPEC_AUTO, CLI_SPEC_OFF, CLI_SPEC_NGRAM, CLI_SPEC_CHAIN, CLI_SPEC_TREE };
enum cli_mode { CLI_MODE_AUTO, CLI_MODE_ORACLE, CLI_MODE_DRAFT };
enum cli_accept { CLI_ACCEPT_KEYED, CLI_ACCEPT_REJECTION };

/** Every option's value; NULL or 0 where an option was not given and has no default. */
struct cli_options {
    const struct option_entry *entries; /* [n_entries] lines of sections [intent:NAME] */
    size_t n_entries;
    const struct options *parsed; /* where values come from */
    const char *const *args;      /* positional arguments: FILE, TEXT, ... */
    unsigned n_args;
    /* models and machine */
    const char *model;
    const char *draft;
    const char *scout;
    uint64_t ram;  /* bytes; 0: what is safely free */
    uint64_t vram; /* bytes */
    const char *device;
    int64_t ctx;     /* positions; 0: min(the model's, 4096) */
    int kv;          /* enum cli_kv */
    uint64_t kv_ram; /* bytes; 0: all of the KV cache stays in memory */
    uint64_t kv_cap; /* bytes; 0: nothing of the KV cache is given up */
    int kv_evict;    /* enum nmos_evict */
    int64_t threads; /* 0: physical cores */
    int io;          /* enum cli_io */
    int cpu;         /* enum cli_cpu */
    int64_t seed;
    const char *config;
    int json;
    int verbose;
    int help;
    /* text in and out */
    const char *prompt;
    const char *file;
    const char *output;
    int64_t max_tokens;
    int chat;
    const char *chat_template;
    struct option_list stop;
    int stats;
    /* sampling */
    double temp;
    int64_t top_k;
    double top_p;
    double min_p;
    double repeat_penalty;
    double presence_penalty;
    double frequency_penalty;
    struct option_list logit_bias; /* "ID=B" each */
    int spec;                      /* enum cli_spec */
    int accept;                    /* enum cli_accept */
    /* single commands */
    const char *hw;         /* plan */
    int replan;             /* plan */
    int bos;                /* tokenize */
    int special;            /* tokenize */
    const char *tokens;     /* logits: "1,2,3" */
    int64_t chunk;          /* logits, perplexity */
    int no_anticipation;    /* replay */
    int64_t prompts;        /* replay; 0: all */
    double speed;           /* replay */
    int resume;             /* chat: --continue */
    int anticipate;         /* chat: enum nmos_anticipation */
    int mode;               /* chat, replay: enum cli_mode */
    const char *intent_use; /* chat, replay */
};

extern const struct option_spec cli_option_specs[];
extern const size_t cli_n_option_specs;
extern const struct option_command cli_commands[CMD_COUNT];

int cmd_chat(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_detokenize(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_doctor(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_inspect(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_memory(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_perplexity(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_plan(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_scout(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_tokenize(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_render(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_replay(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_run(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_logits(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_bench(const struct cli_options *options) NMOS_MUST_CHECK;
int cmd_verify(const struct cli_options *options) NMOS_MUST_CHECK;

#endif
