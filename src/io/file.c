/* SPDX-License-Identifier: MIT */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define ALIGN_DEFAULT 4096U

static struct file_identity identity_of(const struct stat *st, uint64_t n_bytes)
{
    return (struct file_identity){
        .dev = st->st_dev,
        .inode = st->st_ino,
        .bytes = n_bytes,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
    };
}

/* Size of a regular file or block device. */
static int size_of(int fd, const struct stat *st, const char *path, uint64_t *ret_bytes)
{
    if (S_ISDIR(st->st_mode)) return FAIL(NMOS_E_IO, "%s is a directory, not a file", path);
    if (S_ISREG(st->st_mode)) {
        *ret_bytes = (uint64_t)st->st_size;
        return 0;
    }
    if (S_ISBLK(st->st_mode) && ioctl(fd, BLKGETSIZE64, ret_bytes) == 0) return 0;
    return FAIL(NMOS_E_IO, "%s is neither a regular file nor a block device", path);
}

/* Alignment that direct reads need, from the file system where it says so (statx, Linux 6.1); 0: no
 * direct reads. Otherwise 4096, which is a multiple of every logical block size in use, if a
 * probing read agrees. */
static uint32_t direct_align(int direct_fd, uint64_t file_bytes)
{
    uint32_t align = ALIGN_DEFAULT;
#ifdef STATX_DIOALIGN
    struct statx stx;
    memset(&stx, 0, sizeof(stx));
    if (statx(direct_fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
        (stx.stx_mask & STATX_DIOALIGN)) {
        align = stx.stx_dio_offset_align;
        if (stx.stx_dio_mem_align > align) align = stx.stx_dio_mem_align;
        if (align == 0) return 0;
    }
#endif
    if (align < 512) align = 512;
    if (align > FILE_ALIGN_MAX || (align & (align - 1))) return 0;
    if (file_bytes == 0) return align;
    void *probe = mem_alloc(MEM_IO, align, align);
    if (!probe) return 0;
    const ssize_t n = pread(direct_fd, probe, align, 0);
    mem_free(probe);
    return n > 0 ? align : 0;
}

/* Keeps direct_fd, or closes it where it cannot be used. */
static void accept_direct(struct file *file)
{
    const uint32_t align = file->direct_fd >= 0 ? direct_align(file->direct_fd, file->bytes) : 0;
    if (align == 0 && file->direct_fd >= 0) {
        (void)close(file->direct_fd);
        file->direct_fd = -1;
    }
    file->align = align ? align : ALIGN_DEFAULT;
}

int file_open(const char *path, struct file **ret_file)
{
    int rc = 0;
    struct stat st;
    struct file *file = mem_calloc(MEM_IO, 1, sizeof(*file));
    if (!file) return NMOS_E_NOMEM;
    file->fd = -1;
    file->direct_fd = -1;
    file->path = mem_strndup(MEM_IO, path, strlen(path));
    if (!file->path) {
        rc = NMOS_E_NOMEM;
        goto out;
    }
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &st) != 0) {
        rc = FAIL(NMOS_E_IO, "cannot open %s: %s", path, strerror(errno));
        goto out;
    }
    rc = size_of(file->fd, &st, path, &file->bytes);
    if (rc < 0) goto out;
    file->identity = identity_of(&st, file->bytes);
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_RANDOM);
    file->direct_fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
    accept_direct(file);
    *ret_file = file;
    file = NULL;
out:
    file_close(&file);
    return rc;
}

void file_close(struct file **file)
{
    struct file *f = *file;
    if (!f) return;
    if (f->fd >= 0) (void)close(f->fd);
    if (f->direct_fd >= 0) (void)close(f->direct_fd);
    mem_free(f->path);
    mem_free(f);
    *file = NULL;
}

