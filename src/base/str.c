/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

int buf_reserve(struct buf *buf, size_t more)
{
    size_t need = 0;
    TRY(size_add(buf->len, more, &need));
    TRY(size_add(need, 1, &need));
    if (need <= buf->cap) return 0;
    size_t cap = buf->cap < 256 ? 256 : buf->cap + buf->cap / 2;
    if (cap < need) cap = need;
    char *data = mem_grow(MEM_GENERAL, buf->data, cap);
    if (!data) return NMOS_E_NOMEM;
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t n)
{
    TRY(buf_reserve(buf, n));
    if (n) memcpy(buf->data + buf->len, data, n);
    buf->len += n;
    buf->data[buf->len] = '\0';
    return 0;
}

int buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) return FAIL(NMOS_E_INVALID, "text cannot be formatted");
    TRY(buf_reserve(buf, (size_t)n));
    va_start(args, fmt);
    vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)n;
    return 0;
}

static int read_to_end(struct buf *buf, int fd, const char *path, size_t max_bytes)
{
    for (;;) {
        TRY(buf_reserve(buf, 65536));
        const ssize_t n = read(fd, buf->data + buf->len, 65536);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return FAIL(NMOS_E_IO, "cannot read %s: %s", path, strerror(errno));
        buf->len += (size_t)n;
        buf->data[buf->len] = '\0';
        if (buf->len > max_bytes) {
            return FAIL(NMOS_E_LIMIT, "%s holds more than %zu bytes", path, max_bytes);
        }
        if (n == 0) return 0;
    }
}

int buf_read_file(struct buf *buf, const char *path, size_t max_bytes)
{
    const int is_stdin = strcmp(path, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return FAIL(NMOS_E_IO, "cannot open %s: %s", path, strerror(errno));
    const int rc = read_to_end(buf, fd, is_stdin ? "standard input" : path, max_bytes);
    if (!is_stdin) close(fd);
    return rc;
}

void buf_deinit(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){0};
}
