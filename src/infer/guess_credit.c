/* SPDX-License-Identifier: MIT */
#include "infer/guess_credit.h"

#include <math.h>

#define HALVINGS_MAX 5U  /* of the share */
#define KEPT_MOST    8.0 /* passes of one row: older wins do not pay for more losses than that */
#define OWED_MOST    4.0 /* passes: a step that others on the machine held up is soon forgotten */

double guess_credit_most(const struct guess_credit *credit, double plain_s)
{
    return credit->spare_s + GUESS_CREDIT_FIRST * plain_s;
}

int guess_credit_allows(struct guess_credit *credit, double cost_s, double plain_s)
{
    const int is_allowed = cost_s <= guess_credit_most(credit, plain_s);
    credit->wanted_s = is_allowed ? 0 : cost_s;
    return is_allowed;
}

void guess_credit_settle(struct guess_credit *credit, uint32_t n_tokens, double seconds,
                         double plain_s)
{
    const double plain_all_s = n_tokens * plain_s;
    const double won_s = plain_all_s - seconds;
    if (won_s > 0) credit->halvings = 0;
    if (won_s < 0 && credit->halvings < HALVINGS_MAX) credit->halvings++;
    credit->spare_s += won_s + ldexp(GUESS_CREDIT_SHARE, -(int)credit->halvings) * plain_all_s;
    const double most = fmax(KEPT_MOST * plain_s, credit->wanted_s);
    credit->spare_s = fmin(fmax(credit->spare_s, -OWED_MOST * plain_s), most);
}
