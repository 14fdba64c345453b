/* SPDX-License-Identifier: MIT */
/* Attention verbs of the CPU backend; see backend.h for what each computes. */
#ifndef NMOS_BACKEND_CPU_CPU_ATTENTION_H
#define NMOS_BACKEND_CPU_CPU_ATTENTION_H

#include "backend/cpu/cpu_backend.h"

int cpu_attention_check(struct backend *b, const struct attention_config *config);
size_t cpu_kv_layer_bytes(struct backend *b, const struct attention_config *config);
void cpu_kv_store(struct backend *b, const struct attention_config *config, size_t layer_offset,
                  const struct kv_row *rows, uint32_t n_rows, const float *k, const float *v);
void cpu_kv_move(struct backend *b, const struct attention_config *config, size_t layer_offset,
                 void *const *pages, uint32_t from_slot, uint32_t to_slot);
void cpu_attention(struct backend *b, const struct attention_config *config, size_t layer_offset,
                   const struct kv_row *rows, uint32_t n_rows, const float *q, float *out,
                   const struct attention_part *part);

/** Scratch of one thread for attention(). */
size_t cpu_attention_scratch_bytes(const struct attention_config *config);
/** Memory of the sums that parts of one attention leave to each other; 0 where it is never cut. */
size_t cpu_attention_sums_bytes(const struct attention_config *config, uint32_t n_rows);

#endif
