/* SPDX-License-Identifier: MIT */
/* Attention to keys and values of which some are on disk; see spilled.c. Without spilling it is the
 * backend's verb alone. */
#ifndef NMOS_INFER_SPILLED_H
#define NMOS_INFER_SPILLED_H

#include "infer/forward_internal.h"

/** Starts reading what the pass will need, in the order in which it will need it. */
void spilled_begin(struct pass *p);

/** Stores keys and values of the rows and attends, in one layer. @return 0, or why pages on disk
 * cannot be read; NMOS_E_CANCELLED. */
int spilled_attention(struct pass *p, const struct attention_config *config,
                      uint32_t layer_i) NMOS_MUST_CHECK;

/** Ends reading, however the pass has ended. */
void spilled_end(struct pass *p);

#endif
