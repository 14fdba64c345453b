/* SPDX-License-Identifier: MIT */
/*
 * What was learned about the experts of a model, kept between runs.
 *
 * A file of the cache folder for each model, named by its fingerprint: how often each expert was
 * used. It may be lost or damaged at any time; a damaged one is set aside with a message.
 */
#ifndef NMOS_ENGINE_EXPERT_MEMORY_H
#define NMOS_ENGINE_EXPERT_MEMORY_H

#include "gguf/gguf.h"
#include "model/hparams.h"

/** A number that tells models apart: a hash of metadata, tensor directory and file sizes. */
uint64_t expert_memory_fingerprint(const struct gguf *gguf);

/**
 * Reads the heats of a model's experts.
 * @param ret_heat  [n_layers][n_experts]; the caller frees it with mem_free().
 * @return 0, or negative when there are none; the message says why.
 */
int expert_memory_load(const struct gguf *gguf, const struct hparams *hp,
                       float **ret_heat) NMOS_MUST_CHECK;

/** Writes @p heat [n_layers][n_experts]. @return 0, NMOS_E_IO or NMOS_E_NOMEM. */
int expert_memory_store(const struct gguf *gguf, const struct hparams *hp,
                        const float *heat) NMOS_MUST_CHECK;

#endif
