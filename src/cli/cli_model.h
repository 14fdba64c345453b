/* SPDX-License-Identifier: MIT */
/* Opening a model as the common options say. */
#ifndef NMOS_CLI_CLI_MODEL_H
#define NMOS_CLI_CLI_MODEL_H

#include <nmos/nmos.h>

#include "cli/cli.h"

/** What the options say about opening a model. @param rows_max  rows of the largest pass. */
struct nmos_model_options cli_model_options(const struct cli_options *options, uint32_t rows_max);

/** For commands without a use for a scout: what --scout names has to be a model all the same. */
int cli_check_scout(const struct cli_options *options) NMOS_MUST_CHECK;

/** Opens a model as @p how says, which cli_model_options() has begun; its first pass shows a
 * progress bar. */
int cli_model_open_as(const struct cli_options *options, struct nmos_model_options *how,
                      struct nmos_model **ret_model) NMOS_MUST_CHECK;

/**
 * Opens the model that the options name; its first pass shows a progress bar. From now on ^C ends a
 * pass soon (cli/interrupt.h). Closed with cli_model_close().
 * @param rows_max  rows of the largest pass.
 * @param rows_typical  of most passes.
 */
int cli_model_open(const struct cli_options *options, uint32_t rows_max, uint32_t rows_typical,
                   struct nmos_model **ret_model) NMOS_MUST_CHECK;

void cli_model_close(struct nmos_model **model);

/** The biases of --logit-bias, to be freed with mem_free(). @return 0, NMOS_E_INVALID,
 * NMOS_E_NOMEM. */
int cli_parse_bias(const struct cli_options *options,
                   struct nmos_logit_bias **ret_bias) NMOS_MUST_CHECK;

/** How the options say that tokens are drawn; @p bias is borrowed. */
struct nmos_sampling cli_sampling(const struct cli_options *options,
                                  const struct nmos_logit_bias *bias);

/**
 * Feeds tokens as a chain in passes of at most rows_max rows and commits them.
 * @param on_logits  called for every row when @p all_logits, else for the very last one.
 */
int cli_feed(struct nmos_model *model, struct nmos_session *session, const int32_t *tokens,
             size_t n_tokens, int all_logits, nmos_logits_fn on_logits, void *arg) NMOS_MUST_CHECK;

#endif
