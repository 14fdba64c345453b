/* SPDX-License-Identifier: MIT */
/*
 * nmos: from arguments to a command to an exit code.
 *
 * The only place that prints failures and that knows exit codes: 0 done, 1 failed, 2 wrong usage,
 * 130 interrupted.
 */
#include <errno.h>
#include <fcntl.h>
#include <nmos/nmos.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/bundled.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/output.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

static int cmd_help(const struct cli_options *options);

/* The commands this build has. */
static int (*const functions[CMD_COUNT])(const struct cli_options *) = {
    [CMD_PLAN] = cmd_plan,
    [CMD_DOCTOR] = cmd_doctor,
    [CMD_INSPECT] = cmd_inspect,
    [CMD_VERIFY] = cmd_verify,
    [CMD_RUN] = cmd_run,
    [CMD_CHAT] = cmd_chat,
    [CMD_REPLAY] = cmd_replay,
    [CMD_LOGITS] = cmd_logits,
    [CMD_PERPLEXITY] = cmd_perplexity,
    [CMD_SCOUT] = cmd_scout,
    [CMD_MEMORY] = cmd_memory,
    [CMD_BENCH] = cmd_bench,
    [CMD_TOKENIZE] = cmd_tokenize,
    [CMD_DETOKENIZE] = cmd_detokenize,
    [CMD_RENDER] = cmd_render,
    [CMD_HELP] = cmd_help,
};

static struct option_table table = {.program = "nmos",
                                    .commands = cli_commands,
                                    .n_commands = CMD_COUNT,
                                    .section_kind = "intent",
                                    .section_keys = "keywords,example,system",
                                    .section_options =
                                        "temp,top-k,top-p,min-p,repeat-penalty,presence-penalty,"
                                        "frequency-penalty"};

/* Without a standard stream its number would go to the first file that is opened, and our output
 * into that file: something that can be neither read nor written takes the place. */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)open("/", O_PATH | O_CLOEXEC);
    }
}

/* A closed pipe shows as a failed write, not as a signal. */
static void set_signals(void)
{
    const struct sigaction action = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &action, NULL);
    interrupt_set_up();
}

static int print_text(int rc, struct buf *text)
{
    if (rc == 0) rc = output_write(text->data, text->len);
    buf_deinit(text);
    return rc;
}

static int print_command_help(size_t command_i)
{
    struct buf text = {0};
    return print_text(options_help_command(&table, command_i, &text), &text);
}

static int cmd_help(const struct cli_options *options)
{
    if (options->n_args) {
        size_t command_i = 0;
        TRY(options_find_command(&table, options->args[0], &command_i));
        return print_command_help(command_i);
    }
    struct buf text = {0};
    return print_text(options_help(&table, &text), &text);
}

/* Reads --config FILE or, when it exists, the user's own file. */
static int read_config(struct options *parser, const struct cli_options *values)
{
    if (values->config) return options_parse_file(parser, values->config);
    char *path = NULL;
    if (options_user_path(USER_CONFIG, "nmos.conf", &path) < 0) return 0; /* no home: no file */
    const int rc = access(path, F_OK) == 0 ? options_parse_file(parser, path) : 0;
    mem_free(path);
    return rc;
}

/* Paths that live as long as the command runs. */
struct bundled_paths {
    char *oracle;
    char *draft;
};

/* Without -m the commands that run or plan a model take the bundled one, and say so; those that
 * guess ahead take the bundled draft too. */
