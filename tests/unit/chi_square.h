/* SPDX-License-Identifier: MIT */
/* Pearson's chi-square test of counts against probabilities. */
#ifndef NMOS_TESTS_CHI_SQUARE_H
#define NMOS_TESTS_CHI_SQUARE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/** Of sound samples, one in 100,000 is taken for an unsound one. */
#define CHI_SQUARE_FALSE_ALARM 1e-5
#define CHI_SQUARE_Z           4.264891 /* the normal distribution's quantile of 1 - 1e-5 */

/**
 * Statistic divided by its critical value: above 1 the counts are no sample of the probabilities.
 * Cells of which fewer than 5 are expected are taken together; one that cannot come at all and came
 * gives infinity. The critical value is that of Wilson and Hilferty (1931).
 */
static inline double chi_square(const uint32_t *counts, const double *p, size_t n_cells, uint32_t n)
{
    double statistic = 0;
    double rest_p = 0;
    double rest = 0;
    double df = -1;
    for (size_t i = 0; i < n_cells; i++) {
        const double expected = p[i] * n;
        if (counts[i] && !(p[i] > 0)) return INFINITY;
        if (expected < 5) {
            rest_p += p[i];
            rest += counts[i];
            continue;
        }
        statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
        df++;
    }
    if (rest_p * n >= 5) {
        statistic += (rest - rest_p * n) * (rest - rest_p * n) / (rest_p * n);
        df++;
    }
    if (df < 1) return 0; /* all in one cell */
    const double step = 2 / (9 * df);
    return statistic / (df * pow(1 - step + CHI_SQUARE_Z * sqrt(step), 3));
}

#endif
