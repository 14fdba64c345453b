/* SPDX-License-Identifier: MIT */
#include "engine/opening_share.h"

#include "engine/typing_pace.h"

#define GAIN          0.2  /* of a pass of one row; as for the prefix of a line */
#define ROUND_SHARE   1.25 /* of what a pass of one row takes */
#define ROWS_FIRST    32U  /* of a round before any pass has told what passes take */
#define SHARE_NOTHING (-1.0)

int opening_is_worth(const struct pass_cost *cost, uint32_t rows_max, double p, uint32_t n_left,
                     uint32_t n_behind)
{
    if (n_left == 0 || p <= 0) return 0;
    if (cost->sum_1 <= 0) return 1;
    const double all_s = typing_seconds(cost, (size_t)n_left + n_behind, rows_max);
    const double rest_s = typing_seconds(cost, n_behind, rows_max);
    return p * (all_s - rest_s) >= GAIN * pass_cost_seconds(cost, 1);
}

uint32_t opening_round_rows(const struct pass_cost *cost, uint32_t rows_max, double usual_s)
{
    const double one_s = pass_cost_seconds(cost, 1);
    if (cost->sum_1 <= 0 || one_s <= 0) return rows_max < ROWS_FIRST ? rows_max : ROWS_FIRST;
    const double share = usual_s / one_s;
    return pass_cost_rows(cost, share > ROUND_SHARE ? share : ROUND_SHARE, rows_max);
}

static double quotient(const struct opening_share *of)
{
    return of->n_rows < of->n_left && of->p > 0 ? of->p / (of->n_rows + 1.0) : SHARE_NOTHING;
}

void opening_share(struct opening_share *of, size_t n, uint32_t n_rows)
{
    for (size_t i = 0; i < n; i++) of[i].n_rows = 0;
    for (; n > 0 && n_rows > 0; n_rows--) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            if (quotient(&of[i]) > quotient(&of[best])) best = i;
        }
        if (quotient(&of[best]) < 0) return; /* all is read, or as good as impossible */
        of[best].n_rows++;
    }
}
