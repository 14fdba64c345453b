/* SPDX-License-Identifier: MIT */
#include "base/cache_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file_replace.h"

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

int cache_file_write(const char *name, const void *data, size_t n)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    TRY(folder_of(dir));
    TRY(path_of(dir, name, path));
    file_make_folders(path);
    return file_replace(path, data, n);
}

int cache_file_set_aside(const char *name)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    TRY(folder_of(dir));
    TRY(path_of(dir, name, path));
    return file_set_aside(path);
}

int cache_file_path(const char *name, char *path, size_t path_bytes)
{
    char dir[PATH_MAX];
    TRY(folder_of(dir));
    const int n = snprintf(path, path_bytes, "%s/%s", dir, name);
    if (n >= 0 && (size_t)n < path_bytes) return 0;
    return FAIL(NMOS_E_IO, "the path of %s in the cache is too long", name);
}
