/* SPDX-License-Identifier: MIT */
/*
 * What passes of one row have really read for experts, by the size of the cache. Arithmetic only.
 *
 * Bytes are counted over blocks of passes that follow one another, as one pass reads hardly like
 * the next. A record keeps the mean of its blocks and their variance, the latest EXPERT_RECORD_LIFE
 * blocks counting most; a file keeps the sizes that were used last.
 */
#ifndef NMOS_STREAM_EXPERT_RECORD_H
#define NMOS_STREAM_EXPERT_RECORD_H

#include <stdint.h>

#define EXPERT_RECORDS         8U
#define EXPERT_RECORD_PASSES   32U   /* of a block */
#define EXPERT_RECORD_LIFE     256.0 /* blocks; texts differ by 3 to 8 %, so many make a mean */
/* Caches that differ by less are one size: what a process holds differs from run to run. */
#define EXPERT_RECORD_LIKENESS 0.01

struct expert_record {
    float n_slots;  /* of the cache; 0: no record */
    float n_blocks; /* counted, at most EXPERT_RECORD_LIFE */
    float mean;     /* bytes that a pass reads */
    float variance; /* of the means of blocks */
};

/** Counts a block of passes, which read @p pass_bytes each on average, with a cache of @p n_slots.
 * @p records are [EXPERT_RECORDS], the size used last first; the one unused for longest goes. */
void expert_record_add(struct expert_record *records, uint32_t n_slots, double pass_bytes);

/** The record whose size is nearest to @p n_slots, by ratio; NULL: there is none. */
const struct expert_record *expert_record_nearest(const struct expert_record *records,
                                                  uint32_t n_slots);

/** Whether a record is of a cache of @p n_slots. */
int expert_record_is_of(const struct expert_record *record, uint32_t n_slots);

/**
 * By how much the mean of a block of another text may differ, in bytes a pass: three standard
 * deviations of the blocks, as texts differ more from each other than the blocks of one (of three
 * texts, 1.6 would have missed two). With a single block the mean itself.
 */
double expert_record_spread(const struct expert_record *record);

#endif