static int choose_model(size_t command_i, struct cli_options *values, struct bundled_paths *paths)
{
    if (values->model || !(CLI_MODEL_COMMANDS >> command_i & 1)) return 0;
    TRY(bundled_find(BUNDLED_ORACLE, &paths->oracle));
    if (!paths->oracle) {
        return FAIL(NMOS_E_INVALID, "no model was named and none is installed beside the program; "
                                    "give a GGUF file with -m FILE");
    }
    values->model = paths->oracle;
    fprintf(stderr, "nmos: no -m given, so this is the bundled %s, a miniature and no assistant\n",
            BUNDLED_ORACLE);
    const int guesses = (CLI_GUESSING_COMMANDS >> command_i & 1) && values->spec != CLI_SPEC_OFF;
    if (values->draft || !guesses) return 0;
    TRY(bundled_find(BUNDLED_DRAFT, &paths->draft));
    values->draft = paths->draft;
    return 0;
}

static int run_command(size_t command_i, struct options *parser, struct cli_options *values,
                       int argc, char *const *argv)
{
    const struct option_command *command = &cli_commands[command_i];
    TRY(options_init(parser, &table, command_i, values));
    TRY(options_parse_args(parser, argc, argv));
    if (values->help) return print_command_help(command_i);
    if (parser->n_args < command->n_args_min) {
        return FAIL(NMOS_E_INVALID, "%s needs an argument: nmos %s %s", command->name,
                    command->name, command->args);
    }
    TRY(read_config(parser, values));
    values->parsed = parser;
    values->args = parser->args;
    values->n_args = parser->n_args;
    values->entries = parser->entries;
    values->n_entries = parser->n_entries;
    if (values->verbose) log_set_level(LOG_LEVEL_INFO);
    struct bundled_paths paths = {0};
    int rc = choose_model(command_i, values, &paths);
    if (rc == 0) rc = functions[command_i](values);
    mem_free(paths.oracle);
    mem_free(paths.draft);
    return rc;
}

/* What else main() understands in the place of a command. */
static int run_instead(const char *word)
{
    struct buf text = {0};
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return print_text(options_help(&table, &text), &text);
    }
    if (strcmp(word, "--version") == 0) {
        printf("nmos %s\n", nmos_version());
        return 0;
    }
    if (strcmp(word, "--man-page") == 0) { /* for the build */
        return print_text(options_man_page(&table, nmos_version(), &text), &text);
    }
    return FAIL(NMOS_E_INVALID, "\"%s\" stands where a command is expected: nmos COMMAND [OPTIONS]",
                word);
}

static int exit_code(int rc)
{
    if (rc >= 0) return EXIT_DONE;
    if (cli_interrupted()) return EXIT_INTERRUPTED;
    if (rc == NMOS_E_CANCELLED) return EXIT_DONE; /* the reader of our output has all it wanted */
    return rc == NMOS_E_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

static void print_failure(int rc, size_t command_i)
{
    if (cli_interrupted() || rc == NMOS_E_CANCELLED) return;
    fprintf(stderr, "nmos: %s\n", nmos_last_error());
    if (rc != NMOS_E_INVALID) return;
    if (command_i == CMD_HELP) {
        fprintf(stderr, "Try: nmos help\n");
    } else {
        fprintf(stderr, "Try: nmos help %s\n", cli_commands[command_i].name);
    }
}

static int usage(void)
{
    struct buf text = {0};
    if (options_help(&table, &text) == 0) fputs(text.data, stderr);
    buf_deinit(&text);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options parser = {0};
    struct cli_options values = {0};
    size_t command_i = CMD_HELP;
    table.specs = cli_option_specs;
    table.n_specs = cli_n_option_specs;
    for (int i = 0; i < CMD_COUNT; i++) table.present |= (uint64_t)(functions[i] != NULL) << i;
    hold_standard_streams();
    if (argc < 2) return usage();
    set_signals();
    int rc = 0;
    if (argv[1][0] == '-') {
        rc = run_instead(argv[1]);
    } else {
        rc = options_find_command(&table, argv[1], &command_i);
        if (rc == 0) rc = run_command(command_i, &parser, &values, argc - 2, argv + 2);
    }
    if (rc == 0) rc = output_flush();
    options_deinit(&parser);
    if (rc < 0) print_failure(rc, command_i);
    return exit_code(rc);
}
