/* SPDX-License-Identifier: MIT */
#include "model/rope_table.h"

#include <math.h>

/* The dimension whose wavelength fits n_rotations times into the original context (YaRN,
 * section 3.2). */
static double yarn_dim(const struct rope_params *rope, double n_rotations)
{
    const double two_pi = 6.283185307179586;
    return rope->n_rot * log(rope->original_ctx / (n_rotations * two_pi)) /
           (2.0 * log((double)rope->freq_base));
}

/* 1: the frequency is kept (extrapolated), 0: it is divided by the factor (interpolated). */
static double yarn_keep(double i, double low, double high)
{
    const double width = high - low > 0.001 ? high - low : 0.001;
    const double y = (i - low) / width;
    return 1.0 - (y < 0.0 ? 0.0 : y > 1.0 ? 1.0 : y);
}

void rope_freqs_init(struct rope_freqs *freqs, const struct rope_params *rope,
                     const float *divisors, int is_local)
{
    const double base = is_local ? rope->freq_base_local : rope->freq_base;
    const enum rope_scaling scaling = is_local ? ROPE_SCALING_NONE : rope->scaling;
    freqs->n_freqs = rope->n_rot / 2;
    freqs->magnitude = rope->attn_factor;
    double low = 0;
    double high = 0;
    if (scaling == ROPE_SCALING_YARN) {
        low = fmax(0.0, floor(yarn_dim(rope, rope->beta_fast)));
        high = fmin(rope->n_rot - 1.0, ceil(yarn_dim(rope, rope->beta_slow)));
        freqs->magnitude = (float)(rope->attn_factor * (1.0 + 0.1 * log((double)rope->factor)));
    }
    for (uint32_t i = 0; i < freqs->n_freqs; i++) {
        double freq = pow(base, -2.0 * i / rope->n_rot);
        if (divisors && !is_local) freq /= divisors[i];
        const double slow = freq / rope->factor;
        if (scaling == ROPE_SCALING_LINEAR) freq = slow;
        if (scaling == ROPE_SCALING_YARN) {
            const double keep = yarn_keep(i, low, high);
            freq = slow * (1.0 - keep) + freq * keep;
        }
        freqs->freq[i] = freq;
    }
}

void rope_freqs_angles(const struct rope_freqs *freqs, int32_t pos, float *cos_out, float *sin_out)
{
    for (uint32_t i = 0; i < freqs->n_freqs; i++) {
        const double angle = pos * freqs->freq[i];
        cos_out[i] = (float)(cos(angle) * freqs->magnitude);
        sin_out[i] = (float)(sin(angle) * freqs->magnitude);
    }
}
