/* SPDX-License-Identifier: MIT */
#include "kv/page_scores.h"

#include <assert.h>

/* Of the pages that are not at the beginning, this part may be old; more old ones and fewer of the
 * latest lose more than they win (docs/measurements.md). */
#define OLD_PART     5U
#define OLD_GOOD     2U
#define LATEST_LEAST 2U

uint32_t page_scores_n_latest(uint32_t n_held_max, uint32_t n_first)
{
    const uint32_t n = n_held_max - n_first;
    const uint32_t n_old = n / OLD_PART > OLD_GOOD ? n / OLD_PART : OLD_GOOD;
    return n > n_old + LATEST_LEAST ? n - n_old : LATEST_LEAST;
}

uint32_t page_scores_n_first_most(uint32_t n_held_max)
{
    return n_held_max - LATEST_LEAST - 1;
}

uint32_t page_scores_n_least(void)
{
    return 1 + LATEST_LEAST + 1;
}

void page_scores_add(float *scores, const float *mass, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) scores[i] = PAGE_SCORE_DECAY * scores[i] + mass[i];
}

/* The column among [first, end) that goes. */
static uint32_t choose_column(const float *scores, enum page_policy policy, uint32_t first,
                              uint32_t end)
{
    uint32_t column = first;
    for (uint32_t c = first; policy == PAGE_LEAST_ATTENDED && c < end; c++) {
        if (scores[c] < scores[column]) column = c;
    }
    return column;
}

/* The table's page with @p column pages before it. */
static uint32_t page_of_column(const struct kv_table *table, uint32_t column)
{
    uint32_t page_i = 0;
    for (;; page_i++) {
        if (table->page_ids[page_i] == PAGE_NONE) continue;
        if (column-- == 0) return page_i;
    }
}

uint32_t page_scores_choose(const struct kv_table *table, enum page_policy policy, uint32_t n_first,
                            float *scores, double *ret_share)
{
    const uint32_t n = table->n_pages - table->n_gaps;
    const uint32_t end = n - page_scores_n_latest(table->n_held_max, n_first);
    assert(n_first >= 1 && n_first < end && end < n);
    const uint32_t column = choose_column(scores, policy, n_first, end);
    double sum = 0;
    for (uint32_t c = 0; c < n; c++) sum += (double)scores[c];
    *ret_share = sum > 0 ? (double)scores[column] / sum : 0;
    for (uint32_t c = column; c + 1 < n; c++) scores[c] = scores[c + 1];
    scores[n - 1] = 0;
    return page_of_column(table, column);
}
