/* SPDX-License-Identifier: MIT */
#include "infer/guess_verdict.h"

#define TRIAL_STEPS 6U    /* looked at before guessing is judged ... */
#define TRIAL_LEAST 3U    /* ... or so many, where it clearly loses: */
#define CLEARLY     0.7   /* of the speed without */
#define PAUSE_STEPS 16U   /* without guesses after a judgement against them ... */
#define PAUSE_MAX   1024U /* ... four times as many each time, up to this */
#define RATE_WEIGHT 0.15  /* of the latest step in the running means */

int guess_verdict_pauses(struct guess_verdict *v)
{
    if (v->n_pause == 0) return 0;
    v->n_pause--;
    return 1;
}

void guess_verdict_learn(struct guess_verdict *v, uint32_t n_tokens, double seconds, double plain_s)
{
    v->n_steps++;
    /* The mean of a trial's steps, then a running one. */
    const double even = 1.0 / v->n_steps;
    const double weight = even > RATE_WEIGHT ? even : RATE_WEIGHT;
    v->tokens += ((double)n_tokens - v->tokens) * weight;
    v->seconds += (seconds - v->seconds) * weight;
    const double faster = v->tokens * plain_s / v->seconds;
    if (v->n_steps < TRIAL_LEAST || (v->n_steps < TRIAL_STEPS && faster >= CLEARLY)) return;
    if (faster >= 1) {
        v->next_pause = PAUSE_STEPS;
        return;
    }
    v->n_pause = v->next_pause ? v->next_pause : PAUSE_STEPS;
    v->next_pause = v->n_pause * 4 < PAUSE_MAX ? v->n_pause * 4 : PAUSE_MAX;
    v->n_steps = 0;
}
