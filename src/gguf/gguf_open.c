/* SPDX-License-Identifier: MIT */
/*
 * From paths to struct gguf: reads only the header of each part of a model, never tensor data.
 *
 * How long a header is cannot be known before it is parsed, so a growing prefix is read until it
 * parses. A split model (written by the usual splitters as NAME-00001-of-0000N.gguf) has its
 * metadata in the first part and split.no, split.count and split.tensors.count in each; the
 * directories are joined into one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "gguf/gguf_internal.h"

/* Holds everything but the vocabulary of usual models; then doubled. */
#define FIRST_READ_BYTES ((size_t)1 << 20)

/* "-00001-of-00003.gguf" */
#define PART_SUFFIX_FORMAT "-%05u-of-%05u.gguf"
#define PART_SUFFIX_BYTES  20U

static int open_regular(const char *path, int *ret_fd, uint64_t *ret_bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return FAIL(NMOS_E_IO, "cannot open %s: %s", path, strerror(errno));
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) != 0) {
        rc = FAIL(NMOS_E_IO, "cannot open %s: %s", path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        rc = FAIL(NMOS_E_IO, "%s is a directory; name the GGUF file in it", path);
    } else if (!S_ISREG(st.st_mode)) {
        rc = FAIL(NMOS_E_IO, "%s is not a regular file; models are read at random places", path);
    } else if (st.st_size == 0) {
        rc = FAIL(NMOS_E_CORRUPT, "%s is empty (0 bytes)", path);
    }
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    *ret_bytes = (uint64_t)st.st_size;
    return 0;
}

/* Reads until @p buf holds @p n bytes. */
static int read_up_to(int fd, const char *path, struct buf *buf, size_t n)
{
    TRY(buf_reserve(buf, n - buf->len));
    while (buf->len < n) {
        const ssize_t got = read(fd, buf->data + buf->len, n - buf->len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return FAIL(NMOS_E_IO, "cannot read %s: %s", path, strerror(errno));
        if (got == 0) {
            return FAIL(NMOS_E_IO, "%s ended at byte %zu while it was read; it is being changed",
                        path, buf->len);
        }
        buf->len += (size_t)got;
    }
    return 0;
}

/* As gguf_parse(); with @p is_header_only a file that ends behind its header will do. */
static int parse(const struct buf *buf, uint64_t file_bytes, int is_header_only,
                 struct gguf **ret_gguf)
{
    const int rc = gguf_parse(buf->data, buf->len, file_bytes, ret_gguf);
    if (rc != NMOS_E_CORRUPT || !is_header_only) return rc;
    if (gguf_parse(buf->data, buf->len, UINT64_MAX, ret_gguf) == 0) {
        (*ret_gguf)->file_bytes[0] = file_bytes;
        return 0;
    }
    return gguf_parse(buf->data, buf->len, file_bytes, ret_gguf); /* for its message */
}

static int read_header(int fd, const char *path, uint64_t file_bytes, int is_header_only,
                       struct buf *buf, struct gguf **ret_gguf)
{
    for (size_t want = FIRST_READ_BYTES;; want *= 2) {
        if (want > GGUF_HEADER_BYTES_MAX) {
            return FAIL(NMOS_E_LIMIT, "%s: the header is longer than the limit of %u bytes", path,
                        GGUF_HEADER_BYTES_MAX);
        }
        const size_t n = want < file_bytes ? want : (size_t)file_bytes;
        TRY(read_up_to(fd, path, buf, n));
        const int rc = parse(buf, file_bytes, is_header_only, ret_gguf);
        if (rc == NMOS_E_TRUNCATED) continue;
        if (rc < 0) return FAIL(rc, "%s: %s", path, error_message());
        return 0;
    }
}

static int open_part(const char *path, int is_header_only, struct gguf **ret_gguf)
{
    int fd = -1;
    uint64_t file_bytes = 0;
    struct buf buf = {0};
    struct gguf *gguf = NULL;
    TRY(open_regular(path, &fd, &file_bytes));
    int rc = read_header(fd, path, file_bytes, is_header_only, &buf, &gguf);
    if (rc == 0 && !(gguf->paths[0] = mem_strndup(MEM_HEADER, path, strlen(path)))) {
        rc = NMOS_E_NOMEM;
    }
    if (rc == 0) {
        *ret_gguf = gguf;
    } else {
        gguf_close(&gguf);
    }
    buf_deinit(&buf);
    close(fd);
    return rc;
}

/* Position in, and size of, the split that one part claims; 0 of 1 when it claims none. */
static int read_split(const struct gguf *part, uint64_t *ret_no, uint64_t *ret_count)
{
    uint64_t count = 0;
    TRY(gguf_get_u64(part, "split.no", 0, ret_no));
    TRY(gguf_get_u64(part, "split.count", 0, &count));
    *ret_count = count ? count : 1;
    return 0;
}

static int ends_in(const char *path, const char *suffix)
{
    const size_t len = strlen(path);
    return len >= PART_SUFFIX_BYTES && strcmp(path + len - PART_SUFFIX_BYTES, suffix) == 0;
}

/* Path of part @p i of @p n, made from the path of the first. Caller frees. */
static int part_path(const char *first, uint32_t i, uint32_t n, char **ret_path)
{
    char suffix[32];
    char target[PATH_MAX];
    snprintf(suffix, sizeof(suffix), PART_SUFFIX_FORMAT, 1U, n);
    const char *named = first;
    if (!ends_in(named, suffix) && realpath(first, target)) named = target; /* a link to it */
    if (!ends_in(named, suffix)) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "%s is the first of %" PRIu32 " parts, but its name does not end in %s, so "
                    "that the others could be found",
                    first, n, suffix);
    }
    const size_t len = strlen(named);
    char *path = mem_strndup(MEM_HEADER, named, len);
    if (!path) return NMOS_E_NOMEM;
    snprintf(suffix, sizeof(suffix), PART_SUFFIX_FORMAT, i + 1, n);
    memcpy(path + len - PART_SUFFIX_BYTES, suffix, PART_SUFFIX_BYTES);
    *ret_path = path;
    return 0;
}

