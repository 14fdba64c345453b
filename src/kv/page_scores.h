/* SPDX-License-Identifier: MIT */
/*
 * Which page a full table gives up.
 *
 * A page's score is the part of attention that it has got lately: the running mean of its mass in
 * the rows of the text, in their order,
 *
 *   score += (mass - score) / min(k, PAGE_SCORE_ROWS)
 *
 * where the mass is the mean over heads and layers of the row's softmax, summed over the page's
 * positions. Only rows count for which the page is not among the latest, since what a page gets
 * from those near it, every page gets; k counts them, as if no page between had been given up.
 * Heavy hitters: Zhang et al. 2023, arXiv:2306.14048; that old rows fade keeps old pages from
 * winning by age. Scores are kept in the order of the pages that are there. The first page stays,
 * as the attention of many heads rests there when nothing else fits (sinks: Xiao et al. 2023,
 * arXiv:2309.17453), and so do the latest ones, half of the others at least.
 *
 * Of those between, the oldest goes, unless it has earned its place: unless its score is above
 * PAGE_EARNED_FACTOR times that of a page that is to go in its place, a later one. So what is kept
 * is a sliding window where attention rests on no page in particular. A lower factor is not enough:
 * a window's oldest page may well get twice the attention of the one behind it, whatever it holds.
 * Not thread-safe.
 */
#ifndef NMOS_KV_PAGE_SCORES_H
#define NMOS_KV_PAGE_SCORES_H

#include "kv/page_table.h"

#define PAGE_SCORE_ROWS    200U
#define PAGE_EARNED_FACTOR 4.0F

enum page_policy {
    PAGE_UNEARNED, /* the oldest that has not earned its place */
    PAGE_OLDEST,   /* a sliding window, with what stays at the beginning */
};

/** Pages at the end that stay, of a table that holds at most @p n_held_max and keeps @p n_first at
 * the beginning. */
uint32_t page_scores_n_latest(uint32_t n_held_max, uint32_t n_first);

/** Pages at the beginning that can stay at most, for one to be left that can go. */
uint32_t page_scores_n_first_most(uint32_t n_held_max);

/** The least pages that a table can hold and still give one up: the first, the latest, and it. */
uint32_t page_scores_n_least(void);

/** The row at @p pos has been read, and its @p mass counts for the pages that are not among the
 * latest then. */
void page_scores_add(const struct kv_table *table, uint32_t pos, float *scores, const float *mass);

/**
 * Chooses the page that a full table gives up and takes its score out of @p scores.
 * @param n_first  pages at the beginning that stay; at least 1.
 * @param ret_share  its score.
 * @return the page's number in the table.
 */
uint32_t page_scores_choose(const struct kv_table *table, enum page_policy policy, uint32_t n_first,
                            float *scores, double *ret_share);

#endif
