/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer, as an ordinary test: `TARGET CORPUS-DIR [N [SEED]]` replays
 * every file of the corpus, then N mutations of them. The same arguments give the same inputs, so a
 * failure repeats under a debugger.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"

#define FILES_MAX       4096
#define INPUT_BYTES_MAX ((size_t)1 << 20)

static struct buf files[FILES_MAX];
static size_t n_files;
static uint64_t random_state;

/* splitmix64 */
static uint64_t next_random(void)
{
    uint64_t x = random_state += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static size_t below(size_t n)
{
    return n ? (size_t)(next_random() % n) : 0;
}

static void must(int rc)
{
    if (rc == 0) return;
    fprintf(stderr, "driver: %s\n", error_message());
    exit(1);
}

/* Sorted by name, so that the order does not depend on the file system. */
static void load_corpus(const char *dir)
{
    struct dirent **entries = NULL;
    const int n = scandir(dir, &entries, NULL, alphasort);
    if (n < 0) {
        perror(dir);
        exit(1);
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        const char *name = entries[i]->d_name;
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        if (name[0] != '.' && n_files < FILES_MAX)
            must(buf_read_file(&files[n_files++], path, INPUT_BYTES_MAX));
        free(entries[i]);
    }
    free(entries);
}

static void overwrite(struct buf *input)
{
    static const uint64_t values[] = {0,          1,          0x7f,       0x80,       0xff,
                                      0xffff,     0x7fffffff, 0xffffffff, 1ULL << 32, INT64_MAX,
                                      UINT64_MAX, 32,         256};
    const size_t at = below(input->len);
    const size_t widths[] = {1, 2, 4, 8};
    size_t width = widths[below(4)];
    const uint64_t value =
        below(2) ? values[below(sizeof(values) / sizeof(values[0]))] : next_random();
    if (width > input->len - at) width = input->len - at;
    memcpy(input->data + at, &value, width);
}

/* Replaces a stretch of the input by a stretch of another file. */
static void splice(struct buf *input)
{
    const struct buf *other = &files[below(n_files)];
    const size_t at = below(input->len + 1);
    const size_t cut = below(input->len - at + 1) / (1 + below(8));
    const size_t from = below(other->len + 1);
    const size_t n = below(other->len - from + 1) / (1 + below(8));
    if (input->len - cut + n > INPUT_BYTES_MAX) return;
    struct buf result = {0};
    must(buf_append(&result, input->data, at));
    must(buf_append(&result, other->data ? other->data + from : "", n));
    must(buf_append(&result, input->data + at + cut, input->len - at - cut));
    buf_deinit(input);
    *input = result;
}

static void mutate(struct buf *input)
{
    const size_t n_changes = 1 + below(4);
    for (size_t i = 0; i < n_changes; i++) {
        const size_t kind = below(8);
        if (input->len == 0 || kind == 0) {
            splice(input);
        } else if (kind == 1) {
            input->len = below(input->len + 1);
        } else if (kind < 5) {
            input->data[below(input->len)] ^= (char)(1 << below(8));
        } else {
            overwrite(input);
        }
    }
}

/* A block of exactly the input's size, so that a sanitizer sees any read behind it. */
static void run_one(const struct buf *input)
{
    uint8_t *copy = malloc(input->len ? input->len : 1);
    if (!copy) exit(1);
    if (input->len) memcpy(copy, input->data, input->len);
    (void)LLVMFuzzerTestOneInput(copy, input->len);
    free(copy);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s CORPUS-DIR [MUTATIONS [SEED]]\n", argv[0]);
        return 2;
    }
    load_corpus(argv[1]);
    for (size_t i = 0; i < n_files; i++) run_one(&files[i]);
    const uint64_t n_mutations = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    random_state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    for (uint64_t i = 0; n_files && i < n_mutations; i++) {
        struct buf input = {0};
        const struct buf *parent = &files[below(n_files)];
        must(buf_append(&input, parent->data ? parent->data : "", parent->len));
        mutate(&input);
        run_one(&input);
        buf_deinit(&input);
    }
    printf("%zu corpus files and %llu mutations\n", n_files, (unsigned long long)n_mutations);
    for (size_t i = 0; i < n_files; i++) buf_deinit(&files[i]);
    return 0;
}
