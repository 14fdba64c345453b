/* SPDX-License-Identifier: MIT */
#include "infer/pass_cost.h"

#define WEIGHT_MIN    0.1  /* of the latest pass in a running mean */
#define STALLED_SHARE 0.05 /* a pass that waits for longer is bound by the disk */
/* Before passes of both sizes were seen: a pass over many rows costs as much beside the first as
 * this many rows (the weights have to be read from memory once). */
#define ROWS_OF_FIXED 8.0

static void mean_add(struct pass_mean *mean, double rows, double seconds)
{
    mean->n++;
    double weight = 1.0 / mean->n;
    if (weight < WEIGHT_MIN) weight = WEIGHT_MIN;
    mean->rows += (rows - mean->rows) * weight;
    mean->seconds += (seconds - mean->seconds) * weight;
}

void pass_cost_learn(struct pass_cost *cost, uint32_t n_rows, double wall_s, double stall_s)
{
    mean_add(n_rows <= PASS_ROWS_FEW ? &cost->few : &cost->many, n_rows, wall_s - stall_s);
    if (stall_s > STALLED_SHARE * wall_s) {
        const double weight = cost->disk_s > 0 ? 2 * WEIGHT_MIN : 1.0;
        cost->disk_s += (wall_s - cost->disk_s) * weight;
    } else if (cost->disk_s > wall_s) {
        cost->disk_s = wall_s; /* the disk delivered it in time */
    }
}

/* fixed + row * n through the two means, or through one and the ratio assumed. */
static void fit(const struct pass_cost *cost, double *ret_fixed, double *ret_row)
{
    const struct pass_mean *few = &cost->few;
    const struct pass_mean *many = &cost->many;
    double row = 0;
    if (few->n && many->n) {
        row = (many->seconds - few->seconds) / (many->rows - few->rows);
        const double most = many->seconds / many->rows;
        if (row > most) row = most;
        if (row < 0) row = 0;
        *ret_fixed = few->seconds - row * few->rows;
    } else {
        const struct pass_mean *one = few->n ? few : many;
        row = one->n ? one->seconds / (one->rows + ROWS_OF_FIXED) : 0;
        *ret_fixed = ROWS_OF_FIXED * row;
    }
    *ret_row = row;
}

double pass_cost_seconds(const struct pass_cost *cost, double n_rows)
{
    double fixed = 0;
    double row = 0;
    fit(cost, &fixed, &row);
    const double compute_s = fixed + row * n_rows;
    return compute_s > cost->disk_s ? compute_s : cost->disk_s;
}

uint32_t pass_cost_rows(const struct pass_cost *cost, double slack, uint32_t n_max)
{
    const double most = pass_cost_seconds(cost, 1) * (1 + slack);
    uint32_t low = 1;
    uint32_t high = n_max;
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (pass_cost_seconds(cost, middle) <= most) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}
