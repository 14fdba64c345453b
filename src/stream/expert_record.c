/* SPDX-License-Identifier: MIT */
#include "stream/expert_record.h"

#include <math.h>
#include <string.h>

#define DEVIATIONS 3.0 /* to each side of the mean */

int expert_record_is_of(const struct expert_record *record, uint32_t n_slots)
{
    return record->n_slots > 0 &&
           fabs((double)record->n_slots - n_slots) <= EXPERT_RECORD_LIKENESS * n_slots;
}

/* The record of this size comes first, a new one if there was none. */
static struct expert_record *bring_to_front(struct expert_record *records, uint32_t n_slots)
{
    uint32_t i = 0;
    while (i < EXPERT_RECORDS && !expert_record_is_of(&records[i], n_slots)) i++;
    const struct expert_record found =
        i < EXPERT_RECORDS ? records[i] : (struct expert_record){.n_slots = (float)n_slots};
    const uint32_t n_before = i < EXPERT_RECORDS ? i : EXPERT_RECORDS - 1;
    memmove(records + 1, records, n_before * sizeof(records[0]));
    records[0] = found;
    return records;
}

void expert_record_add(struct expert_record *records, uint32_t n_slots, double pass_bytes)
{
    struct expert_record *record = bring_to_front(records, n_slots);
    /* Welford's recurrence (Technometrics 4(3), 1962), with a weight that stops growing. */
    const double weight = 1 / ((double)record->n_blocks + 1);
    const double distance = pass_bytes - (double)record->mean;
    record->variance =
        (float)((1 - weight) * ((double)record->variance + weight * distance * distance));
    record->mean += (float)(weight * distance);
    record->n_blocks = fminf(record->n_blocks + 1, (float)EXPERT_RECORD_LIFE);
}

const struct expert_record *expert_record_nearest(const struct expert_record *records,
                                                  uint32_t n_slots)
{
    const struct expert_record *best = NULL;
    double best_distance = 0;
    for (uint32_t i = 0; i < EXPERT_RECORDS; i++) {
        if (records[i].n_slots <= 0) continue;
        const double distance = fabs(log((double)records[i].n_slots / n_slots));
        if (best && distance >= best_distance) continue;
        best = &records[i];
        best_distance = distance;
    }
    return best;
}

double expert_record_spread(const struct expert_record *record)
{
    if (record->n_blocks < 2) return (double)record->mean;
    const double n = (double)record->n_blocks;
    return DEVIATIONS * sqrt((double)record->variance * n / (n - 1));
}
