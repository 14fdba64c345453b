/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into nmos by tests: makes large reads of --io threads slow, short or failing.
 * FAULTY_READS is "slow N" (read number N takes five seconds), "short N" (every read from number N
 * on gives half), "eio N K" (K reads from number N on fail), or "hold N", with a path in
 * FAULTY_READS_GATE (large reads of files of at least N bytes wait while there is a file there).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LARGE_BYTES  65536U /* rows of the embedding table and probes are smaller */
#define SLOW_SECONDS 5U

static _Atomic long n_reads;

static ssize_t read_now(int fd, const struct iovec *to, off_t offset, int flags)
{
    return syscall(SYS_preadv2, fd, to, 1, offset, 0, flags);
}

static void wait_at_gate(int fd, long least_bytes)
{
    struct stat file;
    const char *gate = getenv("FAULTY_READS_GATE");
    if (!gate || fstat(fd, &file) != 0 || file.st_size < least_bytes) return;
    while (access(gate, F_OK) == 0) (void)usleep(10000);
}

static ssize_t read_with_fault(int fd, const struct iovec *to, off_t offset, int flags)
{
    char kind[8] = "";
    long first = 0;
    long count = 0;
    const char *fault = getenv("FAULTY_READS");
    if (!fault || to->iov_len < LARGE_BYTES ||
        sscanf(fault, "%7s %ld %ld", kind, &first, &count) < 2)
        return read_now(fd, to, offset, flags);
    const long number = atomic_fetch_add(&n_reads, 1);
    struct iovec part = *to;
    if (strcmp(kind, "slow") == 0 && number == first) sleep(SLOW_SECONDS);
    if (strcmp(kind, "hold") == 0) wait_at_gate(fd, first);
    if (strcmp(kind, "short") == 0 && number >= first) part.iov_len = to->iov_len / 2 & ~4095UL;
    if (strcmp(kind, "eio") == 0 && number >= first && number < first + count) {
        errno = EIO;
        return -1;
    }
    return read_now(fd, &part, offset, flags);
}

__attribute__((visibility("default"))) ssize_t preadv64v2(int fd, const struct iovec *to, int n,
                                                          off_t offset, int flags);
__attribute__((visibility("default"))) ssize_t preadv64v2(int fd, const struct iovec *to, int n,
                                                          off_t offset, int flags)
{
    if (n != 1) return syscall(SYS_preadv2, fd, to, n, offset, 0, flags);
    return read_with_fault(fd, to, offset, flags);
}