/* Appends the directory of @p part, file number @p i, to @p gguf and takes over its header bytes.
 */
static int join_part(struct gguf *gguf, struct gguf *part, uint32_t i)
{
    const uint64_t n = gguf->n_tensors + part->n_tensors;
    if (n > GGUF_TENSORS_MAX) {
        return FAIL(NMOS_E_LIMIT,
                    "%s: with part %" PRIu32 " the model has %" PRIu64 " tensors; the limit is %u",
                    part->paths[0], i + 1, n, GGUF_TENSORS_MAX);
    }
    struct gguf_tensor *tensors = mem_grow(MEM_HEADER, gguf->tensors, n * sizeof(*tensors));
    if (!tensors) return NMOS_E_NOMEM;
    gguf->tensors = tensors;
    for (uint64_t t = 0; t < part->n_tensors; t++) {
        tensors[gguf->n_tensors + t] = part->tensors[t];
        tensors[gguf->n_tensors + t].file_i = i;
    }
    gguf->n_tensors = n;
    gguf->paths[i] = part->paths[0];
    gguf->file_bytes[i] = part->file_bytes[0];
    gguf->tables->headers[i] = part->tables->headers[0];
    part->paths[0] = NULL;
    part->tables->headers[0] = NULL;
    return 0;
}

