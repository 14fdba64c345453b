/* SPDX-License-Identifier: MIT */
/*
 * What was learned about the experts of a model, kept between runs (learned_file.h): how often each
 * was used, and how soon again.
 */
#ifndef NMOS_ENGINE_EXPERT_MEMORY_H
#define NMOS_ENGINE_EXPERT_MEMORY_H

#include "model/hparams.h"
#include "stream/expert_cache.h"

/**
 * Reads the habits of a model's experts.
 * @param fingerprint  of the model (learned_fingerprint()).
 * @param intent  in texts of which; only the heats count there. NULL: in all texts.
 * @param ret  its heat is [n_layers][n_experts], freed by the caller with mem_free(); NULL after a
 * failure.
 * @return 0, or negative when there are none; the message says why.
 */
int expert_memory_load(uint64_t fingerprint, const struct hparams *hp, const char *intent,
                       struct expert_habits *ret) NMOS_MUST_CHECK;

/** Writes them. @return 0, NMOS_E_IO or NMOS_E_NOMEM. */
int expert_memory_store(uint64_t fingerprint, const struct hparams *hp, const char *intent,
                        const struct expert_habits *habits) NMOS_MUST_CHECK;

#endif
