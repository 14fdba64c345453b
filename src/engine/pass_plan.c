/* SPDX-License-Identifier: MIT */
#include "engine/pass_plan.h"

#define PROMPT_SHARE 4U  /* a quarter of the rows for prompts, beside answers that run */
#define SLOWDOWN_MAX 2.0 /* of a pass, by prompts beside answers that run */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t overdue(const struct rider *rider)
{
    return rider->n_left_out >= PASS_PATIENCE ? rider->n_left_out : 0;
}

static int goes_before(const struct rider *a, const struct rider *b)
{
    if (a->is_ahead != b->is_ahead) return b->is_ahead;
    if (overdue(a) != overdue(b)) return overdue(a) > overdue(b);
    if (a->expected < b->expected || b->expected < a->expected) return a->expected < b->expected;
    return a->number < b->number;
}

/* By insertion: riders are few, and nothing may be allocated here. */
static void sort(struct rider *riders, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const struct rider rider = riders[i];
        uint32_t at = i;
        for (; at > 0 && goes_before(&rider, &riders[at - 1]); at--) riders[at] = riders[at - 1];
        riders[at] = rider;
    }
}

/* Rows for prompts beside @p base rows of others. */
static uint32_t prompt_room(const struct pass_cost *cost, uint32_t base, uint32_t left,
                            uint32_t rows_max)
{
    const double most_s = SLOWDOWN_MAX * pass_cost_seconds(cost, base);
    uint32_t n = rows_max / PROMPT_SHARE > 0 ? rows_max / PROMPT_SHARE : 1;
    uint32_t too_many = left + 1;
    if (base == 0 || n >= left) return left;
    if (cost->sum_1 < 1) return n; /* nothing is known of computing yet */
    while (n + 1 < too_many) {
        const uint32_t middle = n + (too_many - n) / 2;
        if (pass_cost_seconds(cost, (double)base + middle) <= most_s) {
            n = middle;
        } else {
            too_many = middle;
        }
    }
    return n;
}

/* One row each for those that have waited too long, then for generations. @return rows left. */
static uint32_t grant_single_rows(struct rider *riders, uint32_t n, uint32_t rows_max)
{
    uint32_t left = rows_max;
    uint32_t wanted = 0; /* by prompts */
    for (uint32_t i = 0; i < n; i++) {
        if (left > 0 && overdue(&riders[i])) {
            riders[i].n_rows = 1;
            left--;
        }
        if (riders[i].is_prompt) wanted += riders[i].n_wanted - riders[i].n_rows;
    }
    const uint32_t reserve = least(wanted, rows_max / PROMPT_SHARE);
    for (uint32_t i = 0; i < n && left > reserve; i++) {
        if (riders[i].is_prompt || riders[i].n_rows) continue;
        riders[i].n_rows = 1;
        left--;
    }
    return left;
}

static uint32_t grant(struct rider *riders, uint32_t n, const struct pass_cost *cost,
                      uint32_t rows_max)
{
    uint32_t left = grant_single_rows(riders, n, rows_max);
    uint32_t room = prompt_room(cost, rows_max - left, left, rows_max);
    for (uint32_t i = 0; i < n; i++) {
        if (!riders[i].is_prompt) continue;
        const uint32_t n_more = least(riders[i].n_wanted - riders[i].n_rows, room);
        riders[i].n_rows += n_more;
        room -= n_more;
        left -= n_more;
    }
    return rows_max - left;
}

uint32_t pass_plan(struct rider *riders, uint32_t n_riders, const struct pass_cost *cost,
                   uint32_t rows_max)
{
    uint32_t n_answers = 0;
    for (uint32_t i = 0; i < n_riders; i++) {
        riders[i].n_rows = 0;
        n_answers += !riders[i].is_ahead;
    }
    sort(riders, n_riders);
    if (n_answers == 0) return grant(riders, n_riders, cost, rows_max);
    uint32_t n_rows = grant(riders, n_answers, cost, rows_max);
    const uint32_t n_free = pass_cost_rows(cost, PASS_COST_FREE_SHARE, rows_max);
    for (uint32_t i = n_answers; i < n_riders && n_rows < n_free; i++) {
        riders[i].n_rows = least(riders[i].n_wanted, n_free - n_rows);
        n_rows += riders[i].n_rows;
    }
    return n_rows;
}
