/* SPDX-License-Identifier: MIT */
#include "engine/prefix_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cache_file.h"
#include "base/file_replace.h"
#include "base/log.h"
#include "base/mem.h"

#define HASH_FACTOR 0x9e3779b97f4a7c15U /* odd, so that a step is one-to-one */
#define FOLDER      "prefix"
#define NAME_BYTES  48

static const char magic[8] = {'N', 'M', 'O', 'S', 'K', 'V', '0', '1'};

struct prefix_head {
    char magic[8];
    uint64_t model;
    uint64_t key;
    uint64_t page_bytes;
    uint32_t n_tokens;
    uint32_t n_logits; /* 0: none */
    uint64_t sum;      /* of all behind the head, with the fields above mixed in */
};
_Static_assert(sizeof(struct prefix_head) == 48, "as in the file");

/* A step is one-to-one in the state and in the word, so a change of one word always shows. */
static uint64_t mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * HASH_FACTOR;
    return state ^ (state >> 29);
}

static uint64_t sum_bytes(uint64_t state, const void *data, size_t n)
{
    const char *at = data;
    uint64_t word;
    for (; n >= sizeof(word); n -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        state = mix(state, word);
    }
    word = 0;
    if (n) memcpy(&word, at, n);
    return mix(state, word);
}

static uint64_t sum_of(const struct prefix_head *head, const struct prefix_page *page)
{
    uint64_t sum = sum_bytes(0, head, offsetof(struct prefix_head, sum));
    sum = sum_bytes(sum, page->tokens, page->n_tokens * sizeof(int32_t));
    sum = sum_bytes(sum, page->logits, head->n_logits * sizeof(float));
    return sum_bytes(sum, page->page, page->page_bytes);
}

static int path_of(uint64_t model, uint64_t key, char path[PATH_MAX])
{
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), FOLDER "/%016" PRIx64 ".kv", mix(model, key));
    return cache_file_path(name, path, PATH_MAX);
}

int prefix_store_has(uint64_t model, uint64_t key)
{
    char path[PATH_MAX];
    return path_of(model, key, path) == 0 && access(path, R_OK) == 0;
}

static struct prefix_head head_of(const struct prefix_page *page, uint32_t n_logits)
{
    struct prefix_head head = {.model = page->model,
                               .key = page->key,
                               .page_bytes = page->page_bytes,
                               .n_tokens = page->n_tokens,
                               .n_logits = n_logits};
    memcpy(head.magic, magic, sizeof(magic));
    return head;
}

int prefix_store_write(const struct prefix_page *page)
{
    char path[PATH_MAX];
    const uint32_t n_logits = page->logits ? page->n_logits : 0;
    struct prefix_head head = head_of(page, n_logits);
    TRY(path_of(page->model, page->key, path));
    if (!n_logits && access(path, R_OK) == 0) return 0;
    head.sum = sum_of(&head, page);
    const struct str parts[] = {
        {(const char *)&head, sizeof(head)},
        {(const char *)page->tokens, page->n_tokens * sizeof(int32_t)},
        {n_logits ? (const char *)page->logits : "", n_logits * sizeof(float)},
        {page->page, page->page_bytes},
    };
    file_make_folders(path);
    return file_replace_parts(path, parts, sizeof(parts) / sizeof(parts[0]));
}

static int read_all(int fd, void *data, size_t n)
{
    char *at = data;
    while (n > 0) {
        const ssize_t n_now = read(fd, at, n);
        if (n_now <= 0) return -1;
        at += n_now;
        n -= (size_t)n_now;
    }
    return 0;
}

/* Whether the tokens in the file are the page's; they are read into the page's memory first. */
static int has_tokens(int fd, const struct prefix_page *page)
{
    const size_t n = page->n_tokens * sizeof(int32_t);
    return n <= page->page_bytes && read_all(fd, page->page, n) == 0 &&
           memcmp(page->page, page->tokens, n) == 0;
}

