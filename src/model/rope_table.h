/* SPDX-License-Identifier: MIT */
/*
 * Rotation angles of rotary position embedding (RoFormer, arXiv:2104.09864), with context
 * extension.
 *
 *   angle(p, i) = p * f_i,  f_i = freq_base^(-2i / n_rot) / divisor_i, then scaled:
 *   linear:  f_i / factor (arXiv:2306.15595)
 *   yarn:    (f_i / factor) * (1 - ramp_i) + f_i * ramp_i, magnitude 1 + 0.1 ln(factor)
 * (arXiv:2309.00071) longrope, llama3: the divisors (rope_factors_*.weight, rope_freqs.weight) hold
 * the scaling, whether or not the metadata name it
 *
 * Computed in double and rounded once, so every instruction level sees the same table. Immutable;
 * thread-safe.
 */
#ifndef NMOS_MODEL_ROPE_TABLE_H
#define NMOS_MODEL_ROPE_TABLE_H

#include "model/hparams.h"

struct rope_freqs {
    uint32_t n_freqs;                    /* n_rot / 2 */
    float magnitude;                     /* multiplies cos and sin */
    double freq[MODEL_HEAD_DIM_MAX / 2]; /* radians per position */
};

/**
 * Frequencies of one kind of layer.
 * @param divisors  [n_rot / 2] or NULL.
 * @param is_local  windowed layers with a base of their own: no scaling, no divisors.
 */
void rope_freqs_init(struct rope_freqs *freqs, const struct rope_params *rope,
                     const float *divisors, int is_local);

/** cos and sin (each [n_freqs]) of position @p pos, magnitude included. */
void rope_freqs_angles(const struct rope_freqs *freqs, int32_t pos, float *cos_out, float *sin_out);

#endif
