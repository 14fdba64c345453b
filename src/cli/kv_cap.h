/* SPDX-License-Identifier: MIT */
/* Says what a cap on keys and values has cost. */
#ifndef NMOS_CLI_KV_CAP_H
#define NMOS_CLI_KV_CAP_H

#include <nmos/nmos.h>

#include <jansson.h>

#include "cli/cli.h"

/** Adds to @p fields, a JSON object, what was given up; nothing without a cap. */
void kv_cap_add_fields(json_t *fields, const struct nmos_model *model,
                       const struct cli_options *options);

/** Says on stderr that the model has given up keys and values, if it has. */
void kv_cap_tell(const struct nmos_model *model, const struct cli_options *options);

#endif
