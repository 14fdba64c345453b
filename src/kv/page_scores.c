/* SPDX-License-Identifier: MIT */
#include "kv/page_scores.h"

#include <assert.h>

#define LATEST_LEAST 2U

uint32_t page_scores_n_latest(uint32_t n_held_max, uint32_t n_first)
{
    const uint32_t n = n_held_max - n_first;
    const uint32_t n_half = n - n / 2;
    return n_half > LATEST_LEAST ? n_half : LATEST_LEAST;
}

uint32_t page_scores_n_first_most(uint32_t n_held_max)
{
    return n_held_max - LATEST_LEAST - 1;
}

uint32_t page_scores_n_least(void)
{
    return 1 + LATEST_LEAST + 1;
}

void page_scores_add(const struct kv_table *table, uint32_t pos, float *scores, const float *mass)
{
    const uint32_t n_held = pos / table->page_tokens + 1 - table->n_gaps;
    const uint32_t n_latest = page_scores_n_latest(table->n_held_max, 1);
    uint32_t k = pos % table->page_tokens + 1;
    for (uint32_t i = n_held > n_latest ? n_held - n_latest : 0; i-- > 0; k += table->page_tokens) {
        const float rows = k < PAGE_SCORE_ROWS ? (float)k : (float)PAGE_SCORE_ROWS;
        scores[i] += (mass[i] - scores[i]) / rows;
    }
}

/* The column among [first, end) that goes. */
static uint32_t choose_column(const float *scores, enum page_policy policy, uint32_t first,
                              uint32_t end)
{
    uint32_t column = end - 1;
    float least = scores[column]; /* of those behind the one in hand */
    if (policy == PAGE_OLDEST) return first;
    for (uint32_t c = column; c-- > first;) {
        if (scores[c] <= PAGE_EARNED_FACTOR * least) column = c;
        if (scores[c] < least) least = scores[c];
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
    *ret_share = (double)scores[column];
    for (uint32_t c = column; c + 1 < n; c++) scores[c] = scores[c + 1];
    scores[n - 1] = 0;
    return page_of_column(table, column);
}