/* Why the file is not to be trusted; NULL when it is. */
static const char *fault_of(int fd, struct prefix_page *page, int *ret_has_logits)
{
    struct prefix_head head;
    if (read_all(fd, &head, sizeof(head)) != 0) return "it is too short";
    const struct prefix_head want = head_of(page, head.n_logits);
    if (memcmp(&head, &want, offsetof(struct prefix_head, sum)) != 0) return "its head is wrong";
    if (head.n_logits && head.n_logits != page->n_logits) return "its head is wrong";
    if (!has_tokens(fd, page)) return "its tokens are others";
    struct prefix_page content = *page;
    float *skipped = NULL; /* logits that nobody wants count in the sum all the same */
    if (head.n_logits && !page->logits) {
        skipped = mem_calloc(MEM_IO, head.n_logits, sizeof(float));
        if (!skipped) return "there is no memory to check it";
        content.logits = skipped;
    }
    const int is_whole = read_all(fd, content.logits, head.n_logits * sizeof(float)) == 0 &&
                         read_all(fd, page->page, page->page_bytes) == 0;
    const int is_right = is_whole && sum_of(&head, &content) == head.sum;
    mem_free(skipped);
    if (ret_has_logits) *ret_has_logits = head.n_logits > 0;
    return is_right ? NULL : "its checksum is wrong";
}

int prefix_store_read(struct prefix_page *page, int *ret_has_logits)
{
    char path[PATH_MAX];
    TRY(path_of(page->model, page->key, path));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return FAIL(NMOS_E_IO, "there is no %s", path);
    const char *fault = fault_of(fd, page, ret_has_logits);
    close(fd);
    if (!fault) return 0;
    LOG_WARN("%s is set aside: %s; its part of the text is read again", path, fault);
    if (file_set_aside(path) < 0) LOG_WARN("%s", error_message());
    return FAIL(NMOS_E_CORRUPT, "%s: %s", path, fault);
}

void prefix_store_touch(uint64_t model, uint64_t key)
{
    char path[PATH_MAX];
    if (path_of(model, key, path) == 0) (void)utimensat(AT_FDCWD, path, NULL, 0);
}

/* ---- The cap ---- */

struct entry {
    char name[NAME_MAX + 1];
    uint64_t bytes;
    struct timespec used;
};

static int by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct entry *)a)->used;
    const struct timespec *y = &((const struct entry *)b)->used;
    if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* All files of the folder, drafts of writers that died and damaged ones included. @return NULL when
 * there are none. */
static struct entry *list_entries(DIR *dir, size_t *ret_n)
{
    struct entry *entries = NULL;
    size_t n = 0;
    struct dirent *item;
    while ((item = readdir(dir))) {
        struct stat info;
        if (fstatat(dirfd(dir), item->d_name, &info, 0) != 0 || !S_ISREG(info.st_mode)) continue;
        if (n % 256 == 0) {
            struct entry *grown = mem_grow(MEM_IO, entries, (n + 256) * sizeof(entries[0]));
            if (!grown) break;
            entries = grown;
        }
        snprintf(entries[n].name, sizeof(entries[n].name), "%s", item->d_name);
        entries[n].bytes = (uint64_t)info.st_size;
        entries[n++].used = info.st_mtim;
    }
    *ret_n = n;
    return entries;
}

void prefix_store_limit(uint64_t max_bytes)
{
    char path[PATH_MAX];
    size_t n = 0;
    uint64_t bytes = 0;
    DIR *dir = cache_file_path(FOLDER, path, sizeof(path)) == 0 ? opendir(path) : NULL;
    if (!dir) return;
    struct entry *entries = list_entries(dir, &n);
    for (size_t i = 0; i < n; i++) bytes += entries[i].bytes;
    if (n) qsort(entries, n, sizeof(entries[0]), by_use);
    for (size_t i = 0; i < n && bytes > max_bytes; i++) {
        if (unlinkat(dirfd(dir), entries[i].name, 0) == 0) bytes -= entries[i].bytes;
    }
    mem_free(entries);
    closedir(dir);
}
