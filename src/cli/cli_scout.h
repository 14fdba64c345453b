/* SPDX-License-Identifier: MIT */
/* A Scout as the common options and the configuration file say. */
#ifndef NMOS_CLI_CLI_SCOUT_H
#define NMOS_CLI_CLI_SCOUT_H

#include <nmos/nmos.h>

#include "cli/cli.h"

/**
 * Creates the Scout, with the intents of sections [intent:NAME], and opens the user's failure
 * memory for it where there is one. The caller frees both, the Scout first; *ret_memory is NULL
 * before.
 */
int cli_scout_create(const struct cli_options *options, struct nmos_scout **ret_scout,
                     struct nmos_memory **ret_memory) NMOS_MUST_CHECK;

#endif
