/* SPDX-License-Identifier: MIT */
/*
 * nmos scout: what a text is meant to be.
 *
 * Without TEXT a line of JSON answers each line of standard input, at once, so that a program can
 * ask at every keystroke. A line is plain text: a backslash is a backslash. An empty line is a text
 * too, and so is a last line without a line break.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/clock.h"
#include "cli/cli_scout.h"
#include "cli/output.h"

#define BAR_COLUMNS 30

static json_t *to_json(const struct nmos_intent *intents, size_t n, uint64_t ns)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list,
                              json_pack("{s:s, s:f}", "name", intents[i].name, "p", intents[i].p));
    }
    return json_pack("{s:o, s:f}", "intents", list, "us", (double)ns / 1000);
}

static int print_bars(const struct nmos_intent *intents, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int n_full = (int)(intents[i].p * BAR_COLUMNS + 0.5);
        char bar[BAR_COLUMNS + 1];
        for (int k = 0; k < BAR_COLUMNS; k++) bar[k] = k < n_full ? '#' : '.';
        bar[BAR_COLUMNS] = '\0';
        TRY(output_printf("%-12s %s %5.1f %%\n", intents[i].name, bar, intents[i].p * 100));
    }
    return 0;
}

static int answer(struct nmos_scout *scout, const char *text, size_t len, int as_json)
{
    struct nmos_intent intents[NMOS_INTENTS_MAX];
    const size_t n = nmos_scout_n_intents(scout);
    const uint64_t begin_ns = clock_ns();
    nmos_scout_classify(scout, text, len, intents);
    const uint64_t ns = clock_ns() - begin_ns;
    return as_json ? output_json(to_json(intents, n, ns), 1) : print_bars(intents, n);
}

static int answer_lines(struct nmos_scout *scout)
{
    char *line = NULL;
    size_t cap = 0;
    int rc = 0;
    ssize_t n = 0;
    while (rc == 0 && (n = getline(&line, &cap, stdin)) >= 0) {
        if (n && line[n - 1] == '\n') n--;
        rc = answer(scout, line, (size_t)n, 1);
        if (rc == 0) rc = output_flush();
    }
    if (rc == 0 && ferror(stdin)) rc = FAIL(NMOS_E_IO, "cannot read standard input");
    if (rc == 0 && !feof(stdin)) rc = FAIL(NMOS_E_NOMEM, "no memory for a line of %zu bytes", cap);
    free(line);
    return rc;
}

int cmd_scout(const struct cli_options *options)
{
    struct cli_scout scout = {0};
    int rc = cli_scout_open(options, &scout);
    if (rc == 0 && options->n_args) {
        rc = answer(scout.scout, options->args[0], strlen(options->args[0]), options->json);
    } else if (rc == 0) {
        rc = answer_lines(scout.scout);
    }
    cli_scout_close(&scout);
    return rc;
}
