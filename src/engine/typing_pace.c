/* SPDX-License-Identifier: MIT */
#include "engine/typing_pace.h"

/* A third of what 1.15 (P - D) leaves at D = 0: so long a wait keeps that bound up to D = 0.67 P.
 */
#define HOLD_SHARE         0.05
#define HOLD_WORD          4.0 /* times the usual interval: where another word is to come */
#define PREFIX_GAIN        0.2
/* A session that saves power reads the prompt in pieces of at least so many tokens. */
#define PREFIX_ROWS_SAVING 16U

#define USUAL_FIRST_S 0.28
#define PAUSE_S       2.0
#define QUARTILE      0.75
#define LEARN_STEP    0.1

void typing_rhythm_init(struct typing_rhythm *rhythm)
{
    rhythm->usual_s = USUAL_FIRST_S;
}

/* The quartile goes up by three steps for each interval above it and down by one for each below: it
 * rests where a quarter is above. */
void typing_rhythm_learn(struct typing_rhythm *rhythm, double interval_s)
{
    const double step = LEARN_STEP * rhythm->usual_s;
    if (interval_s < 0 || interval_s > PAUSE_S) return;
    rhythm->usual_s += interval_s > rhythm->usual_s ? step * QUARTILE : -step * (1 - QUARTILE);
}

double typing_seconds(const struct pass_cost *cost, size_t n_rows, uint32_t rows_max)
{
    const size_t n_full = n_rows / rows_max;
    const size_t n_rest = n_rows % rows_max;
    double seconds = (double)n_full * pass_cost_seconds(cost, rows_max);
    if (n_rest > 0) seconds += pass_cost_seconds(cost, (double)n_rest);
    return seconds;
}

/* Tokens of the wanted prompt that a pass ahead would take off the one behind Enter are worth it.
 */
static int is_prefix_wanted(const struct typing_view *view)
{
    if (view->n_stable == 0) return 0;
    /* The first pass: it makes what stays in memory ready, and what passes take is known then. */
    if (view->cost->sum_1 <= 0) return 1;
    if (view->saves_power) return view->is_blank || view->n_stable >= PREFIX_ROWS_SAVING;
    const double all_s = typing_seconds(view->cost, view->n_new, view->rows_max);
    const double rest_s = typing_seconds(view->cost, view->n_new - view->n_stable, view->rows_max);
    return all_s - rest_s >= PREFIX_GAIN * pass_cost_seconds(view->cost, 1);
}

enum typing_step typing_choose(const struct typing_view *view, double *ret_hold_s)
{
    *ret_hold_s = 0;
    if (is_prefix_wanted(view)) return TYPING_PREFIX;
    if (view->is_blank || view->saves_power) return TYPING_REST;
    const double hold_s = HOLD_SHARE * typing_seconds(view->cost, view->n_new, view->rows_max);
    *ret_hold_s = hold_s < view->usual_s ? hold_s : view->usual_s;
    if (view->expects_more) *ret_hold_s = HOLD_WORD * view->usual_s;
    return TYPING_BRANCH;
}

int typing_should_finish(const struct typing_job_view *job)
{
    if (job->elapsed_s < 0) return 0;
    const double whole_s = typing_seconds(job->cost, job->n_job, job->rows_max);
    const double left_s = whole_s > job->elapsed_s ? whole_s - job->elapsed_s : 0;
    return left_s + typing_seconds(job->cost, job->n_after, job->rows_max) <
           typing_seconds(job->cost, job->n_new, job->rows_max);
}
