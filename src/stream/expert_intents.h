/* SPDX-License-Identifier: MIT */
/*
 * Which experts go with which intent or prompt, and getting them ready for what is probably meant.
 *
 * The uses of experts are counted for the rows of each intent apart, as habits are. While somebody
 * types, expert_intents_expect() says how likely each intent is. An expert is then worth, beside
 * what rows of late have made it worth, the uses that it would have if these intents had gone on
 * for long, each in proportion to its probability: so the memory is shared out, and nothing is read
 * that would not be worth more than what gives way to it. Expected uses fade like real ones, and
 * those of a new expectation take the place of the former ones.
 *
 * What the first passes of a prompt like this one have used (expert_first.h) takes a share of that:
 * as sure as it is that the same comes, in place of the intents.
 *
 * What is expected is read while nothing else is, behind guesses; nothing waits for it. The same
 * one thread as the cache's.
 */
#ifndef NMOS_STREAM_EXPERT_INTENTS_H
#define NMOS_STREAM_EXPERT_INTENTS_H

#include "stream/expert_cache.h"
#include "stream/expert_first.h"

/** An intent that has been seen for fewer rows counts for less than half. */
#define EXPERT_INTENT_ROWS 256.0

/**
 * Counts uses of a layer by rows of intent @p intent_i.
 * @param n_rows_of  [n_experts] rows that use each.
 * @param n_rows     of the intent in the pass.
 */
void expert_intents_count(struct expert_cache *cache, uint32_t intent_i, uint32_t layer_i,
                          const uint32_t *n_rows_of, uint32_t n_rows);

/** The uses, decayed over thousands of rows: [n_layers][n_experts]. */
void expert_intents_get(const struct expert_cache *cache, uint32_t intent_i, float *ret_heat);

/** Begins with those of earlier runs. */
void expert_intents_set(struct expert_cache *cache, uint32_t intent_i, const float *heat);

/**
 * @param p  [n_intents] how likely each is, 0..1.
 * @param likely  what a prompt like this one has used; NULL, or one of another shape than the
 * cache's: nothing is known.
 */
void expert_intents_expect(struct expert_cache *cache, const double *p,
                           const struct expert_likely *likely);

/** Reads on, while no visit is under way: waits up to @p timeout_ms for a read. @return 1 while
 * there is more. */
int expert_intents_read(struct expert_cache *cache, uint32_t timeout_ms);

#endif
