/* SPDX-License-Identifier: MIT */
/* A Scout as the common options and the configuration file say. */
#ifndef NMOS_CLI_CLI_SCOUT_H
#define NMOS_CLI_CLI_SCOUT_H

#include <nmos/nmos.h>

#include "cli/cli.h"

/** A Scout and what it borrows; all zero before it is opened. */
struct cli_scout {
    struct nmos_scout *scout;
    struct nmos_memory *memory; /* NULL: there is none */
    struct nmos_model *model;   /* asked by the Scout; NULL: none */
};

/**
 * Opens the Scout: with the intents of sections [intent:NAME], the user's failure memory where
 * there is one, and the model of --scout, whose weights are in memory then, so that a model opened
 * later counts them as held. To be closed after a failure too.
 */
int cli_scout_open(const struct cli_options *options, struct cli_scout *scout) NMOS_MUST_CHECK;

void cli_scout_close(struct cli_scout *scout);

#endif
