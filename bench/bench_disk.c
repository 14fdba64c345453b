/* SPDX-License-Identifier: MIT */
/*
 * bench_disk FILE OFFSET BYTES: raw direct reads, in requests and with as much in flight as the
 * River has, by a reader that sleeps while it waits, as the River's does. One JSON object on
 * stdout.
 */
#include <stdio.h>
#include <stdlib.h>

#include "io/bandwidth.h"

int main(int argc, char **argv)
{
    struct file *file = NULL;
    double rate = 0;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s FILE OFFSET BYTES\n", argv[0]);
        return 2;
    }
    int rc = file_open(argv[1], &file);
    if (rc == 0) {
        rc = bandwidth_of_file(IOQ_AUTO, IOQ_DIRECT, file, strtoull(argv[2], NULL, 10),
                               strtoull(argv[3], NULL, 10), &rate);
    }
    if (rc < 0) (void)fprintf(stderr, "bench_disk: %s\n", error_message());
    file_close(&file);
    if (rc == 0) printf("{\"GBps\": %.4f}\n", rate * 1e-9);
    return rc < 0;
}