/* A file of no name; where the file system has none, one whose name is gone at once. */
static int open_unnamed(const char *folder)
{
    char path[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    const int n = snprintf(path, sizeof(path), "%s/unnamed.XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) (void)unlink(path);
    return fd;
}

int file_create_unnamed(const char *folder, uint64_t bytes, struct file **ret_file)
{
    char path[64];
    int rc = 0;
    struct stat st;
    struct file *file = mem_calloc(MEM_IO, 1, sizeof(*file));
    if (!file) return NMOS_E_NOMEM;
    file->direct_fd = -1;
    file->bytes = bytes;
    file->fd = open_unnamed(folder);
    if (file->fd < 0 || ftruncate(file->fd, (off_t)bytes) != 0 || fstat(file->fd, &st) != 0) {
        rc = FAIL(NMOS_E_IO, "cannot create a file of %" PRIu64 " bytes in %s: %s", bytes, folder,
                  strerror(errno));
        goto out;
    }
    file->path = mem_strndup(MEM_IO, folder, strlen(folder));
    if (!file->path) {
        rc = NMOS_E_NOMEM;
        goto out;
    }
    file->identity = identity_of(&st, bytes);
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_RANDOM);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
    file->direct_fd = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
    accept_direct(file);
    if (file->align > ALIGN_DEFAULT && file->direct_fd >= 0) {
        (void)close(file->direct_fd);
        file->direct_fd = -1;
    }
    *ret_file = file;
    file = NULL;
out:
    file_close(&file);
    return rc;
}

int file_write(const struct file *file, uint64_t offset, uint64_t n_bytes, const void *bytes)
{
    const int is_direct = file->direct_fd >= 0;
    const int fd = is_direct ? file->direct_fd : file->fd;
    const char *from = bytes;
    for (uint64_t done = 0; done < n_bytes;) {
        const ssize_t n = pwrite(fd, from + done, n_bytes - done, (off_t)(offset + done));
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n <= 0) {
            return FAIL(NMOS_E_IO, "cannot write %" PRIu64 " bytes to a file in %s: %s", n_bytes,
                        file->path, strerror(n < 0 ? errno : ENOSPC));
        }
        done += (uint64_t)n;
    }
    if (!is_direct) { /* the page cache's copy would only push out somebody else's */
        (void)sync_file_range(fd, (off_t)offset, (off_t)n_bytes,
                              SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        (void)posix_fadvise(fd, (off_t)offset, (off_t)n_bytes, POSIX_FADV_DONTNEED);
    }
    return 0;
}

int file_read(const struct file *file, uint64_t offset, uint64_t n_bytes, void *ret_bytes)
{
    char *dst = ret_bytes;
    uint64_t done = 0;
    while (done < n_bytes) {
        const ssize_t n = pread(file->fd, dst + done, n_bytes - done, (off_t)(offset + done));
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) {
            return FAIL(NMOS_E_IO, "%s: reading %" PRIu64 " bytes at offset %" PRIu64 ": %s",
                        file->path, n_bytes, offset, strerror(errno));
        }
        if (n == 0) {
            return FAIL(NMOS_E_IO,
                        "%s ends at byte %" PRIu64 ", but bytes up to %" PRIu64 " are needed",
                        file->path, offset + done, offset + n_bytes);
        }
        done += (uint64_t)n;
    }
    return 0;
}

int file_check_unchanged(const struct file *file)
{
    if (file->fd < 0) return 0;
    struct stat st;
    if (fstat(file->fd, &st) != 0) {
        return FAIL(NMOS_E_IO, "%s: %s", file->path, strerror(errno));
    }
    const uint64_t bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : file->bytes;
    const struct file_identity now = identity_of(&st, bytes);
    if (now.bytes != file->identity.bytes) {
        return FAIL(NMOS_E_IO, "%s changed while in use: it had %" PRIu64 " bytes, now %" PRIu64,
                    file->path, file->identity.bytes, now.bytes);
    }
    if (now.mtime_ns != file->identity.mtime_ns) {
        return FAIL(NMOS_E_IO, "%s was written to while in use", file->path);
    }
    return 0;
}