static int add_part(struct gguf *gguf, uint32_t i, uint32_t n, int is_header_only)
{
    char *path = NULL;
    struct gguf *part = NULL;
    uint64_t no = 0;
    uint64_t count = 0;
    TRY(part_path(gguf->paths[0], i, n, &path));
    int rc = open_part(path, is_header_only, &part);
    if (rc < 0) {
        rc = FAIL(rc, "part %" PRIu32 " of %" PRIu32 " of the split model: %s", i + 1, n,
                  error_message());
        goto out;
    }
    rc = read_split(part, &no, &count);
    if (rc < 0) goto out;
    if (no != i || count != n) {
        rc = FAIL(NMOS_E_CORRUPT,
                  "%s says it is part %" PRIu64 " of %" PRIu64 "; part %" PRIu32 " of %" PRIu32
                  " is expected",
                  path, no + 1, count, i + 1, n);
        goto out;
    }
    rc = join_part(gguf, part, i);
out:
    gguf_close(&part);
    mem_free(path);
    return rc;
}

/* Makes room for the paths, sizes and headers of @p n files. */
static int grow_files(struct gguf *gguf, uint32_t n)
{
    char **paths = mem_calloc(MEM_HEADER, n, sizeof(*paths));
    uint64_t *file_bytes = mem_calloc(MEM_HEADER, n, sizeof(*file_bytes));
    unsigned char **headers = mem_calloc(MEM_HEADER, n, sizeof(*headers));
    if (!paths || !file_bytes || !headers) {
        mem_free(paths);
        mem_free(file_bytes);
        mem_free(headers);
        return NMOS_E_NOMEM;
    }
    paths[0] = gguf->paths[0];
    file_bytes[0] = gguf->file_bytes[0];
    headers[0] = gguf->tables->headers[0];
    mem_free(gguf->paths);
    mem_free(gguf->file_bytes);
    mem_free(gguf->tables->headers);
    gguf->paths = paths;
    gguf->file_bytes = file_bytes;
    gguf->tables->headers = headers;
    gguf->n_files = n;
    return 0;
}

static int add_all_parts(struct gguf *gguf, int is_header_only)
{
    uint64_t no = 0;
    uint64_t count = 0;
    TRY(read_split(gguf, &no, &count));
    if (count > GGUF_FILES_MAX) {
        return FAIL(NMOS_E_LIMIT, "%s: split.count is %" PRIu64 "; the limit is %u parts",
                    gguf->paths[0], count, GGUF_FILES_MAX);
    }
    if (no != 0) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "%s is part %" PRIu64 " of %" PRIu64 " of a split model; name the first part",
                    gguf->paths[0], no + 1, count);
    }
    if (count == 1) return 0;
    const uint32_t n = (uint32_t)count;
    TRY(grow_files(gguf, n));
    for (uint32_t i = 1; i < n; i++) TRY(add_part(gguf, i, n, is_header_only));
    uint64_t n_tensors = 0;
    TRY(gguf_get_u64(gguf, "split.tensors.count", gguf->n_tensors, &n_tensors));
    if (n_tensors != gguf->n_tensors) {
        return FAIL(NMOS_E_CORRUPT,
                    "%s: split.tensors.count is %" PRIu64 ", but the %" PRIu32
                    " parts hold %" PRIu64 " tensors",
                    gguf->paths[0], n_tensors, n, gguf->n_tensors);
    }
    return gguf_index_names(gguf->tensors, sizeof(*gguf->tensors), gguf->n_tensors, "tensor",
                            &gguf->tables->tensor_index);
}

static int open_all(const char *path, int is_header_only, struct gguf **ret_gguf)
{
    struct gguf *gguf = NULL;
    TRY(open_part(path, is_header_only, &gguf));
    const int rc = add_all_parts(gguf, is_header_only);
    if (rc < 0) {
        gguf_close(&gguf);
        return rc;
    }
    *ret_gguf = gguf;
    return 0;
}

int gguf_open(const char *path, struct gguf **ret_gguf)
{
    return open_all(path, 0, ret_gguf);
}

int gguf_open_header(const char *path, struct gguf **ret_gguf)
{
    return open_all(path, 1, ret_gguf);
}
