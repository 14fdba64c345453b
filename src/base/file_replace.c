/* SPDX-License-Identifier: MIT */
#include "base/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void file_make_folders(const char *path)
{
    char dir[PATH_MAX];
    const size_t n = strlen(path);
    if (n >= sizeof(dir)) return;
    memcpy(dir, path, n + 1);
    for (char *at = strchr(dir + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(dir, 0700);
        *at = '/';
    }
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        const ssize_t n_now = write(fd, data, n);
        if (n_now < 0 && errno == EINTR) continue;
        if (n_now <= 0) return -1;
        data += n_now;
        n -= (size_t)n_now;
    }
    return 0;
}

static int write_parts(int fd, const struct str *parts, size_t n_parts)
{
    for (size_t i = 0; i < n_parts; i++) {
        if (write_all(fd, parts[i].data, parts[i].len) != 0) return -1;
    }
    return fdatasync(fd);
}

int file_replace(const char *path, const void *data, size_t n)
{
    const struct str whole = {data, n};
    return file_replace_parts(path, &whole, 1);
}

int file_replace_parts(const char *path, const struct str *parts, size_t n_parts)
{
    char draft[PATH_MAX];
    const int len = snprintf(draft, sizeof(draft), "%s.%d.tmp", path, (int)getpid());
    if (len < 0 || len >= (int)sizeof(draft)) return FAIL(NMOS_E_IO, "the path is too long");
    const int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return FAIL(NMOS_E_IO, "cannot write %s: %s", draft, strerror(errno));
    int failed = write_parts(fd, parts, n_parts) != 0;
    int error = errno;
    if (close(fd) != 0 && !failed) {
        failed = 1;
        error = errno;
    }
    if (!failed && rename(draft, path) != 0) {
        failed = 1;
        error = errno;
    }
    if (!failed) return 0;
    (void)unlink(draft);
    return FAIL(NMOS_E_IO, "cannot write %s: %s", path, strerror(error));
}

int file_set_aside(const char *path)
{
    char aside[PATH_MAX];
    const int len = snprintf(aside, sizeof(aside), "%s.damaged", path);
    if (len < 0 || len >= (int)sizeof(aside)) return FAIL(NMOS_E_IO, "the path is too long");
    if (rename(path, aside) == 0) return 0;
    return FAIL(NMOS_E_IO, "cannot set %s aside: %s", path, strerror(errno));
}
