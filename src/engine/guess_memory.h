/* SPDX-License-Identifier: MIT */
/*
 * How often guesses come true, of all texts and of those of each intent: for as long as the model
 * is open, and between runs where intents are told apart (learned_file.h). It belongs to the model
 * and its draft together.
 */
#ifndef NMOS_ENGINE_GUESS_MEMORY_H
#define NMOS_ENGINE_GUESS_MEMORY_H

#include "engine/model.h"

/** Fills in the model's odds, as they were learned before or anew. The draft is open. @return 0 or
 * NMOS_E_NOMEM. */
int guess_memory_open(struct nmos_model *model) NMOS_MUST_CHECK;

/** Writes and frees them. */
void guess_memory_close(struct nmos_model *model);

#endif
