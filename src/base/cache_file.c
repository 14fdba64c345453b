/* SPDX-License-Identifier: MIT */
#include "base/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder, without a slash at its end. */
static int folder_of(char dir[PATH_MAX])
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int n = -1;
    if (cache && cache[0] == '/') { /* a relative path counts as none, says the XDG standard */
        n = snprintf(dir, PATH_MAX, "%s/nmos", cache);
    } else if (home && home[0]) {
        n = snprintf(dir, PATH_MAX, "%s/.cache/nmos", home);
    }
    if (n < 0) return FAIL(NMOS_E_IO, "no cache folder: neither XDG_CACHE_HOME nor HOME is set");
    return n < PATH_MAX ? 0 : FAIL(NMOS_E_IO, "the path of the cache folder is too long");
}

static int path_of(const char *dir, const char *name, char path[PATH_MAX])
{
    const int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return n < PATH_MAX ? 0 : FAIL(NMOS_E_IO, "the path of %s in the cache is too long", name);
}

int cache_file_read(const char *name, size_t max_bytes, struct buf *content)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    TRY(folder_of(dir));
    TRY(path_of(dir, name, path));
    return buf_read_file(content, path, max_bytes);
}

/* The folder and its parents; what exists is left as it is. */
static void make_folders(char *dir)
{
    for (char *at = strchr(dir + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(dir, 0700);
        *at = '/';
    }
    (void)mkdir(dir, 0700); /* a failure shows when the file is made */
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
    return fdatasync(fd);
}

int cache_file_write(const char *name, const void *data, size_t n)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    char draft[PATH_MAX];
    char draft_name[NAME_MAX + 1];
    TRY(folder_of(dir));
    TRY(path_of(dir, name, path));
    snprintf(draft_name, sizeof(draft_name), "%.200s.%d.tmp", name, (int)getpid());
    TRY(path_of(dir, draft_name, draft));
    make_folders(dir);
    const int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return FAIL(NMOS_E_IO, "cannot write %s: %s", draft, strerror(errno));
    int failed = write_all(fd, data, n) != 0;
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

int cache_file_set_aside(const char *name)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    char aside[PATH_MAX];
    char aside_name[NAME_MAX + 1];
    TRY(folder_of(dir));
    TRY(path_of(dir, name, path));
    snprintf(aside_name, sizeof(aside_name), "%.200s.damaged", name);
    TRY(path_of(dir, aside_name, aside));
    if (rename(path, aside) == 0) return 0;
    return FAIL(NMOS_E_IO, "cannot set %s aside: %s", path, strerror(errno));
}
