/* SPDX-License-Identifier: MIT */
/* The one line of JSON behind a run (--stats). */
#ifndef NMOS_CLI_RUN_STATS_H
#define NMOS_CLI_RUN_STATS_H

#include <nmos/nmos.h>

#include "base/error.h"
#include "cli/cli.h"

/** Writes the line to stderr. @return 0 or NMOS_E_NOMEM. */
int run_stats_print(const struct nmos_model *model, const struct cli_options *options,
                    const struct nmos_generation_result *result) NMOS_MUST_CHECK;

#endif
