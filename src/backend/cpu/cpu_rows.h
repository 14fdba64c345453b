/* SPDX-License-Identifier: MIT */
/* Row verbs of the CPU backend; see backend.h for what each computes. */
#ifndef NMOS_BACKEND_CPU_CPU_ROWS_H
#define NMOS_BACKEND_CPU_CPU_ROWS_H

#include "backend/cpu/cpu_backend.h"

void cpu_rms_norm(struct backend *b, float *y, size_t y_stride, const float *x, size_t x_stride,
                  const float *w, uint32_t n_rows, uint32_t n, float eps);
void cpu_head_norm(struct backend *b, float *x, const float *w, uint32_t n_rows, uint32_t n_heads,
                   uint32_t head_dim, float eps);
void cpu_rope(struct backend *b, float *x, const float *cos_sin, uint32_t n_rows, uint32_t n_heads,
              uint32_t head_dim, uint32_t n_rot, int pairs_are_adjacent);
void cpu_glu(struct backend *b, enum glu_kind kind, float *out, const float *gate, const float *up,
             size_t stride, uint32_t n_rows, uint32_t n);
void cpu_add(struct backend *b, float *x, const float *y, size_t n);
void cpu_scale(struct backend *b, float *x, float s, size_t n);
void cpu_softcap(struct backend *b, float *x, float cap, size_t n);
void cpu_gather_rows(struct backend *b, float *to, const float *from, const uint32_t *row_i,
                     uint32_t n_rows, uint32_t n);
void cpu_weighted_rows(struct backend *b, float *to, const float *from, const uint32_t *slot,
                       const float *weight, uint32_t n_rows, uint32_t n_used, uint32_t n);
void cpu_add_gated(struct backend *b, float *x, const float *y, const float *g, uint32_t n_rows,
                   uint32_t n);
void cpu_softmax(struct backend *b, float *x, uint32_t n_rows, uint32_t n);

#endif
