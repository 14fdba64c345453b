/* SPDX-License-Identifier: MIT */
#include "infer/pass_cost.h"

#include <math.h>

#define KEPT          0.9 /* of the weight of a pass when the next one comes */
#define DISK_WEIGHT   0.2 /* of the latest measurement of the disk */
/* Where all passes had about as many rows, the line is not determined: then reading the weights
 * from memory once is taken to cost as much as this many rows. */
#define ROWS_OF_FIXED 8.0
#define SPREAD_MIN    0.2 /* of the mean number of rows: standard deviation that determines a line */

void pass_cost_learn(struct pass_cost *cost, uint32_t n_rows, double compute_s)
{
    const double n = n_rows;
    cost->sum_1 = cost->sum_1 * KEPT + 1;
    cost->sum_n = cost->sum_n * KEPT + n;
    cost->sum_nn = cost->sum_nn * KEPT + n * n;
    cost->sum_t = cost->sum_t * KEPT + compute_s;
    cost->sum_nt = cost->sum_nt * KEPT + n * compute_s;
}

void pass_cost_learn_disk(struct pass_cost *cost, double disk_s)
{
    cost->disk_s += (disk_s - cost->disk_s) * (cost->disk_s > 0 ? DISK_WEIGHT : 1.0);
}

static void fit(const struct pass_cost *cost, double *ret_fixed, double *ret_row)
{
    *ret_fixed = 0;
    *ret_row = 0;
    if (cost->sum_1 <= 0) return;
    const double n = cost->sum_n / cost->sum_1;
    const double t = cost->sum_t / cost->sum_1;
    const double variance = cost->sum_nn / cost->sum_1 - n * n;
    double row = t / (n + ROWS_OF_FIXED);
    if (variance > SPREAD_MIN * SPREAD_MIN * n * n) {
        row = (cost->sum_nt / cost->sum_1 - n * t) / variance;
        if (row < 0) row = 0;
        if (row > t / n) row = t / n;
    }
    *ret_row = row;
    *ret_fixed = t - row * n;
}

double pass_cost_seconds(const struct pass_cost *cost, double n_rows)
{
    double fixed = 0;
    double row = 0;
    fit(cost, &fixed, &row);
    const double compute_s = fixed + row * n_rows;
    const double compute_4 = compute_s * compute_s * compute_s * compute_s;
    const double disk_4 = cost->disk_s * cost->disk_s * cost->disk_s * cost->disk_s;
    return sqrt(sqrt(compute_4 + disk_4));
}

uint32_t pass_cost_rows(const struct pass_cost *cost, double share, uint32_t n_max)
{
    double fixed = 0;
    double row = 0;
    fit(cost, &fixed, &row);
    const double room = share * pass_cost_seconds(cost, 1) - fixed;
    if (room <= row) return 1;
    return room >= row * n_max ? n_max : (uint32_t)(room / row);
}
