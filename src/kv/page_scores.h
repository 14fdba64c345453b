/* SPDX-License-Identifier: MIT */
/*
 * Which page a full table gives up.
 *
 * A page's score is the attention that it has got lately: with each row of the text that has been
 * read, in their order,
 *
 *   score = PAGE_SCORE_DECAY * score + mass of the page in this row
 *
 * where the mass is the mean over heads and layers of the row's softmax, summed over the page's
 * positions. Heavy hitters: Zhang et al. 2023, arXiv:2306.14048; the decay keeps old pages from
 * winning by age. Scores are kept in the order of the pages that are there. The first page stays,
 * as the attention of many heads rests there when nothing else fits (sinks: Xiao et al. 2023,
 * arXiv:2309.17453), and so do the latest ones. Not thread-safe.
 */
#ifndef NMOS_KV_PAGE_SCORES_H
#define NMOS_KV_PAGE_SCORES_H

#include "kv/page_table.h"

#define PAGE_SCORE_DECAY 0.98F

enum page_policy {
    PAGE_LEAST_ATTENDED, /* the lowest score; of equal ones the oldest */
    PAGE_OLDEST,         /* a sliding window, with what stays at the beginning */
};

/** Pages at the end that stay, of a table that holds at most @p n_held_max and keeps @p n_first at
 * the beginning. */
uint32_t page_scores_n_latest(uint32_t n_held_max, uint32_t n_first);

/** Pages at the beginning that can stay at most, for one to be left that can go. */
uint32_t page_scores_n_first_most(uint32_t n_held_max);

/** The least pages that a table can hold and still give one up: the first, the latest, and it. */
uint32_t page_scores_n_least(void);

/** A row has been read: @p mass [n]. */
void page_scores_add(float *scores, const float *mass, uint32_t n);

/**
 * Chooses the page that a full table gives up and takes its score out of @p scores.
 * @param n_first  pages at the beginning that stay; at least 1.
 * @param ret_share  its part of the sum of all scores.
 * @return the page's number in the table.
 */
uint32_t page_scores_choose(const struct kv_table *table, enum page_policy policy, uint32_t n_first,
                            float *scores, double *ret_share);

#endif
